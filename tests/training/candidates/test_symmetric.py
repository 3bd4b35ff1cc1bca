"""Symmetric trees: what they see, what is served of them, and what they never do."""

from __future__ import annotations

import pickle

import lightgbm as lgb
import numpy as np
import pytest

from scoring.model.model import Model
from training.candidates.base import TrainingSet
from training.candidates.boosted import BoostedTrees
from training.candidates.symmetric import SymmetricTrees, binned, borders_of, ordered

WIDTH = 6
TOGETHER = (3, 4)
"""Columns of 0 and 1 that matter only together; column 5 has four ordered levels."""


def sample(rows: int = 3000, seed: int = 2) -> TrainingSet:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, WIDTH)).round(2)
    x[:, 3:5] = rng.integers(0, 2, (rows, 2))
    x[:, 5] = rng.integers(0, 4, rows)
    unknown = rng.random((rows, WIDTH)) < 0.1
    unknown[:, 4] = False  # always known
    chance = 1 / (1 + np.exp(-log_odds_of(x)))
    label = (rng.random(rows) < chance).astype(np.int8)
    x[unknown] = np.nan
    return TrainingSet(x, label, np.ones(rows))


def log_odds_of(x: np.ndarray) -> np.ndarray:
    return -1 + 1.4 * (x[:, 3] != x[:, 4]) + 0.5 * x[:, 0] + 0.3 * x[:, 5]


def asked() -> np.ndarray:
    """Rows seen, unknown throughout, zero, far outside, and unknown where it never was."""
    far = np.random.default_rng(3).normal(size=(40, WIDTH)) * 20
    never = sample().vectors[:40].copy()
    never[:, 4] = np.nan
    return np.vstack(
        [sample().vectors, np.full((1, WIDTH), np.nan), np.zeros((1, WIDTH)), far, never]
    )


def model_of(family: SymmetricTrees, trees: float) -> Model:
    return Model((family.fit(sample(), trees),), (1.0,), 1.0, 0.0, WIDTH)


def test_columns_that_matter_only_together_are_seen() -> None:
    rng = np.random.default_rng(9)
    learned, other = sample(1500, 4), rng.normal(size=(2000, WIDTH)).round(2)
    other[:, 3:5], other[:, 5] = rng.integers(0, 2, (2000, 2)), rng.integers(0, 4, 2000)
    truth = 1 / (1 + np.exp(-log_odds_of(other)))

    def excess(log_odds: np.ndarray) -> float:
        losses = truth * np.logaddexp(0, -log_odds) + (1 - truth) * np.logaddexp(0, log_odds)
        least = -(truth * np.log(truth) + (1 - truth) * np.log(1 - truth))
        return float((losses - least).mean())

    families = (SymmetricTrees(0), BoostedTrees("boosted", additive=False, seed=0))
    mine, theirs = (
        excess(f.fit_path(learned, other)[f.hyperparameter_grid.index(f.default_step)])
        for f in families
    )
    assert mine < 0.75 * theirs


def test_what_is_served_is_what_was_evaluated() -> None:
    family, rows = SymmetricTrees(0), asked()
    path = family.fit_path(sample(), rows)
    for trees in (25.0, 300.0):
        served = model_of(family, trees).log_odds(rows)
        np.testing.assert_allclose(
            served, path[family.hyperparameter_grid.index(trees)], atol=1e-12, rtol=0
        )


def test_contributions_are_lightgbms_tree_shap_of_the_same_text() -> None:
    part = SymmetricTrees(0).fit(sample(), 60)
    explained = Model((part,), (1.0,), 1.0, 0.0, WIDTH).explain(asked())
    theirs = lgb.Booster(model_str=part.text).predict(asked(), pred_contrib=True)
    np.testing.assert_allclose(explained.contributions, theirs[:, :-1], atol=1e-10, rtol=0)
    np.testing.assert_allclose(explained.base, theirs[0, -1], atol=1e-10, rtol=0)


def test_a_release_holds_them_as_data_and_gives_the_same_bits() -> None:
    model = model_of(SymmetricTrees(0), 60)
    again = Model.from_files(model.to_files())
    assert again.log_odds(asked()).tobytes() == model.log_odds(asked()).tobytes()
    assert again.to_files() == model.to_files()


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    text = SymmetricTrees(0).fit(sample(), 40).text
    assert SymmetricTrees(0).fit(sample(), 40).text == text
    assert pickle.loads(pickle.dumps(SymmetricTrees(0))).fit(sample(), 40).text == text
    assert SymmetricTrees(1).fit(sample(), 40).text != text


@pytest.mark.parametrize("way", [1, -1])
def test_a_column_that_a_person_insists_on_never_moves_the_score_against_it(way: int) -> None:
    monotone = (0, 0, 0, 0, 0, way)
    model = model_of(SymmetricTrees(0, monotone=monotone), 150)
    rows = np.repeat(sample().vectors[:300], 7, axis=0)
    rows[:, 5] = np.tile([-5.0, 0.0, 0.5, 1.0, 2.0, 3.0, 9.0], 300)
    steps = np.diff(model.log_odds(rows).reshape(300, 7), axis=1) * way
    assert steps.min() >= -1e-9
    risen = steps.sum(axis=1).mean()
    assert risen > 0.5 if way == 1 else risen < 0.2


def test_two_insisted_columns_are_kept_in_order_together() -> None:
    rng = np.random.default_rng(0)
    column, at = np.array([7, 2, 7, 9]), np.array([5, 1, 3, 2])
    for _ in range(50):
        value = ordered(rng.normal(size=16), column, at, np.array([1, -1, 1, 0]))
        bits = np.arange(16)[:, None] >> np.arange(4) & 1
        for leaf in range(16):
            if bits[leaf, 0] == 0 and bits[leaf, 2] == 1:
                assert value[leaf | 1] >= value[leaf]  # past the higher split of column 7
            if bits[leaf, 0] == 0 and bits[leaf, 2] == 0:
                assert value[leaf | 4] >= value[leaf]
            if bits[leaf, 1] == 0 and not (bits[leaf, 0] == 1 and bits[leaf, 2] == 0):
                assert value[leaf | 2] <= value[leaf]


def test_hidden_columns_are_not_read() -> None:
    part = SymmetricTrees(0, hidden=(0, 5)).fit(sample(), 60)
    assert not {0, 5} & set(part.flat.node_feature.tolist())


def test_columns_that_say_nothing_leave_the_base_rate() -> None:
    there = sample(200)
    flat = TrainingSet(np.zeros((200, WIDTH)), there.label, there.weight)
    part = SymmetricTrees(0).fit(flat, 25)
    shares = np.zeros((2, WIDTH))
    part.accumulate_contributions(np.zeros((2, WIDTH)), 1.0, shares)
    assert not shares.any()
    assert part.base == pytest.approx(there.base_log_odds, abs=0.02)


def test_bins_lie_between_the_values_and_unknown_has_its_own() -> None:
    vectors = np.array([[1.0], [3.0], [np.nan], [3.0], [4.0]])
    borders = borders_of(vectors)
    assert borders[0].tolist() == [2.0, 3.5]
    assert binned(vectors, borders)[0].tolist() == [1, 2, 0, 2, 3]
    many = borders_of(np.arange(10_000.0)[:, None])[0]
    assert len(many) == 62
    assert np.abs(np.diff(many) - 10_000 / 63).max() < 2


def test_equal_splits_are_looked_at_once() -> None:
    part = SymmetricTrees(0).fit(sample(), 60)
    assert len(part.groups.node) == 60
    assert len(part.groups.alone) == 0
    assert len(part.flat.node_feature) < 5 * 60
