"""Averages of families in log-odds, and which of them to use: the steadiest, not the luckiest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from features.histories import Float64
from training.candidates.rules import SCORECARD
from training.out_of_time import BETTER, TestRows, Trial, log_odds_losses, probability

CLEARLY = 2.0
"""A recipe must beat the base rate by this many standard errors, out of time, to be used."""
RULES_CLEARLY = 1.0
"""The rules alone must beat the base rate by as many only: people wrote them without these data,
so chance plays less. A blend that is part rule needs what lies between, by its share of rule."""
MUCH_BETTER = 2.0
"""Standard errors by which another blend must beat the usual one to take its place."""
USUAL = ("linear", "additive", "boosted", "randomised")
"""The usual blend: one after the other leaves it while it is better without by ``BETTER`` standard
errors. On small sets the best of sixty is mostly the luckiest."""
RULES_WORTH = 3.0
"""The rules join the learned families with the weight of so many conversions."""
LEAST_RULE = 0.05
"""With so many conversions that the weight of the rules is below this, they do not join."""

MOST_SPREAD = 1.5
"""No average is spread further than by this factor."""


@dataclass(frozen=True, slots=True)
class Blend:
    """Some families averaged. ``raw`` (m): log-odds out of time; ``fair`` (m): on the line of the
    other folds; ``loss``: of ``fair``, pooled; ``rate``: mean of the probabilities averaged;
    ``rule``: weight of the scorecard, None for the same as any other."""

    trials: tuple[Trial, ...]
    raw: Float64
    fair: Float64
    loss: float
    rate: float
    rule: float | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Of the families."""
        return names_of(self.trials)

    @property
    def must_gain(self) -> float:
        """Standard errors by which it must beat the base rate."""
        share = dict(zip(self.names, weights_of(self.names, self.rule), strict=True))
        rule = share.get(SCORECARD, 0.0)
        return rule * RULES_CLEARLY + (1 - rule) * CLEARLY


def weights_of(names: Sequence[str], rule: float | None) -> tuple[float, ...]:
    """The same weight for every family, or ``rule`` for the scorecard and the rest alike.

    >>> weights_of(("linear", "scorecard"), None), weights_of(("linear", "scorecard"), 0.25)
    ((0.5, 0.5), (0.75, 0.25))
    """
    if rule is None or SCORECARD not in names or len(names) == 1:
        return (1.0 / len(names),) * len(names)
    others = (1.0 - rule) / (len(names) - 1)
    return tuple(rule if name == SCORECARD else others for name in names)


def names_of(trials: Sequence[Trial]) -> tuple[str, ...]:
    """The names of the families tried."""
    return tuple(t.family.name for t in trials)


def steadiest(blends: Sequence[Blend], tested: TestRows) -> Blend:
    """The usual blend, or the one with the lowest loss where that is clearly better."""
    by_names = {blend.names: blend for blend in blends}
    best = min(blends, key=lambda blend: blend.loss)
    whole = tuple(name for name in USUAL if (name,) in by_names)
    if not whole:
        return best
    usual = by_names[whole]
    while len(usual.names) > 1:
        fewer = [by_names[tuple(n for n in usual.names if n != out)] for out in usual.names]
        rival = min(fewer, key=lambda blend: blend.loss)
        if gain_in_errors(rival.fair, usual.fair, tested) < BETTER:
            break
        usual = rival
    return best if gain_in_errors(best.fair, usual.fair, tested) >= MUCH_BETTER else usual


def with_rules(
    best: Blend,
    alone: Blend,
    blended: Callable[[Sequence[Trial], float], Blend],
    tested: TestRows,
) -> Blend:
    """What is learned and, with few conversions, the rules; the rules alone if clearly better."""
    if SCORECARD not in best.names:
        conversions = float(tested.weight @ (tested.label == 1))
        rule = RULES_WORTH / (RULES_WORTH + conversions)
        both = blended((*best.trials, *alone.trials), rule)
        if rule >= LEAST_RULE and gain_in_errors(best.fair, both.fair, tested) < BETTER:
            best = both
    if gain_in_errors(alone.fair, best.fair, tested) >= BETTER:
        return alone
    return best


def level_for(log_odds: Float64, rate: float, weight: Float64) -> float:
    """What to add to all of ``log_odds`` (m) so that their mean probability is ``rate``.

    Averages of log-odds are less spread than what is averaged, and their mean probability is
    lower where conversions are rare. No label is asked, so nothing old is carried on.

    >>> round(level_for(np.array([-2.0, -2.0]), 0.5, np.ones(2)), 6)
    2.0
    """
    level = 0.0
    for _ in range(20):
        chance = probability(log_odds + level)
        off = rate - float(np.average(chance, weights=weight))
        slope = float(np.average(chance * (1 - chance), weights=weight))
        step = float(np.clip(off / max(slope, 1e-12), -1.0, 1.0))
        level += step
        if abs(step) < 1e-9:
            break
    return level


def spread_for(blend: Blend, log_odds: Float64, center: Float64, weight: Float64) -> float:
    """The slope around ``center`` (m), from 1 to ``MOST_SPREAD``, that undoes the averaging.

    With it the probabilities of ``log_odds`` (m) have the mean square that those of the learned
    families have. Averages are less spread than what is averaged. No label is asked.
    """
    learned = [t for t in blend.trials if t.family.name != SCORECARD] or blend.trials
    squares = [np.average(probability(t.log_odds) ** 2, weights=weight) for t in learned]
    wanted = float(np.mean(squares))
    low, high = 1.0, MOST_SPREAD
    for _ in range(12):
        slope = (low + high) / 2
        z = center + slope * (log_odds - center)
        chance = probability(z + level_for(z, blend.rate, weight))
        if float(np.average(chance**2, weights=weight)) < wanted:
            low = slope
        else:
            high = slope
    return low


def pooled_loss(log_odds: Float64, tested: TestRows) -> float:
    """Weighted mean log loss over all folds, in nats."""
    return float(np.average(log_odds_losses(tested.label, log_odds), weights=tested.weight))


def gain_in_errors(mine: Float64, floor: Float64, tested: TestRows) -> float:
    """Log loss of the floor minus that of ``mine``, in standard errors over units."""
    gain = log_odds_losses(tested.label, floor) - log_odds_losses(tested.label, mine)
    return tested.in_errors(gain)
