"""The population stability index (PSI): how far a column has shifted since training."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.stats import chi2

from features.compute.array_types import Float64
from scoring.release.release import Release

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
    noise = float(
        chi2.ppf(0.95, max(bins - 1, 1)) * (1 / max(leads_now, 1.0) + 1 / max(leads_then, 1.0))
    )
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


SCORE = "score"


def shifts_between(then: Release, now: Release, record: Mapping[str, Any]) -> list[Shift] | None:
    """The population stability index of every feature that both have, most moved first.

    ``record``: what ``now`` keeps for its card; the scores come first in the answer. None where
    it keeps no spread, or ``then`` no deciles. Of each column fifty values are kept, so an index
    is right to about 0.01.
    """
    statistics = then.statistics
    if "spread" not in record or "quantiles" not in statistics:
        return None
    spread, stats = record["spread"], now.statistics
    scores = _shift(SCORE, statistics["scores"], stats["scores"], spread["scores"], then, now)
    known = statistics["features"]
    features = [
        _shift(name, known[name], stats["features"][name], column, then, now)
        for name, column in spread["features"].items()
        if name in known
    ]
    return [scores, *sorted(features, key=lambda shift: (-shift.psi, shift.name))]


def _shift(
    name: str,
    statistics: Mapping[str, Any],
    current: Mapping[str, Any],
    spread: Mapping[str, list[float]],
    then: Release,
    now: Release,
) -> Shift:
    """Each recorded value represents those up to it; one more is unknown."""
    unknown = float(current["unknown"])
    column = np.array([*spread["values"], np.nan])
    weight = np.append((1.0 - unknown) * np.diff(spread["upto"], prepend=0.0), unknown)
    quantiles = list(then.statistics["quantiles"])
    return shift_of(name, statistics, quantiles, _leads(then), column, weight, _leads(now))


def _leads(release: Release) -> float:
    return float(release.manifest.get("data", {}).get("leads", 0))
