"""How a person says a number, a span of time, a kind or an attribute."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

ANY, INBOUND, OUTBOUND = "any", "inbound", "outbound"
"""The three streams beside the kinds: everything, the lead's own acts, our own attempts."""


STREAM_WORDS = {
    ANY: ("interaction", "interactions"),
    INBOUND: ("act of their own", "acts of their own"),
    OUTBOUND: ("contact attempt of ours", "contact attempts of ours"),
}


WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def number(value: float) -> str:
    """A number as a person writes it: no decimals from a hundred on, else three figures.

    >>> number(12.0), number(0.25), number(1234567.0), number(1462.15), number(3.14159)
    ('12', '0.25', '1,234,567', '1,462', '3.14')
    """
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def days(value: float) -> str:
    """A time in days as minutes, hours or days.

    >>> days(0.01), days(0.5), days(12.4)
    ('14 minutes', '12 hours', '12 days')
    """
    if value < 1 / 24:
        return f"{max(1, round(value * 1440))} minutes"
    if value < 2:
        return f"{round(value * 24)} hours"
    return f"{round(value)} days"


def pluralize(amount: float, one: str) -> str:
    """A number of something with a regular plural.

    >>> pluralize(1, "day"), pluralize(7, "day")
    ('1 day', '7 days')
    """
    return f"{number(amount)} {one}{'' if amount == 1 else 's'}"


@lru_cache(maxsize=1024)
def span(window_days: float | None) -> str:
    """A window in words.

    >>> span(7), span(1), span(0.5), span(None)
    ('in the last 7 days', 'in the last 24 hours', 'in the last 12 hours', 'so far')
    """
    if window_days is None:
        return "so far"
    if window_days <= 2:
        return f"in the last {number(window_days * 24)} hours"
    return f"in the last {number(window_days)} days"


@lru_cache(maxsize=4096)
def words(topic: str) -> tuple[str, str]:
    """Singular and plural of a stream or kind.

    >>> words("page_view"), words("any")
    (('page view', 'page views'), ('interaction', 'interactions'))
    """
    if topic in STREAM_WORDS:
        return STREAM_WORDS[topic]
    spoken = topic.replace("_", " ").replace(".", " ").strip()
    return spoken, spoken if spoken.endswith("s") else f"{spoken}s"


def count_phrase(value: float, topic: str) -> str:
    """A number of interactions in words.

    >>> count_phrase(12, "page_view"), count_phrase(1, "meeting"), count_phrase(0, "any")
    ('12 page views', '1 meeting', 'no interactions')
    """
    one, many = words(topic)
    if value == 0:
        return f"no {many}"
    return f"{number(value)} {one if value == 1 else many}"


def trend(value: float, many: str) -> str:
    """A log ratio of the last week to the weeks before, in words.

    >>> trend(-0.4, "page views")
    'fewer page views in the last week than in the weeks before'
    """
    if value == 0:
        return f"as many {many} in the last week as in the weeks before"
    return f"{'more' if value > 0 else 'fewer'} {many} in the last week than in the weeks before"


class SentenceContext(NamedTuple):
    """What a sentence is made from: a known value and the feature it belongs to."""

    value: float
    topic: str
    window_days: float | None = None
    half_life_days: float | None = None
    level: str | None = None

    @property
    def one(self) -> str:
        """The topic in the singular."""
        return words(self.topic)[0]

    @property
    def many(self) -> str:
        """The topic in the plural."""
        return words(self.topic)[1]

    @property
    def span(self) -> str:
        """The window in words."""
        return span(self.window_days)


LEVELS_IN_ORDER = " < "
"""Between the ordered answers of an attribute, least first."""


def ranked(value: float, levels: str | None) -> str:
    """An ordered answer by its name, among all of them.

    >>> ranked(1.0, "low < mid < high"), ranked(1.0, None)
    ('mid (low < mid < high)', 'rank 1')
    """
    if levels is None:
        return f"rank {number(value)}"
    return f"{levels.split(LEVELS_IN_ORDER)[int(value)]} ({levels})"


def recent(value: float, many: str) -> str:
    """A decayed sum in words.

    >>> recent(4.66, "page views"), recent(7.4e-7, "page views")
    ('4.66 recent page views', 'hardly any recent page views')
    """
    return f"{number(value)} recent {many}" if value >= 0.05 else f"hardly any recent {many}"


def humanize_name(topic: str) -> str:
    """An attribute's name as a person says it.

    >>> humanize_name("emp_var_rate"), humanize_name("Lead Origin")
    ('emp var rate', 'Lead Origin')
    """
    return topic.replace("_", " ")
