"""Which kinds of interaction a release says it knows."""

from __future__ import annotations

from typing import Any

import pytest

from features.contract import AttributeType, Group
from features.histories.from_records import LeadRecord, RecordColumns, histories_from_records
from features.vectors.spec import AttributeSpec, Feature, FeatureSpec
from serving.predictor.evidence import evidence_notes, input_schema

DAY_US = 86_400_000_000


@pytest.mark.parametrize(
    ("kind", "recorded", "said"),
    [
        ("webinar", ["webinar"], []),  # a column of its own
        ("download", ["download", "webinar"], []),  # learned from among all interactions
        ("call", [], []),  # ours
        ("seance", ["webinar"], ["1 of 1 interactions is of a kind unknown to the model"]),
    ],
)
def test_kinds_that_were_learned_from_are_known(
    kind: str, recorded: list[str], said: list[str]
) -> None:
    columns = (
        Feature("interactions", "any", "count", window_days=7.0),
        Feature("interactions", "webinar", "count", window_days=7.0),
    )
    data: dict[str, Any] = {"reference_ages_days": [30.0], "kinds": recorded}
    expected = input_schema(FeatureSpec(columns, (), ("call",)), data)
    lead = histories_from_records([LeadRecord("L", 0, {}, RecordColumns([kind], [DAY_US]))])
    assert evidence_notes(expected, lead, 0, 2 * DAY_US) == said


@pytest.mark.parametrize(("told", "notes"), [((), 1), (("account_leads",), 0)])
def test_what_nobody_tells_of_the_account_is_reported(told: tuple[str, ...], notes: int) -> None:
    used = AttributeSpec("account_leads", AttributeType.NUMBER, Group.FIT, median=1.0)
    spec = FeatureSpec((Feature("attribute", "account_leads", "value"),), (used,))
    n = len(told)
    answers = RecordColumns(attributes=told, answered_us=[DAY_US] * n, answers=[2] * n)
    lead = histories_from_records([LeadRecord("L", 0, {}, answers)])
    said = evidence_notes(input_schema(spec, {}), lead, 0, 2 * DAY_US)
    assert sum("the account's other leads" in note for note in said) == notes
