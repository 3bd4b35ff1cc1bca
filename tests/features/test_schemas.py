"""Every dataset is checked against what its frames promise; a broken promise names its column."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from features.dataset_settings import AttributeSettings, DatasetSettings
from features.errors import DataError
from features.schemas import TIME, check_frames

SETTINGS = DatasetSettings(
    name="x",
    attributes={
        "seats": AttributeSettings(type="number"),  # type: ignore[arg-type]
        "sector": AttributeSettings(type="category"),  # type: ignore[arg-type]
    },
)
DAY = pd.Timestamp("2024-01-01", tz="UTC")


def words(*values: Any) -> pd.Series:
    return pd.Series(values, dtype=object)


def times(*values: Any) -> pd.Series:
    return pd.Series(values, dtype=TIME)


def frame(good: dict[str, Any], changes: dict[str, Any]) -> pd.DataFrame:
    columns = {**good, **changes}
    return pd.DataFrame({name: column for name, column in columns.items() if column is not None})


def check(leads: dict[str, Any] | None = None, outcomes: dict[str, Any] | None = None) -> None:
    good_leads = {
        "lead_id": words("A", "B"),
        "created_at": times(DAY, DAY),
        "seats": [1.0, np.nan],
        "sector": words("steel", None),
    }
    good_outcomes = {
        "lead_id": words("A"), "outcome": words("converted"), "occurred_at": times(DAY),
    }  # fmt: skip
    check_frames(frame(good_leads, leads or {}), frame(good_outcomes, outcomes or {}), SETTINGS)


def test_good_frames_pass() -> None:
    check()
    check(leads={"seats": None}, outcomes=None)
    check(leads={"created_at": None}, outcomes={"occurred_at": times(pd.NaT)})


@pytest.mark.parametrize(
    ("leads", "outcomes", "failure"),
    [
        ({"lead_id": words("A", "A")}, {}, "leads: column 'lead_id' fails field_uniqueness"),
        ({"lead_id": words("A", None)}, {}, "leads: column 'lead_id' fails not_nullable"),
        ({"lead_id": [1, 2]}, {}, "leads: column 'lead_id' fails dtype('object')"),
        ({"lead_id": None}, {}, "leads: column 'lead_id' fails column_in_dataframe"),
        ({"created_at": times(DAY, pd.NaT)}, {}, "leads: column 'created_at' fails not_nullable"),
        ({"seats": [1.0, np.inf]}, {}, "leads: column 'seats' fails finite"),
        ({"seats": words("1", "2")}, {}, "leads: column 'seats' fails dtype('float64')"),
        ({"sector": [1.0, 2.0]}, {}, "leads: column 'sector' fails dtype('object')"),
        ({"notes": words("", "")}, {}, "leads: column 'notes' fails column_in_schema"),
        ({}, {"outcome": words("win")}, "outcomes: column 'outcome' fails isin("),
        ({}, {"outcome": words(None)}, "outcomes: column 'outcome' fails not_nullable"),
        ({}, {"occurred_at": times(pd.NaT)}, "outcomes: column 'occurred_at' fails not_nullable"),
        ({}, {"occurred_at": None}, "outcomes: column 'occurred_at' fails column_in_dataframe"),
    ],
)
def test_a_broken_promise_names_table_column_and_check(
    leads: dict[str, Any], outcomes: dict[str, Any], failure: str
) -> None:
    with pytest.raises(DataError) as caught:
        check(leads, outcomes)
    assert str(caught.value).startswith(failure)
