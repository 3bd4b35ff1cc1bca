"""Averages of families in log-odds, and which of them to use: the steadiest, not the luckiest."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from features.compute.array_types import Float64
from training.candidates.scorecard import SCORECARD
from training.model_selection.cross_validation import (
    MIN_Z,
    CandidateResult,
    OutOfFoldRows,
    log_odds_losses,
    probability,
)
from training.model_selection.recalibration import extrapolated_recalibration, fit_levels

MIN_Z_OVER_BASELINE = 2.0
"""A recipe must beat the base rate by this many standard errors, out of time, to be used."""


RULES_CLEARLY = 1.0
"""The rules alone must beat the base rate by as many only: people wrote them without these data,
so chance plays less. A blend that is part rule needs what lies between, by its share of rule."""


MUCH_BETTER = 2.0
"""Standard errors by which another blend must beat the usual one to take its place."""


DEFAULT_BLEND = ("linear", "additive", "boosted", "randomised", "symmetric")
"""The usual blend: one after the other leaves it while it is better without by ``MIN_Z`` standard
errors. On small sets the best of sixty is mostly the luckiest."""


RULES_WORTH = 3.0
"""The rules join the learned families with the weight of so many conversions."""


LEAST_RULE = 0.05
"""With so many conversions that the weight of the rules is below this, they do not join."""


MOST_SPREAD = 1.5
"""No average is spread further than by this factor."""


@dataclass(frozen=True, slots=True)
class EnsembleScore:
    """Some families averaged. ``raw`` (m): log-odds out of time; ``fair`` (m): on the line of the
    other folds; ``loss``: of ``fair``, pooled; ``rate``: mean of the probabilities averaged;
    ``rule``: weight of the scorecard, None for the same as any other."""

    trials: tuple[CandidateResult, ...]
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
        return rule * RULES_CLEARLY + (1 - rule) * MIN_Z_OVER_BASELINE


def weights_of(names: Sequence[str], rule: float | None) -> tuple[float, ...]:
    """The same weight for every family, or ``rule`` for the scorecard and the rest alike.

    >>> weights_of(("linear", "scorecard"), None), weights_of(("linear", "scorecard"), 0.25)
    ((0.5, 0.5), (0.75, 0.25))
    """
    if rule is None or SCORECARD not in names or len(names) == 1:
        return (1.0 / len(names),) * len(names)
    others = (1.0 - rule) / (len(names) - 1)
    return tuple(rule if name == SCORECARD else others for name in names)


def names_of(trials: Sequence[CandidateResult]) -> tuple[str, ...]:
    """The names of the families tried."""
    return tuple(t.family.name for t in trials)


def prefer_default_unless_better(
    blends: Sequence[EnsembleScore], tested: OutOfFoldRows
) -> EnsembleScore:
    """The usual blend, or the one with the lowest loss where that is clearly better."""
    by_names = {blend.names: blend for blend in blends}
    best = min(blends, key=lambda blend: blend.loss)
    whole = tuple(name for name in DEFAULT_BLEND if (name,) in by_names)
    if not whole:
        return best
    usual = by_names[whole]
    while len(usual.names) > 1:
        fewer = [by_names[tuple(n for n in usual.names if n != out)] for out in usual.names]
        rival = min(fewer, key=lambda blend: blend.loss)
        if gain_z_score(rival.fair, usual.fair, tested) < MIN_Z:
            break
        usual = rival
    return best if gain_z_score(best.fair, usual.fair, tested) >= MUCH_BETTER else usual


def with_rules(
    best: EnsembleScore,
    alone: EnsembleScore,
    blended: Callable[[Sequence[CandidateResult], float], EnsembleScore],
    tested: OutOfFoldRows,
) -> EnsembleScore:
    """What is learned and, with few conversions, the rules; the rules alone if clearly better."""
    if SCORECARD not in best.names:
        conversions = float(tested.weight @ (tested.label == 1))
        rule = RULES_WORTH / (RULES_WORTH + conversions)
        both = blended((*best.trials, *alone.trials), rule)
        if rule >= LEAST_RULE and gain_z_score(best.fair, both.fair, tested) < MIN_Z:
            best = both
    if gain_z_score(alone.fair, best.fair, tested) >= MIN_Z:
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


def sharpness_correction(
    blend: EnsembleScore, log_odds: Float64, center: Float64, weight: Float64
) -> float:
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


def pooled_loss(log_odds: Float64, tested: OutOfFoldRows) -> float:
    """Weighted mean log loss over all folds, in nats."""
    return float(np.average(log_odds_losses(tested.label, log_odds), weights=tested.weight))


def gain_z_score(mine: Float64, floor: Float64, tested: OutOfFoldRows) -> float:
    """Log loss of the floor minus that of ``mine``, in standard errors over units."""
    gain = log_odds_losses(tested.label, floor) - log_odds_losses(tested.label, mine)
    return tested.z_score(gain)


@dataclass(frozen=True, slots=True)
class EnsembleChoice:
    """How to make a model: families with their step, averaged, spread around the base rate.

    ``steps``: name of the family → its step; empty when nothing beats the base rate.
    ``slope``: how far scores are spread; ``level``: what is added to all of them, in log-odds.
    ``rule``: the weight of the scorecard among the families, None for the same as any other.
    ``recent``: older references weigh less. ``log_loss``, ``base_rate_log_loss``: pooled out of
    time. ``gain_z_score``: standard errors by which the recipe is better than the base rate.
    """

    steps: dict[str, float]
    slope: float
    level: float
    log_loss: float
    base_rate_log_loss: float
    gain_z_score: float
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


def choose_ensemble(
    trials: Sequence[CandidateResult],
    floor: CandidateResult,
    tested: OutOfFoldRows,
    *,
    by_time: bool,
) -> tuple[EnsembleChoice, Float64]:
    """The blend with the lowest pooled log loss, and its calibrated log-odds (m) out of time.

    Every subset of the families is averaged in log-odds and, without time, put on a line fitted
    on the other folds. The usual blend is used unless another is clearly better; with few
    conversions the rules join it; a blend that does not beat the floor clearly is not used.
    ``floor``: the base rate, whose log-odds are what each fold's models were trained at.
    """
    center = floor.log_odds

    def blended(some: Sequence[CandidateResult], rule: float | None = None) -> EnsembleScore:
        weights = weights_of(names_of(some), rule)
        raw = np.average([t.log_odds for t in some], axis=0, weights=weights)
        chance = np.average([probability(t.log_odds) for t in some], axis=0, weights=weights)
        rate = float(np.average(chance, weights=tested.weight))
        if by_time:
            fair = raw + level_for(raw, rate, tested.weight)
        else:
            fair = line_across_folds(raw, center, tested)
        return EnsembleScore(tuple(some), raw, fair, pooled_loss(fair, tested), rate, rule)

    blends = [blended(c) for k in range(1, len(trials) + 1) for c in combinations(trials, k)]
    if not blends:
        return baseline_ensemble(floor, 0.0), center
    best = prefer_default_unless_better(blends, tested)
    alone = next((b for b in blends if b.names == (SCORECARD,)), None)
    if alone is not None:
        best = with_rules(best, alone, blended, tested)
    gain = gain_z_score(best.fair, center, tested)
    if alone is not None and gain < best.must_gain:
        best, gain = alone, gain_z_score(alone.fair, center, tested)
    if gain < best.must_gain:
        return baseline_ensemble(floor, gain), center
    args = (best.raw, center, tested.label, tested.weight)
    if by_time:
        group = tested.fold
        line, level = extrapolated_recalibration(*args, group)
        slope = line.slope * sharpness_correction(best, best.raw, center, tested.weight)
        line = replace(line, slope=slope)
        level += level_for(line.spread(best.raw, center), best.rate, tested.weight)
    else:
        group = np.zeros_like(tested.fold)
        line = fit_levels(*args, group)
        level = float(line.level[0])
    steps = {t.family.name: t.step for t in best.trials}
    chosen = EnsembleChoice(
        steps, line.slope, level, best.loss, pooled_loss(center, tested), gain, rule=best.rule
    )
    return chosen, line.spread(best.raw, center) + line.level[group]


def baseline_ensemble(floor: CandidateResult, gain: float) -> EnsembleChoice:
    """Nothing but the base rate."""
    loss = float(floor.path_loss.min())
    return EnsembleChoice({}, 1.0, 0.0, loss, loss, gain)


def line_across_folds(log_odds: Float64, center: Float64, tested: OutOfFoldRows) -> Float64:
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
