"""The catalogue of what can be counted: each aggregate's name, unit, null and sentence.

The guide's page on features is generated from this table, and every reason a person reads is
one of these sentences. Adding an aggregate means a row here and a branch in the kernel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from features import answers_kernel, memory

ANY, INBOUND, OUTBOUND = "any", "inbound", "outbound"
"""The three streams beside the kinds: everything, the lead's own acts, our own attempts."""

STREAM_WORDS = {
    ANY: ("interaction", "interactions"),
    INBOUND: ("act of their own", "acts of their own"),
    OUTBOUND: ("contact attempt of ours", "contact attempts of ours"),
}


class Source(StrEnum):
    """Where a feature's number comes from."""

    INTERACTIONS = "interactions"
    ATTRIBUTE = "attribute"


def number(value: float) -> str:
    """A number as a person writes it: whole from a hundred on, else three figures.

    >>> number(12.0), number(0.25), number(1234567.0), number(1462.15), number(3.14159)
    ('12', '0.25', '1,234,567', '1,462', '3.14')
    """
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"


def _days(value: float) -> str:
    if value < 1 / 24:
        return f"{max(1, round(value * 1440))} minutes"
    if value < 2:
        return f"{round(value * 24)} hours"
    return f"{round(value)} days"


def _several(amount: float, one: str) -> str:
    return f"{number(amount)} {one}{'' if amount == 1 else 's'}"


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


def words(topic: str) -> tuple[str, str]:
    """Singular and plural of a stream or kind.

    >>> words("page_view"), words("any")
    (('page view', 'page views'), ('interaction', 'interactions'))
    """
    if topic in STREAM_WORDS:
        return STREAM_WORDS[topic]
    spoken = topic.replace("_", " ").replace(".", " ").strip()
    return spoken, spoken if spoken.endswith("s") else f"{spoken}s"


def counted(value: float, topic: str) -> str:
    """A number of interactions in words.

    >>> counted(12, "page_view"), counted(1, "meeting"), counted(0, "any")
    ('12 page views', '1 meeting', 'no interactions')
    """
    one, many = words(topic)
    if value == 0:
        return f"no {many}"
    return f"{number(value)} {one if value == 1 else many}"


def _trend(value: float, many: str) -> str:
    if value == 0:
        return f"as many {many} in the last week as in the weeks before"
    return f"{'more' if value > 0 else 'fewer'} {many} in the last week than in the weeks before"


@dataclass(frozen=True)
class Said:
    """What a sentence may speak of: a known value and the feature it belongs to."""

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


Sentence = Callable[[Said], str]


@dataclass(frozen=True)
class Aggregate:
    """One way to make a number, and how to say it; ``unknown`` is the sentence of NaN."""

    op: int
    unit: str
    null: str
    sentence: Sentence
    unknown: str = ""
    windowed: bool = False
    decays: bool = False


WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")

NEVER = "NaN when there was none"
ZERO = "0 when there was none; never NaN"

INTERACTION_AGGREGATES: dict[str, Aggregate] = {
    "count": Aggregate(
        memory.OP_COUNT, "interactions", ZERO, windowed=True,
        sentence=lambda said: f"{counted(said.value, said.topic)} {said.span}",
    ),
    "active_days": Aggregate(
        memory.OP_ACTIVE_DAYS, "days (UTC)", ZERO, windowed=True,
        sentence=lambda said: f"{_several(said.value, 'day')} with {said.many} {said.span}",
    ),
    "sessions": Aggregate(
        memory.OP_SESSIONS, "sessions (30-minute gap)", ZERO, windowed=True,
        sentence=lambda said: f"{_several(said.value, 'session')} with {said.many} {said.span}",
    ),
    "value_total": Aggregate(
        memory.OP_VALUE_TOTAL, "value", ZERO, windowed=True,
        sentence=lambda said: f"{said.many} worth {number(said.value)} {said.span}",
    ),
    "value_mean": Aggregate(
        memory.OP_VALUE_MEAN, "value", "NaN when no value is known", windowed=True,
        sentence=lambda said: f"{said.many} worth {number(said.value)} on average {said.span}",
        unknown="no known value of {many}",
    ),
    "minutes_total": Aggregate(
        memory.OP_MINUTES_TOTAL, "minutes", ZERO, windowed=True,
        sentence=lambda said: f"{number(said.value)} minutes of {said.many} {said.span}",
    ),
    "minutes_mean": Aggregate(
        memory.OP_MINUTES_MEAN, "minutes", "NaN when no duration is known", windowed=True,
        sentence=lambda said: f"{number(said.value)} minutes per {said.one} {said.span}",
        unknown="no known duration of {many}",
    ),
    "decayed": Aggregate(
        memory.OP_DECAYED, "interactions, each halved every half-life", ZERO, decays=True,
        sentence=lambda said: (
            f"{number(said.value)} recent {said.many}"
            f" (each counts half after {_several(said.half_life_days or 0, 'day')})"
        ),
    ),
    "days_since_last": Aggregate(
        memory.OP_DAYS_SINCE_LAST, "days", NEVER,
        sentence=lambda said: f"last {said.one} {_days(said.value)} ago",
        unknown="no {one} yet",
    ),
    "days_since_first": Aggregate(
        memory.OP_DAYS_SINCE_FIRST, "days", NEVER,
        sentence=lambda said: f"first {said.one} {_days(said.value)} ago",
        unknown="no {one} yet",
    ),
    "gap_mean_days": Aggregate(
        memory.OP_GAP_MEAN, "days", "NaN with fewer than two",
        sentence=lambda said: f"{_days(said.value)} between {said.many} on average",
        unknown="fewer than two {many}",
    ),
    "gap_longest_days": Aggregate(
        memory.OP_GAP_LONGEST, "days", "NaN with fewer than two",
        sentence=lambda said: f"longest silence between {said.many}: {_days(said.value)}",
        unknown="fewer than two {many}",
    ),
    "trend": Aggregate(
        memory.OP_TREND, "log ratio of the last 7 days to the weekly mean of the 4 weeks before",
        NEVER,
        sentence=lambda said: _trend(said.value, said.many),
        unknown="no {one} yet",
    ),
    "share_weekend": Aggregate(
        memory.OP_SHARE_WEEKEND, "share, 0 to 1", NEVER,
        sentence=lambda said: f"{said.value:.0%} of {said.many} at weekends",
        unknown="no {one} yet",
    ),
    "share_office_hours": Aggregate(
        memory.OP_SHARE_OFFICE_HOURS, "share, 0 to 1 (Monday to Friday, 8 to 18 h UTC)", NEVER,
        sentence=lambda said: f"{said.value:.0%} of {said.many} in office hours",
        unknown="no {one} yet",
    ),
    "usual_hour": Aggregate(
        memory.OP_USUAL_HOUR, "hour of the day, UTC (circular mean)", NEVER,
        sentence=lambda said: f"{said.many} usually around {said.value:.0f} h UTC",
        unknown="no {one} yet",
    ),
    "is_last": Aggregate(
        memory.OP_IS_LAST, "1 yes, 0 no", "0 when there was none; never NaN",
        sentence=lambda said: (
            f"the last interaction was {'' if said.value else 'not '}a {said.one}"
        ),
    ),
    "unanswered": Aggregate(
        memory.OP_UNANSWERED, "contact attempts since the lead's last own act", ZERO,
        sentence=lambda said: f"{counted(said.value, said.topic)} without a reply",
    ),
}  # fmt: skip
"""Aggregates of interactions, computed by ``features.kernel``."""

ATTRIBUTE_AGGREGATES: dict[str, Aggregate] = {
    "value": Aggregate(
        answers_kernel.OP_VALUE, "as in the data", "NaN when unknown",
        sentence=lambda said: f"{spoken(said.topic)}: {number(said.value)}",
        unknown="{topic} unknown",
    ),
    "flag": Aggregate(
        answers_kernel.OP_VALUE, "1 yes, 0 no", "NaN when unknown",
        sentence=lambda said: f"{spoken(said.topic)}: {'yes' if said.value else 'no'}",
        unknown="{topic} unknown",
    ),
    "ordinal": Aggregate(
        answers_kernel.OP_ORDINAL, "rank of the answer, 0 is least", "NaN when unknown",
        sentence=lambda said: f"{spoken(said.topic)}: rank {number(said.value)}",
        unknown="{topic} unknown",
    ),
    "unknown": Aggregate(
        answers_kernel.OP_UNKNOWN, "1 unknown, 0 known", "never NaN",
        sentence=lambda said: f"{spoken(said.topic)} {'unknown' if said.value else 'known'}",
    ),
    "level": Aggregate(
        answers_kernel.OP_LEVEL, "1 yes, 0 no", "0 when unknown; never NaN",
        sentence=lambda said: f"{spoken(said.topic)} is {'' if said.value else 'not '}{said.level}",
    ),
    "other_level": Aggregate(
        answers_kernel.OP_OTHER_LEVEL, "1 yes, 0 no", "0 when unknown; never NaN",
        sentence=lambda said: (
            f"{spoken(said.topic)} is {'' if said.value else 'not '}a rare or new one"
        ),
    ),
    "days_since_answer": Aggregate(
        answers_kernel.OP_DAYS_SINCE_ANSWER, "days", "NaN when never answered",
        sentence=lambda said: f"{spoken(said.topic)} answered {_days(said.value)} ago",
        unknown="{topic} never asked or not answered",
    ),
    "unknown_answers": Aggregate(
        answers_kernel.OP_UNKNOWN_ANSWERS, "attributes of the group that are unknown", "never NaN",
        sentence=lambda said: f"{number(said.value)} answers on {said.topic} missing",
    ),
    "answered_groups": Aggregate(
        answers_kernel.OP_ANSWERED_GROUPS, "groups of BANT with an answer, 0 to 4", "never NaN",
        sentence=lambda said: (
            f"{number(said.value)} of budget, authority, need, timeline answered"
        ),
    ),
    "age_days": Aggregate(
        answers_kernel.OP_LEAD_AGE, "days", "NaN when creation is unknown",
        sentence=lambda said: f"lead created {_days(said.value)} ago",
        unknown="creation unknown",
    ),
    "created_hour": Aggregate(
        answers_kernel.OP_CREATED_HOUR, "hour of the day, UTC", "NaN when creation is unknown",
        sentence=lambda said: f"lead created around {number(said.value)} h UTC",
        unknown="creation unknown",
    ),
    "created_weekday": Aggregate(
        answers_kernel.OP_CREATED_WEEKDAY, "0 Monday to 6 Sunday", "NaN when creation is unknown",
        sentence=lambda said: f"lead created on a {WEEKDAYS[int(said.value)]}",
        unknown="creation unknown",
    ),
}  # fmt: skip
"""Columns of attributes, answers and the lead itself, computed by ``features.answers_kernel``."""


def spoken(topic: str) -> str:
    """An attribute's name as a person says it.

    >>> spoken("emp_var_rate"), spoken("Lead Origin")
    ('emp var rate', 'Lead Origin')
    """
    return topic.replace("_", " ")
