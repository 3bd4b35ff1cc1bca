"""An interval around each probability: Venn-Abers, widened where models disagree, as a table."""

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
"""Calibration scores are merged into at most this many neighbouring groups of equal weight."""


@dataclass(frozen=True, eq=False)
class IntervalTable:
    """``low`` and ``high`` as functions of the log-odds, constant between calibration scores.

    ``at`` (k,) ascending. A score s gets ``low[number of at <= s]`` and
    ``high[number of at < s]``; both (k + 1,), never falling, in [0, 1].
    ``sd_at`` (j,) ascending and ``model_sd`` (j,) >= 0: the standard deviation, in log-odds, of
    such a score between equally good models; linear in between, constant outside, empty is none.
    ``z``: the interval holds ``z`` × ``model_sd`` on either side. In intervals.json the three are
    ``spread_at``, ``spread`` and ``spreads``, as in every release so far.
    """

    at: Float64
    low: Float64
    high: Float64
    sd_at: Float64 = field(default_factory=lambda: np.zeros(0))
    model_sd: Float64 = field(default_factory=lambda: np.zeros(0))
    z: float = 0.0

    def __post_init__(self) -> None:
        shapes = self.low.shape == self.high.shape == (len(self.at) + 1,)
        ends = np.concatenate([self.low, self.high]) if shapes else np.full(1, np.nan)
        if not ((ends >= 0) & (ends <= 1)).all() or not np.isfinite(self.at).all():
            raise DataError("interval table: the ends are not probabilities, one more than scores")
        if (np.diff(self.at) <= 0).any() or min(_least_step(self.low), _least_step(self.high)) < 0:
            raise DataError("interval table: scores or ends do not ascend")
        if self.model_sd.shape != self.sd_at.shape or (np.diff(self.sd_at) <= 0).any():
            raise DataError("interval table: standard deviations do not fit their scores")
        if not (np.isfinite(self.sd_at).all() and (self.model_sd >= 0).all()):
            raise DataError("interval table: a standard deviation is not a finite number >= 0")

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
            self.sd_at,
            self.model_sd,
            float(self.z),
            low,
            high,
        )
        return low, high

    def with_model_sd(self, at: Float64, model_sd: Float64, z: float) -> IntervalTable:
        """The same table, holding ``z`` × ``model_sd`` on either side as well."""
        return replace(self, sd_at=at, model_sd=model_sd, z=z)

    def to_dict(self) -> dict[str, Any]:
        """Plain data for intervals.json."""
        arrays = {key: getattr(self, name).tolist() for name, key in _KEYS.items()}
        return {**arrays, "spreads": float(self.z)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> IntervalTable:
        """Raises ReleaseError when an array is missing, too long or out of order."""
        arrays = {name: numbers(data, key) for name, key in _KEYS.items()}
        if max(len(array) for array in arrays.values()) > MAX_POINTS + 1:
            raise ReleaseError(f"interval table: more than {MAX_POINTS} scores")
        try:
            return cls(**arrays, z=number(data, "spreads"))
        except DataError as problem:
            raise ReleaseError(str(problem)) from problem


_KEYS = {"at": "at", "low": "low", "high": "high", "sd_at": "spread_at", "model_sd": "spread"}
"""The arrays of the table, and their keys in intervals.json."""


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
def _model_sd_of(score: float, at: Float64, model_sd: Float64) -> float:
    after = _count(at, score, True)
    before = max(after - 1, 0)
    after = min(after, at.shape[0] - 1)
    share = 0.0
    if after > before:
        share = (score - at[before]) / (at[after] - at[before])
    return float(model_sd[before] + share * (model_sd[after] - model_sd[before]))


@kernel
def _look_up(
    log_odds: Float64,
    probability: Float64,
    at: Float64,
    table_low: Float64,
    table_high: Float64,
    sd_at: Float64,
    model_sd: Float64,
    z: float,
    low: Float64,
    high: Float64,
) -> None:
    for row in range(log_odds.shape[0]):
        score, p = log_odds[row], probability[row]
        lower = min(table_low[_count(at, score, True)], p)
        upper = max(table_high[_count(at, score, False)], p)
        if sd_at.shape[0] > 0 and z > 0.0:
            one = _model_sd_of(score, sd_at, model_sd)
            # log-odds that vary around a centre average to the probability p only if the
            # centre is a little further out than p's own log-odds
            center = score - (1.0 - 2.0 * p) * one * one / 2.0
            lower = min(lower, probability_of(center - z * one))
            upper = max(upper, probability_of(center + z * one))
        low[row], high[row] = lower, upper


def _least_step(values: Float64) -> float:
    return float(np.diff(values).min(initial=0.0))
