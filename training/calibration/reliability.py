"""Reliability diagram by isotonic regression.

The CORP approach of Dimitriadis, Gneiting and Jordan (2021, PNAS 118 e2016191118): observed rates
are the isotonic regression of the outcomes on the probabilities (pool adjacent violators), which
needs no bins; the mean score splits exactly into miscalibration − discrimination + uncertainty;
a consistency band shows how far from the diagonal perfect probabilities would stray by chance.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from features.compute.array_types import Float64, Int8, Int64
from features.compute.jit import kernel
from training.evaluation.metrics import MIN_PROBABILITY

N_DRAWS = 200


MAX_POINTS = 200


@dataclass(frozen=True, slots=True)
class Split:
    """A mean score = ``miscalibration`` − ``discrimination`` + ``uncertainty``, exactly.

    ``miscalibration`` >= 0: what perfect recalibration would save. ``discrimination`` >= 0: what
    the recalibrated probabilities save against saying the base rate to all. ``uncertainty``: the
    score of the base rate.
    """

    score: float
    miscalibration: float
    discrimination: float
    uncertainty: float


@dataclass(frozen=True, slots=True)
class Reliability:
    """The reliability diagram as data; probabilities ascending.

    ``predicted``, ``observed``, ``weight`` (k): the blocks of the isotonic fit, with the mean
    prediction, the rate and the weight of each. ``at``, ``low``, ``high`` (j): the pointwise
    consistency band at ``level``: where a calibrated model's rates would lie. ``p_value``: chance
    of a log-loss miscalibration this large if every probability were true. ``outside``: the share
    of the weight whose observed rate lies outside the band (about 1 − level if calibrated).
    """

    predicted: list[float]
    observed: list[float]
    weight: list[float]
    at: list[float]
    low: list[float]
    high: list[float]
    level: float
    log_loss: Split
    brier: Split
    p_value: float
    outside: float

    def to_dict(self) -> dict[str, Any]:
        """Plain lists and floats."""
        return asdict(self)


def reliability(
    label: Int8,
    probability: Float64,
    weight: Float64,
    lead: Int64,
    rng: np.random.Generator,
    *,
    level: float = 0.9,
    draws: int = N_DRAWS,
) -> Reliability:
    """The diagram of (n,) labels 0/1 and probabilities; ``weight`` > 0.

    Rows of one ``lead`` are drawn together for the band (one uniform number decides them all),
    so that ten references of a lead do not count as ten leads.
    """
    at, place = np.unique(probability, return_inverse=True)
    mass = _sums(place, weight, len(at))
    rate = _sums(place, weight * (label == 1), len(at)) / mass
    fitted = isotonic(rate, mass)
    shown = _evenly(mass, MAX_POINTS)
    simulated, chance = np.empty((draws, len(shown))), np.empty(draws)
    _, member = np.unique(lead, return_inverse=True)
    for draw in range(draws):
        hit = rng.random(int(member.max()) + 1)[member] < probability
        drawn = _sums(place, weight * hit, len(at)) / mass
        straight = isotonic(drawn, mass)
        simulated[draw] = straight[shown]
        chance[draw] = _entropy(drawn, at, mass) - _entropy(drawn, straight, mass)
    low, high = np.quantile(simulated, [(1 - level) / 2, (1 + level) / 2], axis=0)
    # probabilities themselves always belong to their own band
    low, high = np.minimum(low, at[shown]), np.maximum(high, at[shown])
    log_loss = _split(rate, at, fitted, mass, _entropy)
    beyond = (fitted[shown] < low - 1e-12) | (fitted[shown] > high + 1e-12)
    return Reliability(
        *_blocks(at, fitted, mass),
        at=at[shown].tolist(),
        low=low.tolist(),
        high=high.tolist(),
        level=level,
        log_loss=log_loss,
        brier=_split(rate, at, fitted, mass, _squares),
        p_value=float((1 + (chance >= log_loss.miscalibration).sum()) / (1 + draws)),
        outside=float(np.average(beyond, weights=mass[shown])),
    )


@kernel
def isotonic(mean: Float64, weight: Float64) -> Float64:
    """The never-falling (k,) nearest to ``mean`` in weighted squares: pool adjacent violators.

    >>> isotonic(np.array([0.0, 1.0, 0.5, 1.0]), np.ones(4)).tolist()
    [0.0, 0.75, 0.75, 1.0]
    """
    n = mean.shape[0]
    level, mass, end = np.empty(n), np.empty(n), np.empty(n, dtype=np.int64)
    blocks = 0
    for i in range(n):
        value, w = mean[i], weight[i]
        while blocks > 0 and level[blocks - 1] >= value:
            blocks -= 1
            value = (value * w + level[blocks] * mass[blocks]) / (w + mass[blocks])
            w += mass[blocks]
        level[blocks], mass[blocks], end[blocks] = value, w, i + 1
        blocks += 1
    out = np.empty(n)
    start = 0
    for block in range(blocks):
        out[start : end[block]] = level[block]
        start = end[block]
    return out


def _sums(place: Int64, values: Float64, n: int) -> Float64:
    return np.bincount(place, weights=values, minlength=n).astype(np.float64)


def _evenly(mass: Float64, most: int) -> Int64:
    """Positions of at most ``most`` points, each standing for an equal share of the weight."""
    if len(mass) <= most:
        return np.arange(len(mass))
    middle = (np.cumsum(mass) - mass / 2) / mass.sum()
    found = np.searchsorted(middle, (np.arange(most) + 0.5) / most)
    ends = [0, len(mass) - 1]
    return np.unique(np.concatenate([ends, np.minimum(found, len(mass) - 1)])).astype(np.int64)


def _entropy(rate: Float64, probability: Float64, mass: Float64) -> float:
    """Mean log loss of ``probability`` where the outcomes have this rate."""
    p = np.clip(probability, MIN_PROBABILITY, 1 - MIN_PROBABILITY)
    return float(np.average(-rate * np.log(p) - (1 - rate) * np.log1p(-p), weights=mass))


def _squares(rate: Float64, probability: Float64, mass: Float64) -> float:
    """Mean Brier score, likewise."""
    each = rate * (1 - probability) ** 2 + (1 - rate) * probability**2
    return float(np.average(each, weights=mass))


def _split(rate: Float64, at: Float64, fitted: Float64, mass: Float64, score: Any) -> Split:
    mine, best = score(rate, at, mass), score(rate, fitted, mass)
    floor = score(rate, np.full(len(at), np.average(rate, weights=mass)), mass)
    return Split(mine, mine - best, floor - best, floor)


def _blocks(
    at: Float64, fitted: Float64, mass: Float64
) -> tuple[list[float], list[float], list[float]]:
    """Mean prediction, rate and weight of each block of the isotonic fit."""
    _, block = np.unique(fitted, return_inverse=True)
    n = int(block.max()) + 1
    total = _sums(block, mass, n)
    predicted = _sums(block, mass * at, n) / total
    return predicted.tolist(), (_sums(block, mass * fitted, n) / total).tolist(), total.tolist()
