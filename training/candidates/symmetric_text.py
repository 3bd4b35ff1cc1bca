"""A symmetric tree written out as an ordinary one, in LightGBM's text, which releases hold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from features.compute.array_types import Bools, Float64, Int64
from scoring.model.lightgbm_text import MISSING_NAN

DEFAULT_LEFT = 2
"""Bit of a split's decision type; the kind of missing value is in the two bits above it."""


@dataclass(frozen=True, slots=True)
class WrittenTree:
    """``column``, ``threshold``, ``unknown_left`` (depth): a row goes right at split d where its
    value is above the threshold. ``value``, ``count`` (2^depth): log-odds and training rows
    (at least 1) of the leaf whose bit d is set where the row went right at split d."""

    column: Int64
    threshold: Float64
    unknown_left: Bools
    value: Float64
    count: Int64


def written(trees: Sequence[WrittenTree], n_features: int, base: float) -> str:
    """The booster's text: a tree of one leaf with ``base``, then ``trees``."""
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
    sections = [_constant(base), *(_section(tree) for tree in trees)]
    body = [f"Tree={i}\n{section}\n" for i, section in enumerate(sections)]
    return "\n".join([*head, *body, "end of trees\n"])


def _constant(value: float) -> str:
    return _fields({"num_leaves": [1], "num_cat": [0], "leaf_value": [value], "shrinkage": [1]})


def _fields(fields: dict[str, list[int] | list[float]]) -> str:
    return "".join(f"{name}={' '.join(map(repr, values))}\n" for name, values in fields.items())


def _section(tree: WrittenTree) -> str:
    depth, leaves = len(tree.column), np.arange(len(tree.value))
    if depth == 0:
        return _constant(float(tree.value[0]))
    split: list[int] = []
    rows: list[int] = []
    left: list[int] = []
    right: list[int] = []
    for d in range(depth):
        deeper = (2 << d) - 1  # the number of the first node below
        for place in range(1 << d):  # bit e is set where the way here went right at split e
            further = place | 1 << d
            last = d == depth - 1
            split.append(d)
            rows.append(int(tree.count[leaves & ((1 << d) - 1) == place].sum()))
            left.append(~place if last else deeper + place)
            right.append(~further if last else deeper + further)
    kinds = [MISSING_NAN << 2 | (DEFAULT_LEFT if tree.unknown_left[d] else 0) for d in split]
    return _fields(
        {
            "num_leaves": [len(leaves)],
            "num_cat": [0],
            "split_feature": [int(tree.column[d]) for d in split],
            "threshold": [float(tree.threshold[d]) for d in split],
            "decision_type": kinds,
            "left_child": left,
            "right_child": right,
            "leaf_value": tree.value.tolist(),
            "leaf_count": tree.count.tolist(),
            "internal_count": rows,
            "shrinkage": [1],
        }
    )
