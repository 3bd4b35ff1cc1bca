"""Timing curves learned from leads that took a known time, some of them still open."""

from __future__ import annotations

import numpy as np
import pytest

from features.compute.array_types import DAY_US
from scoring.model.log_odds import logit, sigmoid
from scoring.timing import TimingCurves
from training.forecast.level import _quantiles
from training.forecast.timing import SeenReferences, days_of, timing_of

HORIZON = 30.0


def seen(
    n: int, rate: np.ndarray, rng: np.random.Generator, watched_days: float = 200.0
) -> SeenReferences:
    """``rate`` (n): conversions a day; references were made evenly over the days watched."""
    took = rng.exponential(1 / rate) * DAY_US
    watched = rng.uniform(HORIZON, watched_days, n) * DAY_US
    p = 1 - np.exp(-rate * HORIZON)
    return SeenReferences(
        logit(p), np.zeros(n), took.astype(np.int64), watched.astype(np.int64), np.ones(n, bool)
    )


def curves_of(some: SeenReferences) -> TimingCurves:
    days = days_of(HORIZON, some.watched_us)
    none = np.zeros((1, 1))
    ages = timing_of(some, days, HORIZON)
    return TimingCurves(HORIZON, days, ages, np.array([HORIZON]), none, none)


def test_a_constant_hazard_has_a_pace_of_days_over_horizon() -> None:
    rng = np.random.default_rng(0)
    curves = curves_of(seen(6000, np.exp(rng.normal(-5, 1, 6000)), rng))
    z = np.array([-4.0, -2.0, 0.0])
    for days in (10.0, 60.0, 120.0):
        assert curves.pace(z, np.zeros(3), days) == pytest.approx(np.full(3, days / 30), rel=0.15)
    assert 150 < curves.longest_days < 200  # a hundred leads were watched for longer


def test_open_leads_count_only_as_long_as_they_were_watched() -> None:
    """The same leads, most of them watched for little more than the horizon: the same curve."""
    rng = np.random.default_rng(1)
    rate = np.full(8000, 0.01)
    some = seen(8000, rate, rng)
    short = rng.uniform(size=8000) < 0.8
    watched = np.where(short, (HORIZON + rng.uniform(0, 5, 8000)) * DAY_US, some.watched_us)
    young = SeenReferences(
        some.log_odds, some.age_days, some.took_us, watched.astype(np.int64), some.converted
    )
    pace = [curves_of(one).pace(np.zeros(1), np.zeros(1), 90.0)[0] for one in (some, young)]
    assert pace == pytest.approx([3.0, 3.0], rel=0.1)


def test_who_is_lost_does_not_convert_later() -> None:
    """Half of the leads are lost on day 31: what came in 30 days comes half as often afterwards."""
    rng = np.random.default_rng(2)
    some = seen(8000, np.full(8000, 0.005), rng)
    lost = (rng.uniform(size=8000) < 0.5) & (some.took_us > 31 * DAY_US)
    took = np.where(lost, 31 * DAY_US, some.took_us)
    curves = curves_of(SeenReferences(some.log_odds, some.age_days, took, some.watched_us, ~lost))
    assert curves.pace(some.log_odds[:1], np.zeros(1), 60.0)[0] == pytest.approx(1.5, abs=0.1)


def test_old_leads_and_sure_leads_have_a_pace_of_their_own() -> None:
    rng = np.random.default_rng(3)
    quick, slow = seen(4000, np.full(4000, 0.02), rng), seen(4000, np.full(4000, 0.02), rng)
    halved = np.where(quick.took_us < HORIZON * DAY_US, quick.took_us // 4, quick.took_us)
    both = SeenReferences(
        np.concatenate([quick.log_odds, slow.log_odds]),
        np.repeat([0.0, 14.0], 4000),
        np.concatenate([halved, slow.took_us]),
        np.concatenate([quick.watched_us, slow.watched_us]),
        np.ones(8000, bool),
    )
    curves = curves_of(both)
    young, old = curves.pace(np.full(2, quick.log_odds[0]), np.array([0.0, 20.0]), 7.5)
    assert young == pytest.approx(1.0, abs=0.05)
    assert old == pytest.approx(0.25, abs=0.05)


def test_a_wrong_level_is_not_learned_as_a_timing() -> None:
    rng = np.random.default_rng(4)
    some = seen(6000, np.full(6000, 0.01), rng)
    twice = logit(np.minimum(2 * sigmoid(some.log_odds), 0.9))
    off = SeenReferences(twice, some.age_days, some.took_us, some.watched_us, some.converted)
    p = sigmoid(twice[:1])
    share = curves_of(off).probability(twice[:1], p, np.zeros(1), 15.0) / p
    truth = (1 - np.exp(-0.15)) / (1 - np.exp(-0.3))
    assert share[0] == pytest.approx(truth, abs=0.04)


def test_nothing_is_known_beyond_what_was_watched() -> None:
    rng = np.random.default_rng(5)
    some = seen(300, np.full(300, 0.02), rng, watched_days=30.0)
    assert curves_of(some).longest_days == HORIZON


def test_levels_that_move_widen_what_a_next_one_may_be() -> None:
    error = np.full(12, 0.05)
    still = _quantiles(np.zeros(12), error)
    moves = _quantiles(np.tile([0.5, -0.5], 6), error)
    few = _quantiles(np.zeros(1), np.full(1, 0.05))
    assert np.ptp(still[5:-5]) < 0.2
    assert moves[-5] == pytest.approx(1.645 * 0.5, rel=0.3)
    assert still[-5] < few[-5] < moves[-5]  # with one period little is known
    assert moves == pytest.approx(-moves[::-1], abs=1e-6)
    assert (np.diff(moves) >= 0).all()
