"""Trees of any library as LightGBM's text, which releases hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from features.compute.array_types import Float64, Int64
from scoring.model.lightgbm_text import MISSING_NAN

DEFAULT_LEFT = 2
"""Bit of a split's decision type; the kind of missing value is in the two bits above it."""


@dataclass(frozen=True, slots=True)
class NodeTable:
    """A binary tree as (N,) arrays; node 0 is the root and a child comes after its parent.

    ``left``, ``right``: numbers of the children, negative at a leaf. A row goes left where its
    value is at most ``threshold``, an unknown one where ``unknown_left``. ``value``: of a leaf.
    ``count``: training rows, above 0.
    """

    feature: Int64
    threshold: Float64
    unknown_left: npt.NDArray[np.bool_]
    left: Int64
    right: Int64
    value: Float64
    count: Float64


def booster_text(trees: Sequence[NodeTable], n_features: int, start: float = 0.0) -> str:
    """A booster that sums the trees' leaves and ``start``."""
    head = [
        "tree",
        "version=v4",
        "num_class=1",
        "num_tree_per_iteration=1",
        "label_index=0",
        f"max_feature_idx={n_features - 1}",
        "objective=binary sigmoid:1",
        f"feature_names={' '.join(f'Column_{j}' for j in range(n_features))}",
        f"feature_infos={' '.join(['none'] * n_features)}",
        "",
    ]
    sections = [_constant(start)] if start != 0.0 else []
    sections += [_section(tree) for tree in trees]
    body = [f"Tree={i}\n{section}\n" for i, section in enumerate(sections)]
    return "\n".join([*head, *body, "end of trees\n"])


def _constant(value: float) -> str:
    return _fields({"num_leaves": [1], "num_cat": [0], "leaf_value": [value], "shrinkage": [1]})


def _fields(fields: dict[str, list[Any]]) -> str:
    return "".join(f"{name}={' '.join(map(repr, values))}\n" for name, values in fields.items())


def _section(tree: NodeTable) -> str:
    leaf = tree.left < 0
    if leaf[0]:
        return _constant(float(tree.value[0]))
    number = np.where(leaf, ~(np.cumsum(leaf) - 1), np.cumsum(~leaf) - 1)
    inner = np.flatnonzero(~leaf)
    kinds = (MISSING_NAN << 2) | np.where(tree.unknown_left[inner], DEFAULT_LEFT, 0)
    return _fields(
        {
            "num_leaves": [int(leaf.sum())],
            "num_cat": [0],
            "split_feature": tree.feature[inner].tolist(),
            "threshold": tree.threshold[inner].tolist(),
            "decision_type": kinds.tolist(),
            "left_child": number[tree.left[inner]].tolist(),
            "right_child": number[tree.right[inner]].tolist(),
            "leaf_value": tree.value[leaf].tolist(),
            "leaf_count": tree.count[leaf].tolist(),
            "internal_count": tree.count[inner].tolist(),
            "shrinkage": [1],
        }
    )


def double_thresholds(thresholds: Float64) -> Float64:
    """Thresholds for float64 values that part them as ``float32(value) <= threshold`` does.

    scikit-learn's trees round values to single precision first. The largest float64 that still
    rounds to a number at most the threshold lies half-way to the next single one, or just below
    where the half-way number is rounded up (round half to even).

    >>> limit = double_thresholds(np.array([0.1]))[0]
    >>> float(np.float32(limit)) <= 0.1, float(np.float32(np.nextafter(limit, 1))) <= 0.1
    (True, False)
    """
    single = thresholds.astype(np.float32)
    with np.errstate(over="ignore"):  # beyond the largest single-precision number is infinity
        single = np.where(single > thresholds, np.nextafter(single, np.float32(-np.inf)), single)
        above = np.nextafter(single, np.float32(np.inf))
    half = (single.astype(np.float64) + above.astype(np.float64)) / 2
    below = np.nextafter(half, -np.inf)
    return np.where(half.astype(np.float32) <= single, half, below)
