"""Sums of probabilities, with intervals of chance and of the level that leads share."""

from __future__ import annotations

import numpy as np
import pytest
from timing_curves import flat_curves

from features.errors import DataError
from scoring.forecast import ForecastLeads, drawn_totals, forecast_rows, interval_of
from scoring.model.log_odds import logit


def leads(p: np.ndarray, value: np.ndarray | None = None) -> ForecastLeads:
    return ForecastLeads(logit(p), p, np.zeros(len(p)), value)


def test_rows_by_hand() -> None:
    p = np.array([0.1, 0.2, 0.4, 0.5])
    some = leads(p, np.array([10.0, 20.0, 30.0, 40.0]))
    bands = np.array(["cold", "warm", "hot", "hot"], dtype=object)
    rows = forecast_rows(some, flat_curves(), [30.0, 60.0], {"band": bands})
    assert [(r.by, r.group, r.horizon_days, r.leads) for r in rows] == [
        ("all", "all", 30.0, 4), ("all", "all", 60.0, 4),
        ("band", "hot", 30.0, 2), ("band", "hot", 60.0, 2),
        ("band", "warm", 30.0, 1), ("band", "warm", 60.0, 1),
        ("band", "cold", 30.0, 1), ("band", "cold", 60.0, 1),
    ]  # fmt: skip
    assert rows[0].expected == pytest.approx(1.2)
    assert rows[0].value == pytest.approx(1 + 4 + 12 + 20)
    assert rows[1].expected == pytest.approx((1 - (1 - p) ** 2).sum())  # the pace is 2 at 60 days
    groups = [r for r in rows if r.by == "band" and r.horizon_days == 30]
    assert sum(r.expected for r in groups) == pytest.approx(rows[0].expected)
    assert all(r.low <= r.expected <= r.high for r in rows[:2])


def test_without_a_moving_level_the_interval_is_that_of_chance() -> None:
    """1,000 leads at 0.3: a standard deviation of 14.5, 1.645 of them on either side."""
    row = forecast_rows(leads(np.full(1000, 0.3)), flat_curves(), [30.0])[0]
    assert row.low == pytest.approx(300 - 1.645 * 14.5, abs=3)
    assert row.high == pytest.approx(300 + 1.645 * 14.5, abs=3)


def test_a_moving_level_does_not_average_out() -> None:
    """Many leads: chance is small, and the interval is what the level does to the sum."""
    level = np.linspace(-0.3, 0.3, 101)
    row = forecast_rows(leads(np.full(40_000, 0.05)), flat_curves(level), [30.0])[0]
    odds = 0.05 / 0.95 * np.exp([-0.27, 0.27])
    assert [row.low, row.high] == pytest.approx(40_000 * odds / (1 + odds), rel=0.02)


def test_large_and_small_sets_are_drawn_alike() -> None:
    rng = np.random.default_rng(1)
    p, value = rng.beta(1, 8, 12_000), rng.lognormal(3, 1, 12_000)
    level = np.zeros(40)
    approximate = drawn_totals(logit(p), np.ones(12_000), value, level, 0)
    halves = [drawn_totals(logit(p[i::2]), np.ones(6_000), value[i::2], level, i) for i in (0, 1)]
    for one, two, three in zip(approximate, *halves, strict=True):
        exact = two + three
        assert np.mean(one) == pytest.approx(np.mean(exact), rel=0.01)
        assert np.std(one) == pytest.approx(np.std(exact), rel=0.12)


def test_the_same_leads_give_the_same_interval_whatever_else_is_asked() -> None:
    p = np.linspace(0.05, 0.6, 50)
    alone = forecast_rows(leads(p), flat_curves(), [30.0], seed=3)
    beside = forecast_rows(
        leads(p), flat_curves(), [60.0, 30.0, 10.0], {"x": np.full(50, "a", object)}, seed=3
    )
    assert alone[0] == beside[1]


def test_no_lead_expects_nothing() -> None:
    row = forecast_rows(leads(np.zeros(0)), flat_curves(), [30.0])[0]
    assert (row.leads, row.expected, row.low, row.high) == (0, 0.0, 0.0, 0.0)


def test_an_unknown_value_is_refused() -> None:
    with pytest.raises(DataError, match="is unknown"):
        drawn_totals(np.zeros(1), np.ones(1), np.array([np.nan]), np.zeros(1), 0)


def test_interval_of_one_number() -> None:
    assert interval_of(np.full(20, 4.0), 0.9) == (4.0, 4.0)
