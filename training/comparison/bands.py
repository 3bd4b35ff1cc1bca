"""What would change for the team: bands by rules against bands by the learned score."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from features.compute.array_types import Bools, Float64, Object
from scoring.bands import Band
from training.comparison.metrics import quantiles
from training.comparison.test_set import EvaluationSet
from training.evaluation.confidence import rate_of
from training.evaluation.metrics import Estimate

BANDS = tuple(band.value for band in Band)


DEFAULT_SHARES = (0.1, 0.3)
"""Shares of leads that are hot, and warm or hot, where no band and no capacity says."""


@dataclass(frozen=True)
class BandRate:
    """A band and how often its leads convert. ``share``: of all references, by weight."""

    band: str
    leads: int
    share: float
    rate: Estimate


@dataclass(frozen=True)
class SwapSet:
    """Leads that one score calls hot and the other does not.

    ``basis``: which leads count as hot here. ``gap``: conversion of those only the learned score
    calls, minus those only the rules call, with its paired bootstrap; NaN where a side is empty.
    """

    basis: str

    only_learned: BandRate
    only_rules: BandRate
    both: BandRate
    neither: BandRate
    gap: Estimate


@dataclass(frozen=True)
class BandView:
    """Bands of both, their observed rates, and how leads move between them.

    ``migration``: rows by rules, columns by the learned score (cold, warm, hot).
    ``cuts``: the sentence that says how the learned bands were cut.
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
    test_set: EvaluationSet,
    rules: Object,
    learned: Object,
    cuts: str,
    times: Float64,
    within_capacity: Object | None = None,
) -> BandView:
    """Compare two bandings of the same references, (n,) of cold, warm, hot each.

    ``within_capacity``: the rules' bands if they called as many as the capacity allows; the
    swap set is then taken between the two lists of equal length.
    """
    hot = rules if within_capacity is None else within_capacity
    basis = "as their own bands say"
    if within_capacity is not None:
        basis = "the best that the team can call"
    by_rules = {band: np.asarray(rules == band, dtype=np.bool_) for band in BANDS}
    by_model = {band: np.asarray(learned == band, dtype=np.bool_) for band in BANDS}
    return BandView(
        cuts,
        tuple(_rate(test_set, band, rows) for band, rows in by_rules.items()),
        tuple(_rate(test_set, band, rows) for band, rows in by_model.items()),
        tuple(
            tuple(_rate(test_set, f"{a} → {b}", by_rules[a] & by_model[b]) for b in BANDS)
            for a in BANDS
        ),
        _swap(
            test_set,
            np.asarray(hot == Band.HOT.value, dtype=np.bool_),
            by_model[Band.HOT],
            times,
            basis,
        ),
    )


def equal_workload(
    test_set: EvaluationSet, score: Float64, rules: Object | None, hot_share: float | None
) -> tuple[Object, str]:
    """Bands of a score that put the team to as much work as the rules do, or as it can do.

    ``hot_share``: share of references that the capacity makes hot; None: as many hot, and as
    many warm, as the rules call. Rules that call nobody or everybody hot set no example: then a
    tenth is hot and the next two tenths are warm.
    """
    if hot_share is not None:
        shares = (hot_share, min(3 * hot_share, 1.0))
        words = f"hot: the best {shares[0]:.1%} of leads (capacity), warm: the next twice as many"
        return _by_share(test_set, score, shares), words
    if rules is not None:
        hot = float(test_set.weight[rules == "hot"].sum() / test_set.weight.sum())
        above = hot + float(test_set.weight[rules == "warm"].sum() / test_set.weight.sum())
        if 0 < hot < 1 and hot < above < 1:
            words = (
                f"as many hot ({hot:.1%}) and as many warm ({above - hot:.1%}) as the rules call"
            )
            return _by_share(test_set, score, (hot, above)), words
    words = "hot: the best tenth, warm: the next two tenths (the rules' own bands set no example)"
    return _by_share(test_set, score, DEFAULT_SHARES), words


def _by_share(test_set: EvaluationSet, score: Float64, shares: tuple[float, float]) -> Object:
    """Hot and warm from the top; leads with equal scores stay together, in the lower band."""
    _, place = np.unique(-score, return_inverse=True)
    mass = np.bincount(place, weights=test_set.weight) / test_set.weight.sum()
    reached = np.cumsum(mass)[place]
    band = np.where(
        reached <= shares[0] + 1e-9, "hot", np.where(reached <= shares[1] + 1e-9, "warm", "cold")
    )
    return band.astype(object)


def _rate(test_set: EvaluationSet, name: str, rows: Bools) -> BandRate:
    return BandRate(
        name,
        len(np.unique(test_set.lead[rows])),
        float(test_set.weight[rows].sum() / test_set.weight.sum()),
        rate_of(test_set.label[rows], test_set.weight[rows], test_set.unit[rows]),
    )


def _swap(
    test_set: EvaluationSet, rules: Bools, model: Bools, times: Float64, basis: str
) -> SwapSet:
    only_learned, only_rules = model & ~rules, rules & ~model
    return SwapSet(
        basis,
        _rate(test_set, "only learned", only_learned),
        _rate(test_set, "only rules", only_rules),
        _rate(test_set, "both", rules & model),
        _rate(test_set, "neither", ~rules & ~model),
        _rate_gap(test_set, only_learned, only_rules, times),
    )


def _rate_gap(
    test_set: EvaluationSet, only_learned: Bools, only_rules: Bools, times: Float64
) -> Estimate:
    if not only_learned.any() or not only_rules.any():
        return Estimate(float("nan"), float("nan"), float("nan"))
    sums = [_by_lead(test_set, rows) for rows in (only_learned, only_rules)]
    once = np.ones(test_set.n_leads)
    with np.errstate(invalid="ignore", divide="ignore"):
        values = [(times @ won) / (times @ mass) for won, mass in sums]
        gap = [float((once @ won) / (once @ mass)) for won, mass in sums]
    return quantiles(gap[0] - gap[1], values[0] - values[1])


def _by_lead(
    test_set: EvaluationSet, rows: Bools
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Conversions and references by lead, weighted, of some rows."""
    weight = test_set.weight * rows
    won = np.bincount(test_set.member, weights=weight * test_set.label)
    return won.astype(np.float64), np.bincount(test_set.member, weights=weight).astype(np.float64)
