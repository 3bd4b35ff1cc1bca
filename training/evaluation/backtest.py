"""The final test: learn at an earlier moment, then answer what was asked since."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from threadpoolctl import threadpool_limits

from features.compute.array_types import Float64, Int64
from features.vectors.compute import compute_vectors
from training.candidates.base import Candidate, TrainingSet
from training.evaluation.metrics import Estimate, auc, evaluate, log_loss, loss_difference
from training.labels.references import IMMATURE, Bool, Int8, LabelledReferences, label_counts
from training.labels.splits import Fold, Rows, grouped_folds, identical_rows, newest_fold
from training.labels.training_data import TrainingData
from training.model_selection.fit import FittedModel, SearchSettings, fit_ensemble, select_and_fit

WHOLE = 10_000
"""Without time, up to so many references are all tested, fold by fold; above, one fold is."""


@dataclass(frozen=True, slots=True)
class BacktestResult:
    """References answered by a model that had not seen them, (n) each.

    ``probability``: of the recipe. ``base_rate``: of the base rate known when it was learned.
    ``cutoff_us``: the moment of learning; None where there was no time to hold back, in which
    case the figures flatter. ``recipe``: name of what was chosen then.
    """

    rows: Rows
    label: Int8
    weight: Float64
    lead: Int64
    as_of_us: Int64
    probability: Float64
    base_rate: Float64
    cutoff_us: int | None
    recipe: str

    @property
    def is_optimistic(self) -> bool:
        """Whether the future could not be held back."""
        return self.cutoff_us is None

    def metrics(self, rng: np.random.Generator) -> dict[str, Estimate]:
        """Every metric of the recipe, with intervals over leads."""
        return evaluate(self.label, self.probability, self.weight, self.lead, rng)

    def gain(self, rng: np.random.Generator) -> Estimate:
        """Log loss of the recipe minus that of the base rate; below zero is better."""
        return loss_difference(
            self.label, self.probability, self.base_rate, self.weight, self.lead, rng
        )


def backtest(source: TrainingData, until_us: int, method: SearchSettings) -> BacktestResult:
    """Run the whole of :func:`select_and_fit` on what was known earlier; answer the newest
    references.

    Where the history is too short for that, or there is no time: grouped folds.
    """
    folds = backtest_folds(source, until_us, method)
    return _joined([_answered(source, f, until_us, method) for f in folds], source)


def backtest_folds(source: TrainingData, until_us: int, method: SearchSettings) -> list[Fold]:
    """The newest references as the only fold, or grouped folds where that cannot be."""
    fold = newest_fold(source.labelled, until_us)
    return [fold] if fold else _grouped(source, until_us, method)


def _grouped(source: TrainingData, until_us: int, method: SearchSettings) -> list[Fold]:
    labelled = source.labelled
    label = labelled.labels_as_of(until_us)
    unit = labelled.lead if labelled.has_time else _identical(source)
    folds = grouped_folds(unit, label, np.random.default_rng(method.seed))
    usable = [f for f in folds if len(f.test) and min(label_counts(label[f.train])) > 0]
    known = np.flatnonzero(label != IMMATURE)
    return (usable if len(labelled) <= WHOLE else usable[:1]) or [Fold(known, known, None)]


def _identical(source: TrainingData) -> Int64:
    """Group numbers of leads that look the same in every attribute that may be used."""
    from training.feature_selection.choose import choose_spec

    references = source.labelled.references
    spec = choose_spec(source.settings, source.histories, references)
    return identical_rows(compute_vectors(spec, source.histories, references))


@dataclass(frozen=True, slots=True)
class _Answered:
    fold: Fold
    probability: Float64
    base_rate: float
    recipe: str


def _answered(source: TrainingData, fold: Fold, until_us: int, method: SearchSettings) -> _Answered:
    labelled = source.labelled
    if fold.cutoff_us is None:
        allowed: Bool = np.zeros(len(labelled), bool)
        allowed[fold.train] = True
    else:
        allowed = ~np.isin(labelled.lead, labelled.lead[fold.test])
    moment = until_us if fold.cutoff_us is None else fold.cutoff_us
    learned = select_and_fit(source, allowed, moment, method)
    return _Answered(
        fold, predicted(learned, source, fold.test), learned.sample.base_rate, learned.recipe.name
    )


def predicted(learned: FittedModel, source: TrainingData, rows: Rows) -> Float64:
    """Probabilities of the references at ``rows``, by the arithmetic that is served."""
    asked = source.labelled.take(rows).references
    return learned.model.probability(compute_vectors(learned.spec, source.histories, asked))


def _joined(parts: list[_Answered], source: TrainingData) -> BacktestResult:
    labelled = source.labelled
    rows = np.concatenate([part.fold.test for part in parts])
    return BacktestResult(
        rows=rows,
        label=labelled.label[rows],
        weight=labelled.weight[rows],
        lead=labelled.lead[rows],
        as_of_us=labelled.as_of_us[rows],
        probability=np.concatenate([part.probability for part in parts]),
        base_rate=np.concatenate([np.full(len(p.fold.test), p.base_rate) for p in parts]),
        cutoff_us=parts[0].fold.cutoff_us,
        recipe=max((p.recipe for p in parts), key=[p.recipe for p in parts].count),
    )


TEST_SHARE = 0.2


def random_split_optimism(
    learned: FittedModel,
    labelled: LabelledReferences,
    families: Sequence[Candidate],
    rng: np.random.Generator,
) -> dict[str, float] | None:
    """Log loss and AUC that a random fifth of the leads would have shown for the same recipe.

    None where there is no signal, or where one side of the split has one class only. Never used
    to choose anything: neighbours in time stand on both sides, so it looks better than what
    comes next month.
    """
    if not learned.recipe.signal:
        return None
    lead = labelled.lead[learned.rows]
    names = np.unique(lead)
    held = np.isin(lead, rng.permutation(names)[: round(TEST_SHARE * len(names))])
    sample = learned.sample
    label, weight = sample.label[held], sample.weight[held]
    if len(np.unique(label)) < 2 or len(np.unique(sample.label[~held])) < 2:
        return None
    rest = TrainingSet(sample.vectors[~held], sample.label[~held], sample.weight[~held])
    with threadpool_limits(1):  # the same bits whatever the machine's threads
        model = fit_ensemble(learned.recipe, families, rest)
    chance = model.probability(sample.vectors[held])
    return {"log_loss": log_loss(label, chance, weight), "auc": auc(label, chance, weight)}
