"""From trials to a recipe: which families, averaged in log-odds, on which line; or the floor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from features.histories import Float64, Int64
from training.drift import fit_levels, line_to_carry
from training.out_of_time import TestRows, Trial, log_odds_losses
from training.references import Int8

CLEARLY = 2.0
"""A recipe must beat the base rate by this many standard errors, out of time, to be used."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to make a model: families with their step, averaged, spread around the base rate.

    ``steps``: name of the family → its step; empty when nothing beats the base rate.
    ``slope``: how far scores are spread; ``level``: what is added to all of them, in log-odds.
    ``recent``: older references weigh less. ``log_loss``, ``base_rate_log_loss``: pooled out of
    time. ``gain_in_errors``: standard errors by which the recipe is better than the base rate.
    """

    steps: dict[str, float]
    slope: float
    level: float
    log_loss: float
    base_rate_log_loss: float
    gain_in_errors: float
    recent: bool = False

    @property
    def signal(self) -> bool:
        """Whether anything beat the base rate clearly."""
        return bool(self.steps)

    @property
    def name(self) -> str:
        """The families by name, joined by `` + ``."""
        return " + ".join(self.steps) if self.steps else "base_rate"


def choose_recipe(
    trials: Sequence[Trial], floor: Trial, tested: TestRows, unit: Int64, *, by_time: bool
) -> tuple[Recipe, Float64]:
    """The blend with the lowest pooled log loss, and its calibrated log-odds (m) out of time.

    Every subset of the families is averaged in log-odds and, without time, put on a line fitted
    on the other folds. ``unit`` (m): rows with the same number are one observation (a lead,
    identical rows). A blend that does not beat the floor clearly is not used. ``floor``: the
    base rate, whose log-odds are what each fold's models were trained at.
    """
    blends = [c for k in range(1, len(trials) + 1) for c in combinations(trials, k)]
    if not blends:
        return floor_recipe(floor, 0.0), floor.log_odds
    center = floor.log_odds
    raw = [np.mean([t.log_odds for t in blend], axis=0) for blend in blends]
    fair = raw if by_time else [line_across_folds(z, center, tested) for z in raw]
    loss = [pooled_loss(z, tested) for z in fair]
    best = int(np.argmin(loss))
    gain = gain_in_errors(fair[best], center, tested, unit)
    if gain < CLEARLY:
        return floor_recipe(floor, gain), center
    args = (raw[best], center, tested.label, tested.weight)
    if by_time:
        group = tested.fold
        line, level = line_to_carry(*args, group)
    else:
        group = np.zeros_like(tested.fold)
        line = fit_levels(*args, group)
        level = float(line.level[0])
    steps = {t.family.name: t.step for t in blends[best]}
    chosen = Recipe(steps, line.slope, level, loss[best], pooled_loss(center, tested), gain)
    return chosen, line.spread(raw[best], center) + line.level[group]


def pooled_loss(log_odds: Float64, tested: TestRows) -> float:
    """Weighted mean log loss over all folds, in nats."""
    return float(np.average(log_odds_losses(tested.label, log_odds), weights=tested.weight))


def floor_recipe(floor: Trial, gain: float) -> Recipe:
    """Nothing but the base rate."""
    loss = float(floor.path_loss.min())
    return Recipe({}, 1.0, 0.0, loss, loss, gain)


def line_across_folds(log_odds: Float64, center: Float64, tested: TestRows) -> Float64:
    """Each fold on the line (slope around the base rate, level) fitted on all other folds."""
    if tested.fold.max() == 0:
        return log_odds
    out = np.empty_like(log_odds)
    for fold in np.unique(tested.fold):
        mine = tested.fold == fold
        line = fit_levels(
            log_odds[~mine],
            center[~mine],
            tested.label[~mine],
            tested.weight[~mine],
            np.zeros((~mine).sum(), np.intp),
        )
        out[mine] = line.spread(log_odds[mine], center[mine]) + line.level[0]
    return out


def gain_in_errors(mine: Float64, floor: Float64, tested: TestRows, unit: Int64) -> float:
    """Log loss of the floor minus that of ``mine``, in standard errors over units."""
    gain = log_odds_losses(tested.label, floor) - log_odds_losses(tested.label, mine)
    return mean_in_errors(gain, tested.weight, unit)


def mean_in_errors(values: Float64, weight: Float64, unit: Int64) -> float:
    """Weighted mean over its standard error, rows of a unit counting as one observation.

    >>> mean_in_errors(np.array([1.0, 1.0, 3.0]), np.ones(3), np.array([0, 0, 1])).__round__(3)
    1.25
    """
    mean = float(np.average(values, weights=weight))
    _, member = np.unique(unit, return_inverse=True)
    share = np.bincount(member, weights=weight * (values - mean))
    n = len(share)
    error = float(np.sqrt((share**2).sum() * n / max(n - 1, 1)) / weight.sum())
    if error == 0.0:
        return 0.0 if mean == 0.0 else float(np.sign(mean) * np.inf)
    return mean / error


def label_counts(label: Int8) -> tuple[int, int]:
    """(positives, negatives)."""
    return int((label == 1).sum()), int((label == 0).sum())
