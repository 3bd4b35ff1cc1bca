"""The scorecard to adopt: signs, groups and caps stay what they were."""

from __future__ import annotations

import numpy as np

from features.compute.array_types import DAY_US
from features.histories.arrays import References
from features.histories.from_records import LeadRecord, RecordColumns, histories_from_records
from scoring.scorecard.scorecard import Scorecard
from scoring.scorecard.toml import parse_card
from training.comparison.suggested_rules import suggested_scorecard

CARD = """
name = "ours"
[bands]
warm = 10
hot = 30
[groups.steps]
label = "Steps"
max = 20
min = -8
[[rules]]
name = "webinar"
group = "steps"
interaction = "webinar"
points = 10
[[rules]]
name = "form"
group = "steps"
interaction = "contact_form"
count = "each"
points = 10
max_points = 30
[[rules]]
name = "attempts"
group = "steps"
interaction = "contact_attempt"
at_least = 4
points = -4
[[rules]]
name = "calls"
interaction = "inbound_call"
points = 30
[[exclusions]]
name = "out"
interaction = "unsubscribe"
"""
REFITTED = {"webinar": 30.0, "form": -5.0, "attempts": -8.0, "calls": 12.0}


def histories(kinds: list[list[str]]):  # type: ignore[no-untyped-def]
    leads = [
        LeadRecord(
            f"L{i}", 0, {}, RecordColumns(
                kinds=some, at_us=[DAY_US * (j + 1) for j in range(len(some))],
                attributes=[], answered_us=[], answers=[],
            ),
        )
        for i, some in enumerate(kinds)
    ]  # fmt: skip
    return histories_from_records(leads)


def test_a_rule_keeps_its_sign_and_a_group_its_caps() -> None:
    card = Scorecard(parse_card(CARD, "ours"))
    refitted = Scorecard(
        card.card.model_copy(
            update={
                "rules": tuple(
                    rule.model_copy(update={"points": REFITTED[rule.name], "group": None})
                    for rule in card.card.rules
                ),
                "groups": {},
            }
        )
    )
    some = histories([["webinar"], ["inbound_call"], ["contact_form"], []])
    references = References(np.arange(4), np.full(4, 40 * DAY_US))
    found = suggested_scorecard(card, refitted, some, references, np.ones(4)).card
    assert {rule.name: rule.points for rule in found.rules} == {
        "webinar": 30.0, "form": 0.5, "attempts": -8.0, "calls": 12.0,
    }  # fmt: skip
    assert [rule.group for rule in found.rules] == ["steps", "steps", "steps", None]
    steps = found.groups["steps"]
    assert (steps.label, steps.max, steps.min) == ("Steps", 30.0, -16.0)  # 20 x 30.5/20; -8 x 8/4
    assert found.rules[1].max_points == 1.5  # three forms, as before
    assert found.exclusions == card.card.exclusions
    before = card.points(some, references).points
    now = Scorecard(found).points(some, references).points
    assert (before >= 10).sum() == (now >= found.bands.warm).sum() == 3
    assert (before >= 30).sum() == (now >= found.bands.hot).sum() == 1
    assert parse_card(Scorecard(found).to_toml(), "again") == found
