"""What would change for the team: bands by rules against bands by the learned score."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from features.compute.array_types import Float64, Object
from scoring.bands import Band
from training.comparison.metrics import quantiles
from training.comparison.test_set import EvaluationSet
from training.evaluation.confidence import rate_of
from training.evaluation.metrics import Estimate
from training.labels.references import Bool

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
    ground: EvaluationSet,
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
        tuple(_rate(ground, band, rows) for band, rows in by_rules.items()),
        tuple(_rate(ground, band, rows) for band, rows in by_model.items()),
        tuple(
            tuple(_rate(ground, f"{a} → {b}", by_rules[a] & by_model[b]) for b in BANDS)
            for a in BANDS
        ),
        _swap(
            ground,
            np.asarray(hot == Band.HOT.value, dtype=np.bool_),
            by_model[Band.HOT],
            times,
            basis,
        ),
    )


def equal_workload(
    ground: EvaluationSet, score: Float64, rules: Object | None, hot_share: float | None
) -> tuple[Object, str]:
    """Bands of a score that put the team to as much work as the rules do, or as it can do.

    ``hot_share``: share of references that the capacity makes hot; None: as many hot, and as
    many warm, as the rules call. Rules that call nobody or everybody hot set no example: then a
    tenth is hot and the next two tenths are warm.
    """
    if hot_share is not None:
        shares = (hot_share, min(3 * hot_share, 1.0))
        words = f"hot: the best {shares[0]:.1%} of leads (capacity), warm: the next twice as many"
        return _by_share(ground, score, shares), words
    if rules is not None:
        hot = float(ground.weight[rules == "hot"].sum() / ground.weight.sum())
        above = hot + float(ground.weight[rules == "warm"].sum() / ground.weight.sum())
        if 0 < hot < 1 and hot < above < 1:
            words = (
                f"as many hot ({hot:.1%}) and as many warm ({above - hot:.1%}) as the rules call"
            )
            return _by_share(ground, score, (hot, above)), words
    words = "hot: the best tenth, warm: the next two tenths (the rules' own bands set no example)"
    return _by_share(ground, score, DEFAULT_SHARES), words


def _by_share(ground: EvaluationSet, score: Float64, shares: tuple[float, float]) -> Object:
    """Hot and warm from the top; leads with equal scores stay together, in the lower band."""
    _, place = np.unique(-score, return_inverse=True)
    mass = np.bincount(place, weights=ground.weight) / ground.weight.sum()
    reached = np.cumsum(mass)[place]
    band = np.where(
        reached <= shares[0] + 1e-9, "hot", np.where(reached <= shares[1] + 1e-9, "warm", "cold")
    )
    return band.astype(object)


def _rate(ground: EvaluationSet, name: str, rows: Bool) -> BandRate:
    return BandRate(
        name,
        len(np.unique(ground.lead[rows])),
        float(ground.weight[rows].sum() / ground.weight.sum()),
        rate_of(ground.label[rows], ground.weight[rows], ground.lead[rows]),
    )


def _swap(ground: EvaluationSet, rules: Bool, model: Bool, times: Float64, basis: str) -> SwapSet:
    mine, theirs = model & ~rules, rules & ~model
    return SwapSet(
        basis,
        _rate(ground, "only learned", mine),
        _rate(ground, "only rules", theirs),
        _rate(ground, "both", rules & model),
        _rate(ground, "neither", ~rules & ~model),
        _rate_gap(ground, mine, theirs, times),
    )


def _rate_gap(ground: EvaluationSet, mine: Bool, theirs: Bool, times: Float64) -> Estimate:
    if not mine.any() or not theirs.any():
        return Estimate(float("nan"), float("nan"), float("nan"))
    sums = [_by_lead(ground, rows) for rows in (mine, theirs)]
    once = np.ones(ground.n_leads)
    with np.errstate(invalid="ignore", divide="ignore"):
        values = [(times @ won) / (times @ mass) for won, mass in sums]
        gap = [float((once @ won) / (once @ mass)) for won, mass in sums]
    return quantiles(gap[0] - gap[1], values[0] - values[1])


def _by_lead(
    ground: EvaluationSet, rows: Bool
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Conversions and references by lead, weighted, of some rows."""
    weight = ground.weight * rows
    won = np.bincount(ground.member, weights=weight * ground.label)
    return won.astype(np.float64), np.bincount(ground.member, weights=weight).astype(np.float64)
