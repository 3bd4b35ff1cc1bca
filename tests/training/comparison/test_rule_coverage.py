"""What a scorecard matches: counts that can be checked by eye."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pandas as pd
import pyarrow as pa
import pytest

from features.contract import AttributeType
from features.dataset import Dataset
from features.dataset_settings import AttributeSettings, DatasetSettings
from features.histories.build import histories_from_dataset
from features.schemas import ANSWERS_SCHEMA, INTERACTIONS_SCHEMA
from scoring.scorecard.scorecard import Scorecard
from scoring.scorecard.toml import parse_card
from training.comparison.rule_coverage import check_rules

START = datetime(2024, 1, 1, tzinfo=UTC)
CARD = """
name = "small"
[bands]
warm = 5
hot = 9
[[rules]]
name = "call"
interaction = "call"
points = 5
[[rules]]
name = "fax"
interaction = "fax"
points = 5
[[rules]]
name = "big"
attribute = "size"
is = "big"
points = 4
[[rules]]
name = "size as a number"
attribute = "staff"
is = "many"
points = 4
[[rules]]
name = "elsewhere"
attribute = "planet"
is = "Mars"
points = 4
[[exclusions]]
name = "left"
interaction = "unsubscribe"
"""


def four_leads() -> Dataset:
    """A calls, is big and converts; B calls and is lost; C unsubscribes; D is too young to tell."""
    created = [START, START, START, START + timedelta(days=60)]
    rows = [("A", 1, "call"), ("B", 1, "call"), ("C", 1, "unsubscribe"), ("A", 40, "call")]
    interactions = pa.table(
        {
            "lead_id": [r[0] for r in rows],
            "occurred_at": [START + timedelta(days=r[1]) for r in rows],
            "kind": [r[2] for r in rows],
            "value": [None] * 4,
            "duration_s": [None] * 4,
            "channel": [None] * 4,
            "event_id": [None] * 4,
        },
        schema=INTERACTIONS_SCHEMA,
    )
    outcomes = pd.DataFrame(
        {
            "lead_id": ["A", "B"],
            "outcome": ["converted", "lost"],
            "occurred_at": pd.to_datetime([START + timedelta(days=d) for d in (20, 25)]),
        }
    )
    leads = pd.DataFrame(
        {
            "lead_id": list("ABCD"),
            "created_at": pd.Series(created, dtype="datetime64[us, UTC]"),
            "size": ["big", "small", None, None],
            "staff": [3.0, 4.0, 5.0, 6.0],
        }
    )
    settings = DatasetSettings(
        name="four",
        observed_until=START + timedelta(days=70),
        reference_ages_days=(2.0,),
        attributes={
            "size": AttributeSettings(type=AttributeType.CATEGORY),
            "staff": AttributeSettings(type=AttributeType.NUMBER),
        },
    )
    return Dataset(settings, leads, interactions, outcomes, ANSWERS_SCHEMA.empty_table())


@pytest.fixture(scope="module")
def found() -> dict[str, object]:
    data = four_leads()
    card = Scorecard(parse_card(CARD, "small.toml"))
    checked = check_rules(card, data, histories_from_dataset(data))
    return {
        "whole": checked,
        **{rule.name: rule for rule in checked.rules},
        **{band.band: band for band in checked.bands},
    }


@pytest.mark.parametrize(
    ("name", "leads", "share", "rate"),
    [
        ("call", 2, 0.5, 0.5),
        ("big", 1, 0.25, 1.0),
        ("left", 1, 0.25, 0.0),
        ("cold", 2, 0.5, 0.0),  # C excluded and D without a label
        ("warm", 1, 0.25, 0.0),
        ("hot", 1, 0.25, 1.0),
    ],
)
def test_leads_and_rates(
    found: dict[str, object], name: str, leads: int, share: float, rate: float
) -> None:
    row = found[name]
    assert (row.leads, row.share, row.rate.value) == (leads, share, rate)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "note"),
    [
        ("fax", "no interaction of kind fax in the data"),
        ("size as a number", "'staff' is a number in the data, the rule compares words"),
        ("elsewhere", "the data have no attribute 'planet'"),
    ],
)
def test_why_a_rule_cannot_match(found: dict[str, object], name: str, note: str) -> None:
    assert found[name].leads == 0  # type: ignore[attr-defined]
    assert found[name].notes == (note,)  # type: ignore[attr-defined]


def test_the_whole_is_plain_data(found: dict[str, object]) -> None:
    data = found["whole"].to_dict()  # type: ignore[attr-defined]
    assert data["references"] == data["leads"] == 4
    assert data["rate"]["value"] == pytest.approx(1 / 3)
