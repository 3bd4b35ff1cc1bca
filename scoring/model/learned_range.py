"""The range of each feature that a model was fitted on, to which later values are held.

A linear part goes on rising where nothing was ever seen: a lead at 4 % that signed up to something
seven years ago was given 97 %. Held to the range, it scores as the most extreme lead learned from.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from features.compute.array_types import Bools, Float64
from features.errors import DataError

ROWS_AT_ONCE = 65_536


@dataclass(frozen=True, eq=False)
class LearnedRange:
    """``low``, ``high``: (F,) least and largest known value learned from; ±inf where none was."""

    low: Float64
    high: Float64

    def __post_init__(self) -> None:
        if self.low.shape != self.high.shape or not (self.low <= self.high).all():
            raise DataError("a learned range ends before it begins")

    def held(self, vectors: Float64) -> Float64:
        """(n, F) vectors with every known value within its range; unknown stays unknown.

        >>> import numpy as np
        >>> learned_range(np.array([[0.0, 1.0], [9.0, np.nan]])).held(np.array([[10.0, np.nan]]))
        array([[ 9., nan]])
        """
        held: Float64 = np.minimum(np.maximum(vectors, self.low), self.high)
        return held

    def outside(self, vectors: Float64) -> Bools:
        """Which values of (n, F) vectors lie outside, (n, F) bool; unknown ones do not."""
        found: Bools = (vectors < self.low) | (vectors > self.high)
        return found

    def to_dict(self) -> dict[str, list[float | None]]:
        """Plain data; null for a feature of which no value was ever known."""
        return {"low": _plain(self.low), "high": _plain(self.high)}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], n_features: int) -> LearnedRange:
        """Read back what :meth:`to_dict` wrote. Raises DataError for anything else."""
        return cls(
            _numbers(data, "low", n_features, -np.inf), _numbers(data, "high", n_features, np.inf)
        )


def learned_range(vectors: Float64) -> LearnedRange:
    """The range of each column of (n, F) vectors; NaN is unknown and counts for nothing."""
    low, high = np.full(vectors.shape[1], np.inf), np.full(vectors.shape[1], -np.inf)
    for start in range(0, len(vectors), ROWS_AT_ONCE):
        part = vectors[start : start + ROWS_AT_ONCE]
        low = np.fmin(low, np.fmin.reduce(part, axis=0))
        high = np.fmax(high, np.fmax.reduce(part, axis=0))
    never = low > high
    low[never], high[never] = -np.inf, np.inf
    return LearnedRange(low, high)


def _plain(bounds: Float64) -> list[float | None]:
    return [float(bound) if np.isfinite(bound) else None for bound in bounds]


def _numbers(data: Mapping[str, Any], key: str, size: int, unbounded: float) -> Float64:
    given = data.get(key)
    if not isinstance(given, list) or len(given) != size:
        raise DataError(f"the learned range has no list {key!r} of {size} numbers")
    if not all(v is None or (isinstance(v, int | float) and v is not True) for v in given):
        raise DataError(f"the learned range's {key!r} holds what is no number")
    return np.array([unbounded if v is None else float(v) for v in given], dtype=np.float64)
