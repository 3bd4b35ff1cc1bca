"""Every family on every fold: the losses along its path and its out-of-time log-odds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from joblib import Parallel, delayed

from features.histories import Float64
from training.candidates.family import Family, Sample
from training.delay import Lesson
from training.references import Int8

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
    """

    rows: npt.NDArray[np.intp]
    fold: npt.NDArray[np.intp]
    label: Int8
    weight: Float64


@dataclass(frozen=True, slots=True)
class Trial:
    """One family over all folds. ``path_loss``: pooled log loss per step; ``log_odds`` (m) at
    the best one."""

    family: Family
    path_loss: Float64
    step: float
    log_odds: Float64


def test_rows_of(rounds: Sequence[Turn], label: Int8, weight: Float64) -> TestRows:
    """The test rows of all folds, one after the other."""
    rows = np.concatenate([r.test for r in rounds])
    fold = np.repeat(np.arange(len(rounds)), [len(r.test) for r in rounds])
    return TestRows(rows, fold, label[rows], weight[rows])


def try_families(
    families: Sequence[Family],
    rounds: Sequence[Turn],
    vectors: Float64,
    tested: TestRows,
    *,
    jobs: int = 1,
    progress: Progress | None = None,
) -> list[Trial]:
    """Fit every family on every fold, in parallel, and pick the best step of each path."""
    tasks = [(family, j) for family in families for j in range(len(rounds))]
    work = (delayed(_one)(family, rounds[j], vectors) for family, j in tasks)
    paths: list[Float64] = []
    for path in Parallel(n_jobs=jobs, prefer="threads", return_as="generator")(work):
        paths.append(path)
        if progress:
            progress("candidates", len(paths), len(tasks))
    k = len(rounds)
    return [
        _trial(family, np.concatenate(paths[i * k : (i + 1) * k], axis=1), tested)
        for i, family in enumerate(families)
    ]


def _one(family: Family, turn: Turn, vectors: Float64) -> Float64:
    learned = turn.lesson
    sample = Sample(vectors[learned.rows], learned.label, learned.weight)
    return family.path(sample, vectors[turn.test])


def _trial(family: Family, path: Float64, tested: TestRows) -> Trial:
    loss = np.array(
        [np.average(log_odds_losses(tested.label, at), weights=tested.weight) for at in path]
    )
    best = int(np.argmin(loss))
    return Trial(family, loss, family.steps[best], path[best])


def log_odds_losses(label: Int8, log_odds: Float64) -> Float64:
    """Log loss of each row in nats, from log-odds.

    >>> log_odds_losses(np.array([1, 0], np.int8), np.array([0.0, 0.0])).round(4).tolist()
    [0.6931, 0.6931]
    """
    return np.logaddexp(0.0, np.where(label == 1, -log_odds, log_odds))


def probability(log_odds: Float64) -> Float64:
    """The logistic function, (n,) → (n,)."""
    return np.exp(-np.logaddexp(0.0, -log_odds))
