"""Scores on Spark, two threads of one machine: the same bits as in memory."""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from many_leads import asked, made_up_folder
from pyarrow import parquet
from small_release import small_release

from features.errors import DataError, ReleaseError
from features.histories.build import histories_from_dataset
from features.reading.read import open_leads, read_dataset
from features.schemas import UTC_MICROSECONDS
from scoring.batch import spark as engine
from scoring.batch.spark import SparkRun, score_with_spark, spark_session
from scoring.release.release import load_release
from scoring.scorecard.scorecard import default_scorecard
from scoring.scores import scores_table

if importlib.util.find_spec("pyspark") is None:
    pytest.skip(
        "PySpark is not installed (pip install 'leadscore[spark]')", allow_module_level=True
    )
if shutil.which("java") is None:
    pytest.skip("no Java here: Spark needs version 17 or newer", allow_module_level=True)

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.slow]


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    os.environ["SPARK_LOCAL_IP"] = "127.0.0.1"
    os.environ["PYSPARK_PYTHON"] = sys.executable
    place = tmp_path_factory.mktemp("spark")
    found = spark_session(
        "local[2]",
        **{
            "spark.ui.enabled": "false",
            "spark.driver.memory": "1g",
            "spark.sql.warehouse.dir": str(place),
            "spark.sql.shuffle.partitions": "2",
        },
    )
    found.sparkContext.setLogLevel("OFF")
    yield found
    found.stop()


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A dataset, a release with a scorecard, and questions in no order."""
    place = tmp_path_factory.mktemp("data")
    folder = made_up_folder(place / "data")
    small_release(place / "release", scorecard=default_scorecard())
    lead_ids, as_of = asked(read_dataset(folder))
    moments = pa.array(as_of, UTC_MICROSECONDS)
    table = pa.table({"lead_id": pa.array(lead_ids, pa.string()), "as_of": moments})
    parquet.write_table(table, place / "asked.parquet", row_group_size=50)
    return place


@pytest.fixture
def run(place: Path, tmp_path: Path) -> SparkRun:
    return SparkRun(
        source=str(place / "data"),
        release=place / "release",
        out=str(tmp_path / "scores"),
        references=str(place / "asked.parquet"),
        model_version="3",
        buckets=5,
    )


def written(run: SparkRun) -> pa.Table:
    files = sorted(Path(run.out).glob("part-*.parquet"))
    table = pa.concat_tables([parquet.read_table(file) for file in files])
    return table.set_column(1, "as_of", table.column("as_of").cast(UTC_MICROSECONDS))


def in_memory(run: SparkRun, questions: Any = asked) -> pa.Table:
    dataset = read_dataset(run.source, max_bad_fraction=0.5)
    release = load_release(run.release)
    return scores_table(
        release, histories_from_dataset(dataset), *questions(dataset), model_version="3"
    )


def test_the_same_to_the_last_bit_as_in_memory(session: Any, run: SparkRun) -> None:
    result = score_with_spark(session, run)
    expected = in_memory(run)
    assert written(run).equals(expected)
    assert (result.rows, result.buckets, result.errors) == (222, 5, 2)
    assert sum(result.bands.values()) == 220
    assert result.quarantined == ()
    assert expected.column("rule_points").null_count == 2
    assert not Path(f"{run.out}.work").exists()


def test_without_references_open_leads_are_scored(session: Any, run: SparkRun) -> None:
    run = replace(run, references=None, buckets=None)
    assert score_with_spark(session, run).buckets == 2
    assert written(run).equals(in_memory(run, open_leads))


def test_planned_meetings_do_not_decide_when_open_leads_are_scored(
    session: Any, run: SparkRun, place: Path, tmp_path: Path
) -> None:
    rows = parquet.read_table(place / "data" / "interactions.parquet")
    late = rows.slice(0, 12).set_column(
        rows.column_names.index("occurred_at"),
        "occurred_at",
        pa.array([datetime(2052, 1, 1, tzinfo=UTC)] * 12, UTC_MICROSECONDS),
    )
    source = copied(place, tmp_path / "late", "interactions", pa.concat_tables([rows, late]))
    (tmp_path / "late" / "dataset.toml").unlink(missing_ok=True)
    run = replace(run, source=source, references=None, max_bad_fraction=0.001)
    score_with_spark(session, run)
    assert written(run).equals(in_memory(run, open_leads))


def test_what_spark_does_not_follow_is_refused(
    session: Any, run: SparkRun, place: Path, tmp_path: Path
) -> None:
    rows = parquet.read_table(place / "data" / "interactions.parquet")
    words = pa.array(["1.234,5"] * rows.num_rows)
    other = rows.drop_columns([c for c in ("value",) if c in rows.column_names])
    source = copied(place, tmp_path / "words", "interactions", other.append_column("value", words))
    with pytest.raises(DataError, match=r"interactions: value is of type string"):
        score_with_spark(session, replace(run, source=source))
    (tmp_path / "words" / "aliases.csv").write_text("alias_id,lead_id\n")
    with pytest.raises(DataError, match=r"has a table aliases"):
        score_with_spark(session, replace(run, source=source))
    (tmp_path / "words" / "dataset.toml").write_text('[outcome_words]\nlost = ["Perdu"]\n')
    with pytest.raises(DataError, match=r"says \[outcome_words\], which the Spark engine"):
        score_with_spark(session, replace(run, source=source))


def test_tables_of_a_catalogue_and_csv_references(
    session: Any, run: SparkRun, place: Path, tmp_path: Path
) -> None:
    session.sql("CREATE DATABASE crm")
    for path in (place / "data").glob("*.parquet"):
        session.read.parquet(str(path)).write.saveAsTable(f"crm.{path.stem}")
    references = tmp_path / "asked.csv"
    table = parquet.read_table(place / "asked.parquet")
    rows = [f"{r['lead_id']},{r['as_of'].isoformat()}" for r in table.to_pylist()]
    references.write_text("lead_id,as_of\n" + "\n".join(rows) + "\n")
    score_with_spark(session, replace(run, source="table:crm", references=str(references)))
    assert written(run).equals(in_memory(run))


def copied(place: Path, target: Path, name: str, table: pa.Table) -> str:
    shutil.copytree(place / "data", target)
    parquet.write_table(table, target / f"{name}.parquet")
    return str(target)


def test_bad_rows_are_counted_and_limited(
    session: Any, run: SparkRun, place: Path, tmp_path: Path
) -> None:
    rows = parquet.read_table(place / "data" / "interactions.parquet")
    ids = pa.array(["nobody"] * 50 + rows.column("lead_id").to_pylist()[50:])
    source = copied(place, tmp_path / "bad", "interactions", rows.set_column(0, "lead_id", ids))
    run = replace(run, source=source)
    result = score_with_spark(session, run)
    assert [(q.file, q.reason, q.rows) for q in result.quarantined] == [
        ("table interactions", "unknown lead", 50)
    ]
    assert written(run).equals(in_memory(run))
    with pytest.raises(DataError, match=r"50 of 6,000 rows of table interactions break"):
        score_with_spark(session, replace(run, max_bad_fraction=0.001, out=run.out + "2"))
    assert not Path(run.out + "2").exists()


def test_an_altered_release_is_refused_by_the_executors(
    session: Any, run: SparkRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = engine.shipped

    def altered(folder: Path) -> dict[str, bytes]:
        files = real(folder)
        model = bytearray(files["model.json"])
        model[len(model) // 2] ^= 1
        return files | {"model.json": bytes(model)}

    monkeypatch.setattr(engine, "shipped", altered)
    monkeypatch.setattr(engine, "_score_rows", fresh_process(engine._score_rows))
    with pytest.raises(ReleaseError, match=r"model\.json is not the file the manifest lists"):
        score_with_spark(session, run)


def fresh_process(work: Any) -> Any:
    """The same work in a worker that has not seen a release yet."""

    def forgetful(*arguments: Any) -> Any:
        from scoring.batch import spark as spark_release

        spark_release._LOADED.clear()
        return work(*arguments)

    return forgetful


def test_times_without_a_zone_are_refused(
    session: Any, run: SparkRun, place: Path, tmp_path: Path
) -> None:
    leads = parquet.read_table(place / "data" / "leads.parquet")
    naive = leads.set_column(1, "created_at", leads.column(1).cast(pa.timestamp("us")))
    source = copied(place, tmp_path / "naive", "leads", naive)
    with pytest.raises(DataError, match="created_at is of type timestamp_ntz, a time without"):
        score_with_spark(session, replace(run, source=source))


def test_tables_that_are_missing_or_in_csv(session: Any, run: SparkRun, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no table leads in"):
        score_with_spark(session, replace(run, source=str(tmp_path)))
    (tmp_path / "leads.csv").write_text("lead_id\n1\n")
    with pytest.raises(DataError, match="the Spark engine reads Parquet"):
        score_with_spark(session, replace(run, source=str(tmp_path)))


def test_a_column_that_is_missing(session: Any, run: SparkRun, place: Path, tmp_path: Path) -> None:
    rows = parquet.read_table(place / "data" / "interactions.parquet").drop_columns(["kind"])
    source = copied(place, tmp_path / "short", "interactions", rows)
    with pytest.raises(DataError, match="table interactions has no column 'kind'"):
        score_with_spark(session, replace(run, source=source))
