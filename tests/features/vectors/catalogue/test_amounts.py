"""value_total, value_mean, minutes_total, minutes_mean: known amounts only."""

import math

import pytest
from drawn_history import number

HISTORY = """
2024-03-01 order 100 600
2024-03-02 order -   -
2024-03-03 order 50  -
2024-03-04 call  -   90
"""


@pytest.mark.parametrize(
    ("topic", "aggregate", "expected"),
    [("order", "value_total", 150), ("order", "value_mean", 75), ("order", "minutes_total", 10),
     ("order", "minutes_mean", 10), ("call", "minutes_total", 1.5), ("call", "value_total", 0),
     ("any", "minutes_total", 11.5), ("any", "value_mean", 75), ("webinar", "value_total", 0)],
)  # fmt: skip
def test_amounts(topic, aggregate, expected):
    assert number(HISTORY, "2024-03-05", topic, aggregate) == expected


@pytest.mark.parametrize(
    ("topic", "aggregate"), [("call", "value_mean"), ("webinar", "minutes_mean")]
)
def test_without_a_known_amount_there_is_no_mean(topic, aggregate):
    assert math.isnan(number(HISTORY, "2024-03-05", topic, aggregate))


def test_a_window_leaves_older_amounts_out():
    got = number(HISTORY, "2024-03-05", "order", "value_total", window_days=2.0)
    assert got == 50
