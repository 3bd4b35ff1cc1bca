"""Translates sentences that are composed already.

What goes into a release must have the same bytes whoever makes it, so its sentences are English, as
are those of the code that measures. Where one is shown, it is matched against the messages that it
may have been made from, and made again in the language of the reader: numbers are written by that
language, and what fills a placeholder is made again in turn. A sentence that no message fits, as
one of an older version, stays as it is.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from functools import cached_property, lru_cache
from string import Formatter

from features.language.language import ENGLISH, Language

NUMBER = r"[-+−]?[0-9][0-9.,]*(?:e[-+]?[0-9]+)?"
_PLAIN_NUMBER = re.compile(
    r"([-+−]?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?(?:e[-+]?[0-9]+)?)(\s?%)?"
)
"""A number that stands alone; "3.11.7" is the name of a version."""
_DAY = re.compile(r"\d{4}-\d\d-\d\d")
WORDY = 4
"""Letters of its own from which a message counts as one with words, unlike ``{low} to {high}``."""
JOINTS = ("; ", ", ")
JOINT_CONTEXT = "between sentences"
MAX_DEPTH = 4


Message = str | tuple[str, str]
"""A message, or the singular and plural of one that counts ``{n}`` things."""


class SentenceTranslator:
    """Translates a sentence by the message that it was made from.

    >>> SentenceTranslator(("{n:,} leads, {verb}", "kept")).of("1,200 leads, kept", ENGLISH)
    '1,200 leads, kept'
    """

    def __init__(
        self, messages: Sequence[Message], context: str | None = None, *, empty: bool = False
    ) -> None:
        """``context``: of the messages in a catalogue. ``empty``: placeholders may be empty."""
        self._messages, self._context = messages, context
        self._filling = ".*?" if empty else ".+?"
        self._plain = frozenset(m for m in messages if isinstance(m, str) and "{" not in m)
        self._of = lru_cache(maxsize=4096)(self._translated)

    @cached_property
    def _forms(self) -> list[tuple[str, str, Message]]:
        """(a piece that a sentence of it holds, its form, the message), the most specific first."""
        forms = [
            (form, message)
            for message in self._messages
            for form in ((message,) if isinstance(message, str) else message)
            if "{" in form
        ]
        forms.sort(key=lambda pair: -len(re.sub(r"{.*?}", "", pair[0])))
        return [(_longest_literal(form), form, message) for form, message in forms]

    def of(self, text: str, language: Language) -> str:
        """The sentence in a language."""
        return text if language is ENGLISH else self._of(text, language)

    def _translated(self, text: str, language: Language, depth: int = 0) -> str:
        if text in self._plain:
            return self._translation(text, {}, language)
        if _DAY.fullmatch(text):
            return language.format_date(date.fromisoformat(text))
        if number := _PLAIN_NUMBER.fullmatch(text):
            return _number(number[1], bool(number[2]), language)
        translated = self._matched(text, language, depth, with_words=True)
        if translated is None:
            translated = self._by_sentence(text, language, depth)
        if translated is None:  # after that, for they fit whole paragraphs too
            translated = self._matched(text, language, depth, with_words=False)
        if translated is None:
            translated = self._by_part(text, language, depth)
        return text if translated is None else translated

    def _matched(
        self, text: str, language: Language, depth: int, *, with_words: bool
    ) -> str | None:
        """The text by the first message that it fits, among those with words of their own or the
        others, such as ``{name}: {reason}``."""
        for piece, form, message in self._forms:
            if piece not in text or (_letters_of(form) >= WORDY) != with_words:
                continue
            if found := self._pattern(form).fullmatch(text):
                values = found.groupdict()
                translation = self._translation(message, values, language)
                return self._filled(translation, values, language, depth)
        return None

    def _by_sentence(self, text: str, language: Language, depth: int) -> str | None:
        """The text sentence by sentence; None where it is one, or none is known."""
        sentences = re.split(r"(?<=\.) ", text)
        if len(sentences) < 2 or depth >= MAX_DEPTH:
            return None
        in_language = [self._translated(sentence, language, depth + 1) for sentence in sentences]
        return " ".join(in_language) if in_language != sentences else None

    def _by_part(self, text: str, language: Language, depth: int) -> str | None:
        """The text without its full stop, or part by part; None where no part is known."""
        if text.endswith("."):
            translated = self._translated(text[:-1], language, depth)
            if translated != text[:-1]:
                return f"{translated}."
        for joint in JOINTS:
            parts = text.split(joint)
            if len(parts) > 1 and depth < MAX_DEPTH:
                in_language = [self._translated(part, language, depth + 1) for part in parts]
                if in_language != parts:
                    return language.pgettext(JOINT_CONTEXT, joint).join(in_language)
        return None

    def _pattern(self, form: str) -> re.Pattern[str]:
        return _pattern(form, self._filling)

    def _translation(self, message: Message, values: dict[str, str], language: Language) -> str:
        if not isinstance(message, str):
            n = float(values["n"].replace(",", ""))
            if self._context is not None:
                return language.npgettext(self._context, *message, n)
            return language.ngettext(*message, n)
        if self._context is not None:
            return language.pgettext(self._context, message)
        return language.gettext(message)

    def _filled(self, text: str, values: dict[str, str], language: Language, depth: int) -> str:
        parts = []
        for literal, name, spec, conversion in Formatter().parse(text):
            parts.append(literal)
            if name is None:
                continue
            value = values[name]
            if spec:
                parts.append(_number(value.rstrip("%"), value.endswith("%"), language))
            elif conversion or depth >= MAX_DEPTH:
                parts.append(value)
            else:
                parts.append(self._translated(value, language, depth + 1))
        return "".join(parts)


def _number(text: str, is_percent: bool, language: Language) -> str:
    number = language.localized(text)
    if not is_percent:
        return number
    return language.pgettext("percent", "{number}%").format(number=number)


def _longest_literal(message: str) -> str:
    return max((literal for literal, *_ in Formatter().parse(message)), key=len)


@lru_cache(maxsize=4096)
def _letters_of(message: str) -> int:
    return len(re.sub(r"{.*?}|[\W\d_]", "", message))


@lru_cache(maxsize=4096)
def _pattern(message: str, filling: str) -> re.Pattern[str]:
    """What a message looks like with its placeholders filled in."""
    parts = []
    for literal, name, spec, _ in Formatter().parse(message):
        parts.append(re.escape(literal))
        if name is not None:
            parts.append(f"(?P<{name}>{NUMBER}%?)" if spec else f"(?P<{name}>{filling})")
    return re.compile("".join(parts), re.DOTALL)
