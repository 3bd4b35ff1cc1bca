"""Slopes and levels out of time: found where they are, carried only where it paid before."""

from __future__ import annotations

import numpy as np
import pytest

from features.compute.array_types import DAY_US
from training.labels.censoring import TrainingRows
from training.model_selection.recalibration import (
    LEVEL_CARRYOVER,
    FoldScores,
    extrapolated_recalibration,
    fit_levels,
    lines_before,
    recency_weights,
)

BASE = -1.0


def _folds(levels: list[float], slope: float = 1.0, n: int = 3000, seed: int = 0) -> FoldScores:
    """Scores whose truth is spread by ``slope`` around BASE and moved by each fold's level."""
    rng = np.random.default_rng(seed)
    fold = np.repeat(np.arange(len(levels)), n)
    log_odds = rng.normal(BASE, 1.0, len(fold))
    truth = BASE + slope * (log_odds - BASE) + np.array(levels)[fold]
    label = (rng.random(len(fold)) < 1 / (1 + np.exp(-truth))).astype(np.int8)
    return FoldScores(log_odds, np.full(len(fold), BASE), label, np.ones(len(fold)), fold)


def test_slope_and_levels_are_found() -> None:
    found = fit_levels(*_folds([0.0, 0.5, -0.5], slope=0.6, n=20_000))
    assert found.slope == pytest.approx(0.6, abs=0.05)
    np.testing.assert_allclose(found.level, [0.0, 0.5, -0.5], atol=0.06)


def test_the_gradient_vanishes_at_what_was_found() -> None:
    log_odds, center, label, weight, fold = _folds([0.3, -0.2], slope=1.4)
    found = fit_levels(log_odds, center, label, weight, fold)
    z = found.scaled(log_odds, center) + found.level[fold]
    off = 1 / (1 + np.exp(-z)) - label
    np.testing.assert_allclose(np.bincount(fold, off), -found.level, atol=1e-2)
    assert off @ (log_odds - center) == pytest.approx(-4 * (found.slope - 1), abs=1e-2)


def test_scores_that_say_nothing_are_not_turned_round() -> None:
    log_odds, center, _, weight, fold = _folds([0.0])
    turned = (log_odds < BASE).astype(np.int8)
    assert fit_levels(log_odds, center, turned, weight, fold).slope == 0.0


def test_a_lasting_level_is_carried_by_half() -> None:
    line, carried = extrapolated_recalibration(_folds([0.8] * 5))
    assert carried == pytest.approx(LEVEL_CARRYOVER * 0.8, abs=0.08)
    assert line.slope == pytest.approx(1.0, abs=0.1)


def test_a_level_that_comes_and_goes_is_not_carried() -> None:
    _, carried = extrapolated_recalibration(_folds([0.6, -0.6, 0.6, -0.6, 0.6]))
    assert carried == 0.0


@pytest.mark.parametrize(
    "levels",
    [
        [0.0, 0.0, 0.0, 0.8],  # one fold after the step: no earlier fold can show that it pays
        [0.02, -0.02, 0.6, 0.6],  # two: the chance levels before it do not speak against it
        [0.05, 0.0, -0.7],
    ],
)
def test_half_of_a_step_is_carried(levels: list[float]) -> None:
    _, carried = extrapolated_recalibration(_folds(levels))
    assert carried == pytest.approx(LEVEL_CARRYOVER * levels[-1], abs=0.08)


@pytest.mark.parametrize(
    "levels",
    [
        [0.5, -0.5, 0.5, -0.6],  # a season
        [0.3, 0.05, 0.4, 0.5, 0.6],  # rose for four folds, and one did not pay
        [0.01, -0.02, 0.01, 0.02],  # chance
    ],
)
def test_what_is_no_step_and_did_not_pay_is_not_carried(levels: list[float]) -> None:
    _, carried = extrapolated_recalibration(_folds(levels))
    assert carried == 0.0


def test_a_step_in_few_leads_is_chance() -> None:
    _, carried = extrapolated_recalibration(_folds([0.0, 0.0, 0.0, 0.5], n=60))
    assert carried == 0.0


def test_the_line_of_a_fold_does_not_depend_on_its_own_outcomes() -> None:
    scores = _folds([0.2, 0.8, 0.8, 0.8, 0.8])
    for fold in range(5):
        other = scores.label.copy()
        other[scores.fold >= fold] = 0
        ours, theirs = (lines_before(s)[fold] for s in (scores, scores._replace(label=other)))
        assert ours[1] == theirs[1]
        assert ours[0].slope == theirs[0].slope
    assert lines_before(scores)[4][1] == pytest.approx(LEVEL_CARRYOVER * 0.8, abs=0.08)


def test_a_lasting_slope_is_carried() -> None:
    line, _ = extrapolated_recalibration(_folds([0.0] * 5, slope=0.4))
    assert line.slope == pytest.approx(0.4, abs=0.08)


def test_few_folds_carry_nothing() -> None:
    line, carried = extrapolated_recalibration(_folds([0.8, 0.8, 0.8]))
    assert (line.slope, carried) == (1.0, 0.0)


def test_old_references_weigh_half_as_much_every_half_life() -> None:
    as_of = np.array([0, 10, 20]) * DAY_US
    train = TrainingRows(np.arange(3), np.array([0, 1, 0], np.int8), np.ones(3))
    weight = recency_weights(train, as_of, 20 * DAY_US, 10.0 * DAY_US).weight
    np.testing.assert_allclose(weight / weight[-1], [0.25, 0.5, 1.0])
    effective = weight.sum() ** 2 / (weight**2).sum()
    assert weight.sum() == pytest.approx(effective)
