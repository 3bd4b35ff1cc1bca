"""How good probabilities are: log loss, Brier, AUC, calibration error, lift, and their intervals.

All take ``label`` (n: 0 or 1), ``probability`` (n: in [0, 1]) and ``weight`` (n: > 0, a lead's
references sum to at most 1). Intervals are percentile bootstraps over leads, not references.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass

import numpy as np

from features.compute.array_types import Float64, Int8, Int64

Metric = Callable[[Int8, Float64, Float64], float]


MIN_PROBABILITY = 1e-15
"""Probabilities are clipped to [SMALLEST, 1 - SMALLEST] in the log loss."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure with the 2.5 % and 97.5 % points of its bootstrap."""

    value: float
    low: float
    high: float

    def to_dict(self) -> dict[str, float]:
        """Plain floats, keys value, low and high."""
        return asdict(self)


def log_losses(label: Int8, probability: Float64) -> Float64:
    """Log loss of each row in nats.

    >>> log_losses(np.array([1, 0], np.int8), np.array([0.5, 0.25])).round(4).tolist()
    [0.6931, 0.2877]
    """
    p = np.clip(probability, MIN_PROBABILITY, 1 - MIN_PROBABILITY)
    return -np.where(label == 1, np.log(p), np.log1p(-p))


def log_losses_of_log_odds(label: Int8, log_odds: Float64) -> Float64:
    """The same from log-odds, without clipping.

    >>> log_losses_of_log_odds(np.array([1, 0], np.int8), np.array([0.0, 0.0])).round(4).tolist()
    [0.6931, 0.6931]
    """
    return np.logaddexp(0.0, np.where(label == 1, -log_odds, log_odds))


def log_loss(label: Int8, probability: Float64, weight: Float64) -> float:
    """Weighted mean log loss in nats."""
    return float(np.average(log_losses(label, probability), weights=weight))


def brier(label: Int8, probability: Float64, weight: Float64) -> float:
    """Weighted mean squared error of the probability (Brier 1950).

    >>> brier(np.array([1, 0], np.int8), np.array([0.8, 0.4]), np.ones(2))
    0.1
    """
    return float(np.average((probability - label) ** 2, weights=weight).round(15))


def auc(label: Int8, probability: Float64, weight: Float64) -> float:
    """Chance that a positive is ranked above a negative, ties counting half; NaN for one class.

    >>> auc(np.array([0, 1, 1], np.int8), np.array([0.2, 0.2, 0.9]), np.ones(3))
    0.75
    """
    _, place = np.unique(probability, return_inverse=True)
    positive: Float64 = np.bincount(place, weights=weight * (label == 1)).astype(np.float64)
    negative: Float64 = np.bincount(place, weights=weight * (label == 0)).astype(np.float64)
    return auc_of_levels(positive, negative)


def auc_of_levels(positive: Float64, negative: Float64) -> float:
    """AUC from the weight of positives and negatives at each score (k, ascending); NaN without
    either."""
    below = np.cumsum(negative) - negative
    pairs = positive.sum() * negative.sum()
    if pairs <= 0:
        return float("nan")
    return float((positive * (below + negative / 2)).sum() / pairs)


def calibration_error(label: Int8, probability: Float64, weight: Float64, bins: int = 10) -> float:
    """Mean absolute gap between predicted and observed rate over ``bins`` of equal weight.

    Rows with the same probability belong to one bin.

    >>> calibration_error(np.array([1, 0], np.int8), np.array([0.5, 0.5]), np.ones(2))
    0.0
    """
    _, level = np.unique(probability, return_inverse=True)
    mass = np.bincount(level, weights=weight)
    gap = np.bincount(level, weights=weight * (probability - label))
    middle = (np.cumsum(mass) - mass / 2) / mass.sum()
    place = np.minimum(middle * bins, bins - 1).astype(np.int64)
    return float(np.abs(np.bincount(place, weights=gap)).sum() / mass.sum())


def top_decile_lift(label: Int8, probability: Float64, weight: Float64) -> float:
    """Rate among the 10 % scored highest over the rate of all; ties share; NaN without positives.

    >>> y = np.array([1] + [0] * 9, np.int8)
    >>> top_decile_lift(y, np.linspace(1, 0, 10), np.ones(10)).__round__(9)
    10.0
    """
    levels, place = np.unique(-probability, return_inverse=True)
    mass = np.bincount(place, weights=weight, minlength=len(levels))
    won = np.bincount(place, weights=weight * (label == 1), minlength=len(levels))
    budget = 0.1 * mass.sum()
    selected = np.clip(budget - (np.cumsum(mass) - mass), 0, mass) / mass
    return (
        float((won * selected).sum() / budget / (won.sum() / mass.sum())) if won.sum() else np.nan
    )


METRICS: dict[str, Metric] = {
    "log_loss": log_loss,
    "brier": brier,
    "auc": auc,
    "calibration_error": calibration_error,
    "top_decile_lift": top_decile_lift,
}


def evaluate(
    label: Int8,
    probability: Float64,
    weight: Float64,
    lead: Int64,
    rng: np.random.Generator,
    resamples: int = 200,
) -> dict[str, Estimate]:
    """Every metric with its interval over resampled leads.

    Raises:
        ValueError: no rows.
    """
    if not len(label):
        raise ValueError("no references to evaluate")
    draws = _resampled_weights(weight, lead, rng, resamples)
    return {
        name: _interval(metric(label, probability, weight), [
            metric(label[w > 0], probability[w > 0], w[w > 0]) for w in draws
        ])
        for name, metric in METRICS.items()
    }  # fmt: skip


def loss_difference(
    label: Int8,
    first: Float64,
    second: Float64,
    weight: Float64,
    lead: Int64,
    rng: np.random.Generator,
    resamples: int = 1000,
) -> Estimate:
    """Log loss of ``first`` minus that of ``second``, paired, with its interval over leads.

    Below zero: mine is better; an interval wholly below zero: significantly so.
    """
    gap = weight * (log_losses(label, first) - log_losses(label, second))
    _, member = np.unique(lead, return_inverse=True)
    gaps, masses = np.bincount(member, weights=gap), np.bincount(member, weights=weight)
    values = []
    for _ in range(resamples):
        times = np.bincount(rng.integers(0, len(gaps), len(gaps)), minlength=len(gaps))
        values.append(float(gaps @ times / (masses @ times)))
    return _interval(float(gap.sum() / weight.sum()), values)


def _resampled_weights(
    weight: Float64, lead: Int64, rng: np.random.Generator, resamples: int
) -> list[Float64]:
    """Each row's weight times how often its lead was drawn."""
    _, member = np.unique(lead, return_inverse=True)
    n = int(member.max()) + 1
    return [
        weight * np.bincount(rng.integers(0, n, n), minlength=n)[member] for _ in range(resamples)
    ]


def _interval(value: float, values: list[float]) -> Estimate:
    usable = np.array([v for v in values if np.isfinite(v)])
    if not len(usable):
        return Estimate(value, float("nan"), float("nan"))
    low, high = np.quantile(usable, (0.025, 0.975))
    return Estimate(value, float(low), float(high))
