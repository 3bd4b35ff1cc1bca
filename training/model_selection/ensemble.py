"""Ensemble selection: averages of candidates in log-odds, and which of them to use.

On small sets the best of many averages is mostly the luckiest, so a default average is kept unless
another is clearly better.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from features.compute.array_types import Float64
from scoring.model.log_odds import sigmoid
from training.candidates.scorecard import SCORECARD
from training.evaluation.metrics import log_losses_of_log_odds
from training.model_selection.cross_validation import (
    MIN_Z,
    CandidateResult,
    OutOfFoldRows,
)
from training.model_selection.recalibration import (
    FoldScores,
    SlopeAndLevels,
    extrapolated_recalibration,
    fit_levels,
    lines_before,
)

MIN_Z_OVER_BASELINE = 2.0
"""Standard errors, out of fold, by which an ensemble must beat the base rate to be used."""


MIN_Z_SCORECARD_OVER_BASELINE = 1.0
"""The same for the scorecard alone: people wrote it without these data, so chance plays less. An
ensemble with the scorecard in it needs what lies between, by the scorecard's weight."""


MIN_Z_OVER_DEFAULT_BLEND = 2.0
"""Standard errors by which another ensemble must beat the default one to take its place."""


DEFAULT_BLEND = ("linear", "additive", "boosted", "randomised", "symmetric")
"""The default ensemble. One candidate after the other is removed while the rest is better by
``MIN_Z`` standard errors."""


SCORECARD_WEIGHT_IN_CONVERSIONS = 3.0
"""The scorecard is averaged with the fitted candidates as if it rested on so many conversions."""


MIN_SCORECARD_WEIGHT = 0.05
"""A scorecard that would get a lower weight is left out."""


MAX_SHARPENING = 1.5
"""Upper bound of :func:`sharpness_correction`."""


@dataclass(frozen=True, slots=True)
class EnsembleScore:
    """Some candidates averaged, out of fold.

    ``log_odds`` (m): their average; ``recalibrated`` (m): the same recalibrated on the other folds;
    ``loss``: pooled log loss of ``recalibrated``; ``mean_probability``: of the probabilities that
    were averaged; ``scorecard_weight``: None for the same weight as any other candidate.
    """

    results: tuple[CandidateResult, ...]
    log_odds: Float64
    recalibrated: Float64
    loss: float
    mean_probability: float
    scorecard_weight: float | None = None

    @property
    def names(self) -> tuple[str, ...]:
        """Of the candidates."""
        return candidate_names(self.results)

    @property
    def required_z(self) -> float:
        """Standard errors by which it must beat the base rate."""
        weights = dict(
            zip(self.names, ensemble_weights(self.names, self.scorecard_weight), strict=True)
        )
        share = weights.get(SCORECARD, 0.0)
        return share * MIN_Z_SCORECARD_OVER_BASELINE + (1 - share) * MIN_Z_OVER_BASELINE


def ensemble_weights(names: Sequence[str], scorecard_weight: float | None) -> tuple[float, ...]:
    """Equal weights; with ``scorecard_weight`` the scorecard's, and equal parts of the rest.

    >>> names = ("linear", "scorecard")
    >>> ensemble_weights(names, None), ensemble_weights(names, 0.25)
    ((0.5, 0.5), (0.75, 0.25))
    """
    if scorecard_weight is None or SCORECARD not in names or len(names) == 1:
        return (1.0 / len(names),) * len(names)
    others = (1.0 - scorecard_weight) / (len(names) - 1)
    return tuple(scorecard_weight if name == SCORECARD else others for name in names)


def candidate_names(results: Sequence[CandidateResult]) -> tuple[str, ...]:
    """The names of the candidates, in their order."""
    return tuple(result.candidate.name for result in results)


def prefer_default_unless_better(
    scores: Sequence[EnsembleScore], rows: OutOfFoldRows
) -> EnsembleScore:
    """The default ensemble, or the one with the lowest loss where that is clearly better."""
    by_names = {score.names: score for score in scores}
    best = min(scores, key=lambda score: score.loss)
    names = tuple(name for name in DEFAULT_BLEND if (name,) in by_names)
    if not names:
        return best
    default = by_names[names]
    while len(default.names) > 1:
        smaller = [by_names[tuple(n for n in default.names if n != out)] for out in default.names]
        rival = min(smaller, key=lambda score: score.loss)
        if gain_z_score(rival.recalibrated, default.recalibrated, rows) < MIN_Z:
            break
        default = rival
    gain = gain_z_score(best.recalibrated, default.recalibrated, rows)
    return best if gain >= MIN_Z_OVER_DEFAULT_BLEND else default


def add_scorecard(
    best: EnsembleScore,
    scorecard: EnsembleScore,
    average: Callable[[Sequence[CandidateResult], float], EnsembleScore],
    rows: OutOfFoldRows,
) -> EnsembleScore:
    """``best``, with few conversions averaged with the scorecard; the scorecard alone if clearly
    better."""
    if SCORECARD not in best.names:
        conversions = float(rows.weight @ (rows.label == 1))
        weight = SCORECARD_WEIGHT_IN_CONVERSIONS / (SCORECARD_WEIGHT_IN_CONVERSIONS + conversions)
        both = average((*best.results, *scorecard.results), weight)
        is_worse = gain_z_score(best.recalibrated, both.recalibrated, rows) >= MIN_Z
        if weight >= MIN_SCORECARD_WEIGHT and not is_worse:
            best = both
    if gain_z_score(scorecard.recalibrated, best.recalibrated, rows) >= MIN_Z:
        return scorecard
    return best


def level_for_rate(log_odds: Float64, rate: float, weight: Float64) -> float:
    """What to add to all of ``log_odds`` (m) so that their mean probability is ``rate``.

    Averages of log-odds vary less than what is averaged, and their mean probability is lower
    where conversions are rare. No label is used, so no past rate is carried into the future.

    >>> round(level_for_rate(np.array([-2.0, -2.0]), 0.5, np.ones(2)), 6)
    2.0
    """
    level = 0.0
    for _ in range(20):
        p = sigmoid(log_odds + level)
        gap = rate - float(np.average(p, weights=weight))
        slope = float(np.average(p * (1 - p), weights=weight))
        step = float(np.clip(gap / max(slope, 1e-12), -1.0, 1.0))
        level += step
        if abs(step) < 1e-9:
            break
    return level


def sharpness_correction(
    score: EnsembleScore, log_odds: Float64, center: Float64, weight: Float64
) -> float:
    """The slope around ``center`` (m), from 1 to ``MAX_SHARPENING``, that undoes the averaging.

    With it the probabilities of ``log_odds`` (m) have the mean square that those of the fitted
    candidates have. Averages vary less than what is averaged. No label is used.
    """
    fitted = [r for r in score.results if r.candidate.name != SCORECARD] or score.results
    squares = [np.average(sigmoid(r.log_odds) ** 2, weights=weight) for r in fitted]
    target = float(np.mean(squares))
    low, high = 1.0, MAX_SHARPENING
    for _ in range(12):
        slope = (low + high) / 2
        z = center + slope * (log_odds - center)
        p = sigmoid(z + level_for_rate(z, score.mean_probability, weight))
        if float(np.average(p**2, weights=weight)) < target:
            low = slope
        else:
            high = slope
    return low


def pooled_loss(log_odds: Float64, rows: OutOfFoldRows) -> float:
    """Weighted mean log loss over all folds, in nats."""
    return float(np.average(log_losses_of_log_odds(rows.label, log_odds), weights=rows.weight))


def gain_z_score(log_odds: Float64, baseline: Float64, rows: OutOfFoldRows) -> float:
    """Log loss of ``baseline`` (m) minus that of ``log_odds`` (m), in standard errors."""
    gain = log_losses_of_log_odds(rows.label, baseline)
    gain = gain - log_losses_of_log_odds(rows.label, log_odds)
    return rows.z_score(gain)


@dataclass(frozen=True, slots=True)
class EnsembleChoice:
    """How to make a model: candidates with their step, averaged, recalibrated around the base rate.

    ``steps``: name of the candidate → its step; empty when nothing beats the base rate.
    ``slope``: of the recalibration; ``level``: what is added to all scores, in log-odds.
    ``scorecard_weight``: None for the same weight as any other candidate. ``recency_weighted``:
    older references weigh less. ``log_loss``, ``base_rate_log_loss``: pooled out of fold.
    ``gain_z_score``: standard errors by which the ensemble is better than the base rate.
    """

    steps: dict[str, float]
    slope: float
    level: float
    log_loss: float
    base_rate_log_loss: float
    gain_z_score: float
    recency_weighted: bool = False
    scorecard_weight: float | None = None

    @property
    def signal(self) -> bool:
        """Whether anything beat the base rate clearly."""
        return bool(self.steps)

    @property
    def name(self) -> str:
        """The candidates by name, joined by `` + ``; ``base_rate`` without any."""
        return " + ".join(self.steps) if self.steps else "base_rate"


def choose_ensemble(
    results: Sequence[CandidateResult],
    baseline: CandidateResult,
    rows: OutOfFoldRows,
    *,
    by_time: bool,
) -> tuple[EnsembleChoice, Float64]:
    """The best ensemble, and its calibrated out-of-fold log-odds (m).

    Every subset of the candidates is averaged in log-odds and, without time, recalibrated on the
    other folds. The default ensemble is used unless another has a clearly lower pooled log loss;
    with few conversions the scorecard joins it; an ensemble that does not clearly beat the base
    rate is not used. ``baseline``: the base rate, whose log-odds are those that each fold's models
    were trained at.
    """
    center = baseline.log_odds

    def average(some: Sequence[CandidateResult], weight: float | None = None) -> EnsembleScore:
        weights = ensemble_weights(candidate_names(some), weight)
        log_odds = np.average([r.log_odds for r in some], axis=0, weights=weights)
        p = np.average([sigmoid(r.log_odds) for r in some], axis=0, weights=weights)
        rate = float(np.average(p, weights=rows.weight))
        if by_time:
            recalibrated = log_odds + level_for_rate(log_odds, rate, rows.weight)
        else:
            recalibrated = cross_fitted_recalibration(log_odds, center, rows)
        loss = pooled_loss(recalibrated, rows)
        return EnsembleScore(tuple(some), log_odds, recalibrated, loss, rate, weight)

    scores = [average(c) for k in range(1, len(results) + 1) for c in combinations(results, k)]
    if not scores:
        return baseline_ensemble(baseline, 0.0), center
    best = prefer_default_unless_better(scores, rows)
    scorecard = next((s for s in scores if s.names == (SCORECARD,)), None)
    if scorecard is not None:
        best = add_scorecard(best, scorecard, average, rows)
    gain = gain_z_score(best.recalibrated, center, rows)
    if scorecard is not None and gain < best.required_z:
        best, gain = scorecard, gain_z_score(scorecard.recalibrated, center, rows)
    if gain < best.required_z:
        return baseline_ensemble(baseline, gain), center
    if by_time:
        line, level, recalibrated = _extrapolated(best, center, rows)
    else:
        pooled = np.zeros_like(rows.fold)
        line = fit_levels(best.log_odds, center, rows.label, rows.weight, pooled)
        level, recalibrated = float(line.level[0]), best.recalibrated
    chosen = EnsembleChoice(
        {r.candidate.name: r.step for r in best.results},
        line.slope,
        level,
        best.loss,
        pooled_loss(center, rows),
        gain,
        scorecard_weight=best.scorecard_weight,
    )
    return chosen, recalibrated


def _extrapolated(
    best: EnsembleScore, center: Float64, rows: OutOfFoldRows
) -> tuple[SlopeAndLevels, float, Float64]:
    """(line, level, log-odds (m) of each fold on the line that was known before it).

    The sharpness and the mean that averaging takes away are given back to both; for that no label
    is needed.
    """
    scores = FoldScores(best.log_odds, center, rows.label, rows.weight, rows.fold)
    factor = sharpness_correction(best, best.log_odds, center, rows.weight)
    line, level = extrapolated_recalibration(scores)
    line = replace(line, slope=line.slope * factor)
    scaled = line.scaled(best.log_odds, center)
    level += level_for_rate(scaled, best.mean_probability, rows.weight)
    before, carried = np.empty_like(scaled), np.zeros_like(scaled)
    for fold, (known, level_known) in enumerate(lines_before(scores)):
        test = rows.fold == fold
        sharp = replace(known, slope=known.slope * factor)
        before[test] = sharp.scaled(best.log_odds[test], center[test])
        carried[test] = level_known
    shift = level_for_rate(before, best.mean_probability, rows.weight)
    return line, level, before + shift + carried


def baseline_ensemble(baseline: CandidateResult, gain: float) -> EnsembleChoice:
    """The base rate alone. ``gain``: z-score of the best ensemble, which was not good enough."""
    loss = float(baseline.path_loss.min())
    return EnsembleChoice({}, 1.0, 0.0, loss, loss, gain)


def cross_fitted_recalibration(log_odds: Float64, center: Float64, rows: OutOfFoldRows) -> Float64:
    """Each fold recalibrated with the slope and level fitted on all other folds, (m,)."""
    if rows.fold.max() == 0:
        return log_odds
    out = np.empty_like(log_odds)
    for fold in np.unique(rows.fold):
        test = rows.fold == fold
        line = fit_levels(
            log_odds[~test],
            center[~test],
            rows.label[~test],
            rows.weight[~test],
            np.zeros((~test).sum(), np.intp),
        )
        out[test] = line.scaled(log_odds[test], center[test]) + line.level[0]
    return out
