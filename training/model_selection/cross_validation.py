"""Cross-validation: every candidate on every fold, its loss along the path and its out-of-fold
log-odds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np

from features.compute.array_types import Bools, Float64, Int8, Int64, Rows
from training.candidates.base import Candidate, TrainingSet
from training.evaluation.confidence import clustered_z_score
from training.evaluation.metrics import log_losses_of_log_odds
from training.labels.censoring import CensoringTreatment, TrainingRows, training_rows
from training.labels.references import IMMATURE, LabelledReferences, label_counts
from training.labels.splits import (
    Fold,
    grouped_folds,
    identical_rows,
    joined_units,
    time_folds,
    units_by_content,
)
from training.model_selection.recalibration import HALF_LIFE_SHARE, recency_weights
from training.model_selection.worker_pool import WorkerPool

MIN_Z = 1.0
"""Standard errors by which another step of a candidate must beat its default step."""


MAX_REFERENCES_REPEATED = 2_000
"""Below this many references grouped folds are drawn ``N_REPEATS`` times."""


N_REPEATS = 2


MAX_CELLS_ALL_FOLDS = 5_000_000
"""Above this many numbers (references × columns) only the newest ``N_FOLDS_LARGE`` are used."""


N_FOLDS_LARGE = 3


Progress = Callable[[str, int, int], None]
"""Called with (what is being done, steps done, steps in all)."""


@dataclass(frozen=True, slots=True)
class PreparedFold:
    """One fold: the rows to fit, as known at ``cutoff_us``, and the rows to predict."""

    train: TrainingRows
    test: Rows
    cutoff_us: int = 0


@dataclass(frozen=True, slots=True)
class CVPlan:
    """All folds. ``by_time``: they follow time. ``unit`` (n): each reference's unit of
    observation: its account, its lead, or its group of identical rows. Grouped folds never have a
    unit on both sides."""

    folds: tuple[PreparedFold, ...]
    by_time: bool
    unit: Int64


@dataclass(frozen=True, slots=True)
class OutOfFoldRows:
    """The rows predicted out of fold, over all folds in their order.

    ``rows`` (m): rows of the labelled references; ``fold`` (m); ``label``, ``weight`` (m).
    ``unit`` (m): rows with the same number are one observation.
    """

    rows: Rows
    fold: Rows
    label: Int8
    weight: Float64
    unit: Int64

    def at(self, rows: Rows) -> OutOfFoldRows:
        """The same rows under other numbers (m): those of a larger set of references."""
        return replace(self, rows=rows)

    def z_score(self, values: Float64) -> float:
        """Weighted mean of ``values`` (m) over its standard error, over units."""
        return clustered_z_score(values, self.weight, self.unit)


@dataclass(frozen=True, slots=True)
class CandidateResult:
    """One candidate over all folds.

    ``path_loss``: pooled log loss per step; ``log_odds`` (m) at the chosen ``step``.
    """

    candidate: Candidate
    path_loss: Float64
    step: float
    log_odds: Float64


def out_of_fold_rows(
    folds: Sequence[PreparedFold], label: Int8, weight: Float64, unit: Int64
) -> OutOfFoldRows:
    """The test rows of all folds, one after the other.

    ``label``, ``weight``, ``unit`` (n): of the labelled references.
    """
    rows = np.concatenate([fold.test for fold in folds])
    number = np.repeat(np.arange(len(folds)), [len(fold.test) for fold in folds])
    return OutOfFoldRows(rows, number, label[rows], weight[rows], unit[rows])


def cross_validate(
    candidates: Sequence[Candidate],
    folds: Sequence[PreparedFold],
    vectors: Float64,
    rows: OutOfFoldRows,
    *,
    pool: WorkerPool | None = None,
    progress: Progress | None = None,
    what: str = "candidates",
) -> list[CandidateResult]:
    """Fit every candidate on every fold and pick the best step of each path.

    ``pool``: worker processes that fit side by side; None fits one after the other in this one.
    The result is the same to the last bit. ``what``: how ``progress`` calls it.
    """
    tasks = [(candidate, fold) for candidate in candidates for fold in folds]
    width = vectors.shape[1]
    seconds = sum(c.path_seconds(len(fold.train.rows), width) for c, fold in tasks)
    paths: list[Float64] = []
    for path in (pool or WorkerPool(1)).map(_fit_fold, vectors, tasks, seconds):
        paths.append(path)
        if progress:
            progress(what, len(paths), len(tasks))
    k = len(folds)
    return [
        _best_step(candidate, np.concatenate(paths[i * k : (i + 1) * k], axis=1), rows)
        for i, candidate in enumerate(candidates)
    ]


def _fit_fold(vectors: Float64, task: tuple[Candidate, PreparedFold]) -> Float64:
    candidate, fold = task
    train = fold.train
    sample = TrainingSet(vectors[train.rows], train.label, train.weight)
    return candidate.fit_path(sample, vectors[fold.test])


def _best_step(candidate: Candidate, path: Float64, rows: OutOfFoldRows) -> CandidateResult:
    """At the candidate's default step, unless the best one is clearly better."""
    losses = [log_losses_of_log_odds(rows.label, log_odds) for log_odds in path]
    loss = np.array([np.average(each, weights=rows.weight) for each in losses])
    best, grid = int(np.argmin(loss)), candidate.hyperparameter_grid
    if candidate.default_step in grid:
        default = grid.index(candidate.default_step)
        if rows.z_score(losses[default] - losses[best]) < MIN_Z:
            best = default
    return CandidateResult(candidate, loss, grid[best], path[best])


MIN_LEADS_BY_TIME = 1_000
MIN_CONVERSIONS_BY_TIME = 200
"""With fewer leads or conversions a recipe is chosen on grouped folds (the final test stays in
time): each learns from four fifths, where the oldest origin has a tenth."""


RowsAt = Callable[[Bools, int], TrainingRows]
"""What may be learned from the references allowed (n, bool), as known at a moment (µs)."""


def prepare_folds(
    labelled: LabelledReferences,
    matrix: Float64,
    allowed: Bools,
    until_us: int,
    rows_at: RowsAt,
    rng: np.random.Generator,
) -> CVPlan:
    """Rolling origins where the history is long enough for its horizon, else grouped folds.

    Grouped folds also where there are too few leads or conversions (``MIN_LEADS_BY_TIME``,
    ``MIN_CONVERSIONS_BY_TIME``): rolling origins would learn from half of them.
    ``matrix`` (n, F): vectors, of which identical ones are kept together where there is no time.
    """
    unit = labelled.unit
    if not labelled.has_time:
        unit = joined_units(labelled.account, identical_rows(matrix))
    folds = time_folds(labelled, until_us, allowed=allowed)
    by_time = bool(folds) and _enough_by_time(labelled, allowed, until_us)
    label = np.where(allowed, labelled.labels_as_of(until_us), -1).astype(np.int8)
    known = int((label >= 0).sum())
    if by_time and known * matrix.shape[1] > MAX_CELLS_ALL_FOLDS:
        folds = folds[-N_FOLDS_LARGE:]
    if not by_time:
        unit = units_by_content(unit, labelled.as_of_us, matrix)
        repeats = N_REPEATS if known < MAX_REFERENCES_REPEATED else 1
        folds = grouped_folds(unit, label, rng, repeats=repeats)
    prepared = [_prepared(rows_at, allowed, unit, fold, until_us) for fold in folds]
    usable = [p for p in prepared if len(p.test) and min(label_counts(p.train.label)) > 0]
    return CVPlan(tuple(usable) or (_everything(labelled, allowed, until_us),), by_time, unit)


def recency_weighted_folds(plan: CVPlan, labelled: LabelledReferences) -> CVPlan:
    """The same folds with older references weighing less."""
    folds = tuple(
        PreparedFold(recency_weighted(f.train, labelled, f.cutoff_us), f.test, f.cutoff_us)
        for f in plan.folds
    )
    return CVPlan(folds, plan.by_time, plan.unit)


def recency_weighted(
    train: TrainingRows, labelled: LabelledReferences, cutoff_us: int
) -> TrainingRows:
    """Training rows with a half-life of a quarter of the time that they span."""
    span_us = cutoff_us - int(labelled.as_of_us[train.rows].min())
    return recency_weights(train, labelled.as_of_us, cutoff_us, HALF_LIFE_SHARE * span_us)


def _everything(labelled: LabelledReferences, allowed: Bools, until_us: int) -> PreparedFold:
    """All references on both sides: for the base rate alone, where no fold has both classes."""
    known = training_rows(labelled, allowed, until_us, CensoringTreatment.MATURE)
    return PreparedFold(known, known.rows, until_us)


def _enough_by_time(labelled: LabelledReferences, allowed: Bools, until_us: int) -> bool:
    """Whether there is enough to choose by rolling origins; a lead's references count as one."""
    label = labelled.labels_as_of(until_us)
    leads = float(labelled.weight[allowed & (label != IMMATURE)].sum())
    conversions = float(labelled.weight[allowed & (label == 1)].sum())
    return leads >= MIN_LEADS_BY_TIME and conversions >= MIN_CONVERSIONS_BY_TIME


def _prepared(
    rows_at: RowsAt, allowed: Bools, unit: Int64, fold: Fold, until_us: int
) -> PreparedFold:
    """Time keeps the two sides of a rolling origin apart; grouped folds keep units apart."""
    if fold.cutoff_us is not None:
        return PreparedFold(rows_at(allowed, fold.cutoff_us), fold.test, fold.cutoff_us)
    apart = allowed & ~np.isin(unit, unit[fold.test])
    return PreparedFold(rows_at(apart, until_us), fold.test, until_us)
