"""Our walk over LightGBM's trees against LightGBM itself."""

from __future__ import annotations

import lightgbm as lgb
import numpy as np
import pytest

from features.errors import ReleaseError
from scoring.model.additive import AdditiveComponent, additive_component_of
from scoring.model.model import Model
from scoring.model.tree_shap import ZERO
from scoring.model.trees import TreeComponent

WIDTH = 8


def table(rows: int = 1500) -> tuple[np.ndarray, np.ndarray]:
    """Numbers with unknowns, zeros, repeated values and an interaction."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=(rows, WIDTH)).round(2)
    x[rng.random(x.shape) < 0.2] = np.nan
    x[:, 3] = np.where(rng.random(rows) < 0.5, 0.0, x[:, 3])
    known = np.nan_to_num(x)
    chance = 1 / (1 + np.exp(-known[:, 0] - known[:, 1] * known[:, 2] - known[:, 3]))
    return x, (rng.random(rows) < chance).astype(float)


def booster(**settings: object) -> lgb.Booster:
    x, y = table()
    plain = {
        "objective": "binary",
        "max_depth": 3,
        "num_leaves": 8,
        "verbose": -1,
        "num_threads": 1,
    }
    return lgb.train({**plain, **settings}, lgb.Dataset(x, y), 25)


SETTINGS = {
    "missing by side": {},
    "zero as missing": {"zero_as_missing": True},
    "missing as zero": {"use_missing": False},
    "depth 6": {"max_depth": 6, "num_leaves": 40},
    "one leaf": {"min_data_in_leaf": 10_000},
}


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS.keys())
def test_contributions_are_lightgbms_tree_shap(settings: dict[str, object]) -> None:
    model = booster(**settings)
    part = TreeComponent.from_text(model.model_to_string(), WIDTH)
    x = np.vstack([table()[0], np.full((1, WIDTH), np.nan), np.zeros((1, WIDTH))])
    explained = Model((part,), (1.0,), 1.0, 0.0, WIDTH).explain(x)
    expected = np.asarray(model.predict(x, pred_contrib=True))
    np.testing.assert_allclose(explained.contributions, expected[:, :-1], atol=1e-9, rtol=0)
    np.testing.assert_allclose(explained.base, expected[0, -1], atol=1e-9, rtol=0)
    np.testing.assert_allclose(explained.probability, model.predict(x), atol=1e-9, rtol=0)


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS.keys())
def test_one_feature_per_tree_compiles_to_steps(settings: dict[str, object]) -> None:
    alone = [[i] for i in range(WIDTH)]
    model = booster(interaction_constraints=alone, **settings)
    part = additive_component_of(model.model_to_string(), WIDTH)
    x = np.vstack([table()[0], np.full((1, WIDTH), np.nan), np.zeros((1, WIDTH))])
    explained = Model((part,), (1.0,), 1.0, 0.0, WIDTH).explain(x)
    expected = np.asarray(model.predict(x, pred_contrib=True))
    np.testing.assert_allclose(explained.contributions, expected[:, :-1], atol=1e-9, rtol=0)
    np.testing.assert_allclose(explained.base, expected[0, -1], atol=1e-9, rtol=0)


def test_steps_read_as_a_table_that_reproduces_the_shares() -> None:
    text = booster(interaction_constraints=[[i] for i in range(WIDTH)]).model_to_string()
    part = additive_component_of(text, WIDTH)
    x = table()[0][:50]
    shares = np.zeros(x.shape)
    part.accumulate_contributions(x, 1.0, shares)
    by_hand = np.zeros(x.shape)
    for feature, low, high, share in part.table():
        values = x[:, feature]
        inside = np.isnan(values) if low is None else (values > low) & (values <= high)
        by_hand[inside, feature] += share
    assert by_hand.tobytes() == shares.tobytes()


def test_thresholds_split_exactly_as_trained() -> None:
    model = booster()
    part = TreeComponent.from_text(model.model_to_string())
    at = np.zeros((len(part.flat.node_threshold), WIDTH))
    at[np.arange(len(at)), part.flat.node_feature] = part.flat.node_threshold
    # LightGBM rounds what it is given to zero below 1e-35 before it looks at its threshold there
    at = at[np.abs(part.flat.node_threshold) > ZERO]
    scores = Model((part,), (1.0,), 1.0, 0.0, WIDTH)
    for x in (at, np.nextafter(at, np.inf)):
        np.testing.assert_allclose(scores.probability(x), model.predict(x), atol=1e-12)


def test_text_cut_after_the_trees_is_still_lightgbms() -> None:
    model = booster()
    part = TreeComponent.from_text(model.model_to_string())
    assert "parameters" not in part.text
    again = lgb.Booster(model_str=part.text).predict(table()[0])
    assert np.asarray(again).tobytes() == np.asarray(model.predict(table()[0])).tobytes()


def test_two_features_in_a_tree_are_no_step_function() -> None:
    with pytest.raises(ReleaseError, match="two features"):
        additive_component_of(booster().model_to_string(), WIDTH)


def test_categorical_splits_are_refused() -> None:
    x, y = table()
    x[:, 0] = np.arange(len(x)) % 5
    data = lgb.Dataset(x, y, categorical_feature=[0])
    model = lgb.train({"objective": "binary", "verbose": -1, "min_data_per_group": 1}, data, 5)
    y[:] = x[:, 0] == 2
    model = lgb.train({"objective": "binary", "verbose": -1, "min_data_per_group": 1}, data, 5)
    with pytest.raises(ReleaseError, match="categorical"):
        TreeComponent.from_text(model.model_to_string())


def swapped(text: str, name: str, value: str) -> str:
    start = text.index(f"\n{name}=") + len(name) + 2
    return text[:start] + value + text[text.index("\n", start) :]


DAMAGE = {
    "loop": ("left_child", "0 0 0 0 0 0 0"),
    "pointing outside": ("split_feature", "0 0 0 0 0 0 99"),
    "a word": ("leaf_value", "0 0 0 0 0 0 0 __import__"),
    "too few": ("threshold", "1 2"),
    "nan": ("leaf_value", "nan 0 0 0 0 0 0 0"),
    "no rows": ("leaf_count", "0 1 1 1 1 1 1 1"),
    "huge": ("num_leaves", "99999999"),
    "objective": ("objective", "regression"),
}


@pytest.mark.parametrize(("name", "value"), DAMAGE.values(), ids=DAMAGE.keys())
def test_damaged_text_is_refused(name: str, value: str) -> None:
    with pytest.raises(ReleaseError):
        TreeComponent.from_text(swapped(booster().model_to_string(), name, value))


def test_truncated_text_is_refused() -> None:
    text = booster().model_to_string()
    with pytest.raises(ReleaseError, match="truncated"):
        TreeComponent.from_text(text[: len(text) // 3])


def test_steps_survive_their_file() -> None:
    part = additive_component_of(booster(interaction_constraints=[[0]]).model_to_string(), WIDTH)
    again = AdditiveComponent.from_dict(part.to_dict())
    assert again.table() == part.table()
    assert again.intercept == part.intercept
