"""The edges: ties, sub-second moments, daylight saving, leap days, 1970 and 9999, crowds."""

import math

import numpy as np
import pytest
from drawn_history import history, number, us

from features.errors import DataError
from features.histories.arrays import References
from features.histories.from_records import LeadRecord, RecordColumns, histories_from_records
from features.vectors.compute import compute_vectors
from features.vectors.spec import Feature, FeatureSpec


def count(drawn, as_of, window_days=None):
    return number(drawn, as_of, "page_view", "count", window_days=window_days)


def test_sub_second_moments_are_reported_apart():
    drawn = "2024-03-01T10:00:00.000001 page_view"
    assert count(drawn, "2024-03-01T10:00:00.000001") == 0
    assert count(drawn, "2024-03-01T10:00:00.000002") == 1


def test_a_day_is_24_hours_when_clocks_change():
    drawn = "2024-03-30T12:00:00+01:00 page_view"  # the night after, Paris lost an hour
    assert count(drawn, "2024-03-31T12:00:00+02:00", 1.0) == 1  # 23 hours later
    assert count(drawn, "2024-03-31T13:00:00+02:00", 1.0) == 1  # 24 hours later
    assert count(drawn, "2024-03-31T13:00:00.000001+02:00", 1.0) == 0


def test_a_leap_day_counts():
    drawn = "2024-02-28T12:00 page_view"
    assert number(drawn, "2024-03-01T12:00", "any", "days_since_last") == 2
    assert number(drawn.replace("2024", "2023"), "2023-03-01T12:00", "any", "days_since_last") == 1


@pytest.mark.parametrize("year", ["1970", "9999"])
def test_far_years(year):
    drawn = f"{year}-01-02T03:00 page_view"
    lead = history(drawn, created=f"{year}-01-01")
    assert number(lead, f"{year}-12-31", "any", "count", window_days=365.0) == 1
    assert number(lead, f"{year}-01-03T03:00", "any", "days_since_last") == 1


def test_before_1970_days_and_weekdays_still_hold():
    lead = history("1969-12-28T10:00 page_view", created="1969-12-01")  # a Sunday
    assert number(lead, "1970-01-05", "any", "share_weekend") == 1
    assert number(lead, "1970-01-05", "any", "active_days") == 1


def test_what_happened_before_creation_is_known():
    lead = history("2024-03-01 page_view", created="2024-03-10")
    assert number(lead, "2024-03-10", "page_view", "count") == 1


def test_asking_before_creation_is_refused():
    lead = history("2024-03-01 page_view", created="2024-03-10")
    with pytest.raises(DataError, match="before its lead was created"):
        number(lead, "2024-03-09", "page_view", "count")


def test_interactions_of_the_same_moment_in_any_order():
    rows = [("page_view", 0.1), ("meeting", 0.2), ("page_view", 0.3), ("webinar", 0.1)]
    features = [Feature("interactions", kind, "is_last") for kind, _ in rows[1:]]
    total = Feature("interactions", "any", "value_total")
    asked = References(np.array([0]), np.array([us("2024-03-02")]))
    got = set()
    for turn in range(4):
        kinds, values = zip(*(rows[turn:] + rows[:turn]), strict=True)
        rows_of_lead = RecordColumns(kinds, [us("2024-03-01")] * 4, values)
        lead = histories_from_records([LeadRecord("L", 0, {}, rows_of_lead)])
        got.add(compute_vectors(FeatureSpec((*features, total)), lead, asked).tobytes())
    assert len(got) == 1


def test_a_lead_without_interactions():
    assert count("", "2024-03-01") == 0
    assert math.isnan(number("", "2024-03-01", "any", "days_since_last"))


def test_a_million_interactions_of_one_lead():
    n = 1_000_000
    rng = np.random.default_rng(0)
    at = rng.integers(us("2023-01-01"), us("2024-01-01"), n)
    rows = RecordColumns(["page_view", "meeting"] * (n // 2), at.tolist())
    spec = FeatureSpec(
        (
            Feature("interactions", "any", "count", 30.0),
            Feature("interactions", "any", "sessions"),
            Feature("interactions", "meeting", "decayed", half_life_days=7.0),
        )
    )
    lead = histories_from_records([LeadRecord("L", 0, {}, rows)])
    got = compute_vectors(spec, lead, References(np.array([0]), np.array([us("2024-01-01")])))
    in_window = (at >= us("2023-12-02")).sum()
    assert got[0, 0] == in_window
    assert got[0, 1] == 1 + (np.diff(np.sort(at)) > 30 * 60 * 1_000_000).sum()
