"""What widens the interval of a score, and how much of the truth such intervals hold."""

from __future__ import annotations

import numpy as np
import pytest

from scoring.intervals import venn_abers
from scoring.model import probability_of
from training.score_spread import BINS, FEWEST, SPREADS, spread_by_score


def test_both_differences_count() -> None:
    rng = np.random.default_rng(0)
    final = rng.normal(size=4_000)
    families = [final + rng.normal(0, 0.4, 4_000) for _ in range(2)]
    at, spread = spread_by_score(final, final + rng.normal(0, 0.3, 4_000), families, np.ones(4_000))
    assert len(at) == BINS
    assert (np.diff(at) > 0).all()
    np.testing.assert_allclose(spread, 0.5, atol=0.06)


def test_a_spread_that_depends_on_the_score_is_followed() -> None:
    rng = np.random.default_rng(1)
    final = rng.uniform(-3, 3, 10_000)
    moved = final + rng.normal(size=10_000) * np.where(final < 0, 0.2, 1.0)
    at, spread = spread_by_score(final, moved, [], np.ones(10_000))
    assert spread[at < -0.5].max() < 0.25 < 0.9 < spread[at > 0.5].min()


def test_few_references_share_one_bin_and_equal_scores_one_point() -> None:
    at, spread = spread_by_score(np.arange(40.0), np.arange(40.0) + 1, [], np.ones(40))
    assert (len(at), spread.tolist()) == (1, [1.0])
    at, spread = spread_by_score(np.zeros(500), np.full(500, 0.5), [], np.ones(500))
    assert (at.tolist(), spread.tolist()) == ([0.0], [0.5])
    assert FEWEST < 500


def test_it_holds_the_truth_where_models_differ_as_they_differ_from_it() -> None:
    """Nine truths in ten and more, when model, rival and truth all stray alike."""
    rng = np.random.default_rng(2)
    n = 20_000
    seen = rng.normal(-2.5, 1.2, n)
    truth = seen + rng.normal(0, 0.6, n)
    label = (rng.random(n) < 1 / (1 + np.exp(-truth))).astype(float)
    families = [seen + rng.normal(0, 0.45, n) for _ in range(3)]
    final = seen + 0.15  # the average of truths lies above their centre
    at, spread = spread_by_score(final, final + rng.normal(0, 0.4, n), families, np.ones(n))
    table = venn_abers(final, label).with_spread(at, spread, SPREADS)
    p = np.array([probability_of(z) for z in final])
    low, high = table.interval(final, p)
    true_p = 1 / (1 + np.exp(-truth))
    assert np.mean((low <= true_p) & (true_p <= high)) == pytest.approx(0.95, abs=0.03)
    narrow_low, narrow_high = venn_abers(final, label).interval(final, p)
    assert np.mean((narrow_low <= true_p) & (true_p <= narrow_high)) < 0.4
