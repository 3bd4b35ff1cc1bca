"""Cuts: from the average, from capacity, from value, or as given."""

from __future__ import annotations

import numpy as np
import pytest

from features.errors import UsageError
from training.thresholds import ThresholdPolicy, choose_thresholds

SCORES = np.arange(1, 101) / 101
ONES = np.ones(100)


def test_default_cuts_are_the_average_and_three_times_its_odds() -> None:
    cuts, why = choose_thresholds(ThresholdPolicy(), np.full(10, 0.25), np.ones(10), None)
    assert cuts.warm == pytest.approx(0.25)
    assert cuts.hot == pytest.approx(0.5)
    assert why.startswith("default")


def test_capacity_makes_as_many_hot_as_can_be_called() -> None:
    cuts, _ = choose_thresholds(ThresholdPolicy(hot_per_week=5), SCORES, ONES, leads_per_week=50.0)
    assert (cuts.hot <= SCORES).sum() == 10  # 10 % of the leads that come in
    assert (cuts.warm <= SCORES).sum() == 30


def test_capacity_never_promises_more_than_it_can_serve_when_scores_tie() -> None:
    tied = np.array([0.9] * 30 + [0.1] * 70)
    cuts, _ = choose_thresholds(ThresholdPolicy(hot_per_week=5), tied, ONES, leads_per_week=50.0)
    assert (tied >= cuts.hot).sum() == 0


def test_capacity_above_all_leads_makes_all_hot() -> None:
    cuts, _ = choose_thresholds(
        ThresholdPolicy(hot_per_week=500), SCORES, ONES, leads_per_week=50.0
    )
    assert (cuts.hot <= SCORES).all()


def test_value_makes_a_lead_warm_where_a_contact_pays() -> None:
    choice = ThresholdPolicy(value_per_conversion=1000, cost_per_contact=50)
    cuts, _ = choose_thresholds(choice, SCORES, ONES, None)
    assert (cuts.warm, cuts.hot) == pytest.approx((0.05, 0.15))


def test_given_cuts_are_kept() -> None:
    cuts, why = choose_thresholds(ThresholdPolicy(warm=0.2, hot=0.6), SCORES, ONES, None)
    assert (cuts.warm, cuts.hot, why) == (0.2, 0.6, "given")


@pytest.mark.parametrize("level", [0.0, 1e-12, 0.5, 1.0])
def test_default_cuts_stay_in_order_for_any_average(level: float) -> None:
    cuts, _ = choose_thresholds(ThresholdPolicy(), np.full(5, level), np.ones(5), None)
    assert 0 < cuts.warm < cuts.hot < 1


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"hot_per_week": 0.0}, "above 0"),
        ({"warm": 0.1}, "go together"),
        ({"warm": 0.6, "hot": 0.5}, "warm < hot"),
        ({"value_per_conversion": 10.0}, "go together"),
        ({"value_per_conversion": 10.0, "cost_per_contact": 20.0}, "no contact ever pays"),
        ({"hot_per_week": 5.0, "warm": 0.1, "hot": 0.2}, "only one"),
    ],
)
def test_a_choice_that_makes_no_sense_is_refused(choice: dict[str, float], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        ThresholdPolicy(**choice)


def test_capacity_needs_time() -> None:
    with pytest.raises(UsageError, match="created_at"):
        choose_thresholds(ThresholdPolicy(hot_per_week=5), SCORES, ONES, None)
