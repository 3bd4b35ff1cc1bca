"""What would change for the team: bands by rules against bands by the learned score.

Each lead counts once, in the highest band that it reaches in the test, and each conversion once.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from features.compute.array_types import Float64, Object
from scoring.bands import Band
from training.comparison.metrics import ScoreColumn, best_of_lead, quantiles
from training.comparison.test_set import EvaluationSet, WeeklyList
from training.evaluation.confidence import rate_of
from training.evaluation.metrics import Estimate

BANDS = tuple(band.value for band in Band)


DEFAULT_SHARES = (0.1, 0.3)
"""Shares of leads that are hot, and warm or hot, where no band and no capacity says."""


WARM_TIMES_HOT = 3.0
"""The leads that are warm or hot are so many times those that the team can call."""


@dataclass(frozen=True)
class BandRate:
    """A band and how often its leads convert. ``share``: of all leads."""

    band: str
    leads: int
    share: float
    rate: Estimate


@dataclass(frozen=True)
class SwapSet:
    """Leads that one score calls hot and the other does not.

    ``gap``: conversion of those only the learned score calls, minus those only the rules call, with
    its paired bootstrap; NaN where a side is empty.
    """

    only_learned: BandRate
    only_rules: BandRate
    both: BandRate
    neither: BandRate
    gap: Estimate


@dataclass(frozen=True)
class BandView:
    """Bands of both, their observed rates, and how leads move between them.

    ``migration``: rows by rules, columns by the learned score (cold, warm, hot).
    ``cuts``: the sentence that says how both were cut, to the same workload.
    """

    cuts: str
    rules: tuple[BandRate, ...]
    learned: tuple[BandRate, ...]
    migration: tuple[tuple[BandRate, ...], ...]
    swap: SwapSet

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def band_view(
    test_set: EvaluationSet, rules: ScoreColumn, learned: ScoreColumn, times: Float64
) -> BandView:
    """Compare the bands of two scores at the same workload; ``times``: the resampled leads."""
    by_rules, by_learned, cuts = same_workload(test_set, rules, learned)
    return BandView(
        cuts,
        tuple(_rate(test_set, band, by_rules[:, i]) for i, band in enumerate(BANDS)),
        tuple(_rate(test_set, band, by_learned[:, i]) for i, band in enumerate(BANDS)),
        tuple(
            tuple(
                _rate(test_set, f"{a} → {b}", by_rules[:, i] * by_learned[:, j])
                for j, b in enumerate(BANDS)
            )
            for i, a in enumerate(BANDS)
        ),
        _swap(test_set, by_rules[:, -1], by_learned[:, -1], times),
    )


def same_workload(
    test_set: EvaluationSet, rules: ScoreColumn, learned: ScoreColumn
) -> tuple[Float64, Float64, str]:
    """Each lead's share of cold, warm and hot, (leads, 3), by the rules and by the learned score.

    With a capacity both are cut by it: hot are the leads on the list of any week, warm those that
    would be if it were three times as long. Without one the learned score makes as many leads hot,
    and warm, as the rules' own bands. Rules that call nobody or everybody hot set no example: then
    by both the best tenth is hot and the next two tenths are warm. Leads with equal scores share.
    """
    if test_set.hot_per_week is not None and test_set.has_time:
        words = f"hot: {test_set.capacity_words} (capacity), warm: the next twice as many, by both"
        return _by_list(test_set, rules.score), _by_list(test_set, learned.score), words
    if rules.band is not None:
        own = _highest(test_set, rules.band)
        hot, above = float(own[:, 2].mean()), float(own[:, 1:].sum(axis=1).mean())
        if 0 < hot < 1 and hot < above < 1:
            words = (
                f"as many hot ({hot:.1%}) and as many warm ({above - hot:.1%}) as the rules call"
            )
            return own, _by_share(test_set, learned.score, (hot, above)), words
    words = "hot: the best tenth, warm: the next two tenths, by both (the rules set no example)"
    made = [_by_share(test_set, one.score, DEFAULT_SHARES) for one in (rules, learned)]
    return made[0], made[1], words


def _highest(test_set: EvaluationSet, band: Object) -> Float64:
    """The highest band (n) of each lead as ones and zeros, (leads, 3)."""
    order = {name: float(i) for i, name in enumerate(BANDS)}
    level = best_of_lead(test_set, np.array([order[str(name)] for name in band]))
    return np.asarray(level[:, None] == np.arange(len(BANDS)), dtype=np.float64)


def _by_list(test_set: EvaluationSet, score: Float64) -> Float64:
    """Bands by the lists of every week: as long as the capacity, and three times that."""
    once = np.ones(test_set.n_leads)
    capacities = (test_set.capacity, WARM_TIMES_HOT * test_set.capacity)
    hot, above = (WeeklyList.of(test_set, score, c).called(once)[0] for c in capacities)
    return np.column_stack([1.0 - above, above - hot, hot])


def _by_share(test_set: EvaluationSet, score: Float64, shares: tuple[float, float]) -> Float64:
    """Bands from the top of the leads' highest scores; leads with equal scores share."""
    _, place = np.unique(-best_of_lead(test_set, score), return_inverse=True)
    size = np.bincount(place).astype(np.float64)
    before = np.cumsum(size) - size
    hot, above = (np.clip(s * test_set.n_leads - before, 0.0, size) / size for s in shares)
    return np.column_stack([1.0 - above, above - hot, hot])[place]


def _rate(test_set: EvaluationSet, name: str, share: Float64) -> BandRate:
    inside = share > 0
    label = test_set.converted[inside].astype(np.int8)
    return BandRate(
        name,
        round(float(share.sum())),
        float(share.mean()),
        rate_of(label, share[inside], test_set.unit_of_lead[inside]),
    )


def _swap(test_set: EvaluationSet, rules: Float64, learned: Float64, times: Float64) -> SwapSet:
    only_learned, only_rules = learned * (1 - rules), rules * (1 - learned)
    return SwapSet(
        _rate(test_set, "only learned", only_learned),
        _rate(test_set, "only rules", only_rules),
        _rate(test_set, "both", rules * learned),
        _rate(test_set, "neither", (1 - rules) * (1 - learned)),
        _rate_gap(test_set, only_learned, only_rules, times),
    )


def _rate_gap(
    test_set: EvaluationSet, only_learned: Float64, only_rules: Float64, times: Float64
) -> Estimate:
    if not only_learned.any() or not only_rules.any():
        return Estimate(float("nan"), float("nan"), float("nan"))
    sides = (only_learned, only_rules)
    drawn = np.vstack([np.ones(test_set.n_leads), times])
    with np.errstate(invalid="ignore", divide="ignore"):
        first, second = (drawn @ (side * test_set.converted) / (drawn @ side) for side in sides)
    gaps = first - second
    return quantiles(float(gaps[0]), gaps[1:])
