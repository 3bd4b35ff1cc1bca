"""How the release that answers holds: drift of its scores, and its probabilities against outcomes.

It is what ``leadscore monitor`` asks of a dataset, as far as the store's scores can answer it: a
lead counts once, by its first score, so that a lead that is scored daily weighs no more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from features.compute.array_types import Bools, Float64
from scoring.bands import Band
from scoring.drift import Shift, at_ages, shift_of
from scoring.forecast import drawn_totals, interval_of
from scoring.model.log_odds import logit
from scoring.release.release import Release
from serving.store.since_promotion import SincePromotion

CHANCE = 0.95
"""Counts outside of the interval of this share are more than chance."""
ALL = "all"


@dataclass(frozen=True)
class KeptPromise:
    """Conversions that probabilities promised of ``leads`` leads, and those that came.

    ``low`` and ``high``: what chance alone makes of the promise, 95 times of 100.
    """

    group: str
    leads: int
    expected: float
    low: float
    high: float
    converted: int

    @property
    def verdict(self) -> str:
        """``held``, ``more`` or ``fewer``: than chance explains."""
        if self.converted > self.high:
            return "more"
        return "fewer" if self.converted < self.low else "held"


@dataclass(frozen=True)
class ReleaseHealth:
    """``leads`` scored, with their ``mean`` probability (None without one), ``mature`` of them.

    ``drift``: of the scores against those of the training at leads of the same ages; None where
    the release recorded none or nobody was scored. ``promises``: of all mature leads, then by band.
    """

    leads: int
    mean: float | None
    mature: int
    drift: Shift | None
    promises: list[KeptPromise]


def health_of(release: Release, since: SincePromotion) -> ReleaseHealth:
    """The health of a release from what it scored."""
    mature = since.mature
    promises = [_promise(ALL, since, mature)] if mature.any() else []
    for band in reversed(Band):
        of_band = mature & (since.band == band.value)
        if of_band.any():
            promises.append(_promise(band.value, since, of_band))
    mean = float(since.probability.mean()) if len(since) else None
    return ReleaseHealth(len(since), mean, int(mature.sum()), score_drift(release, since), promises)


def score_drift(release: Release, since: SincePromotion) -> Shift | None:
    """The shift of first scores since training, like ages with like ages."""
    statistics = release.statistics
    recorded = statistics.get("scores")
    if not isinstance(recorded, Mapping) or "quantiles" not in statistics or not len(since):
        return None
    then = at_ages(recorded, nearest_ages(since.age_days, recorded))
    learned_from = float(release.manifest["data"].get("leads") or len(since))
    n = len(since)
    return shift_of(
        "score", then, list(statistics["quantiles"]), learned_from, since.probability, np.ones(n), n
    )


def nearest_ages(age_days: Float64, recorded: Mapping[str, Any]) -> dict[float, float]:
    """Each age of training → the share of the leads that are nearest to it; unknown: the first.

    >>> nearest_ages(np.array([0.2, 9.0, np.nan]), {"by_age": {"0": {}, "7": {}}})
    {0.0: 0.6666666666666666, 7.0: 0.3333333333333333}
    """
    ages = np.array(sorted(float(age) for age in recorded.get("by_age") or {"0": {}}))
    known = np.nan_to_num(age_days, nan=0.0)
    place = np.abs(known[:, None] - ages[None, :]).argmin(axis=1)
    share = np.bincount(place, minlength=len(ages)) / len(known)
    return {float(age): float(part) for age, part in zip(ages, share, strict=True) if part}


def _promise(group: str, since: SincePromotion, rows: Bools) -> KeptPromise:
    p = np.clip(since.probability[rows], 1e-12, 1 - 1e-12)
    draws, _ = drawn_totals(logit(p), np.ones(len(p)), None, np.zeros(100), 0, max_drawn=300)
    low, high = interval_of(draws, CHANCE)
    came = int(since.converted[rows].sum())
    return KeptPromise(group, len(p), float(p.sum()), low, high, came)
