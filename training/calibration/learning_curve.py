"""What a model still misses: how much it would gain if it had more to learn from.

Outcomes never show how far scores are from the true probabilities. They do show how much worse the
same families are that learn from half of the leads. Where straight lines express what decides, the
loss above the truth's falls about as fast as the leads grow in number, so what half the leads cost
is about what all of them still miss. Where they do not, trees find their steps one after the other
and still lack some; and where histories decide so, the counts are a summary of them, and more is
missed than any number of leads would show.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from threadpoolctl import threadpool_limits

from features.compute.array_types import Float64
from features.language.current import _
from features.vectors.catalogue import Source
from features.vectors.spec import FeatureSpec
from training.candidates.base import Candidate, ColumnSubset
from training.config import TrainingConfig
from training.labels.references import label_counts
from training.model_selection.cross_validation import (
    CandidateResult,
    CVPlan,
    PreparedFold,
    Progress,
    cross_validate,
)
from training.model_selection.ensemble import EnsembleChoice, ensemble_weights, pooled_loss
from training.model_selection.fit import FittedModel
from training.model_selection.worker_pool import WorkerPool

MISSED_PER_HALVING = 1.25
"""Nats above the truth's loss for each nat that half the leads cost. 0.6 to 1.3 in worlds whose
straight lines express what decides (``python benchmarks/truth.py``)."""


BENT_FACTOR = 0.4
"""So much of that is added, at most, where attributes decide and not along straight lines."""


HISTORY_FACTOR = 3.0
"""So much more, times the share of histories in the standard deviation of the scores."""


MAX_ROWS_FOR_BOTH_HALVES = 20_000
"""With more rows to learn from one half is enough; with fewer, what one half costs varies by a
third of itself and more from half to half, so both are fitted."""


LINEAR = "linear"


def expected_excess(
    fitted: FittedModel,
    config: TrainingConfig,
    *,
    pool: WorkerPool | None = None,
    progress: Progress | None = None,
) -> float | None:
    """Nats by which the model's log loss is above that of the true probabilities, estimated.

    None without a signal, or where half of a fold would have one class only.
    """
    ensemble, rows = fitted.ensemble, fitted.out_of_fold
    matrix = fitted.choice_matrix
    if fitted.plan is None or matrix is None or not ensemble.signal:
        return None
    halves = halved(fitted.plan, np.random.default_rng([config.seed, 2]))
    if halves is None:
        return None
    candidates = [
        at_step(candidate, ensemble.steps[candidate.name])
        for candidate in fitted.candidates
        if candidate.name in ensemble.steps
    ]
    losses = []
    with threadpool_limits(1):
        for half in halves:
            results = cross_validate(
                candidates, half.folds, matrix, rows, pool=pool, progress=progress,
                what=_("intervals"),
            )  # fmt: skip
            losses.append(pooled_loss(averaged_log_odds(results, ensemble), rows))
    loss = pooled_loss(averaged_log_odds(fitted.candidate_results, ensemble), rows)
    halving = float(np.mean(losses)) - loss
    if halving <= 0.0:
        return 0.0
    linear = [r.log_odds for r in fitted.candidate_results if r.candidate.name == LINEAR]
    bent = max(0.0, pooled_loss(linear[0], rows) - loss) if linear else 0.0
    contributions = fitted.model.explain(fitted.out_of_fold_vectors).contributions
    return missed(halving, bent, history_share(fitted.spec, contributions))


def missed(halving: float, bent: float, history: float) -> float:
    """Nats above the truth's loss, from those that half of the leads cost (above 0).

    ``bent`` (at least 0): nats by which straight lines are worse than the ensemble. ``history``:
    share, 0 to 1, of the scores' variance that interactions bring.

    >>> missed(0.004, 0.0, 0.5), round(missed(0.004, 0.01, 0.0), 4)
    (0.005, 0.007)
    """
    more = BENT_FACTOR + HISTORY_FACTOR * float(np.sqrt(history))
    return MISSED_PER_HALVING * halving * (1.0 + more * min(1.0, bent / halving))


def averaged_log_odds(results: Sequence[CandidateResult], ensemble: EnsembleChoice) -> Float64:
    """The ensemble's average (m) of the candidates' log-odds, not recalibrated."""
    by_name = {result.candidate.name: result.log_odds for result in results}
    weights = ensemble_weights(tuple(ensemble.steps), ensemble.scorecard_weight)
    return np.asarray(np.average([by_name[n] for n in ensemble.steps], axis=0, weights=weights))


def at_step(candidate: Candidate, step: float) -> Candidate:
    """The candidate with this step as its whole path."""
    if isinstance(candidate, ColumnSubset):
        return replace(candidate, candidate=at_step(candidate.candidate, step))
    alone: Candidate = replace(candidate, hyperparameter_grid=(step,))  # type: ignore[type-var]
    return alone


def history_share(spec: FeatureSpec, contributions: Float64) -> float:
    """Share, 0 to 1, of the scores' variance that columns of interactions bring; of (n, F)."""
    counted = np.array([f.source == Source.INTERACTIONS for f in spec.features], bool)
    acts = float(contributions[:, counted].sum(axis=1).var())
    rest = float(contributions[:, ~counted].sum(axis=1).var())
    return acts / (acts + rest) if acts > 0 else 0.0


def halved(plan: CVPlan, rng: np.random.Generator) -> list[CVPlan] | None:
    """The folds with a random half of the units to learn from; the other half where rows are few.

    None where a half has one class only.
    """
    both = max(len(fold.train.rows) for fold in plan.folds) <= MAX_ROWS_FOR_BOTH_HALVES
    sides: list[list[PreparedFold]] = [[], []] if both else [[]]
    for fold in plan.folds:
        train = fold.train
        units = np.unique(plan.unit[train.rows])
        half = rng.permutation(units)[: len(units) // 2]
        chosen = np.isin(plan.unit[train.rows], half)
        for side, kept in zip(sides, (chosen, ~chosen), strict=False):
            some = replace(
                train,
                rows=train.rows[kept],
                label=train.label[kept],
                weight=train.weight[kept],
            )
            if min(label_counts(some.label)) == 0:
                return None
            side.append(replace(fold, train=some))
    return [replace(plan, folds=tuple(side)) for side in sides]
