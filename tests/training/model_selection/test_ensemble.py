"""Which average of candidates is used: the usual one, unless something is clearly better."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from features.compute.array_types import Float64
from scoring.model.log_odds import sigmoid
from training.candidates.base import BaseRate
from training.candidates.boosted import BoostedTrees
from training.candidates.linear import LinearCandidate
from training.candidates.scorecard import SCORECARD
from training.model_selection.cross_validation import CandidateResult
from training.model_selection.cross_validation import OutOfFoldRows as Rows
from training.model_selection.ensemble import choose_ensemble, ensemble_weights, level_for_rate

N = 3000


class Named:
    """A candidate of which only the name is asked."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.hyperparameter_grid = (1.0,)
        self.default_step = None


def references_of(n: int = N, rate: float = -1.0, seed: int = 0) -> tuple[Rows, Float64]:
    """Five folds of references with known log-odds."""
    rng = np.random.default_rng(seed)
    truth = rate + 1.5 * rng.normal(size=n)
    label = (rng.random(n) < sigmoid(truth)).astype(np.int8)
    at = np.arange(n)
    return Rows(at, at * 5 // n, label, np.ones(n), at), truth


def result(name: str, log_odds: Float64) -> CandidateResult:
    return CandidateResult(Named(name), np.zeros(1), 1.0, log_odds)  # type: ignore[arg-type]


def baseline_of(rows: Rows) -> CandidateResult:
    rate = rows.label.mean()
    return CandidateResult(
        BaseRate(), np.zeros(1), 0.0, np.full(len(rows.label), np.log(rate / (1 - rate)))
    )


def noisy(truth: Float64, noise: float, seed: int) -> Float64:
    return truth + noise * np.random.default_rng(seed).normal(size=len(truth))


def default_results(truth: Float64, noise: float = 0.6) -> list[CandidateResult]:
    names = ("linear", "additive", "boosted", "randomised")
    return [result(name, noisy(truth, noise, i)) for i, name in enumerate(names)]


def test_a_lucky_blend_does_not_take_the_place_of_the_usual_one() -> None:
    rows, truth = references_of(400)
    same = noisy(truth, 0.6, 9)
    lucky = [
        result(t.candidate.name, noisy(same, 0.02, i)) for i, t in enumerate(default_results(truth))
    ]
    choice, _ = choose_ensemble(lucky, baseline_of(rows), rows, by_time=True)
    assert tuple(choice.steps) == ("linear", "additive", "boosted", "randomised")


def test_a_family_that_is_clearly_worse_is_not_in_the_usual_blend() -> None:
    rows, truth = references_of(1500)
    same = noisy(truth, 0.6, 9)
    results = [
        result(t.candidate.name, noisy(same, 0.02, i)) for i, t in enumerate(default_results(truth))
    ]
    results[0] = result("linear", noisy(truth, 2.5, 4))
    choice, _ = choose_ensemble(results, baseline_of(rows), rows, by_time=True)
    assert tuple(choice.steps) == ("additive", "boosted", "randomised")


def test_a_clearly_better_one_does() -> None:
    rows, truth = references_of()
    results = [
        *default_results(truth, 1.5)[:2],
        result("boosted", truth),
        *default_results(truth, 1.5)[3:],
    ]
    choice, _ = choose_ensemble(results, baseline_of(rows), rows, by_time=True)
    assert tuple(choice.steps) == ("boosted",)


def test_the_rules_join_with_few_conversions_and_leave_with_many() -> None:
    few, truth = references_of(150, rate=-2.0, seed=4)
    results = [*default_results(truth), result(SCORECARD, noisy(truth, 0.6, 8))]
    choice, _ = choose_ensemble(results, baseline_of(few), few, by_time=True)
    conversions = int(few.label.sum())
    assert choice.scorecard_weight == pytest.approx(3 / (3 + conversions))
    assert SCORECARD in choice.steps
    many, truth = references_of()
    results = [*default_results(truth), result(SCORECARD, noisy(truth, 0.6, 8))]
    assert SCORECARD not in choose_ensemble(results, baseline_of(many), many, by_time=True)[0].steps


def test_rules_that_are_clearly_better_stand_alone() -> None:
    rows, truth = references_of(400)
    results = [*default_results(np.full(400, -1.0), 1.0), result(SCORECARD, truth)]
    choice, _ = choose_ensemble(results, baseline_of(rows), rows, by_time=True)
    assert tuple(choice.steps) == (SCORECARD,)


def test_rules_need_less_proof_than_what_is_learned() -> None:
    """The same log-odds, a little better than the base rate: believed of rules alone."""
    for seed in range(60):
        rows, truth = references_of(60, seed=seed)
        mine = noisy(truth, 1.0, seed)
        learned, _ = choose_ensemble(
            [result("linear", mine)], baseline_of(rows), rows, by_time=True
        )
        rules, _ = choose_ensemble([result(SCORECARD, mine)], baseline_of(rows), rows, by_time=True)
        assert rules.signal == (rules.gain_z_score >= 1)
        assert learned.signal == (learned.gain_z_score >= 2)
        if rules.signal and not learned.signal:
            return
    pytest.fail("no case between one and two standard errors")


def test_without_signal_nobody_is_used() -> None:
    rows, _ = references_of(300)
    rng = np.random.default_rng(5)
    results = [result(n, rng.normal(size=300)) for n in ("linear", "boosted", SCORECARD)]
    assert not choose_ensemble(results, baseline_of(rows), rows, by_time=True)[0].signal


def test_averaging_does_not_lower_the_mean_probability() -> None:
    rows, truth = references_of(rate=-3.0)
    results = [t for t in default_results(truth, 0.9) if t.candidate.name != "additive"]
    each = float(np.mean([sigmoid(t.log_odds).mean() for t in results]))
    averaged = np.mean([t.log_odds for t in results], axis=0)
    assert sigmoid(averaged).mean() < 0.95 * each
    level = level_for_rate(averaged, each, rows.weight)
    assert sigmoid(averaged + level).mean() == pytest.approx(each, rel=1e-6)
    assert level_for_rate(truth, float(sigmoid(truth).mean()), rows.weight) == pytest.approx(0)


def test_averaging_does_not_draw_the_scores_together() -> None:
    rows, truth = references_of()
    results = default_results(truth, 0.9)
    choice, _ = choose_ensemble(results, baseline_of(rows), rows, by_time=True)
    alike = [result(t.candidate.name, noisy(truth, 0.9, 1)) for t in results]
    same, _ = choose_ensemble(alike, baseline_of(rows), rows, by_time=True)
    assert choice.slope > same.slope * 1.05


def test_weights_sum_to_one() -> None:
    names = ("linear", "boosted", SCORECARD)
    assert sum(ensemble_weights(names, 0.2)) == pytest.approx(1)
    assert ensemble_weights((SCORECARD,), 0.2) == (1.0,)


def test_a_family_keeps_its_usual_step_unless_another_is_clearly_better() -> None:
    from training.model_selection.cross_validation import _best_step

    rows, truth = references_of(400)
    candidate = BoostedTrees("boosted", additive=False, seed=0, hyperparameter_grid=(10, 145, 300))
    close = np.stack([noisy(truth, 3, 1), noisy(truth, 0.5, 2), noisy(truth, 0.5, 3)])
    assert _best_step(candidate, close, rows).step == 145
    far = np.stack([noisy(truth, 3, 1), noisy(truth, 3, 2), truth])
    assert _best_step(candidate, far, rows).step == 300
    assert LinearCandidate().default_step in LinearCandidate().hyperparameter_grid


@pytest.mark.parametrize("by_time", [True, False])
def test_what_is_recorded_as_out_of_fold_is_not_fitted_on_its_own_outcomes(by_time: bool) -> None:
    """The newest fold converts far more often than the others, and nobody knew before."""
    tested, truth = references_of(3000)
    newest = tested.fold == 4
    label = tested.label.copy()
    higher = sigmoid(truth[newest] + 1.5)
    label[newest] = (np.random.default_rng(3).random(newest.sum()) < higher).astype(np.int8)
    moved = replace(tested, label=label)
    one = result("linear", noisy(truth, 0.1, 1))
    floor = baseline_of(tested)
    _, before = choose_ensemble([one], floor, tested, by_time=by_time)
    _, after = choose_ensemble([one], floor, moved, by_time=by_time)
    np.testing.assert_array_equal(before[newest], after[newest])
