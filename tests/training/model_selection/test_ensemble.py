"""Which average of families is used: the usual one, unless something is clearly better."""

from __future__ import annotations

import numpy as np
import pytest

from features.compute.array_types import Float64
from training.candidates.base import BaseRate
from training.candidates.boosted import BoostedTrees
from training.candidates.linear import LinearCandidate
from training.candidates.scorecard import SCORECARD
from training.model_selection.cross_validation import CandidateResult, probability
from training.model_selection.cross_validation import OutOfFoldRows as Rows
from training.model_selection.ensemble import choose_ensemble, level_for, weights_of

N = 3000


class Named:
    """A family of which only the name is asked."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.hyperparameter_grid = (1.0,)


def references_of(n: int = N, rate: float = -1.0, seed: int = 0) -> tuple[Rows, Float64]:
    """Five folds of references with known log-odds."""
    rng = np.random.default_rng(seed)
    truth = rate + 1.5 * rng.normal(size=n)
    label = (rng.random(n) < probability(truth)).astype(np.int8)
    rows = np.arange(n)
    return Rows(rows, rows * 5 // n, label, np.ones(n), rows), truth


def trial(name: str, log_odds: Float64) -> CandidateResult:
    return CandidateResult(Named(name), np.zeros(1), 1.0, log_odds)  # type: ignore[arg-type]


def floor_of(tested: Rows) -> CandidateResult:
    rate = tested.label.mean()
    return CandidateResult(
        BaseRate(), np.zeros(1), 0.0, np.full(len(tested.label), np.log(rate / (1 - rate)))
    )


def noisy(truth: Float64, noise: float, seed: int) -> Float64:
    return truth + noise * np.random.default_rng(seed).normal(size=len(truth))


def usual(truth: Float64, noise: float = 0.6) -> list[CandidateResult]:
    names = ("linear", "additive", "boosted", "randomised")
    return [trial(name, noisy(truth, noise, i)) for i, name in enumerate(names)]


def test_a_lucky_blend_does_not_take_the_place_of_the_usual_one() -> None:
    tested, truth = references_of(400)
    same = noisy(truth, 0.6, 9)
    lucky = [trial(t.family.name, noisy(same, 0.02, i)) for i, t in enumerate(usual(truth))]
    recipe, _ = choose_ensemble(lucky, floor_of(tested), tested, by_time=True)
    assert tuple(recipe.steps) == ("linear", "additive", "boosted", "randomised")


def test_a_family_that_is_clearly_worse_is_not_in_the_usual_blend() -> None:
    tested, truth = references_of(1500)
    same = noisy(truth, 0.6, 9)
    trials = [trial(t.family.name, noisy(same, 0.02, i)) for i, t in enumerate(usual(truth))]
    trials[0] = trial("linear", noisy(truth, 2.5, 4))
    recipe, _ = choose_ensemble(trials, floor_of(tested), tested, by_time=True)
    assert tuple(recipe.steps) == ("additive", "boosted", "randomised")


def test_a_clearly_better_one_does() -> None:
    tested, truth = references_of()
    trials = [*usual(truth, 1.5)[:2], trial("boosted", truth), *usual(truth, 1.5)[3:]]
    recipe, _ = choose_ensemble(trials, floor_of(tested), tested, by_time=True)
    assert tuple(recipe.steps) == ("boosted",)


def test_the_rules_join_with_few_conversions_and_leave_with_many() -> None:
    few, truth = references_of(150, rate=-2.0, seed=4)
    trials = [*usual(truth), trial(SCORECARD, noisy(truth, 0.6, 8))]
    recipe, _ = choose_ensemble(trials, floor_of(few), few, by_time=True)
    conversions = int(few.label.sum())
    assert recipe.rule == pytest.approx(3 / (3 + conversions))
    assert SCORECARD in recipe.steps
    many, truth = references_of()
    trials = [*usual(truth), trial(SCORECARD, noisy(truth, 0.6, 8))]
    assert SCORECARD not in choose_ensemble(trials, floor_of(many), many, by_time=True)[0].steps


def test_rules_that_are_clearly_better_stand_alone() -> None:
    tested, truth = references_of(400)
    trials = [*usual(np.full(400, -1.0), 1.0), trial(SCORECARD, truth)]
    recipe, _ = choose_ensemble(trials, floor_of(tested), tested, by_time=True)
    assert tuple(recipe.steps) == (SCORECARD,)


def test_rules_need_less_proof_than_what_is_learned() -> None:
    """The same log-odds, a little better than the base rate: believed of rules alone."""
    for seed in range(60):
        tested, truth = references_of(60, seed=seed)
        mine = noisy(truth, 1.0, seed)
        learned, _ = choose_ensemble(
            [trial("linear", mine)], floor_of(tested), tested, by_time=True
        )
        rules, _ = choose_ensemble([trial(SCORECARD, mine)], floor_of(tested), tested, by_time=True)
        assert rules.signal == (rules.gain_z_score >= 1)
        assert learned.signal == (learned.gain_z_score >= 2)
        if rules.signal and not learned.signal:
            return
    pytest.fail("no case between one and two standard errors")


def test_without_signal_nobody_is_used() -> None:
    tested, _ = references_of(300)
    rng = np.random.default_rng(5)
    trials = [trial(n, rng.normal(size=300)) for n in ("linear", "boosted", SCORECARD)]
    assert not choose_ensemble(trials, floor_of(tested), tested, by_time=True)[0].signal


def test_averaging_does_not_lower_the_mean_probability() -> None:
    tested, truth = references_of(rate=-3.0)
    trials = [t for t in usual(truth, 0.9) if t.family.name != "additive"]
    each = float(np.mean([probability(t.log_odds).mean() for t in trials]))
    averaged = np.mean([t.log_odds for t in trials], axis=0)
    assert probability(averaged).mean() < 0.95 * each
    level = level_for(averaged, each, tested.weight)
    assert probability(averaged + level).mean() == pytest.approx(each, rel=1e-6)
    assert level_for(truth, float(probability(truth).mean()), tested.weight) == pytest.approx(0)


def test_averaging_does_not_draw_the_scores_together() -> None:
    tested, truth = references_of()
    trials = usual(truth, 0.9)
    recipe, _ = choose_ensemble(trials, floor_of(tested), tested, by_time=True)
    alike = [trial(t.family.name, noisy(truth, 0.9, 1)) for t in trials]
    same, _ = choose_ensemble(alike, floor_of(tested), tested, by_time=True)
    assert recipe.slope > same.slope * 1.05


def test_weights_sum_to_one() -> None:
    names = ("linear", "boosted", SCORECARD)
    assert sum(weights_of(names, 0.2)) == pytest.approx(1)
    assert weights_of((SCORECARD,), 0.2) == (1.0,)


def test_a_family_keeps_its_usual_step_unless_another_is_clearly_better() -> None:
    from training.model_selection.cross_validation import _trial

    tested, truth = references_of(400)
    family = BoostedTrees("boosted", additive=False, seed=0, steps=(10, 145, 300))
    close = np.stack([noisy(truth, 3, 1), noisy(truth, 0.5, 2), noisy(truth, 0.5, 3)])
    assert _trial(family, close, tested).step == 145
    far = np.stack([noisy(truth, 3, 1), noisy(truth, 3, 2), truth])
    assert _trial(family, far, tested).step == 300
    assert LinearCandidate().default_step in LinearCandidate().hyperparameter_grid
