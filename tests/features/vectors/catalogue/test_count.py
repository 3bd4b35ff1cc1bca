"""count: interactions with as_of - window <= occurred_at < as_of."""

import pytest
from drawn_history import number

HISTORY = """
2024-03-01T09:00 page_view
2024-03-08T12:00 meeting
2024-03-14T12:00 page_view
2024-03-15T11:59 page_view
2024-03-15T12:00 page_view
"""


@pytest.mark.parametrize(
    ("topic", "window_days", "expected"),
    [
        ("page_view", 1.0, 2),  # 14th 12:00 is exactly one day before: inside
        ("page_view", 7.0, 2),
        ("page_view", 30.0, 3),
        ("page_view", None, 3),  # what happens at as_of itself is not seen
        ("meeting", 7.0, 1),  # the 8th 12:00 is exactly seven days before: inside
        ("meeting", 6.999, 0),
        ("any", 7.0, 3),
        ("webinar", None, 0),
    ],
)
def test_count(topic, window_days, expected):
    got = number(HISTORY, "2024-03-15T12:00", topic, "count", window_days=window_days)
    assert got == expected


def test_one_microsecond_outside_the_window():
    drawn = "2024-03-14T11:59:59.999999 page_view"
    assert number(drawn, "2024-03-15T12:00", "page_view", "count", window_days=1.0) == 0


def test_own_acts_and_our_attempts_are_counted_apart():
    drawn = """
    2024-03-01 contact_attempt
    2024-03-02 page_view
    2024-03-03 email_sent
    """
    assert number(drawn, "2024-04-01", "inbound", "count") == 1
    assert number(drawn, "2024-04-01", "outbound", "count") == 2
    assert number(drawn, "2024-04-01", "any", "count") == 3
