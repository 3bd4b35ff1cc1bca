"""Intervals against their published forms."""

from __future__ import annotations

import numpy as np
import pytest

from training.evaluation.confidence import auc_difference, delong, rate_of, wilson
from training.evaluation.metrics import auc


def test_wilson_at_the_edges() -> None:
    none, every = wilson(0.0, 10), wilson(1.0, 10)
    assert none.low == 0.0
    assert none.high == pytest.approx(0.2775, abs=1e-4)  # Wilson 1927, 0 of 10
    assert every.low == pytest.approx(1 - 0.2775, abs=1e-4)
    assert np.isnan(wilson(0.5, 0).low)


def test_a_lead_asked_ten_times_counts_once() -> None:
    label, lead = np.tile(np.array([0, 1], np.int8), 10), np.tile([0, 1], 10)
    many = rate_of(label, np.full(20, 0.1), lead)
    once = rate_of(label[:2], np.ones(2), lead[:2])
    assert (many.low, many.high) == pytest.approx((once.low, once.high))


def slow_delong(label: np.ndarray, score: np.ndarray) -> tuple[float, float]:
    """DeLong, DeLong and Clarke-Pearson 1988, as printed."""
    x, y = score[label == 1], score[label == 0]
    above = (x[:, None] > y[None, :]) + 0.5 * (x[:, None] == y[None, :])
    v10, v01 = above.mean(axis=1), above.mean(axis=0)
    variance = v10.var(ddof=1) / len(x) + v01.var(ddof=1) / len(y)
    return float(above.mean()), float(np.sqrt(variance))


def test_delong_is_the_published_formula_when_each_lead_is_asked_once() -> None:
    rng = np.random.default_rng(3)
    label = (rng.random(80) < 0.3).astype(np.int8)
    score = np.round(label + rng.normal(size=80), 1)  # with ties
    found = delong(label, score, np.ones(80), np.arange(80))
    assert (found.value, found.standard_error) == pytest.approx(slow_delong(label, score))
    assert found.value == pytest.approx(auc(label, score, np.ones(80)))


def test_repeating_every_row_of_a_lead_changes_neither_value_nor_much_of_the_error() -> None:
    rng = np.random.default_rng(4)
    label = (rng.random(300) < 0.4).astype(np.int8)
    score = label + rng.normal(size=300)
    once = delong(label, score, np.ones(300), np.arange(300))
    thrice = delong(*(np.repeat(a, 3) for a in (label, score, np.full(300, 1 / 3), np.arange(300))))
    assert thrice.value == pytest.approx(once.value)
    assert thrice.standard_error == pytest.approx(once.standard_error, rel=0.01)


def test_the_difference_of_two_areas() -> None:
    rng = np.random.default_rng(5)
    label = (rng.random(500) < 0.3).astype(np.int8)
    good, noise = label + rng.normal(size=500), rng.normal(size=500)
    lead, one = np.arange(500), np.ones(500)
    better, p = auc_difference(delong(label, good, one, lead), delong(label, noise, one, lead))
    assert better.low > 0
    assert p < 1e-6
    same, p = auc_difference(delong(label, good, one, lead), delong(label, 2 * good, one, lead))
    assert (same.value, p) == (0.0, 1.0)


def test_one_class_has_no_area() -> None:
    assert np.isnan(delong(np.zeros(3, np.int8), np.arange(3.0), np.ones(3), np.arange(3)).value)
