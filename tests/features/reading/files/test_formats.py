"""The same content in any format is the same dataset."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as parquet
import pytest

from features.contract import AttributeType, Available, Group
from features.reading.files.file_chunks import file_chunks
from features.reading.quarantine import Quarantine
from features.reading.read import read_dataset
from features.schemas import ANSWERS_SCHEMA, INTERACTIONS_SCHEMA

Folder = Callable[..., Path]


def test_a_small_set_is_typed(dataset_folder: Folder) -> None:
    dataset = read_dataset(dataset_folder())
    leads = dataset.leads
    assert leads["lead_id"].tolist() == ["L1", "L2", "L3"]
    assert str(leads["created_at"].dtype) == "datetime64[us, UTC]"
    assert leads["created_at"].iloc[2].isoformat() == "2026-01-02T22:00:00+00:00"
    np.testing.assert_array_equal(leads["budget"], [1000.0, np.nan, 250.5])
    assert leads["industry"].tolist() == ["software", "retail", None]
    assert leads["newsletter"].tolist() == [1.0, 0.0, 1.0]
    assert dataset.interactions.schema == INTERACTIONS_SCHEMA
    assert dataset.interactions.column("value").to_pylist() == [None, 2.0, 1.5]
    assert dataset.interactions.column("channel").to_pylist() == ["web", None, "web"]
    assert dataset.answers.schema == ANSWERS_SCHEMA
    assert dataset.has_time
    assert dataset.quarantined == ()


def test_what_is_inferred_is_reported(dataset_folder: Folder) -> None:
    dataset = read_dataset(dataset_folder())
    attributes = dataset.settings.attributes
    assert attributes["budget"].type is AttributeType.NUMBER
    assert attributes["budget"].group is Group.BUDGET
    assert attributes["budget"].available is Available.ANSWERED
    assert attributes["industry"].group is Group.FIT
    assert attributes["newsletter"].type is AttributeType.BOOLEAN
    assert attributes["timeline"].group is Group.TIMELINE
    said = "\n".join(dataset.inferred)
    assert "budget: inferred type number" in said
    assert "timeline: inferred type category (1 different word), group timeline" in said
    assert "observed_until: inferred 2026-01-20T00:00:00Z, the latest moment seen" in said
    assert "horizon_days: not given, 30 is taken" in said


def test_settings_given_are_kept_and_not_said_again(dataset_folder: Folder) -> None:
    toml = (
        'name = "mine"\nhorizon_days = 14\nobserved_until = 2026-02-01T00:00:00Z\n'
        'unanswered = ["retail"]\n[attributes.budget]\ntype = "number"\ngroup = "need"\n'
        'available = "at_creation"\n[attributes.gone]\ntype = "number"\n'
    )
    dataset = read_dataset(dataset_folder(dataset_toml=toml))
    assert dataset.settings.name == "mine"
    assert dataset.settings.horizon_days == 14
    assert dataset.settings.attributes["budget"].group is Group.NEED
    assert dataset.settings.attributes["budget"].available is Available.AT_CREATION
    assert dataset.leads["industry"].tolist() == ["software", None, None]
    said = "\n".join(dataset.inferred)
    assert "budget" not in said
    assert "horizon_days" not in said
    assert "gone: in the settings, but in no table" in said


def _as(kind: str, folder: Path, target: Path) -> Path:
    target.mkdir()
    for path in sorted(folder.glob("*.csv")):
        if kind == "gz":
            (target / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        else:
            table = arrow_csv.read_csv(
                path, convert_options=arrow_csv.ConvertOptions(strings_can_be_null=True)
            )
            parquet.write_table(table, target / f"{path.stem}.parquet")
    return target


def test_gzip_and_parquet_read_the_same(dataset_folder: Folder, tmp_path: Path) -> None:
    folder = dataset_folder()
    plain = read_dataset(folder)
    for kind in ("gz", "parquet"):
        other = read_dataset(_as(kind, folder, tmp_path / kind))
        pd.testing.assert_frame_equal(plain.leads, other.leads)
        pd.testing.assert_frame_equal(plain.outcomes, other.outcomes)
        assert plain.interactions.equals(other.interactions)
        assert plain.answers.equals(other.answers)
        assert plain.fingerprint == other.fingerprint


def test_parquet_types_are_taken_as_they_are(dataset_folder: Folder) -> None:
    folder = dataset_folder(leads=None, interactions=None, answers=None)
    times = pa.array([1_767_225_600_000] * 3, pa.timestamp("ms", tz="Europe/Paris"))
    columns = {
        "lead_id": pa.array(["L1", "L2", "L3"]).dictionary_encode(),
        "created_at": times,
        "flag": pa.array([True, None, False]),
        "size": pa.array([1, 2, None], pa.int32()),
        "sector": pa.array(["a", "b", "a"]).dictionary_encode(),
        "seen": pa.array([1, 2, 3], pa.timestamp("us")),
        "parts": pa.array([[1], [2], []]),
        "empty": pa.nulls(3),
        "not_a_number": pa.array([1.0, float("nan"), 3.0]),
    }
    parquet.write_table(pa.table(columns), folder / "leads.parquet")
    dataset = read_dataset(folder)
    np.testing.assert_array_equal(dataset.leads["flag"], [1.0, np.nan, 0.0])
    np.testing.assert_array_equal(dataset.leads["size"], [1.0, 2.0, np.nan])
    np.testing.assert_array_equal(dataset.leads["not_a_number"], [1.0, np.nan, 3.0])
    assert dataset.leads["sector"].tolist() == ["a", "b", "a"]
    assert dataset.leads["empty"].isna().all()
    assert dataset.leads["created_at"].iloc[0].isoformat() == "2026-01-01T00:00:00+00:00"
    assert {"seen", "parts"}.isdisjoint(dataset.leads.columns)
    said = "\n".join(dataset.inferred)
    assert "seen: left out: a date or time" in said
    assert "parts: left out: stored as list" in said


def test_a_byte_order_mark_windows_lines_and_quoted_newlines(dataset_folder: Folder) -> None:
    text = (
        "\ufefflead_id,created_at,industry\r\n"
        'L1,2026-01-01T00:00:00Z,"software,\r\nand services"\r\n'
        "L2,2026-01-02T00:00:00Z,retail\r\n"
    )
    dataset = read_dataset(dataset_folder(leads=text, answers=None))
    assert dataset.leads["lead_id"].tolist() == ["L1", "L2"]
    assert dataset.leads["industry"].tolist() == ["software,\r\nand services", "retail"]


def test_times_keep_microseconds_offsets_and_far_years(dataset_folder: Folder) -> None:
    leads = (
        "lead_id,created_at\nL1,1970-01-01T00:00:01Z\nL2,2024-02-29 23:59:59.123456789+01:00\n"
        "L3,2026-01-03T00:00:00-0530\nL4,2026-01-03T00:00Z\n"
    )
    outcomes = "lead_id,outcome,occurred_at\nL1,lost,2026-12-31T23:59:59.999999Z\n"
    dataset = read_dataset(
        dataset_folder(leads=leads, outcomes=outcomes, interactions=None, answers=None)
    )
    assert [t.isoformat() for t in dataset.leads["created_at"]] == [
        "1970-01-01T00:00:01+00:00",
        "2024-02-29T22:59:59.123456+00:00",
        "2026-01-03T05:30:00+00:00",
        "2026-01-03T00:00:00+00:00",
    ]
    assert dataset.outcomes["occurred_at"].iloc[0].microsecond == 999999


def test_a_set_without_time(dataset_folder: Folder) -> None:
    dataset = read_dataset(
        dataset_folder(
            leads="lead_id,size\n1,3\n2,\n", outcomes="lead_id,outcome\n1,converted\n",
            interactions=None, answers=None,
        )
    )  # fmt: skip
    assert not dataset.has_time
    assert dataset.leads["lead_id"].tolist() == ["1", "2"]
    assert dataset.outcomes["occurred_at"].isna().all()
    assert dataset.settings.observed_until is None
    assert any("figures are optimistic" in sentence for sentence in dataset.inferred)


def test_one_class_and_no_outcomes_can_be_read(dataset_folder: Folder) -> None:
    one = "lead_id,outcome,occurred_at\nL1,lost,2026-01-05T00:00:00Z\n"
    assert read_dataset(dataset_folder(outcomes=one)).outcomes["outcome"].tolist() == ["lost"]
    folder = dataset_folder()
    (folder / "outcomes.csv").unlink()
    assert len(read_dataset(folder, outcomes_required=False).outcomes) == 0


def test_numbers_of_whole_ids_in_parquet_are_words(dataset_folder: Folder) -> None:
    folder = dataset_folder(leads=None, outcomes=None, interactions=None, answers=None)
    ids = pa.array([10.0, 11.0])
    parquet.write_table(pa.table({"lead_id": ids}), folder / "leads.parquet")
    outcomes = pa.table({"lead_id": ids[:1], "outcome": ["lost"]})
    parquet.write_table(outcomes, folder / "outcomes.parquet")
    dataset = read_dataset(folder)
    assert dataset.leads["lead_id"].tolist() == ["10", "11"]
    assert dataset.outcomes["lead_id"].tolist() == ["10"]


def test_answers_are_typed_and_can_be_withdrawn(dataset_folder: Folder) -> None:
    answers = (
        "lead_id,answered_at,attribute,value\n"
        "L1,2026-01-04T00:00:00Z,newsletter,No\nL1,2026-01-05T00:00:00Z,newsletter,oui\n"
        "L1,2026-01-06T00:00:00Z,newsletter,\nL1,2026-01-06T00:00:00Z,budget, 7\n"
    )
    dataset = read_dataset(dataset_folder(answers=answers))
    assert dataset.answers.column("value").to_pylist() == ["0", "1", None, "7"]


def test_parts_can_be_skipped(
    dataset_folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "interactions.parquet"
    times = pa.array([0] * 10, pa.timestamp("us", tz="UTC"))
    table = pa.table({"lead_id": [f"L{i}" for i in range(10)], "occurred_at": times})
    parquet.write_table(table, path, row_group_size=5)
    monkeypatch.setattr("features.reading.files.parquet.CHUNK_ROWS", 2)
    whole = [(c.rows.tolist(), c.table) for c in file_chunks(path, "interactions", Quarantine())]
    assert [rows for rows, _ in whole] == [[1, 2], [3, 4], [5], [6, 7], [8, 9], [10]]
    for skip in range(7):
        later = file_chunks(path, "interactions", Quarantine(), skip)
        assert [(c.rows.tolist(), c.table) for c in later] == whole[skip:]


@pytest.mark.parametrize("coded", [False, True], ids=["words", "codes"])
def test_kinds_are_checked_whether_parquet_stores_words_or_codes(
    dataset_folder: Folder, tmp_path: Path, coded: bool
) -> None:
    folder = _as("parquet", dataset_folder(), tmp_path / "parquet")
    path = folder / "interactions.parquet"
    kinds = pa.array(["page_view", " ", None, "meeting", "page_view"])
    rows = {
        "lead_id": ["L1", "L1", "L2", "L2", "nobody"],
        "occurred_at": ["2026-01-10T00:00:00Z"] * 5,
        "kind": kinds.dictionary_encode() if coded else kinds,
    }
    parquet.write_table(pa.table(rows), path)
    dataset = read_dataset(folder, max_bad_fraction=1.0)
    assert dataset.interactions.schema == INTERACTIONS_SCHEMA
    assert dataset.interactions.column("kind").to_pylist() == ["page_view", "meeting"]
    assert dataset.interactions.column("lead_id").to_pylist() == ["L1", "L2"]
    aside = {rows.reason: rows.rows for rows in dataset.quarantined}
    assert aside == {"no kind": 2, "unknown lead": 1}


def test_progress_is_reported_of_every_part_and_may_stop_the_reading(
    dataset_folder: Folder, tmp_path: Path
) -> None:
    folder = _as("parquet", dataset_folder(), tmp_path / "parquet")
    path = folder / "interactions.parquet"
    parquet.write_table(parquet.read_table(path), path, row_group_size=1)
    seen: list[int] = []
    read_dataset(folder, progress=seen.append)
    assert seen == [1, 2, 3]

    def stop(rows: int) -> None:
        raise KeyboardInterrupt(f"after {rows}")

    with pytest.raises(KeyboardInterrupt, match="after 1"):
        read_dataset(folder, progress=stop)
