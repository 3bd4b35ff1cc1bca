"""Intervals against the definition, refitted with one lead added at a time."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from features.errors import DataError, ReleaseError
from scoring.intervals import IntervalTable
from training.calibration.venn_abers import venn_abers


def naive(x: np.ndarray, y: np.ndarray, w: np.ndarray, score: float, label: float) -> float:
    """Isotonic regression with (score, label) added, read at the score."""
    regression = IsotonicRegression(y_min=0, y_max=1)
    regression.fit(np.append(x, score), np.append(y, label), np.append(w, 1.0))
    return float(regression.predict([score])[0])


calibration = st.lists(
    st.tuples(
        st.integers(-6, 6).map(float), st.sampled_from([0.0, 1.0]), st.sampled_from([0.5, 1.0, 3.0])
    ),
    min_size=1,
    max_size=30,
)


@settings(max_examples=150, deadline=None)
@given(calibration, st.lists(st.integers(-80, 80).map(lambda i: i / 10), min_size=1, max_size=8))
def test_it_is_the_definition(rows, scores) -> None:
    x, y, w = (np.array(column) for column in zip(*rows, strict=True))
    asked = np.array([*scores, *x[:3]])
    # asked with a probability inside any interval, so that nothing is widened
    table = venn_abers(x, y, w)
    low, high = table.interval(asked, np.full(len(asked), 0.5))
    for score, l, h in zip(asked.tolist(), low.tolist(), high.tolist(), strict=True):  # noqa: E741
        assert l == pytest.approx(min(naive(x, y, w, score, 0.0), 0.5), abs=1e-9)
        assert h == pytest.approx(max(naive(x, y, w, score, 1.0), 0.5), abs=1e-9)


def test_it_holds_the_probability_and_narrows_with_evidence() -> None:
    rng = np.random.default_rng(1)
    x = rng.normal(-1, 1, 20_000)
    y = (rng.random(len(x)) < 1 / (1 + np.exp(-x))).astype(float)
    asked = np.linspace(-3, 1, 50)
    probability = 1 / (1 + np.exp(-asked))
    widths = []
    for n in (50, 1_000, 20_000):
        low, high = venn_abers(x[:n], y[:n]).interval(asked, probability)
        assert ((low <= probability) & (probability <= high)).all()
        widths.append(float((high - low).mean()))
    assert widths[0] > widths[1] > widths[2]


def test_many_points_are_merged_and_little_is_lost() -> None:
    rng = np.random.default_rng(2)
    x = rng.normal(-1, 1, 10_000)
    y = (rng.random(len(x)) < 1 / (1 + np.exp(-x))).astype(float)
    exact, merged = venn_abers(x, y, max_points=10_000), venn_abers(x, y)
    assert len(merged.at) <= 2_000
    asked = np.linspace(-3, 1, 200)
    half = np.full(200, 0.5)
    for one, other in zip(exact.interval(asked, half), merged.interval(asked, half), strict=True):
        assert np.abs(one - other).mean() < 0.005


def test_nothing_is_known_without_references() -> None:
    low, high = venn_abers(np.zeros(0), np.zeros(0)).interval(np.zeros(1), np.full(1, 0.3))
    assert (low[0], high[0]) == (0.0, 1.0)


SPREAD = (np.array([-2.0, 0.0]), np.array([1.0, 0.5]))


def logistic(z: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-z))


def test_a_spread_widens_by_the_formula() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(-1, 1, 5_000)
    narrow = venn_abers(x, (rng.random(len(x)) < logistic(x)).astype(float))
    asked = np.array([-5.0, -2.0, -1.5, -1.0, 0.0, 0.7])
    p = logistic(asked)
    low, high = narrow.with_model_sd(*SPREAD, 2.0).interval(asked, p)
    one = np.interp(asked, *SPREAD)
    center = asked - (1 - 2 * p) * one**2 / 2
    inner_low, inner_high = narrow.interval(asked, p)
    np.testing.assert_allclose(low, np.minimum(inner_low, logistic(center - 2 * one)), atol=1e-12)
    np.testing.assert_allclose(high, np.maximum(inner_high, logistic(center + 2 * one)), atol=1e-12)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-20, 20), min_size=1, max_size=9), st.floats(0, 3))
def test_one_by_one_equals_all_at_once_and_the_score_is_inside(scores, spreads) -> None:
    table = venn_abers(np.array([-1.0, 0.0, 2.0]), np.array([0.0, 1.0, 1.0]))
    table = table.with_model_sd(*SPREAD, spreads)
    asked = np.array(scores)
    p = logistic(asked)
    low, high = table.interval(asked, p)
    assert ((low <= p) & (p <= high) & (low >= 0) & (high <= 1)).all()
    for i in range(len(asked)):
        alone = table.interval(asked[i : i + 1], p[i : i + 1])
        assert (alone[0][0], alone[1][0]) == (low[i], high[i])


def test_it_survives_its_file() -> None:
    table = venn_abers(np.array([-1.0, 0.0, 2.0]), np.array([0.0, 1.0, 1.0]))
    table = table.with_model_sd(*SPREAD, 2.0)
    again = IntervalTable.from_dict(table.to_dict())
    assert again.to_dict() == table.to_dict()


@pytest.mark.parametrize(
    "changes",
    [
        {"at": [1.0, 0.0]},
        {"low": [0.0]},
        {"high": [0.0, 0.5, 2.0]},
        {"low": [0.5, 0.1, 0.2]},
        {"spread": [0.1]},
        {"spread": [0.1, -0.1]},
        {"spread_at": [1.0, 1.0]},
        {"spreads": None},
    ],
)
def test_a_damaged_table_is_refused(changes: dict[str, list[float]]) -> None:
    plain = {"at": [0.0, 1.0], "low": [0.0, 0.1, 0.2], "high": [0.3, 0.4, 1.0]}
    plain |= {"spread_at": [-1.0, 1.0], "spread": [0.2, 0.1], "spreads": 2.0}
    IntervalTable.from_dict(plain)
    with pytest.raises(ReleaseError):
        IntervalTable.from_dict({**plain, **changes})


def test_unknown_numbers_are_refused() -> None:
    with pytest.raises(DataError):
        venn_abers(np.array([np.nan]), np.array([1.0]))
