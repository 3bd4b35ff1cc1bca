"""The scorecard re-weighted: the same rules, points refitted by logistic regression and rounded.

It splits the gain of a learned score in two: what better weights alone would bring, and what
better features bring on top. The refit is written as a scorecard that a team can adopt.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.compute.array_types import Float64, Int8
from features.histories.arrays import Histories, References
from scoring.model.log_odds import sigmoid
from scoring.scorecard.rules import PointThresholds, Rule, ScorecardDefinition
from scoring.scorecard.scorecard import Scorecard
from training.evaluation.metrics import log_losses

PENALTIES = (1.0, 10.0, 100.0, 1000.0)
"""Strengths tried, in leads: how much evidence a rule needs to leave its old weight."""


FOLDS = 5


HALF_POINTS_BELOW = 5.0


@dataclass(frozen=True)
class Reweighted:
    """A refitted card, and the log-odds that one old point was worth."""

    card: Scorecard
    log_odds_per_old_point: float
    penalty: float


def rule_counts(card: Scorecard, histories: Histories, references: References) -> Float64:
    """How many times each rule gives its points, before group caps, (n, rules)."""
    uncapped = Scorecard(_without_groups(card.card, [rule.points for rule in card.card.rules]))
    shares = uncapped.points(histories, references).shares[:, : len(card.card.rules)]
    points = np.array([rule.points for rule in card.card.rules])
    return shares / np.where(points == 0, 1.0, points)


def reweight(
    card: Scorecard,
    times: Float64,
    label: Int8,
    weight: Float64,
    lead: npt.NDArray[np.int64],
    rng: np.random.Generator,
) -> Reweighted:
    """Refit the points on references with known answers, leads of one fold kept together.

    ``times`` (n, rules): see :func:`rule_counts`. Logistic regression around the old points: the
    log-odds are ``a + s * old points + Σ change_j * times_j`` with a ridge on the changes alone,
    its strength chosen by cross-validated log loss. With little evidence the old weights stay.
    """
    old = np.array([rule.points for rule in card.card.rules])
    design = np.column_stack([np.ones(len(times)), times @ old, times])
    design[:, 1] /= _scale(design[:, 1])
    spread = np.array([_scale(column) for column in times.T])
    penalty = _best_penalty(design, spread, label, weight, _folds(lead, rng))
    fitted = fit_ridge(design, label, weight, _ridge(penalty, spread))
    per_point = float(fitted[1] / _scale(times @ old))
    new = fitted[2:] + per_point * old
    return Reweighted(_rounded(card, new, times, weight), per_point, penalty)


def fit_ridge(design: Float64, label: Int8, weight: Float64, ridge: Float64) -> Float64:
    """Coefficients (k,) of a logistic regression with a ridge per column, by damped Newton steps.

    >>> x = np.column_stack([np.ones(4), [0.0, 0, 1, 1]])
    >>> fit_ridge(x, np.array([0, 1, 1, 1], np.int8), np.ones(4), np.array([0.0, 1e9])).round(2)
    array([1.1, 0. ])
    """
    coef = np.zeros(design.shape[1])
    ridge = ridge + 1e-6
    loss = _penalised(design, label, weight, ridge, coef)
    for _ in range(100):
        chance = sigmoid(np.clip(design @ coef, -30, 30))
        gradient = design.T @ (weight * (chance - label)) + ridge * coef
        curve = (design * (weight * chance * (1 - chance))[:, None]).T @ design + np.diag(ridge)
        step = np.linalg.solve(curve, gradient)
        size = 1.0
        while size > 1e-6 and _penalised(design, label, weight, ridge, coef - size * step) > loss:
            size /= 2
        coef = coef - size * step
        moved = _penalised(design, label, weight, ridge, coef)
        if loss - moved < 1e-9 * max(abs(loss), 1.0):
            break
        loss = moved
    return coef


def _penalised(
    design: Float64, label: Int8, weight: Float64, ridge: Float64, coef: Float64
) -> float:
    z = design @ coef
    loss = np.logaddexp(0.0, np.where(label == 1, -z, z))
    return float(weight @ loss + 0.5 * (ridge * coef**2).sum())


def _scale(column: Float64) -> float:
    spread = float(column.std())
    return spread if spread > 0 else 1.0


def _ridge(penalty: float, spread: Float64) -> Float64:
    """No ridge on the intercept and on the old points; on a change, per standard deviation."""
    return np.concatenate([[0.0, 1e-3], penalty * np.maximum(spread, 0.05) ** 2])


def _folds(lead: npt.NDArray[np.int64], rng: np.random.Generator) -> npt.NDArray[np.intp]:
    _, member = np.unique(lead, return_inverse=True)
    assigned: npt.NDArray[np.intp] = rng.permutation(np.arange(member.max() + 1) % FOLDS)
    return assigned[member]


def _best_penalty(
    design: Float64,
    spread: Float64,
    label: Int8,
    weight: Float64,
    folds: npt.NDArray[np.intp],
) -> float:
    total = []
    for penalty in PENALTIES:
        loss = 0.0
        for fold in range(FOLDS):
            train, test = folds != fold, folds == fold
            if len(np.unique(label[train])) == 2 and test.any():
                coef = fit_ridge(
                    design[train], label[train], weight[train], _ridge(penalty, spread)
                )
                chance = sigmoid(np.clip(design[test] @ coef, -30, 30))
                loss += float(weight[test] @ log_losses(label[test], chance))
        total.append(loss)
    return PENALTIES[int(np.argmin(total))]


def _rounded(card: Scorecard, log_odds: Float64, times: Float64, weight: Float64) -> Scorecard:
    """New points on the old scale, rounded as people write them; cuts keep the old shares."""
    old = np.array([rule.points for rule in card.card.rules])
    seen = times.any(axis=0)
    largest = np.abs(log_odds[seen]).max(initial=0.0)
    if largest < 1e-6:
        return card  # nothing to refit: the old points are kept
    factor = np.abs(old[seen]).max() / largest
    points = [round_points(value * factor) for value in log_odds]
    definition = _without_groups(card.card, points)
    total = times @ np.array(points)
    cuts = thresholds_with_shares(card.card.bands, times @ old, total, weight)
    about = f"{card.name}, the same rules with points refitted to what leads did"
    return Scorecard(
        definition.model_copy(
            update={"name": f"{card.name} re-weighted", "about": about, "bands": cuts}
        )
    )


def round_points(value: float) -> float:
    """Whole points; small ones to a half.

    >>> round_points(12.3), round_points(-2.3), round_points(0.2)
    (12.0, -2.5, 0.0)
    """
    rounded = round(value) if abs(value) >= HALF_POINTS_BELOW else round(value * 2) / 2
    return float(rounded) + 0.0


def thresholds_with_shares(
    cuts: PointThresholds, old: Float64, new: Float64, weight: Float64
) -> PointThresholds:
    """The ``new`` points (n) above which as many leads lie as did above ``cuts`` by ``old`` (n)."""
    order = np.argsort(-new, kind="stable")
    reached = np.cumsum(weight[order]) / weight.sum()

    def same_share(cut: float) -> float:
        share = float(weight[old >= cut].sum() / weight.sum())
        return float(new[order][min(int(np.searchsorted(reached, share)), len(new) - 1)])

    warm = max(round_points(same_share(cuts.warm)), 0.5)
    return PointThresholds(warm=warm, hot=max(round_points(same_share(cuts.hot)), warm + 0.5))


def _without_groups(card: ScorecardDefinition, points: Sequence[float]) -> ScorecardDefinition:
    """The card with other points and no caps on groups (a refit accounts for overlaps)."""
    rules = tuple(
        with_points(rule, p).model_copy(update={"group": None})
        for rule, p in zip(card.rules, points, strict=True)
    )
    return card.model_copy(update={"rules": rules, "groups": {}})


def with_points(rule: Rule, points: float) -> Rule:
    """Other points; the most that ``each`` gives stays the same number of interactions."""
    most = rule.max_points
    if most is not None and rule.points != 0:
        most = most / abs(rule.points) * abs(points) or None
    return rule.model_copy(update={"points": points, "max_points": most})
