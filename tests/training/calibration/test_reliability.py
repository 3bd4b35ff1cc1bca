"""The reliability diagram, its split of the score, and its picture."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.isotonic import IsotonicRegression

from training.calibration.reliability import isotonic, reliability
from training.charts.reliability import reliability_chart
from training.evaluation.metrics import brier, log_loss


def drawn(n: int, seed: int, shift: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Outcomes and the probabilities said of them, off by ``shift`` in log-odds."""
    rng = np.random.default_rng(seed)
    z = rng.normal(-2, 1.2, n)
    label = (rng.random(n) < 1 / (1 + np.exp(-z))).astype(np.int8)
    return label, 1 / (1 + np.exp(-z - shift))


def found(label: np.ndarray, probability: np.ndarray, **options: object):
    n = len(label)
    plain = {"draws": 100, "rng": np.random.default_rng(0)}
    return reliability(label, probability, np.ones(n), np.arange(n), **{**plain, **options})


rows = st.lists(
    st.tuples(st.sampled_from([0.0, 0.2, 0.5, 1.0]), st.sampled_from([0.5, 1.0, 4.0])), max_size=40
)


@settings(deadline=None)
@given(rows.filter(bool))
def test_isotonic_is_the_isotonic_regression(rows) -> None:
    mean, weight = (np.array(column) for column in zip(*rows, strict=True))
    expected = IsotonicRegression().fit(np.arange(len(mean)), mean, weight)
    np.testing.assert_allclose(
        isotonic(mean, weight), expected.predict(np.arange(len(mean))), atol=1e-12
    )


@pytest.mark.parametrize("shift", [0.0, 1.0])
def test_the_score_splits_exactly(shift: float) -> None:
    label, probability = drawn(3_000, 1, shift)
    seen = found(label, probability)
    one = np.ones(len(label))
    for split, score in (
        (seen.log_loss, log_loss(label, probability, one)),
        (seen.brier, brier(label, probability, one)),
    ):
        assert split.score == pytest.approx(score, abs=1e-12)
        parts = split.miscalibration - split.discrimination + split.uncertainty
        assert parts == pytest.approx(score, abs=1e-12)
        assert split.miscalibration >= 0
        assert split.discrimination >= 0
    rate = label.mean()
    assert seen.brier.uncertainty == pytest.approx(rate * (1 - rate))


def test_true_probabilities_stay_in_their_band_and_false_ones_do_not() -> None:
    chances = [found(*drawn(1_500, seed)).p_value for seed in range(20)]
    assert sum(p <= 0.1 for p in chances) <= 6
    assert np.mean([found(*drawn(1_500, seed)).outside for seed in range(20)]) < 0.25
    wrong = found(*drawn(3_000, 3, shift=0.8))
    assert wrong.p_value <= 0.01
    assert wrong.outside > 0.5


def test_ten_questions_about_a_lead_are_not_ten_leads() -> None:
    label, probability = drawn(300, 4)
    many = np.repeat(np.arange(300), 10)
    alone = found(label, probability)
    repeated = reliability(
        label[many], probability[many], np.full(3_000, 0.1), many, np.random.default_rng(0),
        draws=100,
    )  # fmt: skip
    np.testing.assert_allclose(repeated.high, alone.high, atol=1e-9)
    assert repeated.p_value == alone.p_value
    careless = found(label[many], probability[many])
    assert np.mean(careless.high) < np.mean(repeated.high) - 0.01


def test_one_probability_for_all() -> None:
    label = np.array([0, 1, 0, 0], np.int8)
    seen = found(label, np.full(4, 0.25))
    assert seen.predicted == seen.observed == [0.25]
    assert seen.log_loss.miscalibration == pytest.approx(0, abs=1e-12)
    assert seen.p_value > 0.3


def test_the_same_generator_gives_the_same_data() -> None:
    label, probability = drawn(500, 5)
    assert found(label, probability) == found(label, probability)


def test_the_picture_is_self_contained_and_well_formed() -> None:
    chart = reliability_chart(found(*drawn(800, 6)), title="Reliability <out of time>")
    tree = ET.fromstring(str(chart))
    assert tree[0].text == "Reliability <out of time>"
    assert "href" not in str(chart)
    assert "miscalibration" in str(chart)
