"""Accounts: read as what they are, never as an attribute, and one unit of observation."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from features.accounts import account_numbers, accounts_of
from features.dataset import Dataset
from features.histories.build import histories_from_dataset
from features.reading.read import read_dataset
from training.labels.references import labelled_references


def of_accounts(*accounts: str | None, **settings: object) -> Dataset:
    """One lead a day for each account; odd ones convert on the day after."""
    days = pd.date_range("2026-01-01", periods=len(accounts), tz="UTC")
    ids = [f"L{i}" for i in range(len(accounts))]
    return Dataset.from_frames(
        leads={"lead_id": ids, "created_at": days, "account_id": list(accounts)},
        outcomes={
            "lead_id": ids[1::2],
            "outcome": ["converted"] * len(ids[1::2]),
            "occurred_at": days[1::2] + pd.Timedelta(1, "D"),
        },
        horizon_days=2,
        **settings,
    )


def test_the_account_is_read_beside_the_attributes() -> None:
    data = of_accounts("Acme", None, "Acme", " Binford ")
    names = accounts_of(data)
    assert names is not None
    assert names.tolist() == ["Acme", None, "Acme", "Binford"]
    assert "account_id" not in data.settings.attributes
    assert "account_id" not in histories_from_dataset(data).attributes
    assert any(told.startswith("account_id: 2 accounts; leads of one") for told in data.inferred)


def test_the_column_that_names_the_account_is_declared_like_any_other(tmp_path: Path) -> None:
    (tmp_path / "leads.csv").write_text(
        "lead_id,created_at,Company ID\nL1,2026-01-01T00:00:00Z,7\nL2,2026-01-02T00:00:00Z,7\n"
    )
    (tmp_path / "outcomes.csv").write_text(
        "lead_id,outcome,occurred_at\nL1,converted,2026-01-03T00:00:00Z\n"
    )
    (tmp_path / "dataset.toml").write_text(
        'horizon_days = 2\n[columns.leads]\naccount_id = "Company ID"\n'
    )
    names = accounts_of(read_dataset(tmp_path))
    assert names is not None
    assert names.tolist() == ["7", "7"]


def test_an_attribute_declared_under_the_name_stays_an_attribute() -> None:
    data = of_accounts("a", "b", "a", "b", attributes={"account_id": {"type": "category"}})
    assert accounts_of(data) is None
    assert "account_id" in histories_from_dataset(data).attributes


def test_references_of_one_account_are_one_observation() -> None:
    data = of_accounts("Acme", None, "Acme", None, "Acme")
    labelled = labelled_references(data, histories_from_dataset(data))
    assert dict(zip(labelled.lead.tolist(), labelled.unit.tolist(), strict=True)) == {
        0: 0, 1: 1, 2: 0, 3: 3, 4: 0,
    }  # fmt: skip
    assert labelled.take(np.array([2, 3])).unit.tolist() == [0, 3]


def test_a_mail_provider_is_no_firm() -> None:
    names = pd.Series(["gmail.com"] * 60 + ["Acme"] * 2 + [None] * 38, dtype=object)
    numbers = account_numbers(names, 100)
    assert numbers[:60].tolist() == list(range(60))
    assert numbers[60] == numbers[61] == 60
    data = of_accounts(*["gmail.com"] * 60, *["Acme"] * 2)
    assert any("'gmail.com' has 60 of 62 leads: too many" in told for told in data.inferred)
