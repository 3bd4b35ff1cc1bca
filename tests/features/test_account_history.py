"""What an account's other leads did: counted strictly before the moment, never the lead's own."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.account_history import ACCOUNT_ATTRIBUTES
from features.contract import AttributeType, Group
from features.dataset import Dataset
from features.errors import DataError
from features.histories.arrays import References
from features.histories.build import histories_from_dataset
from features.vectors.compute import compute_vectors
from features.vectors.spec import AttributeSpec, Feature, FeatureSpec

DAY_US = 86_400_000_000
START = pd.Timestamp("2026-01-01", tz="UTC")
SPEC = FeatureSpec(
    tuple(Feature("attribute", name, "value") for name in ACCOUNT_ATTRIBUTES),
    tuple(
        AttributeSpec(name, AttributeType.NUMBER, Group.FIT, from_answers=True)
        for name in ACCOUNT_ATTRIBUTES
    ),
)


def day(number: float) -> pd.Timestamp:
    return START + pd.Timedelta(number, "D")


def table(rows: list[tuple], *names: str) -> dict[str, list]:
    return {name: [row[i] for row in rows] for i, name in enumerate(names)}


def dataset(
    leads: list[tuple[str, float, str | None]],
    outcomes: list[tuple[str, str, float]],
    acts: list[tuple[str, float]],
) -> Dataset:
    """Leads (id, day, account), outcomes (id, word, day) and page views (id, day)."""
    return Dataset.from_frames(
        leads=table([(i, day(d), a) for i, d, a in leads], "lead_id", "created_at", "account_id"),
        outcomes=table(
            [(i, o, day(d)) for i, o, d in outcomes], "lead_id", "outcome", "occurred_at"
        ),
        interactions=table(
            [(i, day(d), "page_view") for i, d in acts], "lead_id", "occurred_at", "kind"
        ),
        horizon_days=5,
        observed_until=day(100),
        account_features=True,
    )


def vector(data: Dataset, lead: str, at: float) -> list[float]:
    """Leads, conversions, losses and interactions of the account's other leads as of a day."""
    histories = histories_from_dataset(data)
    row = np.flatnonzero(histories.lead_ids == lead).astype(np.int64)
    moment = int((START - pd.Timestamp(0, tz="UTC")) / pd.Timedelta(1, "us")) + round(at * DAY_US)
    return compute_vectors(SPEC, histories, References(row, np.array([moment])))[0].tolist()


LEADS = [("A1", 0.0, "Acme"), ("A2", 10.0, "Acme"), ("A3", 20.0, "Acme"), ("B1", 0.0, None)]
OUTCOMES = [("A1", "converted", 15.0), ("A3", "lost", 25.0)]
ACTS = [("A1", 1.25), ("A1", 1.5), ("A2", 12.0), ("A3", 21.0)]


def test_other_leads_are_counted_as_of_the_moment() -> None:
    data, nan = dataset(LEADS, OUTCOMES, ACTS), float("nan")
    expected = {
        # lead, day: leads, conversions, losses, interactions
        ("A2", 10.0): [1, nan, nan, 2],
        ("A2", 15.0): [1, nan, nan, 2],  # the conversion is at that very moment: not yet seen
        ("A2", 15.1): [1, 1, nan, 2],
        ("A2", 30.0): [2, 1, 1, 3],
        ("A1", 11.0): [1, nan, nan, nan],
        ("A3", 20.0): [2, 1, nan, 3],
        ("B1", 50.0): [nan, nan, nan, nan],
    }
    for (lead, at), row in expected.items():
        np.testing.assert_array_equal(vector(data, lead, at), row, str((lead, at)))


@settings(max_examples=12)
@given(seed=st.integers(0, 10_000), at=st.floats(5, 60))
def test_the_future_of_the_other_leads_changes_nothing(seed: int, at: float) -> None:
    """Law 1 holds for the account: what the others do at or after as_of is not seen."""
    rng = np.random.default_rng(seed)
    at = float(np.round(at, 3))
    leads = [(f"L{i}", float(i), f"F{rng.integers(2)}") for i in range(6)]
    outcomes = [(f"L{i}", rng.choice(["converted", "lost"]), float(rng.uniform(7, 70)))
                for i in range(1, 6)]  # fmt: skip
    acts = [(f"L{rng.integers(6)}", float(rng.uniform(6, 70))) for _ in range(12)]
    acts = [act for act in acts if int(act[0][1:]) < act[1]]
    past = dataset(
        [lead for lead in leads if lead[1] < at],
        [closed for closed in outcomes if closed[2] < at and int(closed[0][1:]) < at],
        [act for act in acts if act[1] < at and int(act[0][1:]) < at],
    )
    whole = dataset(leads, outcomes, acts)
    np.testing.assert_array_equal(vector(whole, "L0", at), vector(past, "L0", at))


def test_of_a_large_account_the_first_leads_are_reported_whatever_comes_later() -> None:
    leads = [(f"L{i:02}", float(i), "Acme") for i in range(53)]
    many = dataset(leads, [], [])
    few = dataset(leads[:20], [], [])
    assert vector(many, "L10", 15.5)[0] == vector(few, "L10", 15.5)[0] == 15
    assert vector(many, "L49", 60.0)[0] == 49
    assert np.isnan(vector(many, "L50", 60.0)[0])


def test_without_accounts_or_time_it_is_refused() -> None:
    with pytest.raises(DataError, match="needs a column account_id"):
        Dataset.from_frames(leads={"lead_id": ["L1"]}, account_features=True)
    with pytest.raises(DataError, match="needs created_at"):
        Dataset.from_frames(
            leads={"lead_id": ["L1"], "account_id": ["Acme"]}, account_features=True
        )


def test_unasked_nothing_is_added() -> None:
    data = Dataset.from_frames(
        leads=table([("L1", day(0), "Acme"), ("L2", day(1), "Acme")],
                    "lead_id", "created_at", "account_id"),
    )  # fmt: skip
    assert data.answers.num_rows == 0
    assert not set(ACCOUNT_ATTRIBUTES) & set(data.settings.attributes)
