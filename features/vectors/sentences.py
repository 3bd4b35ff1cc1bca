"""How a person says a number, a span of time, a kind or an attribute, in their language."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from string import Formatter
from typing import NamedTuple

from features.language.language import ENGLISH, Language
from features.vectors.nouns import noun


def number(value: float, language: Language = ENGLISH) -> str:
    """A number as a person writes it: no decimals from a hundred on, else three figures.

    >>> number(12.0), number(0.25), number(1234567.0), number(1462.15), number(3.14159)
    ('12', '0.25', '1,234,567', '1,462', '3.14')
    """
    return language.format_number(value)


def days(value: float, language: Language = ENGLISH) -> str:
    """A time in days as minutes, hours or days.

    >>> days(0.01), days(0.5), days(12.4), days(1 / 24)
    ('14 minutes', '12 hours', '12 days', '1 hour')
    """
    if value < 1 / 24:
        n = max(1, round(value * 1440))
        text = language.ngettext("{n} minute", "{n} minutes", n)
    elif value < 2:
        n = round(value * 24)
        text = language.ngettext("{n} hour", "{n} hours", n)
    else:
        n = round(value)
        text = language.ngettext("{n} day", "{n} days", n)
    return text.format(n=n)


def day_count(value: float, language: Language = ENGLISH) -> str:
    """A number of days, which may be a fraction.

    >>> day_count(1), day_count(7), day_count(0.5)
    ('1 day', '7 days', '0.5 days')
    """
    text = language.ngettext("{n} day", "{n} days", value)
    return text.format(n=number(value, language))


@lru_cache(maxsize=1024)
def span(window_days: float | None, language: Language = ENGLISH) -> str:
    """A window in words.

    >>> span(7), span(1), span(0.5), span(None)
    ('in the last 7 days', 'in the last 24 hours', 'in the last 12 hours', 'so far')
    """
    if window_days is None:
        return language.gettext("so far")
    if window_days <= 2:
        n = window_days * 24
        text = language.ngettext("in the last hour", "in the last {n} hours", n)
    else:
        n = window_days
        text = language.ngettext("in the last day", "in the last {n} days", n)
    return text.format(n=number(n, language))


def words(topic: str, language: Language = ENGLISH) -> tuple[str, str]:
    """Singular and plural of a stream or kind.

    >>> words("page_view"), words("any")
    (('page view', 'page views'), ('interaction', 'interactions'))
    """
    forms = noun(topic, language)
    return forms.one, forms.many


def count_phrase(value: float, topic: str, language: Language = ENGLISH) -> str:
    """A number of interactions in words.

    >>> count_phrase(12, "page_view"), count_phrase(1, "meeting"), count_phrase(0, "any")
    ('12 page views', '1 meeting', 'no interactions')
    """
    forms = noun(topic, language)
    if value == 0:
        return forms.none
    text = language.npgettext("interactions counted", "{n} {one}", "{n} {many}", value)
    return text.format(n=number(value, language), one=forms.one, many=forms.many)


def trend(value: float, topic: str, language: Language = ENGLISH) -> str:
    """A log ratio of the last week to the weeks before, in words.

    >>> trend(-0.4, "page_view")
    'fewer page views in the last week than in the weeks before'
    """
    if value == 0:
        text = language.gettext("as many {of_many} in the last week as in the weeks before")
    elif value > 0:
        text = language.gettext("more {of_many} in the last week than in the weeks before")
    else:
        text = language.gettext("fewer {of_many} in the last week than in the weeks before")
    return text.format(of_many=noun(topic, language).of_many)


class SentenceContext(NamedTuple):
    """What a sentence is made from: a known value, the feature it belongs to, the language.

    Messages may hold ``{n}`` (the number), ``{days}`` (the number as a time), ``{percent}``,
    ``{counted}`` (so many interactions), ``{span}`` (the window), ``{half_life}``, ``{level}``,
    ``{attribute}``, ``{rank}``, ``{hour}``, ``{weekday}`` and every form of
    :class:`~features.vectors.nouns.Noun`.
    """

    value: float
    topic: str
    window_days: float | None = None
    half_life_days: float | None = None
    level: str | None = None
    language: Language = ENGLISH

    def gettext(self, message: str) -> str:
        """The message in the language, with its placeholders filled in."""
        return self._filled(self.language.gettext(message))

    def ngettext(self, one: str, many: str) -> str:
        """The same with the plural form of the value."""
        return self._filled(self.language.ngettext(one, many, self.value))

    def _filled(self, text: str) -> str:
        template, fields = _prefilled(text, *self[1:])
        return template.format(*[OF_VALUE[name](self.value, self) for name in fields])


OF_VALUE: dict[str, Callable[[float, SentenceContext], str]] = {
    "n": lambda value, context: context.language.format_number(value),
    "days": lambda value, context: days(value, context.language),
    "percent": lambda value, context: context.language.format_percent(value),
    "counted": lambda value, context: count_phrase(value, context.topic, context.language),
    "rank": lambda value, context: ranked(value, context.level, context.language),
    "hour": lambda value, _: f"{value:.0f}",
    "weekday": lambda value, context: context.language.weekday_name(int(value)),
}
"""Placeholders that depend on the value."""


@lru_cache(maxsize=8192)
def _prefilled(
    text: str,
    topic: str,
    window_days: float | None,
    half_life_days: float | None,
    level: str | None,
    language: Language,
) -> tuple[str, list[str]]:
    """A template in which all but the value is filled in, and what of the value it takes."""
    fixed: dict[str, str] = {
        **noun(topic, language)._asdict(),
        "span": span(window_days, language),
        "half_life": day_count(half_life_days or 0, language),
        "level": str(level),
        "attribute": humanize_name(topic, language),
    }
    template, fields = [], []
    for literal, name, _, _ in Formatter().parse(text):
        template.append(_escaped(literal))
        if name in OF_VALUE:
            template.append("{}")
            fields.append(name)
        elif name is not None:
            template.append(_escaped(fixed[name]))
    return "".join(template), fields


def _escaped(text: str) -> str:
    return text.replace("{", "{{").replace("}", "}}")


LEVELS_IN_ORDER = " < "
"""Between the ordered answers of an attribute, least first."""


def ranked(value: float, levels: str | None, language: Language = ENGLISH) -> str:
    """An ordered answer by its name, among all of them.

    >>> ranked(1.0, "low < mid < high"), ranked(1.0, None)
    ('mid (low < mid < high)', 'rank 1')
    """
    if levels is None:
        return language.gettext("rank {n}").format(n=number(value, language))
    return f"{levels.split(LEVELS_IN_ORDER)[int(value)]} ({levels})"


KNOWN_ATTRIBUTES = (
    "age", "authority", "budget", "campaign", "channel", "city", "company", "company size",
    "country", "department", "employees", "first action", "industry", "job title", "language",
    "lead", "need", "occupation", "region", "revenue", "sector", "seniority", "size", "source",
    "timeline", "urgency", "motivation",
)  # fmt: skip
"""Attributes with a name in the catalogues, as :func:`humanize_name` writes them in English."""


ATTRIBUTE_CONTEXT = "attribute"


@lru_cache(maxsize=4096)
def humanize_name(topic: str, language: Language = ENGLISH) -> str:
    """An attribute's name as a person says it: as it stands in the data, unless it is known.

    >>> humanize_name("emp_var_rate"), humanize_name("Lead Origin")
    ('emp var rate', 'Lead Origin')
    """
    name = topic.replace("_", " ")
    if language.code == ENGLISH.code or name.lower() not in KNOWN_ATTRIBUTES:
        return name
    return language.pgettext(ATTRIBUTE_CONTEXT, name.lower())
