"""How far equally good models differ on a lead: what widens the interval of a score.

Venn-Abers says how well the *average* of leads with a score is known, which with thousands of leads
is very well. The true probability of one lead strays much further from its score, because the
model is one of many that the data allow. Outcomes alone cannot show how far. Three variances of
the log-odds, measured on out-of-fold references, say where scores are known worse:

- fitting on other leads: final model minus out-of-fold score, squared;
- another kind of model: the variance between the candidates, each recalibrated;
- few conversions: 1 / (conversions + 1) among the twentieth of the leads scored alike, about the
  variance of the log-odds of their rate.

How large they are in all follows from what half of the leads cost
(:mod:`training.calibration.learning_curve`): an error with variance v costs p (1 - p) v / 2 nats. A
fourth is what time does: how far the level of whole folds was off, beyond chance. A fifth is what
levels of a category that share one column hide (:mod:`training.calibration.lumped_levels`).

How much of the truth such intervals hold is measured in worlds where it is known:
``python benchmarks/truth.py``, docs/decisions/0063-intervals-from-the-learning-curve.md.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from features.compute.array_types import Float64
from scoring.intervals import IntervalTable
from scoring.model.log_odds import sigmoid
from training.calibration.learning_curve import averaged_log_odds, expected_excess
from training.calibration.lumped_levels import lumped_variance
from training.calibration.venn_abers import venn_abers
from training.candidates.scorecard import SCORECARD
from training.config import TrainingConfig
from training.labels.training_data import TrainingData
from training.model_selection.cross_validation import Progress
from training.model_selection.ensemble import ensemble_weights, level_for_rate
from training.model_selection.fit import FittedModel
from training.model_selection.platt import platt
from training.model_selection.worker_pool import WorkerPool

STANDARD_DEVIATIONS = 1.645
"""On either side of the interval; a normal distribution has 90 % within."""


MIN_SCALE, MAX_SCALE = 0.5, 4.0
"""The measured variances are multiplied by no less and no more than this."""


MAX_BINS = 20


MIN_REFERENCES_PER_BIN = 50


def interval_table(
    fitted: FittedModel,
    data: TrainingData,
    config: TrainingConfig,
    *,
    pool: WorkerPool | None = None,
    progress: Progress | None = None,
) -> IntervalTable:
    """The intervals of a release: Venn-Abers out of fold, widened by the standard deviation between
    models.

    ``data``, ``config``: with which the model was fitted; its candidates are fitted again on half
    of the leads.
    """
    rows = fitted.out_of_fold
    label = rows.label.astype(np.float64)
    table = venn_abers(fitted.log_odds, label, rows.weight)
    final = fitted.model.log_odds(fitted.out_of_fold_vectors)
    recalibrated = []
    _baseline, *results = fitted.candidate_results
    for result in results:
        if result.candidate.name != SCORECARD:
            slope, intercept = platt(result.log_odds, label, rows.weight)
            recalibrated.append(slope * result.log_odds + intercept)
    at, model_sd = model_sd_by_score(final, fitted.log_odds, recalibrated, label, rows.weight)
    excess = expected_excess(fitted, config, pool=pool, progress=progress)
    scale = scale_for(excess, np.interp(final, at, model_sd) ** 2, final, rows.weight)
    variance = scale * model_sd**2 + level_variance(fitted)
    variance += lumped_variance(
        fitted.spec,
        data.histories,
        data.labelled.references.lead[rows.rows],
        sigmoid(fitted.log_odds),
        label,
        rows.weight,
    )
    return table.with_model_sd(at, np.sqrt(variance), STANDARD_DEVIATIONS)


def scale_for(excess: float | None, variance: Float64, log_odds: Float64, weight: Float64) -> float:
    """By how much to multiply ``variance`` (n) so that it costs ``excess`` nats; None: by 1.

    A score that is off by e in log-odds costs about p (1 - p) e² / 2 nats.

    >>> scale_for(0.125, np.full(2, 0.5), np.zeros(2), np.ones(2))
    2.0
    """
    if excess is None:
        return 1.0
    chance = sigmoid(log_odds)
    cost = float(np.average(chance * (1 - chance) * variance / 2, weights=weight))
    return float(np.clip(excess / cost, MIN_SCALE, MAX_SCALE)) if cost > 0 else 1.0


def level_variance(fitted: FittedModel) -> float:
    """Mean square of the folds' levels in log-odds, above what chance gives them; at least 0.

    0 where folds do not follow time.
    """
    rows, names = fitted.out_of_fold, tuple(fitted.ensemble.steps)
    if not fitted.by_time or not names or rows.fold.max() == 0:
        return 0.0
    raw = averaged_log_odds(fitted.candidate_results, fitted.ensemble)
    by_name = {result.candidate.name: result.log_odds for result in fitted.candidate_results}
    weights = ensemble_weights(names, fitted.ensemble.scorecard_weight)
    chances = np.average([sigmoid(by_name[name]) for name in names], axis=0, weights=weights)
    rate = float(np.average(chances, weights=rows.weight))
    chance = sigmoid(raw + level_for_rate(raw, rate, rows.weight))
    off = np.bincount(rows.fold, rows.weight * ((rows.label == 1) - chance))
    known = np.bincount(rows.fold, rows.weight * chance * (1 - chance))
    return max(0.0, float(np.mean((off / known) ** 2 - 1 / known)))


def model_sd_by_score(
    final: Float64,
    out_of_fold: Float64,
    candidates: Sequence[Float64],
    label: Float64,
    weight: Float64,
) -> tuple[Float64, Float64]:
    """(at, sd): the standard deviation in log-odds by final score, at most ``MAX_BINS`` points.

    ``final``, ``out_of_fold``, each of ``candidates`` (log-odds), ``label`` (0 or 1) and ``weight``
    (a lead's references sum to at most 1): (n,). In bins of equal number it is the root of the mean
    of (final − out of fold)² + the variance between candidates (0 with fewer than two),
    plus 1 / (conversions + 1).

    >>> final = np.zeros(4)
    >>> candidates = [final - 0.2, final + 0.2]
    >>> at, sd = model_sd_by_score(final, final + 0.3, candidates, np.ones(4), np.ones(4))
    >>> at.tolist(), (sd**2).round(4).tolist()
    ([0.0], [0.37])
    """
    variance = (final - out_of_fold) ** 2
    if len(candidates) > 1:
        variance = variance + np.var(np.array(candidates), axis=0, ddof=1)
    order = np.argsort(final, kind="stable")
    place = np.empty(len(order), dtype=np.intp)
    bins = max(1, min(MAX_BINS, len(order) // MIN_REFERENCES_PER_BIN))
    place[order] = np.arange(len(order)) * bins // max(len(order), 1)
    # equal scores share the bin of the first of them
    _, first, group = np.unique(final, return_index=True, return_inverse=True)
    lowest = np.full(len(first), bins)
    np.minimum.at(lowest, group, place)
    _, place = np.unique(lowest[group], return_inverse=True)
    mass = np.bincount(place, weight)
    mean = np.bincount(place, weight * variance) / mass
    few_conversions = 1.0 / (np.bincount(place, weight * label) + 1.0)
    at = np.bincount(place, weight * final) / mass
    return at, np.sqrt(mean + few_conversions)
