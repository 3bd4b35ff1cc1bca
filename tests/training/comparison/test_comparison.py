"""The verdict, on ground where the truth is known."""

from __future__ import annotations

import json

import numpy as np
import pytest

from commands.output import plain
from training.comparison.charts import calibration_chart
from training.comparison.compare import Comparison, CostBenefit, compare_scores
from training.comparison.metrics import ScoreColumn, gains
from training.comparison.test_set import EvaluationSet, WeeklyList, calibrated
from training.comparison.verdict import Finding

WEEK_US = 7 * 86_400_000_000


def ground_of(log_odds: np.ndarray, seed: int, hot_per_week: float | None = None) -> EvaluationSet:
    """One question a lead, spread over ten weeks; outcomes drawn from the true log-odds."""
    rng = np.random.default_rng(seed)
    n = len(log_odds)
    label = (rng.random(n) < 1 / (1 + np.exp(-log_odds))).astype(np.int8)
    as_of = np.sort(rng.integers(0, 10 * WEEK_US, n))
    return EvaluationSet(label, np.ones(n), np.arange(n), as_of, True, hot_per_week)


def bands(score: np.ndarray) -> np.ndarray:
    return np.where(score > 1.5, "hot", np.where(score > 0, "warm", "cold")).astype(object)


def match(test_set: EvaluationSet, rules: np.ndarray, learned: np.ndarray) -> Comparison:
    score_columns = [
        ScoreColumn("rules", "Rules", "", rules, bands(rules)),
        ScoreColumn("learned", "Learned", "", learned),
    ]
    return compare_scores(
        test_set,
        score_columns,
        np.random.default_rng(0),
        cost_benefit=CostBenefit(100.0, 5.0),
        resamples=200,
    )


TRUTH = np.random.default_rng(1).normal(size=4000) * 1.2
NOISE = np.random.default_rng(2).normal(size=4000)
GROUND = ground_of(TRUTH - 2.0, seed=3)


def test_a_better_model_is_recommended() -> None:
    found = match(GROUND, rules=TRUTH + 2 * NOISE, learned=TRUTH)
    assert found.verdict.finding is Finding.LEARNED
    assert found.verdict.headline.startswith("Use the learned score")
    rules = found.score_of("rules")
    assert rules.log_loss_difference is not None
    assert rules.log_loss_difference.low > 0
    assert found.bands.swap.gap.low > 0


def test_better_rules_are_kept() -> None:
    found = match(GROUND, rules=TRUTH, learned=TRUTH + 2 * NOISE)
    assert found.verdict.finding is Finding.RULES
    assert found.verdict.headline.startswith("Keep the rules")
    assert found.bands.swap.gap.high < 0


def test_a_difference_by_noise_cannot_be_told() -> None:
    jitter = np.random.default_rng(5).normal(size=(2, 4000)) * 0.3
    found = match(GROUND, rules=TRUTH + jitter[0], learned=TRUTH + jitter[1])
    assert found.verdict.finding is Finding.CANNOT_TELL
    assert found.verdict.headline.startswith("Cannot tell: the difference is within chance.")


def test_rules_that_say_nothing_are_named_as_such() -> None:
    found = match(GROUND, rules=np.zeros(4000), learned=TRUTH)
    assert found.verdict.finding is Finding.LEARNED
    assert "do not match the leads" in found.verdict.headline
    assert "none of its rules matches these data" in found.verdict.because[0]
    silent = match(GROUND, rules=np.full(4000, 0.1), learned=NOISE)
    assert silent.verdict.finding is Finding.CANNOT_TELL


def test_noise_against_noise_cannot_be_told() -> None:
    found = match(GROUND, rules=NOISE, learned=np.random.default_rng(6).normal(size=4000))
    assert found.verdict.finding is Finding.CANNOT_TELL


def test_probabilities_and_lists_may_disagree() -> None:
    """Exact at the top and blind below against the reverse: the words say both."""
    top = np.quantile(TRUTH, 0.8) < TRUTH
    rules = np.where(top, 10 + TRUTH, 0.0)
    learned = np.where(top, 10.0, TRUTH)
    found = match(GROUND, rules, learned)
    assert found.verdict.finding is Finding.CANNOT_TELL
    assert "the leads that the rules would call convert more" in found.verdict.headline


def test_equal_scores_are_rarely_told_apart() -> None:
    """Ninety-five in a hundred such intervals hold 0; forty worlds allow for a few that do not."""
    inside, told = 0, 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        truth = rng.normal(size=600)
        one, other = truth + rng.normal(size=600), truth + rng.normal(size=600)
        found = match(ground_of(truth - 1, seed=seed + 100), one, other)
        gap = found.score_of("rules").log_loss_difference
        assert gap is not None
        inside += gap.low <= 0 <= gap.high
        told += found.verdict.finding is not Finding.CANNOT_TELL
    assert inside >= 34
    assert told <= 5


def test_rescaling_a_score_changes_nothing() -> None:
    one = match(GROUND, rules=TRUTH, learned=NOISE).score_of("rules")
    other = match(GROUND, rules=50 + 7 * TRUTH, learned=NOISE).score_of("rules")
    assert other.log_loss.value == pytest.approx(one.log_loss.value, abs=1e-9)
    assert other.auc.value == one.auc.value


def test_calibration_is_honest_and_gives_the_base_rate_to_a_useless_score() -> None:
    folds = GROUND.folds(np.random.default_rng(0))
    rate = GROUND.label.mean()
    assert calibrated(GROUND, np.zeros(4000), folds) == pytest.approx(rate, abs=0.02)
    assert calibrated(GROUND, -TRUTH, folds) == pytest.approx(rate, abs=0.02)
    assert calibrated(GROUND, TRUTH, folds).mean() == pytest.approx(rate, abs=0.005)


def test_reliability_is_drawn_without_bins_for_the_two_that_matter() -> None:
    found = match(GROUND, rules=TRUTH, learned=NOISE)
    assert set(found.calibration) == {"rules", "learned"}
    assert found.calibration["rules"].p_value > 0.01
    spread = found.calibration["rules"].log_loss.discrimination
    assert spread > 5 * found.calibration["learned"].log_loss.discrimination
    chart = calibration_chart(found, "rules")
    assert "<polygon" in chart
    assert "miscalibration" in chart


def test_weekly_lists_call_each_lead_once_a_week_up_to_the_capacity() -> None:
    day = 86_400_000_000
    as_of = np.array([0, 1, 2, 8, 8, 13]) * day
    lead = np.array([0, 0, 1, 0, 2, 3])
    label = np.array([0, 1, 0, 1, 0, 1], np.int8)
    test_set = EvaluationSet(label, np.ones(6), lead, as_of, True, hot_per_week=1.0)
    rows, weeks = test_set.open_in_week
    assert sorted(zip(weeks, rows, strict=True)) == [(0, 1), (0, 2), (1, 3), (1, 4), (1, 5)]
    ranked = WeeklyList.of(test_set, np.array([9.0, 2.0, 1.0, 0.5, 0.5, 0.1]))
    called, converted = ranked.counts(np.ones(4))
    # week one calls row 1 (converts); in week two rows 3 and 4 tie and share the one call, which
    # for lead 0 is another call of the same lead
    assert called == pytest.approx(1.5, rel=0.1)
    assert converted == pytest.approx(1.0, rel=0.1)


def test_ties_share_what_capacity_is_left() -> None:
    n = 100
    label = (np.arange(n) % 4 == 0).astype(np.int8)
    test_set = EvaluationSet(label, np.ones(n), np.arange(n), np.arange(n), has_time=False)
    called, converted = WeeklyList.of(test_set, np.zeros(n)).counts(np.ones(n))
    assert (called, converted) == (pytest.approx(10), pytest.approx(2.5))


def test_gains_start_at_nothing_and_end_with_everything() -> None:
    curve = gains(GROUND, TRUTH)
    assert (curve[0], curve[-1]) == (0.0, 1.0)
    assert (np.diff(curve) >= 0).all()
    assert gains(GROUND, np.zeros(4000)) == pytest.approx(np.linspace(0, 1, 101))


def test_value_is_conversions_less_contacts() -> None:
    found = match(GROUND, rules=NOISE, learned=TRUTH)
    assert found.value is not None
    learned = found.value.by_score["learned"]
    rate = GROUND.label.mean()
    assert learned.curve[-1] == pytest.approx(100 * (rate * 100.0 - 5.0))  # call everybody
    assert learned.best >= found.value.by_score["rules"].best
    score = found.score_of("learned")
    cost_benefit = 100 * 0.1 * (score.converted_of_called.value * 100.0 - 5.0)
    assert learned.at_capacity == pytest.approx(cost_benefit, rel=1e-6)


def test_migration_counts_every_reference_once() -> None:
    view = match(GROUND, rules=NOISE, learned=TRUTH).bands
    assert sum(cell.share for row in view.migration for cell in row) == pytest.approx(1.0)
    for band, row in zip(view.rules, view.migration, strict=True):
        assert sum(cell.share for cell in row) == pytest.approx(band.share)
    swap = view.swap
    assert swap.only_rules.share + swap.both.share == pytest.approx(view.rules[2].share)
    assert swap.only_learned.share == pytest.approx(swap.only_rules.share, abs=0.002)


def test_a_capacity_sets_the_workload() -> None:
    test_set = ground_of(TRUTH - 2.0, seed=3, hot_per_week=20)
    view = match(test_set, rules=NOISE, learned=TRUTH).bands
    assert view.learned[2].leads == pytest.approx(200, abs=3)
    assert view.rules[2].leads == pytest.approx(200, abs=3)


def test_the_result_is_plain_data() -> None:
    found = match(GROUND, rules=NOISE, learned=TRUTH)
    again = json.loads(json.dumps(plain(found.to_dict())))
    assert again["verdict"]["finding"] == "use the learned score"
    assert len(again["scores"]) == 2


@pytest.mark.parametrize("missing", ["rules", "learned"])
def test_both_sides_must_be_there(missing: str) -> None:
    other = {"rules": "learned", "learned": "rules"}[missing]
    with pytest.raises(ValueError, match="needs 'rules' and 'learned'"):
        compare_scores(GROUND, [ScoreColumn(other, "", "", TRUTH)], np.random.default_rng(0))


def test_one_class_cannot_be_compared() -> None:
    test_set = EvaluationSet(np.zeros(5, np.int8), np.ones(5), np.arange(5), np.arange(5))
    with pytest.raises(ValueError, match="ended all alike"):
        match(test_set, np.zeros(5), np.zeros(5))
