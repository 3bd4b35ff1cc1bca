"""The fingerprint follows the content and nothing else."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from features.reading.read import read_dataset

Folder = Callable[..., Path]
HEAD = "lead_id,created_at,size,sector\n"
ROWS = ["L1,2026-01-01T00:00:00Z,1,a", "L2,2026-01-02T00:00:00Z,,b", "L3,2026-01-03T00:00:00Z,3,"]
OUTCOMES = "lead_id,outcome,occurred_at\nL1,lost,2026-01-05T00:00:00Z\n"


def _print_of(folder: Folder, rows: list[str], **more: str) -> str:
    tables = {"outcomes": OUTCOMES, "interactions": None, "answers": None, **more}
    return read_dataset(folder(leads=HEAD + "\n".join(rows) + "\n", **tables)).fingerprint


def test_order_and_name_do_not_matter(dataset_folder: Folder) -> None:
    first = _print_of(dataset_folder, ROWS)
    assert len(first) == 64
    assert _print_of(dataset_folder, ROWS[::-1]) == first
    assert _print_of(dataset_folder, ROWS, dataset_toml='name = "other"\n') == first


@pytest.mark.parametrize(
    "changed",
    [
        ["L1,2026-01-01T00:00:00Z,2,a", *ROWS[1:]],
        ["L1,2026-01-01T00:00:00Z,,a", "L2,2026-01-02T00:00:00Z,1,b", ROWS[2]],
        ["L1,2026-01-01T00:00:01Z,1,a", *ROWS[1:]],
        ["L1,2026-01-01T00:00:00Z,1,c", *ROWS[1:]],
        [*ROWS, "L4,2026-01-03T00:00:00Z,3,"],
    ],
)
def test_any_change_matters(changed: list[str], dataset_folder: Folder) -> None:
    assert _print_of(dataset_folder, changed) != _print_of(dataset_folder, ROWS)


def test_the_settings_matter(dataset_folder: Folder) -> None:
    first = _print_of(dataset_folder, ROWS)
    assert _print_of(dataset_folder, ROWS, dataset_toml="horizon_days = 7\n") != first
