"""Scores in buckets: the same bits as in memory, and nothing finished is done twice."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as arrow_csv
import pytest
from many_leads import asked, made_up_folder
from pyarrow import parquet
from small_release import small_release

from features.errors import DataError, StorageError, UsageError
from features.histories.build import histories_from_dataset
from features.reading.read import read_dataset
from scoring.batch import out_of_core, partition
from scoring.batch.out_of_core import BucketRun, score_in_buckets
from scoring.release.release import load_release
from scoring.scores import scores_table
from scoring.scores_io import write_scores


def in_memory(folder: Path, release: Path, version: str) -> pa.Table:
    dataset = read_dataset(folder)
    loaded = load_release(release)
    return scores_table(
        loaded, histories_from_dataset(dataset), *asked(dataset), model_version=version
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("buckets")
    made_up_folder(place / "data")
    small_release(place / "release")
    return place


@pytest.fixture
def run(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BucketRun:
    monkeypatch.setattr(partition, "STEP_ROWS", 1500)
    return BucketRun(
        source=place / "data",
        release=place / "release",
        out=tmp_path / "scores.parquet",
        work=tmp_path / "scores.work",
        model_version="3",
        buckets=7,
        workers=1,
    )


def silent(what: str, done: int, total: int) -> None:
    assert 0 <= done <= total, what


@pytest.mark.parametrize(("n_buckets", "workers"), [(1, 1), (7, 1), (9, 2)])
def test_the_same_to_the_last_bit_as_in_memory(
    n_buckets: int, workers: int, run: BucketRun
) -> None:
    result = score_in_buckets(replace(run, buckets=n_buckets, workers=workers), asked, silent)
    expected = in_memory(Path(run.source), run.release, "3")
    assert parquet.read_table(run.out).equals(expected)
    assert (result.rows, result.buckets, result.buckets_done_now) == (222, n_buckets, n_buckets)
    assert result.errors == 2
    assert sum(result.bands.values()) == 220
    assert not run.work.exists()


def test_csv_as_the_command_writes_it(run: BucketRun, tmp_path: Path) -> None:
    run = replace(run, out=tmp_path / "scores.csv")
    score_in_buckets(run, asked, silent)
    write_scores(in_memory(Path(run.source), run.release, "3"), tmp_path / "expected.csv")
    assert run.out.read_bytes() == (tmp_path / "expected.csv").read_bytes()


def test_finished_buckets_and_steps_are_not_done_again(
    run: BucketRun, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = out_of_core.score_bucket
    scored: list[int] = []

    def failing(job: out_of_core.BucketJob) -> tuple[int, int]:
        if len(scored) == 3:
            raise StorageError("the disk is full")
        scored.append(job.bucket)
        return real(job)

    monkeypatch.setattr(out_of_core, "score_bucket", failing)
    with pytest.raises(StorageError, match="the disk is full"):
        score_in_buckets(run, asked, silent)
    before = {path: path.stat().st_mtime_ns for path in run.work.rglob("*.parquet")}
    monkeypatch.setattr(out_of_core, "score_bucket", real)
    monkeypatch.setattr(out_of_core, "split_interactions", None)
    told: list[tuple[str, int, int]] = []
    shutil_kept = keep_until_gathered(monkeypatch, before)
    result = score_in_buckets(run, asked, lambda *step: told.append(step))
    assert shutil_kept == [True]
    assert (result.resumed, result.buckets_done_now) == (True, 4)
    assert ("score the leads", 3, 7) in told
    assert parquet.read_table(run.out).equals(in_memory(Path(run.source), run.release, "3"))


def keep_until_gathered(monkeypatch: pytest.MonkeyPatch, before: dict[Path, int]) -> list[bool]:
    """Look, just before the work folder goes, whether the earlier files are still the same."""
    seen: list[bool] = []
    remove = out_of_core.shutil.rmtree

    def look(path: Path) -> None:
        seen.append(all(p.stat().st_mtime_ns == then for p, then in before.items()))
        remove(path)

    monkeypatch.setattr(out_of_core.shutil, "rmtree", look)
    return seen


def test_steps_of_the_split_are_kept(run: BucketRun, monkeypatch: pytest.MonkeyPatch) -> None:
    real, called = partition.split, []

    def failing(rows: pa.Table, target: Path, *rest: object) -> None:
        called.append(target.name)
        if len(called) == 3:
            raise StorageError("the disk is full")
        real(rows, target, *rest)

    monkeypatch.setattr(partition, "split", failing)
    with pytest.raises(StorageError):
        score_in_buckets(run, asked, silent)
    called.append("again")
    result = score_in_buckets(run, asked, silent)
    assert called == [f"step-0000{i}" for i in (0, 1, 2)] + ["again"] + ["step-00002", "step-00003"]
    assert result.resumed
    assert parquet.read_table(run.out).equals(in_memory(Path(run.source), run.release, "3"))


def test_another_release_starts_anew(run: BucketRun, tmp_path: Path) -> None:
    plan = {"release": "another"}
    run.work.mkdir()
    (run.work / "plan.json").write_text(json.dumps(plan))
    (run.work / "scores").mkdir()
    (run.work / "scores" / "bucket-00000.parquet").write_bytes(b"of another release")
    assert not score_in_buckets(run, asked, silent).resumed
    assert parquet.read_table(run.out).equals(in_memory(Path(run.source), run.release, "3"))


def test_bad_rows_are_counted_and_limited(run: BucketRun, place: Path, tmp_path: Path) -> None:
    folder = tmp_path / "bad"
    folder.mkdir()
    for path in (place / "data").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    rows = parquet.read_table(folder / "interactions.parquet")
    ids = ["nobody"] * 50 + rows.column("lead_id").to_pylist()[50:]
    parquet.write_table(
        rows.set_column(0, "lead_id", pa.array(ids)),
        folder / "interactions.parquet",
        row_group_size=500,
    )
    result = score_in_buckets(replace(run, source=folder), asked, silent)
    assert [(q.reason, q.rows) for q in result.quarantined] == [("unknown lead", 50)]
    with pytest.raises(DataError, match=r"50 of 6,000 rows .* limit is 0.10%"):
        score_in_buckets(replace(run, source=folder, max_bad_fraction=0.001), asked, silent)


def test_two_runs_do_not_share_a_folder(run: BucketRun) -> None:
    with (
        out_of_core.CheckpointDir(run.work).locked(),
        pytest.raises(StorageError, match="another run works in"),
    ):
        score_in_buckets(run, asked, silent)
    with pytest.raises(UsageError, match="expected a name in"):
        score_in_buckets(replace(run, out=run.out.with_suffix(".json")), asked, silent)


SCRIPT = """
import sys, time
from pathlib import Path
sys.path[:0] = {paths!r}
import many_leads
from scoring.batch import out_of_core, partition
partition.STEP_ROWS = 1500
real = out_of_core.score_bucket
def slow(job):
    done = real(job)
    print(job.bucket, flush=True)
    time.sleep(0.2)
    return done
out_of_core.score_bucket = slow
run = out_of_core.BucketRun(source={source!r}, release=Path({release!r}), out=Path({out!r}),
                        work=Path({work!r}), model_version="3", buckets=7, workers=1)
out_of_core.score_in_buckets(run, many_leads.asked, lambda *step: None)
"""


def test_a_run_that_is_killed_goes_on_where_it_was(run: BucketRun) -> None:
    here = Path(__file__).resolve()
    script = SCRIPT.format(
        paths=[str(here.parents[2] / "support")],
        source=str(run.source), release=str(run.release), out=str(run.out), work=str(run.work),
    )  # fmt: skip
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    first = [process.stdout.readline().strip() for _ in range(3)]
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    process.stdout.close()
    assert first == ["0", "1", "2"]
    assert not run.out.exists()
    finished = {p.name: p.stat().st_mtime_ns for p in (run.work / "scores").glob("bucket-*")}
    assert len(finished) >= 3
    time.sleep(0.01)
    result = score_in_buckets(run, asked, silent)
    assert result.resumed
    assert result.buckets_done_now == 7 - len(finished)
    assert parquet.read_table(run.out).equals(in_memory(Path(run.source), run.release, "3"))


def test_the_answer_has_the_columns_of_the_contract(run: BucketRun) -> None:
    score_in_buckets(replace(run, out=run.out.with_suffix(".csv")), asked, silent)
    header = arrow_csv.read_csv(run.out.with_suffix(".csv")).column_names
    assert header[:5] == ["lead_id", "as_of", "probability", "low", "high"]
    assert "position" not in header
