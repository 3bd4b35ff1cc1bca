"""The backtest: fit at an earlier moment, then predict the references since."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from features.compute.array_types import Bools, Float64, Int8, Int64, Rows
from features.vectors.compute import compute_vectors
from training.candidates.base import TrainingSet
from training.config import TrainingConfig
from training.evaluation.metrics import Estimate, auc, evaluate, log_loss, loss_difference
from training.feature_selection.choose import same_attributes_group
from training.labels.references import IMMATURE, LabelledReferences, label_counts
from training.labels.splits import Fold, grouped_folds, joined_units, newest_fold
from training.labels.training_data import TrainingData
from training.model_selection.cross_validation import Progress
from training.model_selection.fit import FittedModel, fit_ensemble, select_and_fit
from training.model_selection.worker_pool import WorkerPool

MAX_REFERENCES_ALL_FOLDS = 10_000
"""Without time, up to so many references are all predicted, fold by fold; above, one fold is."""


ROWS_AT_ONCE = 100_000
"""References scored at a time: a score needs as much memory again as the vectors."""


@dataclass(frozen=True, slots=True)
class BacktestResult:
    """References predicted by a model that had not seen them, (n) each.

    ``probability``: of the ensemble. ``base_rate``: the one known when the ensemble was fitted.
    ``cutoff_us``: the moment of fitting; None where there was no time to hold back, in which
    case the figures are optimistic. ``ensemble``: name of what was chosen then. ``account``: as in
    ``LabelledReferences``.
    """

    rows: Rows
    label: Int8
    weight: Float64
    lead: Int64
    as_of_us: Int64
    probability: Float64
    base_rate: Float64
    cutoff_us: int | None
    ensemble: str
    account: Int64 | None = None

    @property
    def unit(self) -> Int64:
        """(n) what is one observation in standard errors: the account, else the lead."""
        return self.lead if self.account is None else self.account

    @property
    def is_optimistic(self) -> bool:
        """Whether the future could not be held back."""
        return self.cutoff_us is None

    def metrics(self, rng: np.random.Generator) -> dict[str, Estimate]:
        """Every metric of the ensemble, with intervals over leads."""
        return evaluate(self.label, self.probability, self.weight, self.unit, rng)

    def gain(self, rng: np.random.Generator) -> Estimate:
        """Log loss of the ensemble minus that of the base rate; below zero is better."""
        return loss_difference(
            self.label, self.probability, self.base_rate, self.weight, self.unit, rng
        )


def backtest(
    data: TrainingData,
    until_us: int,
    config: TrainingConfig,
    *,
    pool: WorkerPool | None = None,
    progress: Progress | None = None,
) -> BacktestResult:
    """Run the whole of :func:`select_and_fit` on what was known earlier, then predict the newest
    references.

    Where the history is too short for that, or there is no time: grouped folds.
    """
    results = []
    for fold in backtest_folds(data, until_us, config.seed):
        allowed, moment = _known_before(data, fold, until_us)
        fitted = select_and_fit(data, allowed, moment, config, pool=pool, progress=progress)
        results.append(
            _FoldResult(
                fold,
                predict(fitted, data, fold.test),
                fitted.training_set.base_rate,
                fitted.ensemble.name,
            )
        )
    return _joined(results, data)


def backtest_folds(data: TrainingData, until_us: int, seed: int) -> list[Fold]:
    """The newest references as the only fold, or grouped folds where that cannot be."""
    fold = newest_fold(data.labelled, until_us)
    return [fold] if fold else _grouped(data, until_us, seed)


def predict(fitted: FittedModel, data: TrainingData, rows: Rows) -> Float64:
    """Probabilities of the references at ``rows``, by the arithmetic that is served."""
    references = data.labelled.take(rows).references
    vectors = compute_vectors(fitted.spec, data.histories, references)
    parts = range(0, len(vectors), ROWS_AT_ONCE)
    scored = [fitted.model.probability(vectors[at : at + ROWS_AT_ONCE]) for at in parts]
    return np.concatenate(scored) if scored else np.zeros(0)


def _grouped(data: TrainingData, until_us: int, seed: int) -> list[Fold]:
    labelled = data.labelled
    label = labelled.labels_as_of(until_us)
    unit = labelled.unit
    if not labelled.has_time:
        unit = joined_units(labelled.account, same_attributes_group(data))
    folds = grouped_folds(unit, label, np.random.default_rng(seed))
    usable = [f for f in folds if len(f.test) and min(label_counts(label[f.train])) > 0]
    known = np.flatnonzero(label != IMMATURE)
    few = len(labelled) <= MAX_REFERENCES_ALL_FOLDS
    return (usable if few else usable[:1]) or [Fold(known, known, None)]


def _known_before(data: TrainingData, fold: Fold, until_us: int) -> tuple[Bools, int]:
    """The references (n, bool) that may be used to fit for ``fold``, and the moment of fitting."""
    allowed: Bools = np.ones(len(data.labelled), bool)
    if fold.cutoff_us is not None:  # the moment keeps the future out
        return allowed, fold.cutoff_us
    allowed[:] = False
    allowed[fold.train] = True
    return allowed, until_us


@dataclass(frozen=True, slots=True)
class _FoldResult:
    fold: Fold
    probability: Float64
    base_rate: float
    ensemble: str


def _joined(results: list[_FoldResult], data: TrainingData) -> BacktestResult:
    labelled = data.labelled
    rows = np.concatenate([result.fold.test for result in results])
    names = [result.ensemble for result in results]
    return BacktestResult(
        rows=rows,
        label=labelled.label[rows],
        weight=labelled.weight[rows],
        lead=labelled.lead[rows],
        as_of_us=labelled.as_of_us[rows],
        probability=np.concatenate([result.probability for result in results]),
        base_rate=np.concatenate([np.full(len(r.fold.test), r.base_rate) for r in results]),
        cutoff_us=results[0].fold.cutoff_us,
        ensemble=max(names, key=names.count),
        account=None if labelled.account is None else labelled.account[rows],
    )


TEST_SHARE = 0.2


def random_split_optimism(
    fitted: FittedModel,
    labelled: LabelledReferences,
    rng: np.random.Generator,
    *,
    pool: WorkerPool | None = None,
) -> dict[str, float] | None:
    """Log loss and AUC that a random fifth of the leads would have shown for the same ensemble.

    None where there is no signal, or where one side of the split has one class only. Never used
    to choose anything: neighbours in time are on both sides, so it looks better than what comes
    next month. Where the recipe was chosen on a sample of leads, it is fitted on that sample.
    """
    if not fitted.ensemble.signal:
        return None
    known, rows = _of_sample(fitted)
    lead = labelled.lead[rows]
    leads = np.unique(lead)
    test = np.isin(lead, rng.permutation(leads)[: round(TEST_SHARE * len(leads))])
    tested = test & (labelled.label[rows] != IMMATURE)  # an expected label tests nothing
    label, weight = known.label[tested], known.weight[tested]
    if len(np.unique(label)) < 2 or len(np.unique(known.label[~test])) < 2:
        return None
    train = TrainingSet(known.vectors[~test], known.label[~test], known.weight[~test])
    with threadpool_limits(1):  # the same bits whatever the machine's threads
        model = fit_ensemble(fitted.ensemble, fitted.candidates, train, pool=pool)
    p = model.probability(known.vectors[tested])
    return {"log_loss": log_loss(label, p, weight), "auc": auc(label, p, weight)}


def _of_sample(fitted: FittedModel) -> tuple[TrainingSet, Rows]:
    """What the model was fitted on, of the leads that its recipe was chosen on."""
    if fitted.sample is None:
        return fitted.training_set, fitted.rows
    known = fitted.training_set
    at = np.flatnonzero(np.isin(fitted.rows, fitted.sample.rows))
    return TrainingSet(known.vectors[at], known.label[at], known.weight[at]), fitted.rows[at]
