"""Refused rows are counted and written aside; a little is endured, more stops the run."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from features.errors import DataError
from features.reading.read import read_dataset

Folder = Callable[..., Path]


def _leads(n: int) -> str:
    rows = [f"L{i},2026-01-01T00:00:00Z,{i}" for i in range(n)]
    return "lead_id,created_at,size\n" + "\n".join(rows) + "\n"


def _outcomes(n: int) -> str:
    rows = [f"L{i},lost,2026-01-02T00:00:00Z" for i in range(n)]
    return "lead_id,outcome,occurred_at\n" + "\n".join(rows) + "\n"


def test_a_few_bad_rows_are_set_aside_and_written(dataset_folder: Folder, tmp_path: Path) -> None:
    leads = _leads(300) + "L300,2026-01-01T00:00:00Z,inf\n"
    outcomes = _outcomes(200) + "L200,win,2026-01-02T00:00:00Z\nL300,lost,2026-01-02T00:00:00Z\n"
    interactions = (
        "lead_id,occurred_at,kind\n"
        + "L0,2026-01-02T00:00:00Z,page_view\n" * 200
        + "L300,2026-01-02T00:00:00Z,page_view\nL999,2026-01-02T00:00:00Z,page_view\n"
    )
    folder = dataset_folder(leads=leads, outcomes=outcomes, interactions=interactions, answers=None)
    dataset = read_dataset(folder, quarantine_dir=tmp_path / "aside")
    assert len(dataset.leads) == 299  # one with an infinite size, one with a doubtful outcome
    assert dataset.interactions.num_rows == 200
    found = {(q.file, q.reason): (q.rows, q.harmless) for q in dataset.quarantined}
    assert found == {
        ("leads.csv", "size is not a number"): (1, False),
        ("leads.csv", "its outcome is in quarantine"): (1, True),
        ("outcomes.csv", "unknown outcome"): (1, False),
        ("outcomes.csv", "its lead is set aside"): (1, True),
        ("interactions.csv", "its lead is set aside"): (1, True),
        ("interactions.csv", "unknown lead"): (1, False),
    }
    with (tmp_path / "aside" / "interactions.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(r["row"], r["reason"], r["lead_id"]) for r in rows] == [
        ("202", "its lead is set aside", "L300"),
        ("203", "unknown lead", "L999"),
    ]


def test_the_limit_is_a_choice(dataset_folder: Folder) -> None:
    outcomes = _outcomes(9) + "L9,win,2026-01-02T00:00:00Z\n"
    folder = dataset_folder(leads=_leads(10), outcomes=outcomes, interactions=None, answers=None)
    with pytest.raises(DataError, match=r"unknown outcomes: 'win' \(1 row\), of 10 rows"):
        read_dataset(folder)
    dataset = read_dataset(folder, max_bad_fraction=0.2)
    assert len(dataset.outcomes) == 9
    assert "L9" not in set(dataset.leads["lead_id"])


def test_exact_repeats_are_dropped_without_harm(dataset_folder: Folder) -> None:
    folder = dataset_folder(
        leads=_leads(3) + "L1,2026-01-01T00:00:00Z,1\n",
        outcomes=_outcomes(2) + "L0,lost,2026-01-02T00:00:00Z\n",
        interactions=None,
        answers=None,
    )
    dataset = read_dataset(folder)
    assert dataset.leads["lead_id"].tolist() == ["L0", "L1", "L2"]
    assert dataset.outcomes["lead_id"].tolist() == ["L0", "L1"]
    assert [(q.file, q.rows, q.harmless) for q in dataset.quarantined] == [
        ("leads.csv", 1, True),
        ("outcomes.csv", 1, True),
    ]


def test_lines_that_do_not_split_keep_later_row_numbers_right(
    dataset_folder: Folder, tmp_path: Path
) -> None:
    rows = _leads(300).splitlines()
    rows.insert(10, "L900,2026-01-01T00:00:00Z")
    rows.append("L901,2026-01-01T00:00:00Z,many")
    folder = dataset_folder(
        leads="\n".join(rows) + "\n", outcomes=_outcomes(3), interactions=None, answers=None
    )
    dataset = read_dataset(folder, quarantine_dir=tmp_path / "aside")
    examples = {q.reason: q.example for q in dataset.quarantined}
    assert examples["wrong number of columns"] == "leads.csv row 11: 2 columns; expected 3"
    assert (
        "leads.csv row 303: size is not a number, size is 'many'"
        in examples["size is not a number"]
    )
    assert "L900" in (tmp_path / "aside" / "leads.lines.csv").read_text()


def test_a_stale_quarantine_file_is_replaced(dataset_folder: Folder, tmp_path: Path) -> None:
    aside = tmp_path / "aside"
    aside.mkdir()
    (aside / "leads.csv").write_text("from an earlier run\n")
    leads = _leads(300) + "L300,2026-01-01T00:00:00Z,inf\n"
    folder = dataset_folder(leads=leads, outcomes=_outcomes(3), interactions=None, answers=None)
    read_dataset(folder, quarantine_dir=aside)
    assert "earlier" not in (aside / "leads.csv").read_text()
