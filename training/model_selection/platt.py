"""Platt scaling: calibration by a straight line in log-odds, so that reasons stay additive."""

from __future__ import annotations

import math

import numpy as np

from features.compute.array_types import Float64
from features.errors import DataError
from scoring.model.log_odds import sigmoid

SLOPE_PRECISION = 4.0
"""Prior on the slope: normal around 1 with standard deviation 1/2. Worth a handful of leads."""


MIN_TOTAL_WEIGHT = 1e-300
"""All leads together weigh nothing below this: products with it would no longer be numbers."""


def base_rate_log_odds(positive: float, negative: float) -> float:
    """Log-odds of the rate with one lead of each outcome added (Laplace's rule).

    >>> round(base_rate_log_odds(9, 89), 4)
    -2.1972
    """
    return math.log((positive + 1.0) / (negative + 1.0))


def platt(
    log_odds: Float64, outcome: Float64, weights: Float64 | None = None
) -> tuple[float, float]:
    """(slope, intercept) so that slope × log_odds + intercept is calibrated.

    ``log_odds`` (n,) of references the model was not fitted on, ``outcome`` (n,) of 0 and 1,
    ``weights`` (n,) >= 0, one lead counting 1. Targets are smoothed as in Platt (1999):
    (P + 1) / (P + 2) and 1 / (N + 2), and the slope has a normal prior around 1, so that few
    leads move it little. A slope that would be negative is floored at 0: the score says nothing
    and everybody gets the base rate. Without any reference the line is (1, 0).
    Raises DataError when lengths differ or a number is not finite.
    """
    x = np.ascontiguousarray(log_odds, dtype=np.float64)
    y = np.ascontiguousarray(outcome, dtype=np.float64)
    w = np.ones(len(x)) if weights is None else np.ascontiguousarray(weights, dtype=np.float64)
    if not (x.shape == y.shape == w.shape) or not np.isfinite([x, y, w]).all() or (w < 0).any():
        raise DataError("calibration needs equally many finite log-odds, outcomes and weights >= 0")
    positive, negative = float(w @ y), float(w @ (1.0 - y))
    if positive + negative < MIN_TOTAL_WEIGHT:
        return 1.0, 0.0
    target = np.where(y > 0.5, (positive + 1.0) / (positive + 2.0), 1.0 / (negative + 2.0))
    slope, intercept = _fit_line(x, target, w)
    if slope <= 0.0:
        return 0.0, base_rate_log_odds(positive, negative)
    return slope, intercept


def _fit_line(x: Float64, target: Float64, w: Float64) -> tuple[float, float]:
    """Newton's method with halved steps on the penalised, smoothed cross-entropy (convex)."""
    rate = float(w @ target) / float(w.sum())
    line = np.array([1.0, math.log(rate / (1.0 - rate)) - float(w @ x) / float(w.sum())])
    loss = _loss(line, x, target, w)
    for _ in range(100):
        z = line[0] * x + line[1]
        p = sigmoid(z)
        off, curve = w * (p - target), w * p * (1.0 - p)
        gradient = np.array([off @ x + SLOPE_PRECISION * (line[0] - 1.0), off.sum()])
        cross = curve @ x
        hessian = np.array(
            [[curve @ (x * x) + SLOPE_PRECISION, cross], [cross, curve.sum() + 1e-12]]
        )
        step = np.linalg.solve(hessian, gradient)
        size = 1.0
        while size > 1e-10 and _loss(line - size * step, x, target, w) > loss:
            size /= 2.0
        moved = line - size * step
        moved_loss = _loss(moved, x, target, w)
        if not moved_loss < loss:
            break
        line, loss = moved, moved_loss
    return float(line[0]), float(line[1])


def _loss(line: Float64, x: Float64, target: Float64, w: Float64) -> float:
    z = line[0] * x + line[1]
    prior = 0.5 * SLOPE_PRECISION * float(line[0] - 1.0) ** 2
    return float(w @ (np.logaddexp(0.0, z) - target * z)) + prior
