"""share_weekend, share_office_hours, usual_hour: the hours and weekdays of activity, in UTC."""

import math

import pytest
from drawn_history import number

HISTORY = """
2024-03-15T08:00 page_view
2024-03-15T17:59 page_view
2024-03-15T18:00 page_view
2024-03-16T10:00 meeting
"""  # a Friday and a Saturday


@pytest.mark.parametrize(
    ("topic", "aggregate", "expected"),
    [("any", "share_weekend", 0.25), ("any", "share_office_hours", 0.5),
     ("page_view", "share_weekend", 0.0), ("page_view", "share_office_hours", 2 / 3),
     ("meeting", "share_weekend", 1.0), ("meeting", "share_office_hours", 0.0)],
)  # fmt: skip
def test_shares(topic, aggregate, expected):
    assert number(HISTORY, "2024-03-17", topic, aggregate) == pytest.approx(expected)


def test_the_usual_hour_goes_round_midnight():
    drawn = """
    2024-03-01T23:00 page_view
    2024-03-03T01:00 page_view
    """
    hour = number(drawn, "2024-03-17", "any", "usual_hour")
    assert min(hour, 24 - hour) == pytest.approx(0, abs=1e-9)


def test_without_activity_there_is_no_hour():
    assert math.isnan(number("2024-03-18 page_view", "2024-03-17", "any", "usual_hour"))
