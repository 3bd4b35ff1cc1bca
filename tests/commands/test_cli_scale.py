"""`leadscore score --buckets`: the same file as without, for sets that do not fit into memory."""

from __future__ import annotations

import importlib.util
import json
import shutil
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from pyarrow import parquet
from small_release import small_release

from commands import cli
from commands.batch_scoring import bucket_count
from features.errors import UsageError
from features.reading.read import read_dataset
from features.schemas import arrow_of


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("scale")
    assert cli.run(["simulate", str(place / "leads"), "--leads", "200", "--seed", "3"]) == 0
    small_release(place / "release", data={"reference_ages_days": [0.0, 7.0]})
    return place


def score(place: Path, out: str, *more: str) -> Path:
    path = place / out
    arguments = ["score", str(place / "leads"), "--release", str(place / "release")]
    assert cli.run([*arguments, "--out", str(path), *more]) == 0
    return path


def test_buckets_give_the_same_file(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    plain = score(place, "plain.parquet")
    capsys.readouterr()
    parted = score(place, "parted.parquet", "--buckets", "3", "--workers", "1", "--json")
    shown = capsys.readouterr()
    told = json.loads(shown.out)
    assert told["buckets"] == told["buckets_done_now"] == 3
    assert told["rows"] == parquet.read_metadata(parted).num_rows > 0
    assert parquet.read_table(parted).equals(parquet.read_table(plain))
    assert "run the same command again to go on after a stop" in shown.err


def test_bucket_counts() -> None:
    assert bucket_count("auto") is None
    assert bucket_count("65536") == 65_536
    for wrong in ("0", "many", "65537", "-1"):
        with pytest.raises(UsageError, match="expected auto or a number"):
            bucket_count(wrong)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_spark_gives_the_same_rows(
    place: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    if importlib.util.find_spec("pyspark") is None or shutil.which("java") is None:
        pytest.skip("no PySpark or no Java here")
    monkeypatch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
    monkeypatch.setenv("PYSPARK_PYTHON", sys.executable)
    plain = parquet.read_table(score(place, "beside.parquet"))
    note = next(line for line in capsys.readouterr().err.splitlines() if "older than" in line)
    source = tmp_path / "as_parquet"
    source.mkdir()
    dataset = read_dataset(place / "leads")
    parquet.write_table(arrow_of(dataset.leads), source / "leads.parquet")
    parquet.write_table(arrow_of(dataset.outcomes), source / "outcomes.parquet")
    parquet.write_table(dataset.interactions, source / "interactions.parquet")
    parquet.write_table(dataset.answers, source / "answers.parquet")
    shutil.copy(place / "leads" / "dataset.toml", source)
    capsys.readouterr()
    out = tmp_path / "scores"
    release = str(place / "release")
    arguments = ["score", str(source), "--release", release, "--out", str(out), "--json"]
    assert cli.run([*arguments, "--engine", "spark", "--spark-master", "local[2]"]) == 0
    shown = capsys.readouterr()
    assert json.loads(shown.out)["rows"] == plain.num_rows
    assert note in shown.err
    files = sorted(out.glob("part-*.parquet"))
    written = pa.concat_tables([parquet.read_table(file) for file in files])
    assert written.cast(plain.schema).equals(plain)


@pytest.fixture
def flawed(place: Path, tmp_path: Path) -> Path:
    """The same leads, one outcome of which is no word of the contract."""
    source = tmp_path / "leads"
    shutil.copytree(place / "leads", source)
    rows = (source / "outcomes.csv").read_text().splitlines()
    rows[1] = rows[1].replace("lost", "gone").replace("converted", "gone")
    (source / "outcomes.csv").write_text("\n".join(rows) + "\n")
    return source


def says_what_was_set_aside(stderr: str) -> bool:
    """Whether a line names the outcome that takes no part, with its reason."""
    lines = [line for line in stderr.splitlines() if line.startswith("takes no part: ")]
    return any("outcomes" in line and "unknown outcome" in line for line in lines)


def test_what_was_set_aside_and_inferred_is_reported(
    place: Path, flawed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    score(flawed.parent, "scores.csv", "--release", str(place / "release"))
    assert says_what_was_set_aside(capsys.readouterr().err)


def test_rules_and_compare_tell_what_was_set_aside(
    flawed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    card = flawed.parent / "rules.toml"
    assert cli.run(["rules", "show"]) == 0
    card.write_text(capsys.readouterr().out)
    assert cli.run(["rules", "check", str(card), "--on", str(flawed)]) == 0
    assert says_what_was_set_aside(capsys.readouterr().err)
    cli.run(["compare", str(flawed), "--exclude", "no such"])  # told before it stops
    assert says_what_was_set_aside(capsys.readouterr().err)


def test_buckets_tell_of_leads_older_than_learned(
    place: Path, flawed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    release = ["--release", str(place / "release")]
    score(flawed.parent, "plain.csv", *release)
    plain = [line for line in capsys.readouterr().err.splitlines() if line.startswith("note: ")]
    score(flawed.parent, "parted.csv", *release, "--buckets", "2", "--workers", "1")
    parted = capsys.readouterr().err.splitlines()
    assert len(plain) == 1
    assert "older than any learned from (7 days)" in plain[0]
    assert plain[0] in parted
    assert says_what_was_set_aside("\n".join(parted))
