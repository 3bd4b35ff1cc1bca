"""Recalibration out of time: a shared slope, a level of each fold, and recency weights.

Two things that Platt's line mixes are separated. The *slope* says how far
scores should be spread around the base rate the model was trained at; it is shared by all folds.
The *level* of a fold says how much its rate had moved away from that base rate by the time it was
tested. A line through all folds would carry old movements into the future; here a slope is carried
on only where that would have paid in every fold before, and a level where that would have paid
whenever there was one to carry, or where it is a step that nothing before prepared for.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from features.compute.array_types import Float64, Int8, Int64
from scoring.model.log_odds import sigmoid
from training.labels.censoring import TrainingRows
from training.model_selection.platt import SLOPE_PRECISION

LEVEL_CARRYOVER = 0.5
"""Share of the newest fold's level that is carried into the release, where it is at all."""


MIN_FOLDS_TO_EXTRAPOLATE = 3


MIN_LEVEL_ERRORS = 2.0
"""A level so many standard errors from 0 can be told from chance; no other is carried."""
STEP_ERRORS = 4.0
STEP_TIMES = 1.5
"""A newest level so many standard errors from 0, and so many times as large as any before it, is a
step: it is carried though no earlier fold could show that it pays."""


LEVEL_PRECISION = 1.0
"""Prior on a level: normal around 0 with standard deviation 1, worth a lead or two."""


HALF_LIFE_SHARE = 0.25
"""Half-life of recency weights, as a share of the time from the first reference to the cutoff."""


class FoldScores(NamedTuple):
    """Rows predicted out of time, (m) each. ``center``: base log-odds their models were trained
    at. ``fold``: numbered from 0, oldest first."""

    log_odds: Float64
    center: Float64
    label: Int8
    weight: Float64
    fold: npt.NDArray[np.intp]

    def where(self, rows: npt.NDArray[np.bool_]) -> FoldScores:
        """The rows chosen by a mask (m)."""
        return FoldScores(
            self.log_odds[rows],
            self.center[rows],
            self.label[rows],
            self.weight[rows],
            self.fold[rows],
        )


@dataclass(frozen=True, slots=True)
class SlopeAndLevels:
    """``slope``: shared; ``level``: of each fold, in log-odds, oldest first (one when pooled)."""

    slope: float
    level: Float64

    def scaled(self, log_odds: Float64, center: Float64) -> Float64:
        """Scores scaled by the slope around ``center`` (n: the base log-odds trained at), no level.

        >>> SlopeAndLevels(2.0, np.zeros(1)).scaled(np.array([1.0]), np.array([0.5])).tolist()
        [1.5]
        """
        return center + self.slope * (log_odds - center)


def fit_levels(
    log_odds: Float64,
    center: Float64,
    label: Int8,
    weight: Float64,
    group: npt.NDArray[np.intp],
    *,
    fixed_slope: bool = False,
) -> SlopeAndLevels:
    """Maximum a posteriori slope (normal around 1, sd 1/2, floored at 0) and level of each group.

    ``fixed_slope``: the slope is 1.

    ``log_odds`` (n): out of time. ``center`` (n): base log-odds each row's model was trained at.
    ``group`` (n): rows with one level; numbered from 0, in order.
    """
    distance = log_odds - center
    if fixed_slope:
        center, distance = log_odds, np.zeros_like(log_odds)
    n_groups = int(group.max()) + 1
    line = np.concatenate([[1.0], np.zeros(n_groups)])
    loss = _loss(line, distance, center, label, weight, group)
    for _ in range(50):
        step = _newton_step(line, distance, center, label, weight, group)
        size = 1.0
        while size > 1e-8:
            moved = line - size * step
            moved_loss = _loss(moved, distance, center, label, weight, group)
            if moved_loss <= loss:
                break
            size /= 2
        else:
            break
        done = loss - moved_loss < 1e-10 * max(1.0, abs(loss))
        line, loss = moved, moved_loss
        if done:
            break
    return SlopeAndLevels(max(float(line[0]), 0.0), line[1:])


def _loss(
    line: Float64,
    distance: Float64,
    center: Float64,
    label: Int8,
    weight: Float64,
    group: npt.NDArray[np.intp],
) -> float:
    z = center + line[0] * distance + line[1:][group]
    prior = SLOPE_PRECISION * (line[0] - 1) ** 2 + LEVEL_PRECISION * (line[1:] ** 2).sum()
    return float(weight @ np.logaddexp(0.0, np.where(label == 1, -z, z)) + prior / 2)


def _newton_step(
    line: Float64,
    distance: Float64,
    center: Float64,
    label: Int8,
    weight: Float64,
    group: npt.NDArray[np.intp],
) -> Float64:
    """Solve for the slope first: the levels' block of the Hessian is diagonal."""
    n_groups = len(line) - 1
    z = center + line[0] * distance + line[1:][group]
    p = sigmoid(z)
    off, curve = weight * (p - (label == 1)), weight * p * (1 - p)
    g_slope = off @ distance + SLOPE_PRECISION * (line[0] - 1)
    g_level = np.bincount(group, off, n_groups) + LEVEL_PRECISION * line[1:]
    h_slope = curve @ (distance * distance) + SLOPE_PRECISION
    h_level = np.bincount(group, curve, n_groups) + LEVEL_PRECISION
    cross = np.bincount(group, curve * distance, n_groups)
    slope = (g_slope - cross @ (g_level / h_level)) / (h_slope - cross @ (cross / h_level))
    level = (g_level - cross * slope) / h_level
    return np.concatenate([[slope], level])


def extrapolated_recalibration(scores: FoldScores) -> tuple[SlopeAndLevels, float]:
    """(levels of the folds with their slope, level to carry into the release).

    Each fold from the second on is scored with what older folds alone would have taught. The
    slope is 1 unless the fitted one was better in every such fold. With fewer than
    ``MIN_FOLDS_TO_EXTRAPOLATE`` such folds it is 1, and no level is carried but a step's.
    """
    enough = int(scores.fold.max()) >= MIN_FOLDS_TO_EXTRAPOLATE
    slope_paid = enough and all(
        _saves(earlier.scaled(now.log_odds, now.center), now.log_odds, now)
        for earlier, now in _each_fold(scores, fixed_slope=False)
    )
    whole = fit_levels(*scores, fixed_slope=not slope_paid)
    return whole, level_to_carry(whole, scores, fixed_slope=not slope_paid)


def level_to_carry(whole: SlopeAndLevels, scores: FoldScores, *, fixed_slope: bool) -> float:
    """Half of the newest level, or 0.

    Half where the newest level can be told from chance and carrying half of the level before was
    better in every fold in which there was one to carry, at least one; or where it is a step.
    """
    newest = int(scores.fold.max())
    error = level_errors(whole, scores)
    size, before = abs(float(whole.level[-1])), np.abs(whole.level[:-1])
    if newest < MIN_FOLDS_TO_EXTRAPOLATE - 1 or size <= MIN_LEVEL_ERRORS * error[-1]:
        return 0.0
    carried = LEVEL_CARRYOVER * float(whole.level[-1])
    if size > STEP_ERRORS * error[-1] and size > STEP_TIMES * before.max():
        return carried
    paid = []
    for earlier, now in _each_fold(scores, fixed_slope=fixed_slope):
        level = float(earlier.level[-1])
        if abs(level) > MIN_LEVEL_ERRORS * error[len(earlier.level) - 1]:
            scaled = earlier.scaled(now.log_odds, now.center)
            paid.append(_saves(scaled + LEVEL_CARRYOVER * level, scaled, now))
    return carried if newest >= MIN_FOLDS_TO_EXTRAPOLATE and paid and all(paid) else 0.0


def level_errors(whole: SlopeAndLevels, scores: FoldScores) -> Float64:
    """Standard error of each fold's level, from the curvature of its log loss."""
    z = whole.scaled(scores.log_odds, scores.center) + whole.level[scores.fold]
    p = np.exp(-np.logaddexp(0.0, -z))
    curve = np.bincount(scores.fold, scores.weight * p * (1 - p), len(whole.level))
    return np.asarray(1 / np.sqrt(np.maximum(curve, 1e-12)))


def lines_before(scores: FoldScores) -> list[tuple[SlopeAndLevels, float]]:
    """Of each fold the line, and the level carried, that were known before it: none for the
    first."""
    later = range(1, int(scores.fold.max()) + 1)
    known = [extrapolated_recalibration(scores.where(scores.fold < fold)) for fold in later]
    return [(SlopeAndLevels(1.0, np.zeros(1)), 0.0), *known]


def _each_fold(
    scores: FoldScores, *, fixed_slope: bool
) -> Iterator[tuple[SlopeAndLevels, FoldScores]]:
    """From the second fold on: what older folds teach, and its own rows."""
    for fold in range(1, int(scores.fold.max()) + 1):
        earlier = fit_levels(*scores.where(scores.fold < fold), fixed_slope=fixed_slope)
        yield earlier, scores.where(scores.fold == fold)


def _saves(mine: Float64, theirs: Float64, now: FoldScores) -> bool:
    """Whether log-odds ``mine`` have the lower log loss on the rows ``now``."""
    sign = np.where(now.label == 1, -1.0, 1.0)
    saved = np.logaddexp(0.0, sign * theirs) - np.logaddexp(0.0, sign * mine)
    return bool(now.weight @ saved > 0)


def recency_weights(
    train: TrainingRows, as_of_us: Int64, cutoff_us: int, half_life_us: float
) -> TrainingRows:
    """Training rows with weights halved for every half-life before the cutoff.

    Scaled to their effective number (Kish: (Σ w)² / Σ w²), so that penalties keep their meaning.
    """
    age = (cutoff_us - as_of_us[train.rows]) / half_life_us
    weight = train.weight * 0.5**age
    whole = float(train.weight.sum() ** 2 / (train.weight**2).sum())
    kept = float(weight.sum() ** 2 / (weight**2).sum())
    scale = train.weight.sum() * kept / whole / weight.sum()
    return TrainingRows(train.rows, train.label, weight * scale)
