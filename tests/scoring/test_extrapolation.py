"""A model says when it is asked about older leads than it learned from."""

import numpy as np
import pytest
from drawn_history import us

from features.histories.arrays import NO_TIME
from scoring.extrapolation import is_extrapolating, oldest_learned_days


@pytest.mark.parametrize(
    ("as_of", "expected"),
    [("2024-03-01", False), ("2024-03-22", False), ("2024-03-22T23:59", False),
     ("2024-03-23", True), ("2025-01-01", True)],
)  # fmt: skip
def test_a_day_past_the_oldest_age_is_beyond(as_of, expected):
    created, asked = np.array([us("2024-03-01")]), np.array([us(as_of)])
    assert is_extrapolating(21.0, created, asked).tolist() == [expected]


def test_without_time_nothing_is_beyond():
    asked = np.array([us("2030-01-01")])
    assert not is_extrapolating(None, np.array([us("2024-03-01")]), asked).any()
    assert not is_extrapolating(21.0, np.array([NO_TIME]), asked).any()
    assert oldest_learned_days({}) is None
