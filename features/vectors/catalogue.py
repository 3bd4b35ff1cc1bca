"""The catalogue of what can be counted: each aggregate's name, unit, null and sentence.

The guide's page on features is generated from this table, and every reason a person reads is
one of these sentences. Adding an aggregate means a row here and a branch in the kernel.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from features.language.language import N_
from features.vectors import accumulators, attribute_kernel
from features.vectors.sentences import SentenceContext, trend


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


HARDLY_ANY = 0.05
"""A decayed sum below this is worded as hardly any."""


INTERACTION_AGGREGATES: dict[str, AggregateDef] = {
    "count": AggregateDef(
        accumulators.OP_COUNT, "interactions", ZERO, windowed=True,
        sentence=lambda context: context.gettext("{counted} {span}"),
    ),
    "active_days": AggregateDef(
        accumulators.OP_ACTIVE_DAYS, "days (UTC)", ZERO, windowed=True,
        sentence=lambda context: context.ngettext(
            "{n} day with {many} {span}", "{n} days with {many} {span}"
        ),
    ),
    "sessions": AggregateDef(
        accumulators.OP_SESSIONS, "sessions (30-minute gap)", ZERO, windowed=True,
        sentence=lambda context: context.ngettext(
            "{n} session with {many} {span}", "{n} sessions with {many} {span}"
        ),
    ),
    "value_total": AggregateDef(
        accumulators.OP_VALUE_TOTAL, "value", ZERO, windowed=True,
        sentence=lambda context: context.gettext("{many} worth {n} {span}"),
    ),
    "value_mean": AggregateDef(
        accumulators.OP_VALUE_MEAN, "value", "NaN when no value is known", windowed=True,
        sentence=lambda context: context.gettext("{many} worth {n} on average {span}"),
        unknown=N_("no known value of {many}"),
    ),
    "minutes_total": AggregateDef(
        accumulators.OP_MINUTES_TOTAL, "minutes", ZERO, windowed=True,
        sentence=lambda context: context.ngettext(
            "{n} minute of {of_many} {span}", "{n} minutes of {of_many} {span}"
        ),
    ),
    "minutes_mean": AggregateDef(
        accumulators.OP_MINUTES_MEAN, "minutes", "NaN when no duration is known", windowed=True,
        sentence=lambda context: context.ngettext(
            "{n} minute per {one} {span}", "{n} minutes per {one} {span}"
        ),
        unknown=N_("no known duration of {many}"),
    ),
    "decayed": AggregateDef(
        accumulators.OP_DECAYED, "interactions, each halved every half-life", ZERO, decays=True,
        sentence=lambda context: (
            context.gettext("{n} recent {many} (each counts half after {half_life})")
            if context.value >= HARDLY_ANY
            else context.gettext("hardly any recent {many} (each counts half after {half_life})")
        ),
    ),
    "days_since_last": AggregateDef(
        accumulators.OP_DAYS_SINCE_LAST, "days", NEVER,
        sentence=lambda context: context.gettext("{last} {days} ago"),
        unknown=N_("no {one} yet"),
    ),
    "days_silent": AggregateDef(
        accumulators.OP_DAYS_SINCE_LAST,
        "days since the last one, or since creation when there was none",
        "NaN when there was none and creation is unknown",
        sentence=lambda context: context.gettext("{days} without {many}"),
        unknown=N_("no {one} yet"),
    ),
    "days_since_first": AggregateDef(
        accumulators.OP_DAYS_SINCE_FIRST, "days", NEVER,
        sentence=lambda context: context.gettext("{first} {days} ago"),
        unknown=N_("no {one} yet"),
    ),
    "gap_mean_days": AggregateDef(
        accumulators.OP_GAP_MEAN, "days", "NaN with fewer than two",
        sentence=lambda context: context.gettext("{days} between {many} on average"),
        unknown=N_("fewer than two {many}"),
    ),
    "gap_longest_days": AggregateDef(
        accumulators.OP_GAP_LONGEST, "days", "NaN with fewer than two",
        sentence=lambda context: context.gettext("longest silence between {many}: {days}"),
        unknown=N_("fewer than two {many}"),
    ),
    "trend": AggregateDef(
        accumulators.OP_TREND,
        "log ratio of the last 7 days to the weekly mean of the 4 weeks before",
        NEVER,
        sentence=lambda context: trend(context.value, context.topic, context.language),
        unknown=N_("no {one} yet"),
    ),
    "share_weekend": AggregateDef(
        accumulators.OP_SHARE_WEEKEND, "share, 0 to 1", NEVER,
        sentence=lambda context: context.gettext("{percent} of {many} at weekends"),
        unknown=N_("no {one} yet"),
    ),
    "share_office_hours": AggregateDef(
        accumulators.OP_SHARE_OFFICE_HOURS, "share, 0 to 1 (Monday to Friday, 8 to 18 h UTC)",
        NEVER,
        sentence=lambda context: context.gettext("{percent} of {many} in office hours"),
        unknown=N_("no {one} yet"),
    ),
    "usual_hour": AggregateDef(
        accumulators.OP_USUAL_HOUR, "hour of the day, UTC (circular mean)", NEVER,
        sentence=lambda context: context.gettext("{many} usually around {hour} h UTC"),
        unknown=N_("no {one} yet"),
    ),
    "is_last": AggregateDef(
        accumulators.OP_IS_LAST, "1 yes, 0 no", "0 when there was none; never NaN",
        sentence=lambda context: (
            context.gettext("the last interaction was {a}")
            if context.value
            else context.gettext("the last interaction was not {a}")
        ),
    ),
    "unanswered": AggregateDef(
        accumulators.OP_UNANSWERED, "contact attempts since the lead's last own act", ZERO,
        sentence=lambda context: context.gettext("{counted} without a reply"),
    ),
}  # fmt: skip
"""Aggregates of interactions, computed by ``features.vectors.interaction_kernel``."""


ATTRIBUTE_AGGREGATES: dict[str, AggregateDef] = {
    "value": AggregateDef(
        attribute_kernel.OP_VALUE, "as in the data", "NaN when unknown",
        sentence=lambda context: context.gettext("{attribute}: {n}"),
        unknown=N_("{attribute} unknown"),
    ),
    "flag": AggregateDef(
        attribute_kernel.OP_VALUE, "1 yes, 0 no", "NaN when unknown",
        sentence=lambda context: (
            context.gettext("{attribute}: yes")
            if context.value
            else context.gettext("{attribute}: no")
        ),
        unknown=N_("{attribute} unknown"),
    ),
    "ordinal": AggregateDef(
        attribute_kernel.OP_ORDINAL, "rank of the answer, 0 is least", "NaN when unknown",
        sentence=lambda context: context.gettext("{attribute}: {rank}"),
        unknown=N_("{attribute} unknown"),
    ),
    "derived": AggregateDef(
        attribute_kernel.OP_DERIVED, "as declared in [features.NAME]", "NaN when unknown",
        sentence=lambda context: context.gettext("{attribute}: {n}"),
        unknown=N_("{attribute} unknown"),
    ),
    "unknown": AggregateDef(
        attribute_kernel.OP_UNKNOWN, "1 unknown, 0 known", "never NaN",
        sentence=lambda context: (
            context.gettext("{attribute} unknown")
            if context.value
            else context.gettext("{attribute} known")
        ),
    ),
    "level": AggregateDef(
        attribute_kernel.OP_LEVEL, "1 yes, 0 no", "0 when unknown; never NaN",
        sentence=lambda context: (
            context.gettext("{attribute} is {level}")
            if context.value
            else context.gettext("{attribute} is not {level}")
        ),
    ),
    "other_level": AggregateDef(
        attribute_kernel.OP_OTHER_LEVEL, "1 yes, 0 no", "0 when unknown; never NaN",
        sentence=lambda context: (
            context.gettext("{attribute} is a rare or new one")
            if context.value
            else context.gettext("{attribute} is not a rare or new one")
        ),
    ),
    "days_since_answer": AggregateDef(
        attribute_kernel.OP_DAYS_SINCE_ANSWER, "days", "NaN when never answered",
        sentence=lambda context: context.gettext("{attribute} answered {days} ago"),
        unknown=N_("{attribute} never asked or not answered"),
    ),
    "unknown_answers": AggregateDef(
        attribute_kernel.OP_UNKNOWN_ANSWERS, "attributes of the group that are unknown",
        "never NaN",
        sentence=lambda context: context.ngettext(
            "{n} answer on {attribute} missing", "{n} answers on {attribute} missing"
        ),
    ),
    "answered_groups": AggregateDef(
        attribute_kernel.OP_ANSWERED_GROUPS, "groups of BANT with an answer, 0 to 4", "never NaN",
        sentence=lambda context: context.ngettext(
            "{n} of budget, authority, need, timeline answered",
            "{n} of budget, authority, need, timeline answered",
        ),
    ),
    "age_days": AggregateDef(
        attribute_kernel.OP_LEAD_AGE, "days", "NaN when creation is unknown",
        sentence=lambda context: context.gettext("lead created {days} ago"),
        unknown=N_("creation unknown"),
    ),
    "created_hour": AggregateDef(
        attribute_kernel.OP_CREATED_HOUR, "hour of the day, UTC", "NaN when creation is unknown",
        sentence=lambda context: context.gettext("lead created around {n} h UTC"),
        unknown=N_("creation unknown"),
    ),
    "created_weekday": AggregateDef(
        attribute_kernel.OP_CREATED_WEEKDAY, "0 Monday to 6 Sunday", "NaN when creation is unknown",
        sentence=lambda context: context.gettext("lead created on a {weekday}"),
        unknown=N_("creation unknown"),
    ),
}  # fmt: skip
"""Columns of attributes, answers and the lead itself, computed by
``features.vectors.attribute_kernel``."""
