"""A straight line in log-odds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from features.errors import DataError
from training.model_selection.platt import base_rate_log_odds, platt


def drawn(n: int, slope: float, intercept: float) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.normal(-1, 1.5, n)
    return x, (rng.random(n) < 1 / (1 + np.exp(-slope * x - intercept))).astype(float)


def test_it_finds_the_line_it_was_drawn_from() -> None:
    slope, intercept = platt(*drawn(200_000, 0.6, -0.7))
    assert slope == pytest.approx(0.6, abs=0.02)
    assert intercept == pytest.approx(-0.7, abs=0.02)


def test_a_weight_of_two_is_the_lead_twice() -> None:
    x, y = drawn(200, 1.0, 0.0)
    twice = platt(np.concatenate([x, x]), np.concatenate([y, y]))
    assert platt(x, y, np.full(200, 2.0)) == pytest.approx(twice, abs=1e-6)


def test_a_score_that_misleads_gives_the_base_rate() -> None:
    x, y = drawn(5_000, 1.0, 0.0)
    assert platt(-x, y) == (0.0, base_rate_log_odds(y.sum(), len(y) - y.sum()))


def test_few_leads_move_little() -> None:
    slope, _ = platt(np.array([-1.0, 1.0]), np.array([0.0, 1.0]))
    assert 0.9 < slope < 1.3


def test_one_class_only_stays_finite() -> None:
    for y in (np.zeros(50), np.ones(50)):
        slope, intercept = platt(np.linspace(-2, 2, 50), y)
        assert 0 <= slope < 10
        assert abs(intercept) < 10


def test_equal_scores_and_no_leads() -> None:
    slope, intercept = platt(np.full(100, -3.0), np.repeat([0.0, 1.0], 50))
    assert slope * -3.0 + intercept == pytest.approx(0.0, abs=0.05)
    assert platt(np.zeros(0), np.zeros(0)) == (1.0, 0.0)


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(-50, 50), st.booleans(), st.floats(0, 5)), max_size=30))
@example([(0.0, False, 5e-324)])
def test_it_never_turns_the_order_round(rows) -> None:
    x, y, w = (np.array([row[i] for row in rows], dtype=float) for i in range(3))
    slope, intercept = platt(x, y, w)
    assert slope >= 0
    assert np.isfinite([slope, intercept]).all()


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(DataError):
        platt(np.array([np.inf]), np.array([1.0]))
    with pytest.raises(DataError):
        platt(np.zeros(2), np.zeros(3))
    with pytest.raises(DataError):
        platt(np.zeros(1), np.zeros(1), np.array([-1.0]))
