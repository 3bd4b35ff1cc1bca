"""An interval around each probability: Venn-Abers, looked up in plain arrays."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from features.errors import DataError, ReleaseError
from features.histories import Float64
from features.jit import compiled
from scoring.parts import numbers

MAX_POINTS = 2_000
"""Calibration scores are merged into at most this many neighbours of equal weight."""


@dataclass(frozen=True, eq=False)
class IntervalTable:
    """``low`` and ``high`` as functions of the log-odds, constant between calibration scores.

    ``at`` (k,) ascending. A score s gets ``low[number of at <= s]`` and
    ``high[number of at < s]``; both (k + 1,), never falling, in [0, 1].
    """

    at: Float64
    low: Float64
    high: Float64

    def __post_init__(self) -> None:
        shapes = self.low.shape == self.high.shape == (len(self.at) + 1,)
        ends = np.concatenate([self.low, self.high]) if shapes else np.full(1, np.nan)
        if not ((ends >= 0) & (ends <= 1)).all() or not np.isfinite(self.at).all():
            raise DataError("interval table: the ends are not probabilities, one more than scores")
        if (np.diff(self.at) <= 0).any() or min(_least_step(self.low), _least_step(self.high)) < 0:
            raise DataError("interval table: scores or ends do not ascend")

    def interval(self, log_odds: Float64, probability: Float64) -> tuple[Float64, Float64]:
        """(low, high), each (n,), of calibrated scores; widened where needed to hold the score."""
        low = self.low[np.searchsorted(self.at, log_odds, side="right")]
        high = self.high[np.searchsorted(self.at, log_odds, side="left")]
        return np.minimum(low, probability), np.maximum(high, probability)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for intervals.json."""
        return {"at": self.at.tolist(), "high": self.high.tolist(), "low": self.low.tolist()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> IntervalTable:
        """Raises ReleaseError when an array is missing, too long or out of order."""
        try:
            at = numbers(data, "at")
            if len(at) > MAX_POINTS:
                raise DataError(f"interval table: more than {MAX_POINTS} scores")
            return cls(at, numbers(data, "low"), numbers(data, "high"))
        except (DataError, ReleaseError) as problem:
            raise ReleaseError(str(problem)) from problem


def _least_step(values: Float64) -> float:
    return float(np.diff(values).min(initial=0.0))


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


@compiled
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
