"""Cuts: from the average, from capacity, from value, or as given."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from features.errors import UsageError
from training.open_leads import OpenLeads, open_in_recent_weeks
from training.thresholds import ThresholdPolicy, choose_thresholds, thresholds_without_signal

SCORES = np.arange(1, 101) / 101
ONES = np.ones(100)
TWO_WEEKS = OpenLeads(SCORES, weeks=2)


def test_default_cuts_are_the_average_and_three_times_its_odds() -> None:
    cuts, why = choose_thresholds(ThresholdPolicy(), np.full(10, 0.25), np.ones(10), None)
    assert cuts.warm == pytest.approx(0.25)
    assert cuts.hot == pytest.approx(0.5)
    assert why.startswith("default")


def test_capacity_makes_as_many_hot_as_can_be_called() -> None:
    cuts, _ = choose_thresholds(ThresholdPolicy(hot_per_week=5), SCORES, ONES, TWO_WEEKS)
    assert (cuts.hot <= SCORES).sum() == 10  # of the 50 open in each of two weeks, 5
    assert (cuts.warm <= SCORES).sum() == 30


def test_capacity_never_promises_more_than_it_can_serve_when_scores_tie() -> None:
    tied = np.array([0.9] * 30 + [0.1] * 70)
    cuts, _ = choose_thresholds(ThresholdPolicy(hot_per_week=5), tied, ONES, OpenLeads(tied, 2))
    assert (tied >= cuts.hot).sum() == 0


def test_capacity_above_all_leads_makes_all_hot() -> None:
    cuts, _ = choose_thresholds(ThresholdPolicy(hot_per_week=500), SCORES, ONES, TWO_WEEKS)
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


DAY_US = 86_400_000_000


def test_the_leads_of_a_week_are_those_open_in_it() -> None:
    """Created before its end, closed after its begin: the same by pandas."""
    rng = np.random.default_rng(0)
    leads = pd.DataFrame({"created": rng.integers(0, 60, 200)})
    leads["closed"] = leads.created + rng.integers(1, 25, 200)
    weeks = open_in_recent_weeks(
        leads.created.to_numpy() * DAY_US, leads.closed.to_numpy() * DAY_US, [0], 60 * DAY_US
    )
    assert len(weeks) == 8
    for number, week in enumerate(weeks):
        end = 60 - 7 * number
        there = leads[(leads.created < end) & (leads.closed > end - 7)]
        assert week.lead.tolist() == there.index.tolist()
        assert (week.as_of_us / DAY_US).tolist() == np.maximum(there.created, end - 7).tolist()


def test_weeks_in_which_nobody_is_open_are_left_out() -> None:
    weeks = open_in_recent_weeks(np.array([0]), np.array([3 * DAY_US]), [0, DAY_US], 70 * DAY_US)
    assert [week.as_of_us.tolist() for week in weeks] == [[DAY_US]]


def test_without_signal_everybody_is_in_one_band_that_says_so() -> None:
    for rate in (1e-6, 0.1, 0.5, 0.95):
        cuts, why = thresholds_without_signal(rate)
        assert cuts.bands_of(np.array([rate])).tolist() == ["cold"]
        assert "no band separates leads" in why
