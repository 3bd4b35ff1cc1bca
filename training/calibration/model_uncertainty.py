"""Model uncertainty: how far equally good models differ on a lead, which widens a score's interval.

Venn-Abers says how well the *average* of leads with a score is known, which with thousands of leads
is very well. The true probability of one lead strays much further from its score, because the
model is one of many that the data allow. Outcomes alone cannot show how far. Three variances of
the log-odds, measured on out-of-fold references, estimate it:

- fitting on other leads: final model minus out-of-fold score, squared;
- another kind of model: the variance between the candidates, each recalibrated;
- few conversions: 1 / (conversions + 1) among the twentieth of the leads scored alike, about the
  variance of the log-odds of their rate.

How much of the truth such intervals hold is measured with the simulator:
``python benchmarks/intervals.py``, docs/decisions/0007-intervals-of-the-probability.md.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from features.compute.array_types import Float64
from scoring.intervals import IntervalTable
from training.calibration.venn_abers import venn_abers
from training.candidates.scorecard import SCORECARD
from training.model_selection.fit import FittedModel
from training.model_selection.platt import platt

STANDARD_DEVIATIONS = 1.8
"""Standard deviations on either side of the interval. A normal distribution has 90 % within 1.645;
the three variances fall a little short, and with 1.8 the intervals hold what they name."""


MAX_BINS = 20


MIN_REFERENCES_PER_BIN = 50


def interval_table(fitted: FittedModel) -> IntervalTable:
    """The intervals of a release: Venn-Abers out of fold, widened by the standard deviation between
    models."""
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
    return table.with_model_sd(at, model_sd, STANDARD_DEVIATIONS)


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
