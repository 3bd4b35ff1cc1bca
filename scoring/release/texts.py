"""Sentences that a release keeps, told again in another language.

A release has the same bytes whoever trains it, so its sentences are English. Where one is shown, it
is matched against the message that it was made from and made again in the language of the reader.
A sentence of an older version that no message fits stays as it is.
"""

from __future__ import annotations

import re
from functools import lru_cache
from string import Formatter

from features.language.current import N_, current
from features.language.language import ENGLISH, Language

KEPT: tuple[str, ...] = (
    N_("no signal: no model was clearly better than the base rate out of time, so everybody gets "
       "the base rate of {base_rate:.3f}"),
    N_("{name}: better than the base rate by {errors:.1f} standard errors"),
    N_("default: warm from the average probability ({warm:.3f}), hot from {times:g} times its odds "
       "({hot:.3f})"),
    N_("capacity: about {per_week:g} hot of {leads_per_week:.1f} leads a week, and {times:g} times "
       "as many warm or hot"),
    N_("value: a contact pays from {warm:.3f} (cost {cost:g} / value {value:g}); hot from "
       "{hot:.3f}, where it returns {times:g} times its cost"),
    N_("there is no time to hold back (or too little of it), so these figures come from grouped "
       "folds and are optimistic"),
    N_("all of the score is learned"),
    N_("{rule:d} % of the score is rule, {learned:d} % is learned"),
)  # fmt: skip
"""The messages; those that are made elsewhere are listed here word for word (a test makes each)."""


def retold(text: str, language: Language | None = None) -> str:
    """A kept sentence in a language, that in use if None; as it is where no message fits."""
    spoken = current() if language is None else language
    if spoken is ENGLISH:
        return text
    for message, pattern in _patterns():
        if found := pattern.fullmatch(text):
            return _filled(spoken.gettext(message), found.groupdict(), spoken)
    return text


@lru_cache(maxsize=1)
def _patterns() -> list[tuple[str, re.Pattern[str]]]:
    return [(message, re.compile(_pattern(message), re.DOTALL)) for message in KEPT]


def _pattern(message: str) -> str:
    """What a message looks like with its placeholders filled in, as a regular expression."""
    parts = []
    for literal, name, spec, _ in Formatter().parse(message):
        parts.append(re.escape(literal))
        if name is not None:
            parts.append(f"(?P<{name}>[-+0-9.,e]+%?)" if spec else f"(?P<{name}>.+?)")
    return "".join(parts)


def _filled(text: str, values: dict[str, str], language: Language) -> str:
    parts = []
    for literal, name, spec, _ in Formatter().parse(text):
        parts.append(literal)
        if name is None:
            continue
        value = values[name]
        if spec and value.endswith("%"):
            number = language.localized(value[:-1])
            value = language.pgettext("percent", "{number}%").format(number=number)
        parts.append(language.localized(value) if spec else value)
    return "".join(parts)
