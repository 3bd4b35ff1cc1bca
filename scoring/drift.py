"""Drift: how far a column has shifted since training, as the population stability index (PSI)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from features.compute.array_types import Float64

MIN_PSI_NOTICEABLE, MIN_PSI_LARGE = 0.1, 0.25
"""The usual thresholds (Siddiqi 2006): stable below the first, another distribution above the
second."""


@dataclass(frozen=True, slots=True)
class Shift:
    """One column then and now. ``noise``: the PSI that chance alone exceeds in one of 20 cases."""

    name: str
    psi: float
    noise: float
    unknown_then: float
    unknown_now: float

    @property
    def is_large(self) -> bool:
        """Above noise, and large."""
        return self.psi > MIN_PSI_LARGE and self.psi > self.noise

    @property
    def is_noticeable(self) -> bool:
        """Above noise, large or not."""
        return self.psi > MIN_PSI_NOTICEABLE and self.psi > self.noise

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def shift_of(
    name: str,
    statistics: Mapping[str, Any],
    quantiles: list[float],
    leads_then: float,
    now: Float64,
    weight: Float64,
    leads_now: float,
) -> Shift:
    """Σ (now − then) · ln(now / then) over the bins between the deciles then, and unknown.

    ``statistics``: ``deciles`` of the known values, the share ``upto`` each and the share
    ``unknown``; ``now`` (n, NaN unknown) with ``weight`` (n); ``leads_then``, ``leads_now``: how
    many leads either comes from. Equal deciles share a bin. Releases of before recorded no
    ``upto``: of a column of whole numbers, or with equal deciles, the share at a decile is then
    only known to a tenth, and a difference within the tenth is taken for none. Under no change
    the index times n·m / (n + m) is about χ² (Yurdakul 2018), which gives ``noise``.
    """
    edges, least, most = _tenths(statistics["deciles"], quantiles, statistics.get("upto"))
    known = ~np.isnan(now)
    total = float(weight.sum())
    below = np.array([weight[known & (now <= edge)].sum() for edge in edges]) / total
    share, known_then = float(weight[known].sum()) / total, 1.0 - float(statistics["unknown"])
    below_then = np.maximum.accumulate(np.clip(below, least * known_then, most * known_then))
    then = np.diff([0.0, *below_then, known_then, 1.0])
    current = np.diff([0.0, *below, share, 1.0])
    smallest = 0.5 / max(leads_now, 1.0)
    then, current = np.maximum(then, smallest), np.maximum(current, smallest)
    psi = float(np.sum((current - then) * np.log(current / then)))
    bins = int((np.maximum(then, current) > smallest).sum())
    noise = float(chi2_95(max(bins - 1, 1)) * (1 / max(leads_now, 1.0) + 1 / max(leads_then, 1.0)))
    return Shift(name, psi, noise, float(statistics["unknown"]), 1.0 - share)


def _tenths(
    deciles: list[float], quantiles: list[float], upto: list[float] | None
) -> tuple[Float64, Float64, Float64]:
    """Distinct inner deciles, and the least and most share of known values at or below each."""
    values, levels = np.asarray(deciles, dtype=np.float64), np.asarray(quantiles)
    edges, first = np.unique(values[1:-1], return_index=True)
    if upto is not None:
        exact = np.asarray(upto, dtype=np.float64)[1:-1][first]
        return edges, exact, exact
    least = np.array([levels[values <= edge].max() for edge in edges])
    most = np.array([levels[values > edge].min(initial=1.0) for edge in edges])
    counted = len(edges) < len(values) - 2 or bool(np.all(values % 1 == 0))
    return edges, least, most if counted else least


CHI2_95 = (
    3.841459, 5.991465, 7.814728, 9.487729, 11.070498, 12.591587, 14.067140, 15.507313, 16.918978,
    18.307038,
)  # fmt: skip
"""The 95 % quantiles of chi-squared with 1 to 10 degrees of freedom: as many as deciles need."""


def chi2_95(degrees: int) -> float:
    """The 95 % quantile of chi-squared; above 10 degrees by Wilson and Hilferty (1931), to 0.1 %.

    >>> chi2_95(1), round(chi2_95(20), 1)
    (3.841459, 31.4)
    """
    if degrees <= len(CHI2_95):
        return CHI2_95[degrees - 1]
    part = 2 / (9 * degrees)
    return float(degrees * (1 - part + 1.6448536 * part**0.5) ** 3)


def at_ages(column: Mapping[str, Any], shares: Mapping[float, float]) -> Mapping[str, Any]:
    """A recorded column as it would be were the ages mixed so.

    As it is where nothing was recorded by age (releases of before), or not of every age.
    """
    by_age = column.get("by_age")
    if by_age is None or any(f"{age:g}" not in by_age for age in shares):
        return column
    own = [(share, by_age[f"{age:g}"]) for age, share in shares.items()]
    known = sum(share * (1.0 - one["unknown"]) for share, one in own)
    if known <= 0.0 or not column["deciles"]:
        return {**column, "unknown": 1.0 - known}
    upto = sum(share * (1.0 - one["unknown"]) * np.asarray(one["upto"]) for share, one in own)
    return {**column, "unknown": 1.0 - known, "upto": (upto / known).tolist()}
