"""An interval around each probability: Venn-Abers widened by the spread of models, in tables."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from features.compute.array_types import Float64
from features.compute.jit import kernel
from features.errors import DataError, ReleaseError
from scoring.model.component import number, numbers
from scoring.model.log_odds import probability_of

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


@kernel
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


@kernel
def _spread_of(score: float, at: Float64, spread: Float64) -> float:
    after = _count(at, score, True)
    before = max(after - 1, 0)
    after = min(after, at.shape[0] - 1)
    share = 0.0
    if after > before:
        share = (score - at[before]) / (at[after] - at[before])
    return float(spread[before] + share * (spread[after] - spread[before]))


@kernel
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
