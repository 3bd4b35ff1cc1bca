"""Venn-Abers intervals: two isotonic regressions, the lead added as lost and as converted.

Inductive Venn-Abers predictors, Vovk, Petej and Fedorova (2015), Large-scale probabilistic
predictors with and without guarantees of validity.
"""

from __future__ import annotations

import numpy as np

from features.compute.array_types import Float64
from features.compute.jit import kernel
from features.errors import DataError
from scoring.intervals import MAX_POINTS, IntervalTable


def venn_abers(
    log_odds: Float64,
    outcome: Float64,
    weights: Float64 | None = None,
    *,
    max_points: int = MAX_POINTS,
) -> IntervalTable:
    """The inductive Venn-Abers predictor (Vovk, Petej & Fedorova 2015) as a table.

    ``log_odds`` (n,) of references not used in fitting, ``outcome`` (n,) of 0 and 1, ``weights``
    (n,) > 0. For a new score s, ``low`` is the isotonic regression of the calibration set with
    (s, 0) added, taken at s, and ``high`` the same with (s, 1); the new lead weighs 1. Equal
    scores are one point, and above ``max_points`` neighbours are merged at their mean score.
    Without references the interval is [0, 1].
    """
    x = np.asarray(log_odds, dtype=np.float64)
    y = np.asarray(outcome, dtype=np.float64)
    w = np.ones(len(x)) if weights is None else np.asarray(weights, dtype=np.float64)
    if not (x.shape == y.shape == w.shape) or not np.isfinite([x, y, w]).all():
        raise DataError("intervals need equally many finite log-odds, outcomes and weights")
    at, mean, weight = _points(x[w > 0], y[w > 0], w[w > 0], max_points)
    low, high = np.zeros(len(at) + 1), np.ones(len(at) + 1)
    isotonic_ends(mean, weight, low, high)
    return IntervalTable(at, np.maximum.accumulate(low), np.maximum.accumulate(high))


def _points(
    x: Float64, y: Float64, w: Float64, max_points: int
) -> tuple[Float64, Float64, Float64]:
    """Distinct scores with their mean outcome and weight, merged down to ``max_points``."""
    at: Float64
    at, where = np.unique(x, return_inverse=True)
    weight = np.bincount(where, w, len(at))
    total = np.bincount(where, w * y, len(at))
    if len(at) > max_points:
        share = np.cumsum(weight) - weight / 2.0
        group = np.minimum((share / weight.sum() * max_points).astype(np.intp), max_points - 1)
        _, group = np.unique(group, return_inverse=True)
        merged = np.bincount(group, weight)
        at = np.asarray(np.bincount(group, weight * at) / merged)
        total, weight = np.bincount(group, total), merged
    mean: Float64 = total / weight
    return at, mean, weight.astype(np.float64)


@kernel
def isotonic_ends(mean: Float64, weight: Float64, low: Float64, high: Float64) -> None:
    """Fill ``low[1:]`` and ``high[:-1]``: isotonic fits with a 0, or a 1, added at each point.

    A 0 added between two points pools to the left and a 1 to the right, so that the fits at the
    points themselves give every score in between. O(k²) by pooling adjacent violators anew.
    """
    n = mean.shape[0]
    level, mass, size = np.empty(n), np.empty(n), np.empty(n, dtype=np.int64)
    for added in range(n):
        for label in range(2):
            blocks = 0
            fitted = 0.0
            covered = 0
            for i in range(n):
                value, w = mean[i], weight[i]
                if i == added:
                    value = (value * w + label) / (w + 1.0)
                    w += 1.0
                count = 1
                while blocks > 0 and level[blocks - 1] >= value:
                    blocks -= 1
                    value = (value * w + level[blocks] * mass[blocks]) / (w + mass[blocks])
                    w += mass[blocks]
                    count += size[blocks]
                level[blocks], mass[blocks], size[blocks] = value, w, count
                blocks += 1
            for block in range(blocks):
                covered += size[block]
                if covered > added:
                    fitted = min(max(level[block], 0.0), 1.0)
                    break
            if label == 0:
                low[added + 1] = fitted
            else:
                high[added] = fitted
