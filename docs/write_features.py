"""Write docs/reference/features.md from the declarations that the engine itself uses."""

from __future__ import annotations

from pathlib import Path

from features.vectors.catalogue import (
    ATTRIBUTE_AGGREGATES,
    INTERACTION_AGGREGATES,
    AggregateDef,
    Source,
)
from features.vectors.spec import Feature

PAGE = Path(__file__).parent / "reference" / "features.md"

INTRODUCTION = """# Features

Written from the engine's own declarations by `make docs`; do not edit.

A vector says what was known of a lead strictly before one moment, `as_of`. An interaction is in
a window when `as_of - window <= occurred_at < as_of`; an answer counts when it was given before
`as_of`; attributes of the leads table count as known at creation. **Unknown is never zero**: the
column *null* says what each feature holds when there is nothing to count.

Which of these a model uses, of which kinds and attributes and over which windows, is chosen when
training and written into the release (`spec.json`).

"""

INTERACTIONS = """## Interactions

Of one *topic*: a kind (`page_view`), or `any`, `inbound` (the lead's own acts), `outbound` (our
contact attempts). Windows: any number of days, or all time. Half-lives: any number of days.

"""

ATTRIBUTES = """## Attributes, answers and the lead itself

An attribute's value as of a moment is the last answer before it, else what the leads table says,
else unknown. A level that was rare or unseen when training shares the column `(other)`.

"""

EXAMPLES: dict[str, tuple[str, float, str | None]] = {
    "any": ("any", 3, None),
    "usual_hour": ("any", 14, None),
    "share_weekend": ("any", 0.25, None),
    "share_office_hours": ("any", 0.8, None),
    "trend": ("page_view", 0.4, None),
    "is_last": ("meeting", 1, None),
    "unanswered": ("outbound", 4, None),
    "value": ("employees", 250, None),
    "flag": ("newsletter", 1, None),
    "ordinal": ("timeline", 1, "later < this year < now"),
    "unknown": ("budget", 1, None),
    "level": ("industry", 1, "software"),
    "other_level": ("industry", 1, None),
    "days_since_answer": ("budget", 12, None),
    "unknown_answers": ("need", 1, None),
    "answered_groups": ("bant", 3, None),
    "age_days": ("lead", 30, None),
    "created_hour": ("lead", 9, None),
    "created_weekday": ("lead", 1, None),
}


def example(source: Source, name: str, rule: AggregateDef) -> Feature:
    """A feature to show: a window of 7 days or a half-life of 7 days where it has one."""
    topic, _, level = EXAMPLES.get(name, ("page_view", 12, None))
    window = 7.0 if rule.windowed else None
    half_life = 7.0 if rule.decays else None
    return Feature(source, topic, name, window, half_life, level)


def table(source: Source, aggregates: dict[str, AggregateDef]) -> str:
    """One row an aggregate: an example's name, its sentence, unit and null."""
    lines = ["| feature | says, for example | unit | null |", "|---|---|---|---|"]
    for name, rule in aggregates.items():
        feature = example(source, name, rule)
        value = EXAMPLES.get(name, ("page_view", 12, None))[1]
        lines.append(
            f"| `{feature.name}` | {feature.sentence(value)} | {rule.unit} | {rule.null} |"
        )
    return "\n".join(lines) + "\n\n"


def page() -> str:
    """The whole page."""
    return (
        INTRODUCTION
        + INTERACTIONS
        + table(Source.INTERACTIONS, INTERACTION_AGGREGATES)
        + ATTRIBUTES
        + table(Source.ATTRIBUTE, ATTRIBUTE_AGGREGATES).rstrip("\n")
        + "\n"
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
