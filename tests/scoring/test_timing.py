"""One coherent model of several horizons: longer is never less likely, the own one is the score."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.errors import DataError, ReleaseError
from scoring.model.log_odds import sigmoid
from scoring.timing import AgeClass, TimingCurves, converting_within

DAYS = np.array([0.0, 5.0, 30.0, 60.0, 90.0])
CURVES = TimingCurves(
    30.0,
    DAYS,
    (
        AgeClass(
            0.0, np.array([-3.0, 0.0]), np.array([[0, 0.1, 1, 1.8, 2.5], [0, 0.6, 1, 1.1, 1.2]])
        ),
        AgeClass(14.0, np.array([-2.0]), np.array([[0, 0.2, 1, 1.7, 2.1]])),
    ),
    np.array([10.0, 30.0]),
    np.stack([np.linspace(-0.7, 0.7, 11), np.linspace(-0.5, 0.5, 11)]),
    np.stack([np.linspace(-0.9, 0.9, 11), np.linspace(-0.7, 0.7, 11)]),
    {"start_us": 0, "expected": 3.5, "converted": 4},
)
horizons = st.lists(st.floats(0.01, 90.0), min_size=2, max_size=6).map(sorted)


@given(
    st.lists(st.tuples(st.floats(-40, 40), st.floats(0, 400)), min_size=1, max_size=20), horizons
)
def test_a_longer_horizon_is_never_less_likely(
    leads: list[tuple[float, float]], asked: list[float]
) -> None:
    z, age = (np.array(column) for column in zip(*leads, strict=True))
    p = sigmoid(z)
    so_far = np.zeros(len(z))
    for days in sorted([*asked, 30.0]):
        now = CURVES.probability(z, p, age, days)
        assert (now >= so_far - 1e-15).all()
        assert ((now >= 0) & (now <= 1)).all()
        assert (now <= p).all() if days <= 30 else (now >= p).all()
        so_far = now


def test_the_own_horizon_is_the_score_to_the_bit() -> None:
    z = np.random.default_rng(0).normal(-2, 2, 1000)
    p = sigmoid(z)
    assert CURVES.probability(z, p, np.zeros(1000), 30.0).tobytes() == p.tobytes()


def test_pace_by_hand() -> None:
    z, age = np.array([-3.0, -1.5, 0.0, 9.0, -2.0]), np.array([0.0, 13.9, 3.0, 3.0, 14.0])
    assert CURVES.pace(z, age, 5.0) == pytest.approx([0.1, 0.35, 0.6, 0.6, 0.2])
    assert CURVES.pace(z, age, 45.0) == pytest.approx([1.4, 1.225, 1.05, 1.05, 1.35])
    assert converting_within(
        np.array([0.19, 1.0, 1.0]), np.array([0.5, 2.0, 0.0])
    ) == pytest.approx([0.1, 1.0, 0.0])


@pytest.mark.parametrize("days", [0.0, -1.0, 90.5, float("nan")])
def test_an_unknown_horizon_is_refused(days: float) -> None:
    with pytest.raises(DataError, match="watched for at most 90 days"):
        CURVES.pace(np.zeros(1), np.zeros(1), days)


def test_the_level_of_a_period_depends_on_its_length() -> None:
    assert CURVES.level_of(30.0).tolist() == CURVES.level[1].tolist()
    assert CURVES.level_of(20.0)[-1] == pytest.approx(0.6)
    assert CURVES.level_of(90.0, part=True)[0] == pytest.approx(-0.7)
    assert CURVES.level_of(1.0, part=True)[0] == pytest.approx(-0.9)


def test_plain_data_and_back() -> None:
    again = TimingCurves.from_dict(json.loads(json.dumps(CURVES.to_dict())))
    assert again.to_dict() == CURVES.to_dict()


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        ({"days": [0.0, 30.0, 10.0, 60.0, 90.0]}, "do not ascend"),
        ({"days": [0.0, 5.0, 31.0, 60.0, 90.0]}, "not among the days"),
        ({"ages": []}, "list of a few ages"),
        ({"level": [[0.2, 0.1], [0.1, 0.2]]}, "quantiles"),
        ({"level_days": [30.0]}, "fit its days"),
        ({"last_period": 3}, "not a table"),
        ({"ages": [{"from_days": 1.0, "log_odds": [0.0], "pace": [[0, 0, 1, 1, 1]]}]}, "from 0"),
        ({"ages": [{"from_days": 0.0, "log_odds": [0.0], "pace": [[0, 0.5, 1, 0.9, 1]]}]}, "falls"),
        ({"ages": [{"from_days": 0.0, "log_odds": [0.0], "pace": [[0, 0.5, 1]]}]}, "does not fit"),
    ],
)
def test_a_broken_file_is_refused(broken: dict[str, object], why: str) -> None:
    with pytest.raises(ReleaseError, match=why):
        TimingCurves.from_dict({**CURVES.to_dict(), **broken})


def test_a_pace_other_than_one_at_the_horizon_is_refused() -> None:
    age = AgeClass(0.0, np.zeros(1), np.array([[0, 0.1, 0.9, 1.8, 2.5]]))
    with pytest.raises(DataError, match="not 1 at the horizon"):
        replace(CURVES, ages=(age,))
