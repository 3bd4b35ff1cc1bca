"""What an executor does with a bucket, tried without Spark; and a release on its way there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from many_leads import asked, made_up_folder
from pyarrow import parquet
from small_release import ATTRIBUTES, FEATURES, small_release

from features.dataset_settings import AttributeSettings
from features.errors import DataError, ReleaseError
from features.histories.build import histories_from_dataset
from features.language.language import ENGLISH
from features.reading.read import read_dataset
from features.schemas import UTC_MICROSECONDS
from features.settings_file import settings_from_text
from features.vectors.spec import FeatureSpec
from scoring.batch import spark as spark_release
from scoring.batch.spark import REFUSED, _plain, _score_rows, received, shipped
from scoring.batch.spark_partition import TAGS, WorkerPlan, bucket_of
from scoring.batch.spark_tables import ORDER, refuse_other_rules
from scoring.release.release import load_release
from scoring.scores import scores_table

SPEC = FeatureSpec(FEATURES, ATTRIBUTES)
RENAMED = {
    "leads": {"created_at": "at", "employees": "a0", "sector": "a1"},
    "interactions": {"occurred_at": "at", "kind": "word"},
    "answers": {"answered_at": "at", "attribute": "word", "value": "text"},
}
EMPTY = pa.schema(
    [("tag", pa.int32()), ("lead_id", pa.string()), ("at", UTC_MICROSECONDS),
     ("word", pa.string()), ("text", pa.string()), ("value", pa.float64()),
     ("duration_s", pa.float64()), (ORDER[0], pa.string()), (ORDER[1], pa.int64()),
     ("a0", pa.float64()), ("a1", pa.string())]
)  # fmt: skip


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("bucket")
    made_up_folder(place / "data")
    small_release(place / "release")
    return place


@pytest.fixture(autouse=True)
def no_release_seen() -> Iterator[None]:
    spark_release._LOADED.clear()
    yield
    spark_release._LOADED.clear()


def needs(folder: Path) -> WorkerPlan:
    settings = read_dataset(folder).settings
    typed = {a.name: AttributeSettings(type=a.type) for a in SPEC.attributes}
    return WorkerPlan(settings.model_copy(update={"attributes": typed}), tuple(typed), True)


def laid_out(folder: Path) -> pa.Table:
    """All tables under one another, as Spark lays them out."""
    parts = []
    for name, names in RENAMED.items():
        table = parquet.read_table(folder / f"{name}.parquet")
        table = table.rename_columns([names.get(c, c) for c in table.column_names])
        parts.append(tagged(table, name))
    lead_ids, as_of = asked(read_dataset(folder))
    questions = {
        "lead_id": pa.array(lead_ids, pa.string()),
        "at": pa.array(as_of, UTC_MICROSECONDS),
        ORDER[0]: pa.array(["asked"] * len(as_of)),
        ORDER[1]: pa.array(range(len(as_of)), pa.int64()),
    }
    parts.append(tagged(pa.table(questions), "questions"))
    return pa.concat_tables([EMPTY.empty_table(), *parts], promote_options="default")


def tagged(table: pa.Table, name: str) -> pa.Table:
    return table.append_column("tag", pa.array([TAGS[name]] * table.num_rows, pa.int32()))


def test_a_bucket_is_scored_as_in_memory(place: Path) -> None:
    release = load_release(place / "release")
    files = SimpleNamespace(value=shipped(place / "release"))
    rows = laid_out(place / "data")
    found = _score_rows(needs(place / "data"), release.release_id, "3", ENGLISH, files, rows)
    dataset = read_dataset(place / "data")
    expected = scores_table(
        release, histories_from_dataset(dataset), *asked(dataset), model_version="3"
    )
    assert found.column(REFUSED).null_count == found.num_rows
    assert found.column(ORDER[1]).to_pylist() == list(range(expected.num_rows))
    assert found.select(expected.column_names).equals(expected)


def test_rows_that_break_the_contract_are_reported_in_a_row(place: Path) -> None:
    release = load_release(place / "release")
    files = SimpleNamespace(value=shipped(place / "release"))
    rows = laid_out(place / "data")
    stray = tagged(pa.table({"lead_id": ["nobody"], "word": ["page_view"]}), "interactions")
    times = pa.array([1_700_000_000_000_000], UTC_MICROSECONDS)
    rows = pa.concat_tables([rows, stray.append_column("at", times)], promote_options="default")
    found = _score_rows(needs(place / "data"), release.release_id, "3", ENGLISH, files, rows)
    told = json.loads(found.column(REFUSED)[-1].as_py())
    assert [(q["file"], q["reason"], q["rows"]) for q in told] == [
        ("table interactions", "unknown lead", 1)
    ]
    assert "nobody" not in told[0]["example"]


def test_a_bucket_without_leads_knows_none(place: Path) -> None:
    rows = laid_out(place / "data")
    alone = rows.filter(pc.equal(rows.column("tag"), TAGS["questions"]))
    bucket = bucket_of(alone, needs(place / "data"))
    assert len(bucket.dataset.leads) == 0
    assert bucket.questions.num_rows == alone.num_rows


def test_a_release_arrives_as_it_was_sent(place: Path) -> None:
    release = load_release(place / "release")
    files = shipped(place / "release")
    assert received(release.release_id, files).manifest == release.manifest
    assert received(release.release_id, {}).release_id == release.release_id  # seen before


@pytest.mark.parametrize("name", ["manifest.json", "model.json", "spec.json", "intervals.json"])
def test_a_bit_flipped_on_the_way_is_refused(name: str, place: Path) -> None:
    release = load_release(place / "release")
    files = shipped(place / "release")
    content = bytearray(files[name])
    content[len(content) // 2] ^= 1
    with pytest.raises(ReleaseError, match=name.replace(".", r"\.")):
        received(release.release_id, files | {name: bytes(content)})
    with pytest.raises(ReleaseError, match="arrived where"):
        received("0" * 12, files)


def test_errors_of_workers_are_reported_in_words() -> None:
    text = "Traceback …\n  File x\nfeatures.errors.ReleaseError: model.json is not the file\n\n\tat"
    assert isinstance(_plain(text), ReleaseError)
    assert str(_plain(text)) == "model.json is not the file"
    assert str(_plain("\nJob aborted\n at x")) == "Spark could not finish: Job aborted"


@pytest.mark.parametrize(
    "toml",
    [
        '[columns.leads]\nlead_id = "Id"',
        '[tables.leads]\nfile = "x.parquet"',
        '[outcome_words]\nlost = ["Perdu"]',
        'lead_ids = "ignore-case"',
        "account_features = true",
        '[attributes.products]\nmultiple = ";"',
    ],
)
def test_rules_that_spark_does_not_follow_are_refused(toml: str) -> None:
    settings, given = settings_from_text(toml, default_name="x")
    with pytest.raises(DataError, match=r"which the Spark engine does not follow"):
        refuse_other_rules(settings, given)
    plain, none = settings_from_text('time_zone = "UTC"\ndecimal = ","', default_name="x")
    refuse_other_rules(plain, none)
