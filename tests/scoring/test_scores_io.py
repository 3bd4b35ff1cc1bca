"""Scores as files: formats, moments, and what a full or missing disk leaves behind."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet

from features.errors import StorageError, UsageError
from scoring.scores import SCORE_COLUMNS
from scoring.scores_io import check_ending, iso_moments, write_scores


def table() -> pa.Table:
    row = dict.fromkeys(SCORE_COLUMNS.names)
    scored = {**row, "lead_id": "A", "as_of": 1_000_000, "probability": 0.25, "band": "warm"}
    refused = {**row, "lead_id": 'B, "b"', "as_of": None, "error": "unknown lead"}
    return pa.Table.from_pylist([scored, refused], schema=SCORE_COLUMNS)


def test_csv_holds_a_row_per_reference_in_order(tmp_path: Path) -> None:
    write_scores(table(), tmp_path / "made" / "scores.csv")
    lines = (tmp_path / "made" / "scores.csv").read_text().splitlines()
    assert lines[0].replace('"', "").split(",") == SCORE_COLUMNS.names
    assert lines[1].startswith('"A","1970-01-01T00:00:01Z",0.25,,,"warm"')
    assert lines[2].startswith('"B, ""b""",,')
    assert lines[2].endswith('"unknown lead"')


def test_parquet_keeps_types(tmp_path: Path) -> None:
    write_scores(table(), tmp_path / "scores.parquet")
    assert parquet.read_table(tmp_path / "scores.parquet").equals(table())


def test_fractions_of_a_second_are_kept_when_there_are_any() -> None:
    moments = pa.chunked_array([pa.array([1_500_000], pa.timestamp("us", "UTC"))])
    assert iso_moments(moments).to_pylist() == ["1970-01-01T00:00:01.500000Z"]


def test_another_ending_is_refused_before_any_work() -> None:
    with pytest.raises(UsageError, match=r"\.csv or \.parquet"):
        check_ending(Path("scores.xlsx"))


def test_a_place_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot write"):
        write_scores(table(), tmp_path / "file" / "scores.csv")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]
