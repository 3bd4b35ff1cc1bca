"""Every family on every fold: the losses along its path and its out-of-time log-odds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from features.histories import Float64, Int64
from training.budget import path_seconds
from training.candidates.family import Family, Sample
from training.delay import Lesson
from training.references import Int8
from training.worker_pool import WorkerPool

BETTER = 1.0
"""Standard errors by which another step of a family must beat its usual one."""
Progress = Callable[[str, int, int], None]
"""Told (what is being done, steps done, steps in all)."""


class Turn(Protocol):
    """One fold made ready (``training.rounds.Round``)."""

    @property
    def lesson(self) -> Lesson:
        """What may be learned."""
        ...

    @property
    def test(self) -> npt.NDArray[np.intp]:
        """The rows to predict."""
        ...


@dataclass(frozen=True, slots=True)
class TestRows:
    """The rows predicted out of time, over all folds in their order.

    ``rows`` (m): rows of the labelled references; ``fold`` (m); ``label``, ``weight`` (m).
    ``unit`` (m): rows with the same number are one observation.
    """

    rows: npt.NDArray[np.intp]
    fold: npt.NDArray[np.intp]
    label: Int8
    weight: Float64
    unit: Int64

    def in_errors(self, values: Float64) -> float:
        """Weighted mean of ``values`` (m) over its standard error, over units."""
        return mean_in_errors(values, self.weight, self.unit)


@dataclass(frozen=True, slots=True)
class Trial:
    """One family over all folds. ``path_loss``: pooled log loss per step; ``log_odds`` (m) at
    the best one."""

    family: Family
    path_loss: Float64
    step: float
    log_odds: Float64


def test_rows_of(rounds: Sequence[Turn], label: Int8, weight: Float64, unit: Int64) -> TestRows:
    """The test rows of all folds, one after the other; ``unit`` (n) as in :class:`TestRows`."""
    rows = np.concatenate([r.test for r in rounds])
    fold = np.repeat(np.arange(len(rounds)), [len(r.test) for r in rounds])
    return TestRows(rows, fold, label[rows], weight[rows], unit[rows])


def try_families(
    families: Sequence[Family],
    rounds: Sequence[Turn],
    vectors: Float64,
    tested: TestRows,
    *,
    pool: WorkerPool | None = None,
    progress: Progress | None = None,
) -> list[Trial]:
    """Fit every family on every fold and pick the best step of each path.

    ``pool``: worker processes that fit side by side; None fits one after the other in this one.
    The result is the same to the last bit.
    """
    tasks = [(family, turn) for family in families for turn in rounds]
    width = vectors.shape[1]
    seconds = sum(path_seconds(f, len(turn.lesson.rows), width) for f, turn in tasks)
    paths: list[Float64] = []
    for path in (pool or WorkerPool(1)).map(_one, vectors, tasks, seconds):
        paths.append(path)
        if progress:
            progress("candidates", len(paths), len(tasks))
    k = len(rounds)
    return [
        _trial(family, np.concatenate(paths[i * k : (i + 1) * k], axis=1), tested)
        for i, family in enumerate(families)
    ]


def _one(vectors: Float64, task: tuple[Family, Turn]) -> Float64:
    family, turn = task
    learned = turn.lesson
    sample = Sample(vectors[learned.rows], learned.label, learned.weight)
    return family.path(sample, vectors[turn.test])


def _trial(family: Family, path: Float64, tested: TestRows) -> Trial:
    """At the family's usual step, unless the best one is clearly better."""
    losses = [log_odds_losses(tested.label, at) for at in path]
    loss = np.array([np.average(each, weights=tested.weight) for each in losses])
    best = int(np.argmin(loss))
    usual = getattr(family, "usual", None)
    if usual in family.steps:
        place = family.steps.index(usual)
        if tested.in_errors(losses[place] - losses[best]) < BETTER:
            best = place
    return Trial(family, loss, family.steps[best], path[best])


def mean_in_errors(values: Float64, weight: Float64, unit: Int64) -> float:
    """Weighted mean over its standard error, rows of a unit counting as one observation.

    >>> mean_in_errors(np.array([1.0, 1.0, 3.0]), np.ones(3), np.array([0, 0, 1])).__round__(3)
    1.875
    """
    mean = float(np.average(values, weights=weight))
    _, member = np.unique(unit, return_inverse=True)
    share = np.bincount(member, weights=weight * (values - mean))
    n = len(share)
    error = float(np.sqrt((share**2).sum() * n / max(n - 1, 1)) / weight.sum())
    if error == 0.0:
        return 0.0 if mean == 0.0 else float(np.sign(mean) * np.inf)
    return mean / error


def log_odds_losses(label: Int8, log_odds: Float64) -> Float64:
    """Log loss of each row in nats, from log-odds.

    >>> log_odds_losses(np.array([1, 0], np.int8), np.array([0.0, 0.0])).round(4).tolist()
    [0.6931, 0.6931]
    """
    return np.logaddexp(0.0, np.where(label == 1, -log_odds, log_odds))


def probability(log_odds: Float64) -> Float64:
    """The logistic function, (n,) → (n,)."""
    return np.exp(-np.logaddexp(0.0, -log_odds))
