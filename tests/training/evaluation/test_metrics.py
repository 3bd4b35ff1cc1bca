"""Metrics against their definitions and against scikit-learn; intervals over leads."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss, roc_auc_score
from sklearn.metrics import log_loss as sklearn_log_loss

from features.compute.array_types import Int8
from training.evaluation import metrics as evaluation


def _rows(seed: int, n: int) -> tuple[Int8, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    probability = rng.choice(rng.random(max(n // 3, 2)), n)  # with ties
    label = (rng.random(n) < probability).astype(np.int8)
    label[:2] = (0, 1)
    return label, probability, rng.random(n) + 0.1


@settings(max_examples=50, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.integers(4, 200))
def test_metrics_agree_with_scikit_learn(seed: int, n: int) -> None:
    label, probability, weight = _rows(seed, n)
    assert evaluation.log_loss(label, probability, weight) == pytest.approx(
        sklearn_log_loss(label, probability, sample_weight=weight)
    )
    assert evaluation.brier(label, probability, weight) == pytest.approx(
        brier_score_loss(label, probability, sample_weight=weight)
    )
    assert evaluation.auc(label, probability, weight) == pytest.approx(
        roc_auc_score(label, probability, sample_weight=weight)
    )


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000), n=st.integers(10, 100))
def test_the_order_of_rows_is_irrelevant(seed: int, n: int) -> None:
    label, probability, weight = _rows(seed, n)
    order = np.random.default_rng(seed).permutation(n)
    for name, metric in evaluation.METRICS.items():
        there = metric(label, probability, weight)
        back = metric(label[order], probability[order], weight[order])
        assert there == pytest.approx(back, abs=1e-9), name


def test_a_calibrated_forecast_has_a_small_error_and_a_shifted_one_a_large() -> None:
    rng = np.random.default_rng(0)
    probability = rng.random(50_000)
    label = (rng.random(50_000) < probability).astype(np.int8)
    ones = np.ones(50_000)
    assert evaluation.calibration_error(label, probability, ones) < 0.01
    shifted = np.clip(probability + 0.1, 0, 1)
    assert evaluation.calibration_error(label, shifted, ones) > 0.08


def test_lift_of_one_probability_for_all_is_one() -> None:
    label = np.array([1, 0, 0, 0], np.int8)
    assert evaluation.top_decile_lift(label, np.full(4, 0.3), np.ones(4)) == pytest.approx(1.0)


def test_one_class_has_no_auc() -> None:
    zeros = np.zeros(5, np.int8)
    assert np.isnan(evaluation.auc(zeros, np.linspace(0, 1, 5), np.ones(5)))


def test_repeating_a_lead_does_not_narrow_the_interval() -> None:
    """The same hundred leads, asked about once and ten times: as uncertain as before."""
    label, probability, _ = _rows(1, 100)
    lead = np.arange(100)
    once = evaluation.evaluate(
        label, probability, np.ones(100), lead, np.random.default_rng(0), resamples=300
    )
    ten = evaluation.evaluate(
        np.tile(label, 10), np.tile(probability, 10), np.full(1000, 0.1), np.tile(lead, 10),
        np.random.default_rng(0), resamples=300,
    )  # fmt: skip
    for name in ("log_loss", "brier", "auc"):
        assert once[name].value == pytest.approx(ten[name].value)
        width, again = (m[name].high - m[name].low for m in (once, ten))
        assert again == pytest.approx(width, rel=0.15), name


def test_the_interval_of_a_paired_difference_covers_the_truth() -> None:
    """Of 100 worlds, about 95 intervals hold the expected difference."""
    held = 0
    truth = np.full(200, 0.3)
    other = np.full(200, 0.4)
    expected = 0.3 * np.log(0.4 / 0.3) + 0.7 * np.log(0.6 / 0.7)
    for world in range(100):
        rng = np.random.default_rng(world)
        label = (rng.random(200) < truth).astype(np.int8)
        gap = evaluation.loss_difference(
            label, truth, other, np.ones(200), np.arange(200), rng, resamples=200
        )
        held += gap.low <= expected <= gap.high
    assert 85 <= held <= 100


def test_nothing_to_evaluate_is_an_error() -> None:
    none = np.zeros(0)
    with pytest.raises(ValueError, match="no references"):
        evaluation.evaluate(
            none.astype(np.int8), none, none, none.astype(np.int64), np.random.default_rng(0)
        )
