"""An interval around each probability: Venn-Abers widened by the spread of models, in tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from features.errors import DataError, ReleaseError
from features.histories import Float64
from features.jit import compiled
from scoring.model import probability_of
from scoring.parts import number, numbers

MAX_POINTS = 2_000
"""Calibration scores are merged into at most this many neighbours of equal weight."""


@dataclass(frozen=True, eq=False)
class IntervalTable:
    """``low`` and ``high`` as functions of the log-odds, constant between calibration scores.

    ``at`` (k,) ascending. A score s gets ``low[number of at <= s]`` and
    ``high[number of at < s]``; both (k + 1,), never falling, in [0, 1].
    ``spread_at`` (j,) ascending and ``spread`` (j,) >= 0: how far, in log-odds, equally good
    models would put such a score, linear in between and constant outside; empty is none.
    ``spreads``: so many of them on either side belong to the interval.
    """

    at: Float64
    low: Float64
    high: Float64
    spread_at: Float64 = field(default_factory=lambda: np.zeros(0))
    spread: Float64 = field(default_factory=lambda: np.zeros(0))
    spreads: float = 0.0

    def __post_init__(self) -> None:
        shapes = self.low.shape == self.high.shape == (len(self.at) + 1,)
        ends = np.concatenate([self.low, self.high]) if shapes else np.full(1, np.nan)
        if not ((ends >= 0) & (ends <= 1)).all() or not np.isfinite(self.at).all():
            raise DataError("interval table: the ends are not probabilities, one more than scores")
        if (np.diff(self.at) <= 0).any() or min(_least_step(self.low), _least_step(self.high)) < 0:
            raise DataError("interval table: scores or ends do not ascend")
        if self.spread.shape != self.spread_at.shape or (np.diff(self.spread_at) <= 0).any():
            raise DataError("interval table: spreads do not fit their scores")
        if not (np.isfinite(self.spread_at).all() and (self.spread >= 0).all()):
            raise DataError("interval table: a spread is not a finite number >= 0")

    def interval(self, log_odds: Float64, probability: Float64) -> tuple[Float64, Float64]:
        """(low, high), each (n,), of calibrated scores (n,); they always hold the score itself.

        A row's bits do not depend on the other rows.
        """
        low, high = np.empty(len(log_odds)), np.empty(len(log_odds))
        _look_up(
            np.ascontiguousarray(log_odds, dtype=np.float64),
            np.ascontiguousarray(probability, dtype=np.float64),
            self.at,
            self.low,
            self.high,
            self.spread_at,
            self.spread,
            float(self.spreads),
            low,
            high,
        )
        return low, high

    def with_spread(self, at: Float64, spread: Float64, spreads: float) -> IntervalTable:
        """The same table, holding ``spreads`` × ``spread`` on either side as well."""
        return replace(self, spread_at=at, spread=spread, spreads=spreads)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for intervals.json."""
        arrays = {name: getattr(self, name).tolist() for name in _ARRAYS}
        return {**arrays, "spreads": float(self.spreads)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> IntervalTable:
        """Raises ReleaseError when an array is missing, too long or out of order."""
        arrays = {name: numbers(data, name) for name in _ARRAYS}
        if max(len(array) for array in arrays.values()) > MAX_POINTS + 1:
            raise ReleaseError(f"interval table: more than {MAX_POINTS} scores")
        try:
            return cls(**arrays, spreads=number(data, "spreads"))
        except DataError as problem:
            raise ReleaseError(str(problem)) from problem


_ARRAYS = ("at", "low", "high", "spread_at", "spread")


@compiled
def _count(at: Float64, score: float, with_equal: bool) -> int:
    """How many of the ascending ``at`` are < score, or <= score."""
    first, last = 0, at.shape[0]
    while first < last:
        middle = (first + last) // 2
        if at[middle] < score or (with_equal and at[middle] == score):
            first = middle + 1
        else:
            last = middle
    return first


@compiled
def _spread_of(score: float, at: Float64, spread: Float64) -> float:
    after = _count(at, score, True)
    before = max(after - 1, 0)
    after = min(after, at.shape[0] - 1)
    share = 0.0
    if after > before:
        share = (score - at[before]) / (at[after] - at[before])
    return float(spread[before] + share * (spread[after] - spread[before]))


@compiled
def _look_up(
    log_odds: Float64,
    probability: Float64,
    at: Float64,
    table_low: Float64,
    table_high: Float64,
    spread_at: Float64,
    spread: Float64,
    spreads: float,
    low: Float64,
    high: Float64,
) -> None:
    for row in range(log_odds.shape[0]):
        score, p = log_odds[row], probability[row]
        lower = min(table_low[_count(at, score, True)], p)
        upper = max(table_high[_count(at, score, False)], p)
        if spread_at.shape[0] > 0 and spreads > 0.0:
            one = _spread_of(score, spread_at, spread)
            # log-odds that spread around a centre average to the probability p only if the
            # centre lies a little further out than p's own log-odds
            center = score - (1.0 - 2.0 * p) * one * one / 2.0
            lower = min(lower, probability_of(center - spreads * one))
            upper = max(upper, probability_of(center + spreads * one))
        low[row], high[row] = lower, upper


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
