"""From trials to a recipe: which families, averaged in log-odds, on which line; or the floor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from features.histories import Float64
from training.blended import (
    Blend,
    gain_in_errors,
    level_for,
    names_of,
    pooled_loss,
    spread_for,
    steadiest,
    weights_of,
    with_rules,
)
from training.candidates.rules import SCORECARD
from training.drift import fit_levels, line_to_carry
from training.out_of_time import TestRows, Trial, probability
from training.references import Int8


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to make a model: families with their step, averaged, spread around the base rate.

    ``steps``: name of the family → its step; empty when nothing beats the base rate.
    ``slope``: how far scores are spread; ``level``: what is added to all of them, in log-odds.
    ``rule``: the weight of the scorecard among the families, None for the same as any other.
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
    rule: float | None = None

    @property
    def signal(self) -> bool:
        """Whether anything beat the base rate clearly."""
        return bool(self.steps)

    @property
    def name(self) -> str:
        """The families by name, joined by `` + ``."""
        return " + ".join(self.steps) if self.steps else "base_rate"


def choose_recipe(
    trials: Sequence[Trial], floor: Trial, tested: TestRows, *, by_time: bool
) -> tuple[Recipe, Float64]:
    """The blend with the lowest pooled log loss, and its calibrated log-odds (m) out of time.

    Every subset of the families is averaged in log-odds and, without time, put on a line fitted
    on the other folds. The usual blend is used unless another is clearly better; with few
    conversions the rules join it; a blend that does not beat the floor clearly is not used.
    ``floor``: the base rate, whose log-odds are what each fold's models were trained at.
    """
    center = floor.log_odds

    def blended(some: Sequence[Trial], rule: float | None = None) -> Blend:
        weights = weights_of(names_of(some), rule)
        raw = np.average([t.log_odds for t in some], axis=0, weights=weights)
        chance = np.average([probability(t.log_odds) for t in some], axis=0, weights=weights)
        rate = float(np.average(chance, weights=tested.weight))
        if by_time:
            fair = raw + level_for(raw, rate, tested.weight)
        else:
            fair = line_across_folds(raw, center, tested)
        return Blend(tuple(some), raw, fair, pooled_loss(fair, tested), rate, rule)

    blends = [blended(c) for k in range(1, len(trials) + 1) for c in combinations(trials, k)]
    if not blends:
        return floor_recipe(floor, 0.0), center
    best = steadiest(blends, tested)
    alone = next((b for b in blends if b.names == (SCORECARD,)), None)
    if alone is not None:
        best = with_rules(best, alone, blended, tested)
    gain = gain_in_errors(best.fair, center, tested)
    if alone is not None and gain < best.must_gain:
        best, gain = alone, gain_in_errors(alone.fair, center, tested)
    if gain < best.must_gain:
        return floor_recipe(floor, gain), center
    args = (best.raw, center, tested.label, tested.weight)
    if by_time:
        group = tested.fold
        line, level = line_to_carry(*args, group)
        slope = line.slope * spread_for(best, best.raw, center, tested.weight)
        line = replace(line, slope=slope)
        level += level_for(line.spread(best.raw, center), best.rate, tested.weight)
    else:
        group = np.zeros_like(tested.fold)
        line = fit_levels(*args, group)
        level = float(line.level[0])
    steps = {t.family.name: t.step for t in best.trials}
    chosen = Recipe(
        steps, line.slope, level, best.loss, pooled_loss(center, tested), gain, rule=best.rule
    )
    return chosen, line.spread(best.raw, center) + line.level[group]


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


def label_counts(label: Int8) -> tuple[int, int]:
    """(positives, negatives)."""
    return int((label == 1).sum()), int((label == 0).sum())
