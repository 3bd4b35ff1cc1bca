"""The catalogue of what can be counted: each aggregate's name, unit, null and sentence.

The guide's page on features is generated from this table, and every reason a person reads is
one of these sentences. Adding an aggregate means a row here and a branch in the kernel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from features.vectors import accumulators, attribute_kernel
from features.vectors.sentences import (
    WEEKDAYS,
    SentenceContext,
    count_phrase,
    days,
    humanize_name,
    number,
    pluralize,
    ranked,
    recent,
    trend,
)


class Source(StrEnum):
    """Where a feature's number comes from."""

    INTERACTIONS = "interactions"
    ATTRIBUTE = "attribute"


Sentence = Callable[[SentenceContext], str]


@dataclass(frozen=True)
class AggregateDef:
    """One way to make a number, and how to say it; ``unknown`` is the sentence of NaN."""

    op: int
    unit: str
    null: str
    sentence: Sentence
    unknown: str = ""
    windowed: bool = False
    decays: bool = False


NEVER = "NaN when there was none"


ZERO = "0 when there was none; never NaN"


INTERACTION_AGGREGATES: dict[str, AggregateDef] = {
    "count": AggregateDef(
        accumulators.OP_COUNT, "interactions", ZERO, windowed=True,
        sentence=lambda said: f"{count_phrase(said.value, said.topic)} {said.span}",
    ),
    "active_days": AggregateDef(
        accumulators.OP_ACTIVE_DAYS, "days (UTC)", ZERO, windowed=True,
        sentence=lambda said: f"{pluralize(said.value, 'day')} with {said.many} {said.span}",
    ),
    "sessions": AggregateDef(
        accumulators.OP_SESSIONS, "sessions (30-minute gap)", ZERO, windowed=True,
        sentence=lambda said: f"{pluralize(said.value, 'session')} with {said.many} {said.span}",
    ),
    "value_total": AggregateDef(
        accumulators.OP_VALUE_TOTAL, "value", ZERO, windowed=True,
        sentence=lambda said: f"{said.many} worth {number(said.value)} {said.span}",
    ),
    "value_mean": AggregateDef(
        accumulators.OP_VALUE_MEAN, "value", "NaN when no value is known", windowed=True,
        sentence=lambda said: f"{said.many} worth {number(said.value)} on average {said.span}",
        unknown="no known value of {many}",
    ),
    "minutes_total": AggregateDef(
        accumulators.OP_MINUTES_TOTAL, "minutes", ZERO, windowed=True,
        sentence=lambda said: f"{number(said.value)} minutes of {said.many} {said.span}",
    ),
    "minutes_mean": AggregateDef(
        accumulators.OP_MINUTES_MEAN, "minutes", "NaN when no duration is known", windowed=True,
        sentence=lambda said: f"{number(said.value)} minutes per {said.one} {said.span}",
        unknown="no known duration of {many}",
    ),
    "decayed": AggregateDef(
        accumulators.OP_DECAYED, "interactions, each halved every half-life", ZERO, decays=True,
        sentence=lambda said: (
            f"{recent(said.value, said.many)}"
            f" (each counts half after {pluralize(said.half_life_days or 0, 'day')})"
        ),
    ),
    "days_since_last": AggregateDef(
        accumulators.OP_DAYS_SINCE_LAST, "days", NEVER,
        sentence=lambda said: f"last {said.one} {days(said.value)} ago",
        unknown="no {one} yet",
    ),
    "days_silent": AggregateDef(
        accumulators.OP_DAYS_SINCE_LAST,
        "days since the last one, or since creation when there was none",
        "NaN when there was none and creation is unknown",
        sentence=lambda said: f"{days(said.value)} without {said.many}",
        unknown="no {one} yet",
    ),
    "days_since_first": AggregateDef(
        accumulators.OP_DAYS_SINCE_FIRST, "days", NEVER,
        sentence=lambda said: f"first {said.one} {days(said.value)} ago",
        unknown="no {one} yet",
    ),
    "gap_mean_days": AggregateDef(
        accumulators.OP_GAP_MEAN, "days", "NaN with fewer than two",
        sentence=lambda said: f"{days(said.value)} between {said.many} on average",
        unknown="fewer than two {many}",
    ),
    "gap_longest_days": AggregateDef(
        accumulators.OP_GAP_LONGEST, "days", "NaN with fewer than two",
        sentence=lambda said: f"longest silence between {said.many}: {days(said.value)}",
        unknown="fewer than two {many}",
    ),
    "trend": AggregateDef(
        accumulators.OP_TREND,
        "log ratio of the last 7 days to the weekly mean of the 4 weeks before",
        NEVER,
        sentence=lambda said: trend(said.value, said.many),
        unknown="no {one} yet",
    ),
    "share_weekend": AggregateDef(
        accumulators.OP_SHARE_WEEKEND, "share, 0 to 1", NEVER,
        sentence=lambda said: f"{said.value:.0%} of {said.many} at weekends",
        unknown="no {one} yet",
    ),
    "share_office_hours": AggregateDef(
        accumulators.OP_SHARE_OFFICE_HOURS, "share, 0 to 1 (Monday to Friday, 8 to 18 h UTC)",
        NEVER,
        sentence=lambda said: f"{said.value:.0%} of {said.many} in office hours",
        unknown="no {one} yet",
    ),
    "usual_hour": AggregateDef(
        accumulators.OP_USUAL_HOUR, "hour of the day, UTC (circular mean)", NEVER,
        sentence=lambda said: f"{said.many} usually around {said.value:.0f} h UTC",
        unknown="no {one} yet",
    ),
    "is_last": AggregateDef(
        accumulators.OP_IS_LAST, "1 yes, 0 no", "0 when there was none; never NaN",
        sentence=lambda said: (
            f"the last interaction was {'' if said.value else 'not '}a {said.one}"
        ),
    ),
    "unanswered": AggregateDef(
        accumulators.OP_UNANSWERED, "contact attempts since the lead's last own act", ZERO,
        sentence=lambda said: f"{count_phrase(said.value, said.topic)} without a reply",
    ),
}  # fmt: skip
"""Aggregates of interactions, computed by ``features.vectors.interaction_kernel``."""


ATTRIBUTE_AGGREGATES: dict[str, AggregateDef] = {
    "value": AggregateDef(
        attribute_kernel.OP_VALUE, "as in the data", "NaN when unknown",
        sentence=lambda said: f"{humanize_name(said.topic)}: {number(said.value)}",
        unknown="{topic} unknown",
    ),
    "flag": AggregateDef(
        attribute_kernel.OP_VALUE, "1 yes, 0 no", "NaN when unknown",
        sentence=lambda said: f"{humanize_name(said.topic)}: {'yes' if said.value else 'no'}",
        unknown="{topic} unknown",
    ),
    "ordinal": AggregateDef(
        attribute_kernel.OP_ORDINAL, "rank of the answer, 0 is least", "NaN when unknown",
        sentence=lambda said: f"{humanize_name(said.topic)}: {ranked(said.value, said.level)}",
        unknown="{topic} unknown",
    ),
    "unknown": AggregateDef(
        attribute_kernel.OP_UNKNOWN, "1 unknown, 0 known", "never NaN",
        sentence=lambda said: f"{humanize_name(said.topic)} {'unknown' if said.value else 'known'}",
    ),
    "level": AggregateDef(
        attribute_kernel.OP_LEVEL, "1 yes, 0 no", "0 when unknown; never NaN",
        sentence=lambda said: (
            f"{humanize_name(said.topic)} is {'' if said.value else 'not '}{said.level}"
        ),
    ),
    "other_level": AggregateDef(
        attribute_kernel.OP_OTHER_LEVEL, "1 yes, 0 no", "0 when unknown; never NaN",
        sentence=lambda said: (
            f"{humanize_name(said.topic)} is {'' if said.value else 'not '}a rare or new one"
        ),
    ),
    "days_since_answer": AggregateDef(
        attribute_kernel.OP_DAYS_SINCE_ANSWER, "days", "NaN when never answered",
        sentence=lambda said: f"{humanize_name(said.topic)} answered {days(said.value)} ago",
        unknown="{topic} never asked or not answered",
    ),
    "unknown_answers": AggregateDef(
        attribute_kernel.OP_UNKNOWN_ANSWERS, "attributes of the group that are unknown",
        "never NaN",
        sentence=lambda said: f"{number(said.value)} answers on {said.topic} missing",
    ),
    "answered_groups": AggregateDef(
        attribute_kernel.OP_ANSWERED_GROUPS, "groups of BANT with an answer, 0 to 4", "never NaN",
        sentence=lambda said: (
            f"{number(said.value)} of budget, authority, need, timeline answered"
        ),
    ),
    "age_days": AggregateDef(
        attribute_kernel.OP_LEAD_AGE, "days", "NaN when creation is unknown",
        sentence=lambda said: f"lead created {days(said.value)} ago",
        unknown="creation unknown",
    ),
    "created_hour": AggregateDef(
        attribute_kernel.OP_CREATED_HOUR, "hour of the day, UTC", "NaN when creation is unknown",
        sentence=lambda said: f"lead created around {number(said.value)} h UTC",
        unknown="creation unknown",
    ),
    "created_weekday": AggregateDef(
        attribute_kernel.OP_CREATED_WEEKDAY, "0 Monday to 6 Sunday", "NaN when creation is unknown",
        sentence=lambda said: f"lead created on a {WEEKDAYS[int(said.value)]}",
        unknown="creation unknown",
    ),
}  # fmt: skip
"""Columns of attributes, answers and the lead itself, computed by
``features.vectors.attribute_kernel``."""
