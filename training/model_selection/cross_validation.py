"""Every family on every fold: the losses along its path and its out-of-time log-odds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt

from features.compute.array_types import Float64, Int64
from training.candidates.base import Candidate, TrainingSet
from training.labels.censoring import CensoringTreatment, TrainingRows, training_rows
from training.labels.references import Bool, Int8, LabelledReferences, label_counts
from training.labels.splits import Fold, grouped_folds, identical_rows, time_folds
from training.model_selection.recalibration import RECENT_SHARE, recency_weights
from training.model_selection.time_budget import path_seconds
from training.model_selection.worker_pool import WorkerPool

MIN_Z = 1.0
"""Standard errors by which another step of a family must beat its usual one."""


Progress = Callable[[str, int, int], None]
"""Told (what is being done, steps done, steps in all)."""


class Turn(Protocol):
    """One fold made ready (``training.model_selection.cross_validation.PreparedFold``)."""

    @property
    def lesson(self) -> TrainingRows:
        """What may be learned."""
        ...

    @property
    def test(self) -> npt.NDArray[np.intp]:
        """The rows to predict."""
        ...


@dataclass(frozen=True, slots=True)
class OutOfFoldRows:
    """The rows predicted out of time, over all folds in their order.

    ``rows`` (m): rows of the labelled references; ``fold`` (m); ``label``, ``weight`` (m).
    ``unit`` (m): rows with the same number are one observation.
    """

    rows: npt.NDArray[np.intp]
    fold: npt.NDArray[np.intp]
    label: Int8
    weight: Float64
    unit: Int64

    def z_score(self, values: Float64) -> float:
        """Weighted mean of ``values`` (m) over its standard error, over units."""
        return clustered_z_score(values, self.weight, self.unit)


@dataclass(frozen=True, slots=True)
class CandidateResult:
    """One family over all folds. ``path_loss``: pooled log loss per step; ``log_odds`` (m) at
    the best one."""

    family: Candidate
    path_loss: Float64
    step: float
    log_odds: Float64


def out_of_fold_rows(
    rounds: Sequence[Turn], label: Int8, weight: Float64, unit: Int64
) -> OutOfFoldRows:
    """The test rows of all folds, one after the other; ``unit`` (n) as in
    :class:`OutOfFoldRows`."""
    rows = np.concatenate([r.test for r in rounds])
    fold = np.repeat(np.arange(len(rounds)), [len(r.test) for r in rounds])
    return OutOfFoldRows(rows, fold, label[rows], weight[rows], unit[rows])


def cross_validate(
    families: Sequence[Candidate],
    rounds: Sequence[Turn],
    vectors: Float64,
    tested: OutOfFoldRows,
    *,
    pool: WorkerPool | None = None,
    progress: Progress | None = None,
) -> list[CandidateResult]:
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


def _one(vectors: Float64, task: tuple[Candidate, Turn]) -> Float64:
    family, turn = task
    learned = turn.lesson
    sample = TrainingSet(vectors[learned.rows], learned.label, learned.weight)
    return family.fit_path(sample, vectors[turn.test])


def _trial(family: Candidate, path: Float64, tested: OutOfFoldRows) -> CandidateResult:
    """At the family's usual step, unless the best one is clearly better."""
    losses = [log_odds_losses(tested.label, at) for at in path]
    loss = np.array([np.average(each, weights=tested.weight) for each in losses])
    best = int(np.argmin(loss))
    usual = getattr(family, "default_step", None)
    if usual in family.hyperparameter_grid:
        place = family.hyperparameter_grid.index(usual)
        if tested.z_score(losses[place] - losses[best]) < MIN_Z:
            best = place
    return CandidateResult(family, loss, family.hyperparameter_grid[best], path[best])


def clustered_z_score(values: Float64, weight: Float64, unit: Int64) -> float:
    """Weighted mean over its standard error, rows of a unit counting as one observation.

    >>> clustered_z_score(np.array([1.0, 1.0, 3.0]), np.ones(3), np.array([0, 0, 1])).__round__(3)
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


SMALL = 2_000
"""Below this many references grouped folds are dealt several times, against the luck of one."""


REPEATS = 2


LARGE = 5_000_000
"""Above this many numbers to learn from only the newest ``LARGE_FOLDS`` origins are used."""


LARGE_FOLDS = 3


@dataclass(frozen=True, slots=True)
class PreparedFold:
    """One fold made ready: what may be learned at ``cutoff_us``, and the rows to predict."""

    lesson: TrainingRows
    test: npt.NDArray[np.intp]
    cutoff_us: int = 0


@dataclass(frozen=True, slots=True)
class CVPlan:
    """All folds. ``by_time``: they follow time. ``unit`` (n): each reference's unit of
    observation, which never stands on two sides: its lead, or its group of identical rows."""

    rounds: tuple[PreparedFold, ...]
    by_time: bool
    unit: Int64


def prepare_folds(
    labelled: LabelledReferences,
    matrix: Float64,
    allowed: Bool,
    until_us: int,
    treatment: CensoringTreatment,
    rng: np.random.Generator,
) -> CVPlan:
    """Rolling origins where the history is long enough for its horizon, else grouped folds.

    ``matrix`` (n, F): vectors, of which identical ones are kept together where there is no time.
    """
    unit = labelled.lead if labelled.has_time else identical_rows(matrix)
    folds = time_folds(labelled, until_us, allowed=allowed)
    by_time = bool(folds)
    label = np.where(allowed, labelled.labels_as_of(until_us), -1).astype(np.int8)
    known = int((label >= 0).sum())
    if by_time and known * matrix.shape[1] > LARGE:
        folds = folds[-LARGE_FOLDS:]
    if not by_time:
        folds = grouped_folds(unit, label, rng, repeats=REPEATS if known < SMALL else 1)
    ready = [_ready(labelled, allowed, unit, fold, until_us, treatment) for fold in folds]
    usable = [r for r in ready if len(r.test) and min(label_counts(r.lesson.label)) > 0]
    return CVPlan(
        tuple(usable) or (_everything(labelled, allowed, until_us),), by_time, unit
    )  # fmt: skip


def recency_weighted_folds(rounds: CVPlan, labelled: LabelledReferences) -> CVPlan:
    """The same rounds with older references weighing less."""
    turned = tuple(
        PreparedFold(recency_weighted(r.lesson, labelled, r.cutoff_us), r.test, r.cutoff_us)
        for r in rounds.rounds
    )
    return CVPlan(turned, rounds.by_time, rounds.unit)


def recency_weighted(
    learned: TrainingRows, labelled: LabelledReferences, cutoff_us: int
) -> TrainingRows:
    """The lesson with a half-life of a quarter of the time it spans."""
    span_us = cutoff_us - int(labelled.as_of_us[learned.rows].min())
    return recency_weights(learned, labelled.as_of_us, cutoff_us, RECENT_SHARE * span_us)


def _everything(labelled: LabelledReferences, allowed: Bool, until_us: int) -> PreparedFold:
    """All there is on both sides: good for the base rate alone, where no fold has both classes."""
    known = training_rows(labelled, allowed, until_us, CensoringTreatment.MATURE)
    return PreparedFold(known, known.rows, until_us)


def _ready(
    labelled: LabelledReferences,
    allowed: Bool,
    unit: Int64,
    fold: Fold,
    until_us: int,
    treatment: CensoringTreatment,
) -> PreparedFold:
    apart = allowed & ~np.isin(unit, unit[fold.test])
    cutoff = until_us if fold.cutoff_us is None else fold.cutoff_us
    return PreparedFold(training_rows(labelled, apart, cutoff, treatment), fold.test, cutoff)
