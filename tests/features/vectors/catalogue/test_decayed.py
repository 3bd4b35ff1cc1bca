"""decayed: each interaction counts half after every half-life."""

import pytest
from drawn_history import number

HISTORY = """
2024-03-01 page_view
2024-03-08 page_view
2024-03-15 meeting
"""


@pytest.mark.parametrize(
    ("topic", "half_life_days", "expected"),
    [("page_view", 7.0, 0.25 + 0.125), ("meeting", 7.0, 0.5), ("any", 7.0, 0.875),
     ("meeting", 3.5, 0.25), ("webinar", 7.0, 0.0)],
)  # fmt: skip
def test_decayed(topic, half_life_days, expected):
    got = number(HISTORY, "2024-03-22", topic, "decayed", half_life_days=half_life_days)
    assert got == pytest.approx(expected, abs=1e-15)
