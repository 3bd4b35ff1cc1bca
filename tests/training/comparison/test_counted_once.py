"""Every lead and every conversion counts once: the same figures in a few lines of pandas."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from training.comparison.bands import same_workload
from training.comparison.compare import Comparison, CostBenefit, compare_scores
from training.comparison.metrics import ScoreColumn
from training.comparison.test_set import EvaluationSet, WeeklyList
from training.comparison.verdict import Finding

DAY_US = 86_400_000_000
HORIZON_DAYS = 21.0


@pytest.fixture(scope="module")
def histories() -> pd.DataFrame:
    """300 leads over ten weeks, asked about at four ages until they close; half are lost."""
    rng = np.random.default_rng(4)
    leads = pd.DataFrame({"lead": np.arange(300), "created": rng.uniform(0, 70, 300)})
    leads["taste"] = rng.normal(size=300)
    leads["closed"] = leads.created + rng.gamma(2.0, 10.0, 300)
    leads["won"] = rng.random(300) < 1 / (1 + np.exp(1.0 - 1.5 * leads.taste))
    rows = leads.merge(pd.DataFrame({"age": [0.0, 7.0, 14.0, 30.0]}), how="cross")
    rows["at"] = rows.created + rows.age
    rows = rows[(rows["at"] < rows.closed) & (rows["at"] < 70)]
    rows["until"] = np.minimum(rows.closed, rows["at"] + HORIZON_DAYS)
    rows["label"] = rows.won & (rows.closed <= rows["at"] + HORIZON_DAYS)
    rows["learned"] = rows.taste + rng.normal(size=len(rows)) * 0.5
    rows["rules"] = rows.taste + rng.normal(size=len(rows)) * 2.0
    return rows.reset_index(drop=True)


def evaluation_set(rows: pd.DataFrame, hot_per_week: float | None = 4.0) -> EvaluationSet:
    return EvaluationSet(
        rows.label.to_numpy(np.int8),
        np.full(len(rows), 0.25),
        rows.lead.to_numpy(np.int64),
        (rows["at"] * DAY_US).to_numpy(np.int64),
        hot_per_week=hot_per_week,
        open_until_us=(rows.until * DAY_US).to_numpy(np.int64),
    )


@pytest.fixture(scope="module")
def found(histories: pd.DataFrame) -> Comparison:
    columns = [
        ScoreColumn("rules", "Rules", "", histories.rules.to_numpy()),
        ScoreColumn("learned", "Learned", "", histories.learned.to_numpy()),
        ScoreColumn("perfect", "Perfect", "", histories.label.to_numpy(np.float64)),
    ]
    return compare_scores(
        evaluation_set(histories),
        columns,
        np.random.default_rng(0),
        cost_benefit=CostBenefit(100.0, 5.0),
        resamples=50,
    )


def called_by_hand(rows: pd.DataFrame, score: str, per_week: int) -> pd.DataFrame:
    """The leads on any week's list of ``per_week``, with what became of them: plain pandas."""
    start, end = rows["at"].min(), rows["at"].max()
    n = round((end - start) / 7)
    width = (end - start) / n
    lists = []
    for week in range(n):
        begin = start + week * width
        seen = rows[rows["at"] < begin + width + (1e-6 if week == n - 1 else 0)]
        last = seen.sort_values("at").groupby("lead").tail(1)
        open_now = last[last.until > np.maximum(begin, last["at"])]
        lists.append(open_now.nlargest(per_week, score))
    return pd.concat(lists).groupby("lead", as_index=False).label.max()


@pytest.mark.parametrize("score", ["rules", "learned"])
def test_called_found_and_earned_are_those_of_pandas(
    histories: pd.DataFrame, found: Comparison, score: str
) -> None:
    called = called_by_hand(histories, score, 4)
    conversions = histories.groupby("lead").label.max().sum()
    row = found.score_of(score)
    assert (row.called, row.found) == (
        pytest.approx(len(called), abs=1), pytest.approx(called.label.sum(), abs=1),
    )  # fmt: skip
    assert found.conversions == conversions
    assert row.captured == pytest.approx(row.found / conversions)
    assert row.converted_of_called.value == pytest.approx(row.found / row.called)
    assert row.lift == pytest.approx(row.converted_of_called.value / (conversions / found.leads))
    assert found.value is not None
    earned = 100 * (row.found * 100.0 - row.called * 5.0) / found.leads
    assert found.value.by_score[score].at_capacity == pytest.approx(earned)


def test_a_perfect_score_with_room_enough_finds_every_conversion(histories: pd.DataFrame) -> None:
    test_set = evaluation_set(histories, hot_per_week=40.0)
    perfect = WeeklyList.of(test_set, histories.label.to_numpy(np.float64))
    once = np.ones(test_set.n_leads)
    assert perfect.counts(once)[1] == pytest.approx(test_set.converted.sum())


def test_the_list_of_a_week_is_taken_from_the_leads_open_in_it(histories: pd.DataFrame) -> None:
    test_set = evaluation_set(histories)
    rows, weeks = test_set.open_in_week
    open_leads = pd.DataFrame({"lead": test_set.lead[rows], "week": weeks})
    assert not open_leads.duplicated().any()
    assert len(rows) > len(histories)  # leads wait between their questions
    begin = test_set.as_of_us.min() + weeks * test_set._span_us // test_set.n_weeks
    assert (histories.until.to_numpy()[rows] * DAY_US > begin).all()


def test_bands_hold_every_lead_once_at_the_same_workload(
    histories: pd.DataFrame, found: Comparison
) -> None:
    for side in (found.bands.rules, found.bands.learned):
        assert sum(band.share for band in side) == pytest.approx(1.0)
    learned = called_by_hand(histories, "learned", 4)
    assert found.bands.learned[2].leads == pytest.approx(len(learned), abs=1)
    swap = found.bands.swap
    total = sum(s.leads for s in (swap.both, swap.only_rules, swap.only_learned, swap.neither))
    assert total == pytest.approx(found.leads, abs=2)


def test_without_a_capacity_the_learned_score_makes_as_many_hot_as_the_rules(
    histories: pd.DataFrame,
) -> None:
    test_set = evaluation_set(histories, None)
    band = np.where(histories.rules > 2, "hot", np.where(histories.rules > 1, "warm", "cold"))
    rules = ScoreColumn("rules", "Rules", "", histories.rules.to_numpy(), band.astype(object))
    learned = ScoreColumn("learned", "Learned", "", histories.learned.to_numpy())
    own, other, _ = same_workload(test_set, rules, learned)
    best = histories.groupby("lead").rules.max()
    by_hand = [(best <= 1).sum(), ((best > 1) & (best <= 2)).sum(), (best > 2).sum()]
    assert own.sum(axis=0).tolist() == by_hand
    assert other.sum(axis=0) == pytest.approx(by_hand)


def test_gains_count_leads_and_not_questions(histories: pd.DataFrame, found: Comparison) -> None:
    leads = histories.groupby("lead").agg(score=("learned", "max"), won=("label", "max"))
    ranked = leads.sort_values("score", ascending=False).won.cumsum() / leads.won.sum()
    at = round(0.3 * len(leads))
    assert found.gains["learned"][30] == pytest.approx(ranked.iloc[at - 1], abs=0.01)


def many(rng: np.random.Generator, n: int = 4000) -> tuple[np.ndarray, EvaluationSet]:
    truth = rng.normal(size=n) * 1.5 - 2.0
    label = (rng.random(n) < 1 / (1 + np.exp(-truth))).astype(np.int8)
    as_of = np.sort(rng.integers(0, 70 * DAY_US, n))
    return truth, EvaluationSet(label, np.ones(n), np.arange(n), as_of)


def verdict_of(
    test_set: EvaluationSet, rules: np.ndarray, learned: np.ndarray, probability: np.ndarray
) -> Comparison:
    columns = [
        ScoreColumn("rules", "Rules", "", rules),
        ScoreColumn("learned", "Learned", "", learned, probability=probability),
    ]
    return compare_scores(test_set, columns, np.random.default_rng(0), resamples=100)


def test_the_log_loss_is_that_of_the_probabilities_a_user_gets() -> None:
    """A model of another time: it ranks well, and says three times as much as is true."""
    rng = np.random.default_rng(8)
    truth, test_set = many(rng)
    wrong = 1 / (1 + np.exp(-(truth + 2.5)))
    found = verdict_of(test_set, truth + rng.normal(size=4000) * 2, truth, wrong)
    row = found.score_of("learned")
    clipped = np.where(test_set.label == 1, np.log(wrong), np.log(1 - wrong))
    assert row.log_loss.value == pytest.approx(-clipped.mean())
    assert row.recalibrated_log_loss.value < row.log_loss.value - 0.1
    assert found.verdict.finding is Finding.LEARNED
    assert "Do not count on its probabilities" in found.verdict.headline
    assert f"{row.log_loss.value:.4f} as a user gets them" in found.verdict.because[0]
    assert not found.score_of("rules").gives_probabilities
    assert found.calibration["learned"].p_value < 0.01


def test_a_swap_set_that_says_the_opposite_stops_the_verdict() -> None:
    """Better probabilities below, and a worse list: nobody is told that the learned is better."""
    rng = np.random.default_rng(9)
    truth, test_set = many(rng)
    top = truth > np.quantile(truth, 0.8)
    rules = np.where(top, 10 + truth, 0.0)
    learned = np.where(top, rng.normal(size=4000) + 3, truth)
    p = 1 / (1 + np.exp(-np.where(top, truth[top].mean(), truth)))
    found = verdict_of(test_set, rules, learned, p)
    assert found.bands.swap.gap.high < 0
    assert found.verdict.finding is Finding.CANNOT_TELL
    assert "its probabilities are better" not in found.verdict.headline
    assert "the leads that the rules would call convert more" in found.verdict.headline
