"""Fits in worker processes: the same results, no native library in two threads, clear ends."""

from __future__ import annotations

import os
import pickle
import signal
import subprocess
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from features.compute import mapped
from features.compute.array_types import Float64
from features.compute.mapped import empty_matrix
from features.dataset import Dataset
from features.errors import DataError, StorageError, UsageError
from features.reading.read import read_dataset
from features.vectors.compute import compute_vectors
from scoring.release.contents import release_files
from scoring.scorecard.scorecard import default_scorecard
from training import train as fit
from training.candidates.base import TrainingSet
from training.candidates.boosted import BoostedTrees
from training.candidates.factory import default_candidates
from training.candidates.pool import candidate_pool
from training.config import TrainingConfig
from training.evaluation.metrics import log_losses_of_log_odds
from training.feature_selection.choose import choose_spec
from training.labels.training_data import load_training_data
from training.model_selection import worker_pool
from training.model_selection.cross_validation import (
    PreparedFold,
    cross_validate,
    out_of_fold_rows,
)
from training.model_selection.worker_pool import WorkerPool
from training.simulator import simulate, write_simulation
from training.train import train

MATRIX = np.arange(12.0).reshape(4, 3)
ROOT = Path(__file__).resolve().parents[2]


def sum_of_column(matrix: Float64, column: int) -> tuple[int, float]:
    return os.getpid(), float(matrix[:, column].sum())


def kill_own_process(matrix: Float64, column: int) -> float:
    if column == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    return float(matrix[0, column])


def fail(matrix: Float64, column: int) -> None:
    raise DataError(f"column {column} has no answer")


def warn(matrix: Float64, column: int) -> None:
    warnings.warn(f"column {column} is odd", RuntimeWarning, stacklevel=1)


def write_over(matrix: Float64, column: int) -> None:
    matrix[0, column] = 0.0


def wait(matrix: Float64, seconds: float) -> None:
    time.sleep(seconds)


def environment(matrix: Float64, name: str) -> str | None:
    return os.environ.get(name)


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    """One for all tests, for a start takes seconds; it starts again after a worker was lost."""
    with WorkerPool(2, start_seconds=0.0) as made:
        yield made


def pids(pool: WorkerPool) -> list[int]:
    return [worker.process.pid for worker in pool._workers]


def test_tasks_run_in_other_processes_and_come_back_in_their_order(pool: WorkerPool) -> None:
    found = list(pool.map(sum_of_column, MATRIX, [2, 0, 1] * 5, 0.0))
    assert [total for _, total in found] == [26.0, 18.0, 22.0] * 5
    assert {pid for pid, _ in found} == set(pids(pool))
    assert os.getpid() not in pids(pool)


def test_one_job_stays_in_this_process() -> None:
    with WorkerPool(1, start_seconds=0.0) as pool:
        found = list(pool.map(sum_of_column, MATRIX, [0, 1], 1e6))
        assert {pid for pid, _ in found} == {os.getpid()}
        assert pids(pool) == []


def test_little_work_starts_nothing_and_the_sum_of_it_does() -> None:
    with WorkerPool(2, start_seconds=10.0) as pool:
        started = []
        for _ in range(3):
            list(pool.map(sum_of_column, MATRIX, [0, 1], 4.0))
            started.append(len(pids(pool)))
        assert started == [0, 0, 2]


def test_workers_are_kept_for_another_matrix(pool: WorkerPool) -> None:
    before = dict(pool.map(sum_of_column, MATRIX, [0, 1], 0.0))
    after = dict(pool.map(sum_of_column, MATRIX + 1.0, [0, 1], 0.0))
    assert sum(after.values()) == sum(before.values()) + 8.0
    assert set(after) == set(before)


def test_a_large_matrix_is_mapped_from_its_own_file(
    pool: WorkerPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mapped, "MIN_BYTES_MAPPED", 1)
    monkeypatch.setattr(worker_pool.tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(worker_pool.np, "save", lambda *_: pytest.fail("a second copy"))
    matrix = empty_matrix(4, 3)
    matrix[:] = MATRIX
    found = dict(pool.map(sum_of_column, matrix, [0, 1], 0.0))
    assert sorted(found.values()) == [18.0, 22.0]
    assert list(tmp_path.iterdir()) == []


def test_no_file_is_left_and_no_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_pool.tempfile, "tempdir", str(tmp_path))
    with WorkerPool(2, start_seconds=0.0) as pool:
        list(pool.map(sum_of_column, MATRIX, [0, 1], 0.0))
        assert list(tmp_path.iterdir()) == []  # gone as soon as every worker has mapped it
        started = pids(pool)
    assert len(started) == 2
    assert not any(Path(f"/proc/{pid}").exists() for pid in started)


def test_a_killed_worker_is_a_clear_error(pool: WorkerPool) -> None:
    with pytest.raises(StorageError, match=r"ended by SIGKILL.*nothing was written.*--jobs 1"):
        list(pool.map(kill_own_process, MATRIX, [0, 1, 2], 0.0))
    assert pids(pool) == []
    assert StorageError.exit_code == 5


def test_a_worker_killed_between_two_fits_is_a_clear_error(pool: WorkerPool) -> None:
    list(pool.map(sum_of_column, MATRIX, [0, 1], 0.0))
    os.kill(pids(pool)[0], signal.SIGKILL)
    with pytest.raises(StorageError, match="SIGKILL"):
        list(pool.map(sum_of_column, MATRIX, [0, 1], 0.0))


def test_an_error_in_a_worker_is_raised_here_with_its_traceback(pool: WorkerPool) -> None:
    with pytest.raises(DataError, match="column 1 has no answer") as found:
        list(pool.map(fail, MATRIX, [1, 2], 0.0))
    assert "in fail" in found.value.__notes__[0]


def test_a_warning_in_a_worker_is_given_here(pool: WorkerPool) -> None:
    with pytest.warns(RuntimeWarning, match="column 1 is odd"):
        list(pool.map(warn, MATRIX, [1, 1], 0.0))


def test_no_fit_can_change_the_matrix_of_the_others(pool: WorkerPool) -> None:
    with pytest.raises(ValueError, match="read-only"):
        list(pool.map(write_over, MATRIX, [0, 1], 0.0))


def test_what_cannot_be_pickled_is_named(pool: WorkerPool) -> None:
    with pytest.raises(UsageError, match="candidates must be picklable"):
        list(pool.map(sum_of_column, MATRIX, [threading.Lock(), threading.Lock()], 0.0))


def test_workers_have_one_native_thread(pool: WorkerPool) -> None:
    names = ["OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"]
    assert list(pool.map(environment, MATRIX, names, 0.0)) == ["1", "1", "1"]


def test_workers_in_the_middle_of_a_fit_end_when_the_pool_does(pool: WorkerPool) -> None:
    started = time.monotonic()
    waiting = pool.map(wait, MATRIX, [0.0, 60.0, 60.0], 0.0)
    next(waiting)
    mine = pids(pool)
    waiting.close()
    assert time.monotonic() - started < 30
    assert not any(Path(f"/proc/{pid}").exists() for pid in mine)


PROGRAM = """
import os, sys, time
import numpy as np
from training.model_selection.worker_pool import WorkerPool

print("main", flush=True)
def fit(matrix, seconds):
    time.sleep(seconds)
    return os.getpid()
with WorkerPool(2, start_seconds=0.0) as pool:
    tasks = [0.0, 0.0, *map(float, sys.argv[1:])]
    for pid in pool.map(fit, np.zeros((2, 2)), tasks, 0.0):
        print(pid, *(w.process.pid for w in pool._workers), flush=True)
"""


@pytest.mark.parametrize("as_file", [True, False])
def test_main_is_not_run_again_by_workers(tmp_path: Path, as_file: bool) -> None:
    """A script without a guard, and ``python -c``; functions of ``__main__`` go along."""
    script = tmp_path / "script.py"
    script.write_text(PROGRAM)
    (tmp_path / "training").mkdir()  # a folder of the user's that is called as one of ours is
    done = subprocess.run(
        [sys.executable, "-P", str(script)] if as_file else [sys.executable, "-P", "-c", PROGRAM],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    assert done.stdout.count("main") == 1
    assert len(done.stdout.splitlines()) == 3


def test_workers_end_when_the_parent_is_killed() -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, "60", "60"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout
    parent.stdout.readline()
    children = [int(word) for word in parent.stdout.readline().split()[1:]]
    parent.kill()
    parent.wait()
    parent.stdout.close()
    until = time.monotonic() + 10
    while any(_is_running(pid) for pid in children) and time.monotonic() < until:
        time.sleep(0.05)
    assert len(children) == 2
    assert not any(_is_running(pid) for pid in children)


def _is_running(pid: int) -> bool:
    """Whether a process is there and no zombie that nobody waits for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


# ---- candidates


@dataclass(frozen=True)
class ProcessIdCandidate:
    """Boosted trees whose log-odds are the id of the process in which they were fitted."""

    inner: BoostedTrees
    name: str = "process_id"
    hyperparameter_grid: tuple[float, ...] = (8.0,)
    default_step: float | None = None

    def path_seconds(self, n_rows: int, n_columns: int) -> float:
        return self.inner.path_seconds(n_rows, n_columns)

    def fit_path(self, sample: TrainingSet, vectors: Float64) -> Float64:
        self.inner.fit_path(sample, vectors)
        return np.full((1, len(vectors)), os.getpid() / 1e6)


@pytest.fixture
def folds() -> tuple[list[PreparedFold], Float64, object]:
    from training.labels.censoring import TrainingRows

    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(300, 5))
    label = (rng.random(300) < 1 / (1 + np.exp(-2 * matrix[:, 0]))).astype(np.int8)
    prepared = []
    for cut in (100, 150, 200):
        rows = np.arange(cut)
        prepared.append(
            PreparedFold(TrainingRows(rows, label[rows], np.ones(cut)), np.arange(cut, cut + 50))
        )
    return prepared, matrix, out_of_fold_rows(prepared, label, np.ones(300), np.arange(300))


def test_no_booster_is_made_in_the_parent(folds, pool: WorkerPool) -> None:
    prepared, matrix, tested = folds
    trees = BoostedTrees("b", additive=False, seed=0, hyperparameter_grid=(8.0,))
    candidates = [ProcessIdCandidate(trees, name=n) for n in "ab"]
    results = cross_validate(candidates, prepared, matrix, tested, pool=pool)
    seen = {round(pid * 1e6) for result in results for pid in result.log_odds}
    assert seen
    assert seen <= set(pids(pool))


def test_candidates_give_the_same_bits_in_workers(folds, pool: WorkerPool) -> None:
    prepared, matrix, tested = folds
    shown: list[tuple[str, int, int]] = []
    candidates = default_candidates(0)
    here = cross_validate(candidates, prepared, matrix, tested)
    there = cross_validate(
        candidates, prepared, matrix, tested, pool=pool, progress=lambda *step: shown.append(step)
    )
    for one, two in zip(here, there, strict=True):
        assert one.log_odds.tobytes() == two.log_odds.tobytes()
        assert one.path_loss.tobytes() == two.path_loss.tobytes()
    n_fits = len(candidates) * len(prepared)
    assert shown == [("candidates", i + 1, n_fits) for i in range(n_fits)]
    assert np.isfinite(log_losses_of_log_odds(tested.label, there[0].log_odds)).all()


def test_every_candidate_of_a_training_can_be_pickled(tmp_path: Path) -> None:
    """The scorecard, candidates that read fewer columns, and the pairs of answers too."""
    write_simulation(simulate(120, seed=1), tmp_path)
    data = load_training_data(read_dataset(tmp_path))
    references = data.labelled.references
    spec = choose_spec(data.settings, data.histories, references)
    made = candidate_pool(spec, default_scorecard())
    made = replace(made, fitted=default_candidates(0, made.fitted_spec))
    vectors = compute_vectors(made.spec, data.histories, references)
    label = (np.arange(len(vectors)) % 3 == 0).astype(np.int8)
    sample = TrainingSet(vectors, label, np.ones(len(vectors)))
    assert {"scorecard", "linear_bant"} <= {candidate.name for candidate in made.candidates}
    for candidate in made.candidates:
        again = pickle.loads(pickle.dumps(candidate))
        paths = [one.fit_path(sample, vectors).tobytes() for one in (candidate, again)]
        assert paths[0] == paths[1], candidate.name


def test_a_training_with_workers_gives_the_same_bytes(
    made_up_dataset: Callable[..., Dataset], monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset = made_up_dataset(n=300)
    started: list[int] = []

    class Eager(WorkerPool):
        def __init__(self, jobs: int) -> None:
            super().__init__(jobs, start_seconds=0.0)

        def close(self) -> None:
            started.append(len(self._workers))
            super().close()

    monkeypatch.setattr(fit, "WorkerPool", Eager)
    config = TrainingConfig(seed=5, scorecard=default_scorecard(), time_budget_s=20.0)
    one, two = (
        release_files(train(dataset, replace(config, jobs=jobs)).contents) for jobs in (1, 2)
    )
    assert started == [0, 2]
    assert one == two
