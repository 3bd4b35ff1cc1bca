"""What widens the interval of a score, and how much of the truth such intervals hold."""

from __future__ import annotations

import numpy as np
import pytest

from scoring.model.log_odds import probability_of
from training.calibration.model_uncertainty import (
    MAX_BINS,
    MAX_SCALE,
    MIN_REFERENCES_PER_BIN,
    MIN_SCALE,
    STANDARD_DEVIATIONS,
    model_sd_by_score,
    scale_for,
)
from training.calibration.venn_abers import venn_abers

MANY = 20_000


def test_all_three_variances_count() -> None:
    rng = np.random.default_rng(0)
    final = rng.normal(size=MANY)
    candidates = [final + rng.normal(0, 0.4, MANY) for _ in range(2)]
    moved = final + rng.normal(0, 0.3, MANY)
    label = (np.arange(MANY) % 10 == 0).astype(float)
    at, spread = model_sd_by_score(final, moved, candidates, label, np.ones(MANY))
    assert len(at) == MAX_BINS
    assert (np.diff(at) > 0).all()
    np.testing.assert_allclose(spread**2, 0.3**2 + 0.4**2 + 1 / 100, atol=0.05)
    _, sparse = model_sd_by_score(final, moved, candidates, np.zeros(MANY), np.ones(MANY))
    np.testing.assert_allclose(sparse**2 - 1, 0.3**2 + 0.4**2, atol=0.05)


def test_a_spread_that_depends_on_the_score_is_followed() -> None:
    rng = np.random.default_rng(1)
    final = rng.uniform(-3, 3, MANY)
    moved = final + rng.normal(size=MANY) * np.where(final < 0, 0.2, 1.0)
    at, spread = model_sd_by_score(final, moved, [], np.ones(MANY), np.ones(MANY))
    assert spread[at < -0.5].max() < 0.25 < 0.9 < spread[at > 0.5].min()


def test_few_references_share_one_bin_and_equal_scores_one_point() -> None:
    few = np.arange(40.0)
    at, spread = model_sd_by_score(few, few + 1, [], np.zeros(40), np.ones(40))
    assert (len(at), spread.tolist()) == (1, [np.sqrt(2.0)])
    equal = np.full(500, 0.5)
    at, spread = model_sd_by_score(0 * equal, equal, [], np.zeros(500), np.ones(500))
    assert (at.tolist(), spread.tolist()) == ([0.0], [np.sqrt(1.25)])
    assert MIN_REFERENCES_PER_BIN < 500


def test_the_order_of_the_rows_is_irrelevant() -> None:
    rng = np.random.default_rng(4)
    final = rng.normal(size=1_000).round(1)
    moved, label = final + rng.normal(size=1_000), (rng.random(1_000) < 0.2).astype(float)
    shuffled = rng.permutation(1_000)
    one = model_sd_by_score(final, moved, [], label, np.ones(1_000))
    other = model_sd_by_score(final[shuffled], moved[shuffled], [], label[shuffled], np.ones(1_000))
    np.testing.assert_allclose(one, other, atol=1e-12)


def test_it_holds_the_truth_where_models_differ_as_they_differ_from_it() -> None:
    """Nine truths in ten, when model, rival and truth all stray alike."""
    rng = np.random.default_rng(2)
    seen = rng.normal(-2.5, 1.2, MANY)
    truth = seen + rng.normal(0, 0.6, MANY)
    label = (rng.random(MANY) < 1 / (1 + np.exp(-truth))).astype(float)
    candidates = [seen + rng.normal(0, 0.45, MANY) for _ in range(3)]
    final = seen + 0.15  # the average of truths lies above their centre
    moved = final + rng.normal(0, 0.4, MANY)
    at, spread = model_sd_by_score(final, moved, candidates, label, np.ones(MANY))
    table = venn_abers(final, label).with_model_sd(at, spread, STANDARD_DEVIATIONS)
    p = np.array([probability_of(z) for z in final])
    low, high = table.interval(final, p)
    true_p = 1 / (1 + np.exp(-truth))
    assert np.mean((low <= true_p) & (true_p <= high)) == pytest.approx(0.9, abs=0.03)
    narrow_low, narrow_high = venn_abers(final, label).interval(final, p)
    assert np.mean((narrow_low <= true_p) & (true_p <= narrow_high)) < 0.4


def test_the_variances_are_scaled_to_what_is_still_missed_within_limits() -> None:
    rng = np.random.default_rng(0)
    log_odds, variance = rng.normal(-2, 1, MANY), rng.uniform(0.1, 0.3, MANY)
    truth = log_odds + rng.normal(size=MANY) * np.sqrt(2 * variance)
    p, q = 1 / (1 + np.exp(-truth)), 1 / (1 + np.exp(-log_odds))
    excess = float((p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q))).mean())
    assert scale_for(excess, variance, log_odds, np.ones(MANY)) == pytest.approx(2, rel=0.15)
    assert scale_for(0.0, variance, log_odds, np.ones(MANY)) == MIN_SCALE
    assert scale_for(1.0, variance, log_odds, np.ones(MANY)) == MAX_SCALE
    assert scale_for(None, variance, log_odds, np.ones(MANY)) == 1.0
