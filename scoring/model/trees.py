"""Boosted trees: a LightGBM booster evaluated by a kernel here, with exact TreeSHAP shares."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from features.compute.array_types import Float64, Int32, Int64
from features.compute.jit import kernel
from features.errors import ReleaseError
from features.language.plural import plural
from scoring.model.component import count
from scoring.model.lightgbm_text import MISSING_NAN, MISSING_ZERO, parse_trees, trees_only
from scoring.model.tree_shap import ZERO, Bool, FlatTrees, flatten, leaf_shares

ROWS_PER_BLOCK = 16
"""So many rows go through a group of leaves at a time, while its table is in the cache."""


@kernel
def goes_left(value: float, threshold: float, missing: int, default_left: bool) -> bool:
    """The side LightGBM takes at a numeric split (its Tree::NumericalDecision)."""
    if math.isnan(value):
        if missing == MISSING_NAN:
            return default_left
        value = 0.0
    if missing == MISSING_ZERO and -ZERO <= value <= ZERO:
        return default_left
    return value <= threshold


@kernel
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


@kernel
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


@kernel
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
    left = np.zeros(
        (ROWS_PER_BLOCK, n_nodes + 1), dtype=np.bool_
    )  # none goes left at the one too many
    shares = np.empty((ROWS_PER_BLOCK, width + 1))
    for low in range(0, vectors.shape[0], ROWS_PER_BLOCK):
        n = min(ROWS_PER_BLOCK, vectors.shape[0] - low)
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


@dataclass(frozen=True, slots=True)
class LeafGroups:
    """Group ``g`` hangs on the splits ``node[g]`` and gives shares to ``feature[g]``.

    Both are (G, SPLITS_OF_A_GROUP); a place that is not needed holds the number after the last
    node, where no row ever goes left, or after the last feature, whose shares count nowhere, so
    that every group is the same work. ``table[first[g] + mask]`` (SPLITS_OF_A_GROUP,) are the
    shares for the mask of its splits that go left. ``alone``: leaves that are in no group.
    """

    node: Int32
    feature: Int32
    first: Int64
    table: Float64
    alone: Int64


@dataclass(frozen=True, eq=False)
class TreeComponent:
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
    shared_splits: bool = False

    @classmethod
    def from_text(
        cls, text: str, n_features: int | None = None, *, shared_splits: bool = False
    ) -> TreeComponent:
        """Raises ReleaseError for text that is not a numeric single-output booster.

        ``shared_splits``: the trees repeat few splits, as symmetric ones do, and equal ones are
        evaluated once. The order of the sums depends on it, so a release says which it is.
        """
        width, trees = parse_trees(text)
        if n_features is not None and width != n_features:
            raise ReleaseError(
                "LightGBM text: "
                + plural(width, "{n:,} feature", "{n:,} features")
                + f"; expected {n_features}"
            )
        flat = flatten(trees, shared_splits=shared_splits)
        groups = group_leaves(flat, width)
        return cls(trees_only(text), width, flat, groups, shared_splits)

    @property
    def base(self) -> float:
        """The mean of the trees over the training rows, in log-odds."""
        return self.flat.base

    def accumulate_contributions(self, vectors: Float64, scale: float, out: Float64) -> None:
        flat, groups = self.flat, self.groups
        _add(
            vectors, float(scale), out,
            flat.node_feature, flat.node_threshold, flat.node_missing, flat.node_default_left,
            flat.leaf_value, flat.path_start, flat.path_node, flat.path_left, flat.path_slot,
            flat.slot_start, flat.slot_feature, flat.slot_share, flat.points, flat.point_weights,
            groups.node, groups.feature, groups.first, groups.table, groups.alone,
        )  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """What model.json holds; the trees themselves are in a file of their own."""
        shared = {"shared_splits": True} if self.shared_splits else {}
        return {"kind": self.kind, "n_features": self.n_features, **shared}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], text: str) -> TreeComponent:
        """Raises ReleaseError when the text does not fit."""
        shared = data.get("shared_splits", False)
        if not isinstance(shared, bool):
            raise ReleaseError("'shared_splits' is neither true nor false")
        return cls.from_text(text, count(data, "n_features"), shared_splits=shared)


SPLITS_OF_A_GROUP = 6
"""A group's table has 2^6 rows at most: more makes fewer groups, but tables too large to cache."""


def group_leaves(flat: FlatTrees, n_features: int) -> LeafGroups:
    """Put neighbouring leaves together; those with too many splits or features stay alone."""
    members: list[list[int]] = []
    splits: list[list[int]] = []
    alone = []
    for leaf in range(len(flat.leaf_value)):
        path = flat.path_node[flat.path_start[leaf] : flat.path_start[leaf + 1]].tolist()
        if flat.table_start[leaf] < 0 or len(path) > SPLITS_OF_A_GROUP:
            alone.append(leaf)
            continue
        joined = list(dict.fromkeys([*splits[-1], *path])) if splits else path
        related = bool(splits) and path[0] == splits[-1][0]  # paths of a tree start at its root
        if related and len(joined) <= SPLITS_OF_A_GROUP:
            members[-1].append(leaf)
            splits[-1] = joined
        else:
            members.append([leaf])
            splits.append(path)
    return _with_tables(flat, n_features, members, splits, alone)


def _with_tables(
    flat: FlatTrees,
    n_features: int,
    members: list[list[int]],
    splits: list[list[int]],
    alone: list[int],
) -> LeafGroups:
    starts, of = flat.slot_start, flat.slot_feature
    features = [
        list(
            dict.fromkeys(
                feature
                for leaf in leaves
                for feature in of[starts[leaf] : starts[leaf + 1]].tolist()
            )
        )
        for leaves in members
    ]
    rows = [1 << len(nodes) for nodes in splits]
    groups = LeafGroups(
        node=_filled_up(splits, len(flat.node_feature)),
        feature=_filled_up(features, n_features),
        first=np.cumsum([0, *rows])[:-1].astype(np.int64),
        table=np.zeros((sum(rows), SPLITS_OF_A_GROUP)),
        alone=np.array(alone, dtype=np.int64),
    )
    member = np.array([leaf for leaves in members for leaf in leaves], dtype=np.int64)
    fill_groups(
        groups.node, groups.feature, groups.first, groups.table,
        np.cumsum([0, *map(len, members)]).astype(np.int64), member,
        flat.path_start, flat.path_node, flat.path_left, flat.path_slot,
        flat.slot_start, flat.slot_feature, flat.table_start, flat.table,
    )  # fmt: skip
    return groups


def _filled_up(lists: list[list[int]], nothing: int) -> Int32:
    array = np.full((len(lists), SPLITS_OF_A_GROUP), nothing, dtype=np.int32)
    for row, numbers in enumerate(lists):
        array[row, : len(numbers)] = numbers
    return array


@kernel
def _place(of: Int32, wanted: int) -> int:
    """The position of ``wanted``."""
    place = 0
    while of[place] != wanted:
        place += 1
    return place


@kernel
def fill_groups(
    node: Int32, feature: Int32, group_first: Int64, group_table: Float64,
    member_start: Int64, member: Int64,
    path_start: Int64, path_node: Int32, path_left: Bool, path_slot: Int32,
    slot_start: Int64, slot_feature: Int32, leaf_start: Int64, leaf_table: Float64,
) -> None:  # fmt: skip
    """Sum the leaves' own tables into ``group_table``, leaf by leaf."""
    for group in range(group_first.shape[0]):
        last = group_first[group + 1] if group + 1 < len(group_first) else len(group_table)
        for mask in range(last - group_first[group]):
            row_shares = group_table[group_first[group] + mask]
            for at in range(member_start[group], member_start[group + 1]):
                leaf = member[at]
                width = slot_start[leaf + 1] - slot_start[leaf]
                satisfied = (1 << width) - 1
                for step in range(path_start[leaf], path_start[leaf + 1]):
                    bit = _place(node[group], path_node[step])
                    if ((mask >> bit) & 1 == 1) != path_left[step]:
                        satisfied &= ~(1 << path_slot[step])
                own = leaf_start[leaf] + satisfied * width
                for j in range(width):
                    wanted = slot_feature[slot_start[leaf] + j]
                    row_shares[_place(feature[group], wanted)] += leaf_table[own + j]
