"""What interactions are called, in the forms that a sentence needs.

A language may bend a noun (*aucune page vue*, *dernier rendez-vous*, *plus d'interactions*), so
that a catalogue holds each form of each kind that is known here. A kind of one's own is quoted as
it stands in the data beside a word that bends: *aucune interaction « dépôt de dossier »*.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from features.language.language import ENGLISH, Language

ANY, INBOUND, OUTBOUND = "any", "inbound", "outbound"
"""The three streams beside the kinds: everything, the lead's own acts, our own attempts."""


STREAM_WORDS = {
    ANY: ("interaction", "interactions"),
    INBOUND: ("act of their own", "acts of their own"),
    OUTBOUND: ("contact attempt of ours", "contact attempts of ours"),
}


KNOWN_KINDS = (
    "cart_abandonment", "contact_attempt", "contact_form", "content_download", "email_bounce",
    "email_click", "email_open", "email_reply", "email_sent", "fax", "inbound_call", "letter",
    "live_chat", "meeting", "newsletter_signup", "note", "offer_view", "opt_out", "order_request",
    "outbound_call", "outbound_email", "page_view", "quote_request", "sms_sent", "social_follow",
    "spam_complaint", "task", "trial_signup", "unsubscribe", "unsubscribed", "webinar",
)  # fmt: skip
"""Kinds with forms in the catalogues; any other kind is quoted."""


class Noun(NamedTuple):
    """A stream or a kind in the forms that sentences use.

    ``one``, ``many``: singular and plural. ``none``: with "no". ``of_many``: after a word of
    comparison (*plus* d'interactions). ``last``, ``first``, ``a``: the singular with that word.
    """

    one: str
    many: str
    none: str
    of_many: str
    last: str
    first: str
    a: str


def english_noun(topic: str) -> Noun:
    """The forms in English, which are the messages of the catalogues.

    >>> english_noun("page_view").none, english_noun("any").last
    ('no page views', 'last interaction')
    """
    if topic in STREAM_WORDS:
        one, many = STREAM_WORDS[topic]
    else:
        one = topic.replace("_", " ").replace(".", " ").strip()
        many = one if one.endswith("s") else f"{one}s"
    return Noun(one, many, f"no {many}", many, f"last {one}", f"first {one}", f"a {one}")


CONTEXTS = {form: f"interactions: {form.replace('_', ' ')}" for form in Noun._fields}
"""The context of each form in a catalogue."""


QUOTED = "{kind}"
"""The message for the noun of a kind that no catalogue knows, in every context."""


@lru_cache(maxsize=4096)
def noun(topic: str, language: Language = ENGLISH) -> Noun:
    """The forms of a stream or kind in a language."""
    english = english_noun(topic)
    if language.code == ENGLISH.code:
        return english
    if topic in STREAM_WORDS or topic in KNOWN_KINDS:
        forms = zip(CONTEXTS.values(), english, strict=True)
        return Noun(*(language.pgettext(context, form) for context, form in forms))
    quoted = [language.pgettext(context, QUOTED) for context in CONTEXTS.values()]
    if QUOTED in quoted[2:]:
        return english  # the language has no words for it
    return Noun(*(text.format(kind=topic.replace("_", " ").strip()) for text in quoted))


def messages() -> list[tuple[str, str]]:
    """(context, message) of every form, for the extraction of messages."""
    topics = (*STREAM_WORDS, *KNOWN_KINDS)
    known = [
        (context, form)
        for topic in topics
        for context, form in zip(CONTEXTS.values(), english_noun(topic), strict=True)
    ]
    return [*known, *((context, QUOTED) for context in CONTEXTS.values())]
