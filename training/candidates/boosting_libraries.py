"""Fitted XGBoost and CatBoost classifiers as tables of nodes. Neither library is imported here.

XGBoost: its JSON model, `Introduction to Model IO <https://xgboost.readthedocs.io/en/stable/tutorials/saving_model.html>`_.
CatBoost: its JSON model, `JSON model tutorial
<https://github.com/catboost/catboost/blob/master/catboost/tutorials/model_analysis/model_export_as_json_tutorial.ipynb>`_.
"""

from __future__ import annotations

import json
import math
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from training.candidates.tree_text import NodeTable, double_thresholds

MIN_COUNT = 1e-6
"""Stands for a leaf that no training row reached, where a count must be above 0."""


def xgboost_trees(estimator: Any) -> tuple[list[NodeTable], float]:
    """The trees of a fitted ``XGBClassifier`` and the log-odds that it starts from.

    A row goes left where its value, rounded to single precision, is *below* the condition. After
    early stopping, the trees up to the best round. Raises ValueError for what is no sum of trees
    of numeric splits in log-odds.
    """
    booster = estimator.get_booster()
    best = getattr(estimator, "best_iteration", None) if estimator.early_stopping_rounds else None
    if best is not None:
        booster = booster[: best + 1]
    learner = json.loads(bytes(booster.save_raw("json")))["learner"]
    objective, kind = learner["objective"]["name"], learner["gradient_booster"]["name"]
    if objective != "binary:logistic" or kind != "gbtree":
        raise ValueError(f"XGBClassifier with objective {objective!r} and booster {kind!r}")
    base = float(str(learner["learner_model_param"]["base_score"]).strip("[]"))
    trees = [_xgboost_tree(tree) for tree in learner["gradient_booster"]["model"]["trees"]]
    return trees, math.log(base) - math.log1p(-base)


def _xgboost_tree(tree: dict[str, Any]) -> NodeTable:
    if any(tree["split_type"]):
        raise ValueError("XGBClassifier with categorical features")
    left = np.asarray(tree["left_children"], dtype=np.int64)
    condition = np.asarray(tree["split_conditions"], dtype=np.float32)  # of a leaf, its value
    below = np.nextafter(condition, np.float32(-np.inf)).astype(np.float64)
    return NodeTable(
        feature=np.asarray(tree["split_indices"], dtype=np.int64),
        threshold=double_thresholds(below),
        unknown_left=np.asarray(tree["default_left"], dtype=bool),
        left=left,
        right=np.asarray(tree["right_children"], dtype=np.int64),
        value=condition.astype(np.float64),
        count=np.maximum(np.asarray(tree["sum_hessian"], dtype=np.float64), MIN_COUNT),
    )


def catboost_trees(estimator: Any) -> tuple[list[NodeTable], float]:
    """The trees of a fitted ``CatBoostClassifier`` and the log-odds that it starts from.

    A row goes right where its value, rounded to single precision, is above the border. Raises
    ValueError for models with categorical, text or embedding features, or trees that are not
    symmetric.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.json"
        estimator.save_model(str(path), format="json")
        model = json.loads(path.read_text(encoding="utf-8"))
    if "oblivious_trees" not in model:
        raise ValueError("CatBoostClassifier with a grow_policy other than SymmetricTree")
    known = model["features_info"].get("float_features", [])
    if set(model["features_info"]) - {"float_features"}:
        raise ValueError("CatBoostClassifier with categorical, text or embedding features")
    scale, start = model["scale_and_bias"]
    unknown_right = {f["feature_index"]: f.get("nan_value_treatment") == "AsTrue" for f in known}
    flat = {f["feature_index"]: f["flat_feature_index"] for f in known}
    trees = [_catboost_tree(tree, scale, flat, unknown_right) for tree in model["oblivious_trees"]]
    return trees, float(np.ravel(start)[0])


def _catboost_tree(
    tree: dict[str, Any], scale: float, flat: dict[int, int], unknown_right: dict[int, bool]
) -> NodeTable:
    """Node k has the children 2k + 1 and 2k + 2; split i gives bit i of a leaf's number."""
    splits = tree["splits"] or []
    if any(split["split_type"] != "FloatFeature" for split in splits):
        raise ValueError("CatBoostClassifier with categorical features")
    depth, inner = len(splits), 2 ** len(splits) - 1
    position = np.arange(2**depth)
    number = sum(((position >> (depth - 1 - i)) & 1) << i for i in range(depth)) + 0 * position
    level = np.floor(np.log2(np.arange(inner) + 1)).astype(int)
    column = [split["float_feature_index"] for split in splits]
    pad = np.zeros(2**depth)
    count = np.asarray(tree["leaf_weights"], dtype=np.float64)[number]
    counts = [np.maximum(count, MIN_COUNT)]
    while len(counts[0]) > 1:
        counts.insert(0, counts[0].reshape(-1, 2).sum(axis=1))
    border = double_thresholds(np.array([split["border"] for split in splits], dtype=np.float64))
    side = np.array([not unknown_right[j] for j in column], dtype=bool)
    node = np.arange(inner)
    return NodeTable(
        feature=np.append(np.array([flat[j] for j in column], np.int64)[level], pad).astype(
            np.int64
        ),
        threshold=np.append(border[level], pad),
        unknown_left=np.append(side[level], pad).astype(bool),
        left=np.append(2 * node + 1, pad - 1).astype(np.int64),
        right=np.append(2 * node + 2, pad - 1).astype(np.int64),
        value=np.append(
            np.zeros(inner), scale * np.asarray(tree["leaf_values"], dtype=np.float64)[number]
        ),
        count=np.concatenate(counts),
    )
