"""Linear fits in blocks are those in one piece; histograms by column give the same trees."""

from __future__ import annotations

import numpy as np
import pytest

from training.candidates import boosted, linear, newton
from training.candidates.base import TrainingSet
from training.candidates.boosted import BoostedTrees
from training.candidates.linear import LinearCandidate, fit_design, fit_logistic_path
from training.candidates.newton import fit_logistic_in_blocks, spread_rows


def _sample(n: int = 700) -> TrainingSet:
    rng = np.random.default_rng(3)
    vectors = rng.normal(size=(n, 5))
    vectors[:, 3] = rng.poisson(3, n)
    vectors[rng.random((n, 5)) < 0.1] = np.nan
    chance = 1 / (1 + np.exp(2 - np.nan_to_num(vectors[:, 0]) - 0.3 * np.nan_to_num(vectors[:, 3])))
    label = (rng.random(n) < chance).astype(np.int8)
    return TrainingSet(vectors, label, rng.uniform(0.2, 1.0, n))


@pytest.mark.parametrize("strength", [0.0003, 0.03, 0.3])
def test_blocks_find_the_same_line(monkeypatch: pytest.MonkeyPatch, strength: float) -> None:
    monkeypatch.setattr(newton, "ROWS_PER_BLOCK", 64)
    sample = _sample()
    design = fit_design(sample)
    coef, intercept = fit_logistic_in_blocks(design.matrix, sample, strength)
    [(expected, at)] = fit_logistic_path(design.matrix(sample.vectors), sample, (strength,))
    np.testing.assert_allclose(coef, expected, atol=2e-4)
    assert intercept == pytest.approx(at, abs=2e-4)


def test_a_large_fit_goes_through_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    sample = _sample()
    whole = LinearCandidate().fit(sample, 0.03)
    monkeypatch.setattr(linear, "MAX_ROWS_AT_ONCE", 100)
    blocks = LinearCandidate().fit(sample, 0.03)
    np.testing.assert_allclose(blocks.coef, whole.coef, atol=2e-4)
    assert not np.array_equal(blocks.coef, whole.coef)  # it was another way


def test_hidden_columns_of_a_large_matrix_are_left_out_without_a_copy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    sample = _sample()
    trees = BoostedTrees("b", additive=False, seed=1, hidden=(0,), feature_share=1.0)
    copied = trees.fit(sample, 16.0).to_dict()
    monkeypatch.setattr(boosted, "MIN_BYTES_MAPPED", 1)
    assert trees.fit(sample, 16.0).to_dict() == copied
    assert trees.gain_shares(sample, 16)[0] == 0.0


def test_rows_are_spread_over_all(monkeypatch: pytest.MonkeyPatch) -> None:
    sample = _sample(10)
    assert spread_rows(sample) is sample
    monkeypatch.setattr(newton, "MAX_ROWS_AT_ONCE", 4)
    np.testing.assert_array_equal(spread_rows(sample).weight, sample.weight[[0, 3, 6, 9]])


@pytest.mark.parametrize("additive", [True, False])
def test_histograms_by_column_give_the_same_trees(
    monkeypatch: pytest.MonkeyPatch, additive: bool
) -> None:
    sample = _sample()
    trees = BoostedTrees("b", additive=additive, seed=1)
    by_row = trees.fit(sample, 16.0).to_dict()
    monkeypatch.setattr(boosted, "MAX_ROWS_ROW_WISE", 10)
    assert "force_col_wise" in trees.settings(sample)
    assert trees.fit(sample, 16.0).to_dict() == by_row
