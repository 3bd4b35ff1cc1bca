"""Recency, gaps and trend: when things happened rather than how often."""

import math

import pytest
from drawn_history import number

HISTORY = """
2024-03-01T00:00 page_view
2024-03-03T12:00 page_view
2024-03-04T00:00 meeting
2024-03-11T00:00 page_view
"""


@pytest.mark.parametrize(
    ("topic", "aggregate", "expected"),
    [
        ("any", "days_since_last", 1.5),
        ("meeting", "days_since_last", 8.5),
        ("any", "days_since_first", 11.5),
        ("any", "gap_mean_days", 10 / 3),
        ("page_view", "gap_mean_days", 5),
        ("any", "gap_longest_days", 7),
        ("page_view", "gap_longest_days", 7.5),
        # 1 in the last week, 3 in the four weeks before: log((1 + 0.5) / (3 / 4 + 0.5))
        ("any", "trend", math.log(1.5 / 1.25)),
    ],
)
def test_rhythm(topic, aggregate, expected):
    got = number(HISTORY, "2024-03-12T12:00", topic, aggregate)
    assert got == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    "aggregate",
    ["days_since_last", "days_since_first", "gap_mean_days", "gap_longest_days", "trend"],
)
def test_never_is_unknown_rather_than_zero(aggregate):
    assert math.isnan(number(HISTORY, "2024-03-12", "webinar", aggregate))


@pytest.mark.parametrize("aggregate", ["gap_mean_days", "gap_longest_days"])
def test_one_interaction_has_no_gap(aggregate):
    assert math.isnan(number(HISTORY, "2024-03-12", "meeting", aggregate))
