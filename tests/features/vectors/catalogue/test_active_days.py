"""active_days: distinct UTC days with an interaction in the window."""

import pytest
from drawn_history import number

HISTORY = """
2024-03-01T00:00 page_view
2024-03-01T23:59 page_view
2024-03-02T00:00 page_view
2024-03-05T10:00 meeting
2024-03-05T11:00 page_view
"""


@pytest.mark.parametrize(
    ("topic", "window_days", "expected"),
    [("any", None, 3), ("page_view", None, 3), ("meeting", None, 1), ("any", 2.0, 1),
     ("page_view", 4.0, 2), ("webinar", None, 0)],
)  # fmt: skip
def test_active_days(topic, window_days, expected):
    got = number(HISTORY, "2024-03-06", topic, "active_days", window_days=window_days)
    assert got == expected
