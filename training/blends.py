"""From trials to a recipe: which families, averaged in log-odds, on which line; or the floor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from features.histories import Float64, Int64
from scoring.calibration import platt
from training.out_of_time import TestRows, Trial, log_odds_losses
from training.references import Int8

CLEARLY = 2.0
"""A recipe must beat the base rate by this many standard errors, out of time, to be used."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to make a model: families with their step, averaged, then slope and intercept.

    ``steps``: name of the family → its step; empty when nothing beats the base rate.
    ``log_loss``, ``base_rate_log_loss``: pooled out of time, calibrated across folds.
    ``gain_in_errors``: how many standard errors the recipe is better than the base rate.
    """

    steps: dict[str, float]
    slope: float
    intercept: float
    log_loss: float
    base_rate_log_loss: float
    gain_in_errors: float

    @property
    def signal(self) -> bool:
        """Whether anything beat the base rate clearly."""
        return bool(self.steps)

    @property
    def name(self) -> str:
        """The families by name, joined by `` + ``."""
        return " + ".join(self.steps) if self.steps else "base_rate"


def choose_recipe(
    trials: Sequence[Trial], floor: Trial, tested: TestRows, unit: Int64
) -> tuple[Recipe, Float64]:
    """The blend with the lowest pooled log loss, and its calibrated log-odds (m) out of time.

    Every subset of the families is averaged in log-odds and put on a line fitted on the other
    folds. ``unit`` (m): rows with the same number are one observation (a lead, identical rows).
    A blend that does not beat the floor clearly is not used.
    """
    blends = [c for k in range(1, len(trials) + 1) for c in combinations(trials, k)]
    if not blends:
        return floor_recipe(floor, 0.0), floor.log_odds
    raw = [np.mean([t.log_odds for t in blend], axis=0) for blend in blends]
    fair = [calibrated_across_folds(z, tested) for z in raw]
    loss = [
        float(np.average(log_odds_losses(tested.label, z), weights=tested.weight)) for z in fair
    ]
    best = int(np.argmin(loss))
    gain = gain_in_errors(fair[best], floor.log_odds, tested, unit)
    if gain < CLEARLY:
        return floor_recipe(floor, gain), floor.log_odds
    slope, intercept = platt(raw[best], tested.label.astype(np.float64), tested.weight)
    steps = {t.family.name: t.step for t in blends[best]}
    chosen = Recipe(steps, slope, intercept, loss[best], float(floor.path_loss.min()), gain)
    return chosen, slope * raw[best] + intercept


def floor_recipe(floor: Trial, gain: float) -> Recipe:
    """Nothing but the base rate."""
    loss = float(floor.path_loss.min())
    return Recipe({}, 1.0, 0.0, loss, loss, gain)


def calibrated_across_folds(log_odds: Float64, tested: TestRows) -> Float64:
    """Each fold on the line fitted on all other folds; a single fold on its own line."""
    folds = np.unique(tested.fold)
    out = np.empty_like(log_odds)
    for fold in folds:
        mine = tested.fold == fold
        others = ~mine if len(folds) > 1 else mine
        slope, intercept = platt(
            log_odds[others], tested.label[others].astype(np.float64), tested.weight[others]
        )
        out[mine] = slope * log_odds[mine] + intercept
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
