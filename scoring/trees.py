"""The tree part: a LightGBM booster walked by our own kernel, with exact TreeSHAP shares."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from features.errors import ReleaseError
from features.histories import Float64, Int32, Int64
from features.jit import compiled
from scoring.parts import count
from scoring.tree_groups import SPLITS_OF_A_GROUP, LeafGroups, group_leaves
from scoring.tree_paths import ZERO, Bool, FlatTrees, flatten, leaf_shares
from scoring.tree_text import MISSING_NAN, MISSING_ZERO, parse_trees, trees_only

TOGETHER = 16
"""So many rows go through a group of leaves together."""


@compiled
def goes_left(value: float, threshold: float, missing: int, default_left: bool) -> bool:
    """The side LightGBM takes at a numeric split (its Tree::NumericalDecision)."""
    if math.isnan(value):
        if missing == MISSING_NAN:
            return default_left
        value = 0.0
    if missing == MISSING_ZERO and -ZERO <= value <= ZERO:
        return default_left
    return value <= threshold


@compiled
def _add_groups(
    n: int, left: Bool, shares: Float64, node: Int32, feature: Int32, first: Int64, table: Float64
) -> None:
    """Add the shares of every group of leaves to n rows, given the sides that they take.

    Group by group, so that its table is fetched from memory once for all rows.
    """
    for group in range(first.shape[0]):
        a, b, c, d, e, f = node[group]
        for row in range(n):
            mask = int(left[row, a]) | int(left[row, b]) << 1 | int(left[row, c]) << 2
            mask |= int(left[row, d]) << 3 | int(left[row, e]) << 4 | int(left[row, f]) << 5
            at = first[group] + mask
            for j in range(SPLITS_OF_A_GROUP):
                shares[row, feature[group, j]] += table[at, j]


@compiled
def _add_leaves(
    n: int,
    left: Bool,
    shares: Float64,
    alone: Int64,
    leaf_value: Float64,
    path_start: Int64,
    path_node: Int32,
    path_left: Bool,
    path_slot: Int32,
    slot_start: Int64,
    slot_feature: Int32,
    slot_share: Float64,
    points: Float64,
    point_weights: Float64,
) -> None:
    """Add the shares of the leaves that are in no group to n rows."""
    most = np.max(np.diff(slot_start)) if slot_start.shape[0] > 1 else 0
    satisfied, own, scratch = np.empty(most, dtype=np.bool_), np.empty(most), np.empty(most)
    for row in range(n):
        for leaf in alone:
            first = slot_start[leaf]
            width = slot_start[leaf + 1] - first
            satisfied[:width] = True
            for step in range(path_start[leaf], path_start[leaf + 1]):
                if left[row, path_node[step]] != path_left[step]:
                    satisfied[path_slot[step]] = False
            leaf_shares(
                leaf_value[leaf],
                slot_share[first : first + width],
                satisfied[:width],
                points,
                point_weights,
                scratch[:width],
                own[:width],
            )
            for j in range(width):
                shares[row, slot_feature[first + j]] += own[j]


@compiled
def _add(
    vectors: Float64,
    scale: float,
    out: Float64,
    node_feature: Int32,
    node_threshold: Float64,
    node_missing: npt.NDArray[np.uint8],
    node_default_left: Bool,
    leaf_value: Float64,
    path_start: Int64,
    path_node: Int32,
    path_left: Bool,
    path_slot: Int32,
    slot_start: Int64,
    slot_feature: Int32,
    slot_share: Float64,
    points: Float64,
    point_weights: Float64,
    group_node: Int32,
    group_feature: Int32,
    group_first: Int64,
    group_table: Float64,
    alone: Int64,
) -> None:
    n_nodes, width = node_feature.shape[0], out.shape[1]
    left = np.zeros((TOGETHER, n_nodes + 1), dtype=np.bool_)  # none goes left at the one too many
    shares = np.empty((TOGETHER, width + 1))
    for low in range(0, vectors.shape[0], TOGETHER):
        n = min(TOGETHER, vectors.shape[0] - low)
        for row in range(n):
            for node in range(n_nodes):
                value = vectors[low + row, node_feature[node]]
                left[row, node] = goes_left(
                    value, node_threshold[node], node_missing[node], node_default_left[node]
                )
        shares[:] = 0.0
        _add_groups(n, left, shares, group_node, group_feature, group_first, group_table)
        _add_leaves(
            n, left, shares, alone, leaf_value, path_start, path_node, path_left, path_slot,
            slot_start, slot_feature, slot_share, points, point_weights,
        )  # fmt: skip
        for row in range(n):
            for column in range(width):
                out[low + row, column] += scale * shares[row, column]


@dataclass(frozen=True, eq=False)
class TreePart:
    """A booster in log-odds. ``text`` is LightGBM's, cut after the last tree.

    Contributions are exact path-dependent TreeSHAP values, those of LightGBM's pred_contrib,
    and the base is the mean over the training rows. Unknown (NaN) goes where LightGBM sends it.
    Build with :meth:`from_text`.
    """

    kind: ClassVar[str] = "trees"
    text: str
    n_features: int
    flat: FlatTrees
    groups: LeafGroups

    @classmethod
    def from_text(cls, text: str, n_features: int | None = None) -> TreePart:
        """Raises ReleaseError for text that is not a numeric single-output booster."""
        width, trees = parse_trees(text)
        if n_features is not None and width != n_features:
            raise ReleaseError(f"LightGBM text: {width} features; expected {n_features}")
        flat = flatten(trees)
        return cls(trees_only(text), width, flat, group_leaves(flat, width))

    @property
    def base(self) -> float:
        """The mean of the trees over the training rows, in log-odds."""
        return self.flat.base

    def add_contributions(self, vectors: Float64, scale: float, out: Float64) -> None:
        """Add ``scale`` × the share of each feature to ``out``, both (n, F) float64."""
        flat, groups = self.flat, self.groups
        _add(
            vectors, float(scale), out,
            flat.node_feature, flat.node_threshold, flat.node_missing, flat.node_default_left,
            flat.leaf_value, flat.path_start, flat.path_node, flat.path_left, flat.path_slot,
            flat.slot_start, flat.slot_feature, flat.slot_share, flat.points, flat.point_weights,
            groups.node, groups.feature, groups.first, groups.table, groups.alone,
        )  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """What stands beside the text; the trees themselves are in a file of their own."""
        return {"kind": self.kind, "n_features": self.n_features}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], text: str) -> TreePart:
        """Raises ReleaseError when the text does not fit."""
        return cls.from_text(text, count(data, "n_features"))
