"""sessions: visits set apart by more than 30 minutes of silence."""

import pytest
from drawn_history import number

HISTORY = """
2024-03-01T10:00 page_view
2024-03-01T10:30 page_view
2024-03-01T11:00:00.000001 page_view
2024-03-04T09:00 offer_view
2024-03-04T09:10 page_view
"""


@pytest.mark.parametrize(
    ("topic", "window_days", "expected"),
    [
        ("any", None, 3),  # 10:00 and 10:30 are one; a microsecond over half an hour is two
        ("page_view", None, 3),
        ("offer_view", None, 1),
        ("any", 2.0, 1),
        ("webinar", None, 0),
    ],
)
def test_sessions(topic, window_days, expected):
    assert number(HISTORY, "2024-03-05", topic, "sessions", window_days=window_days) == expected


def test_a_window_that_cuts_a_session_counts_what_is_left_of_it():
    assert number(HISTORY, "2024-03-02T10:15", "any", "sessions", window_days=1.0) == 2
