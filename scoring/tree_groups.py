"""Leaves that hang on the same few splits, taken together: one look into a table for all.

Which sides a row takes at the splits of a group decides the shares of all its leaves, so their
sums stand ready for every combination of sides.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.histories import Float64, Int32, Int64
from features.jit import compiled
from scoring.tree_paths import Bool, FlatTrees

SPLITS_OF_A_GROUP = 6
"""A group's table has 2^6 rows at most: more makes fewer groups, but tables too large to cache."""


@dataclass(frozen=True, slots=True)
class LeafGroups:
    """Group ``g`` hangs on ``node[node_start[g]:node_start[g + 1]]`` and gives shares to
    ``feature[feature_start[g]:feature_start[g + 1]]``; ``table[table_start[g]:]`` has a row of
    them for every mask of its nodes that go left. ``alone``: leaves that are in no group.
    """

    node_start: Int64
    node: Int32
    feature_start: Int64
    feature: Int32
    table_start: Int64
    table: Float64
    alone: Int64


def group_leaves(flat: FlatTrees) -> LeafGroups:
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
    return _with_tables(flat, members, splits, alone)


def _with_tables(
    flat: FlatTrees, members: list[list[int]], splits: list[list[int]], alone: list[int]
) -> LeafGroups:
    features = [
        list(
            dict.fromkeys(
                feature
                for leaf in leaves
                for feature in flat.slot_feature[
                    flat.slot_start[leaf] : flat.slot_start[leaf + 1]
                ].tolist()
            )
        )
        for leaves in members
    ]
    sizes = [len(told) << len(nodes) for told, nodes in zip(features, splits, strict=True)]
    groups = LeafGroups(
        node_start=_starts(splits),
        node=np.array([node for nodes in splits for node in nodes], dtype=np.int32),
        feature_start=_starts(features),
        feature=np.array([f for told in features for f in told], dtype=np.int32),
        table_start=np.cumsum([0, *sizes])[:-1].astype(np.int64),
        table=np.zeros(sum(sizes)),
        alone=np.array(alone, dtype=np.int64),
    )
    member = np.array([leaf for leaves in members for leaf in leaves], dtype=np.int64)
    fill_groups(
        groups.node_start, groups.node, groups.feature_start, groups.feature, groups.table_start,
        groups.table, _starts(members), member, flat.path_start, flat.path_node, flat.path_left,
        flat.path_slot, flat.slot_start, flat.slot_feature, flat.table_start, flat.table,
    )  # fmt: skip
    return groups


def _starts(lists: list[list[int]]) -> Int64:
    return np.cumsum([0, *(len(one) for one in lists)]).astype(np.int64)


@compiled
def _place(of: Int32, first: int, last: int, wanted: int) -> int:
    """Where ``wanted`` stands within ``of[first:last]``."""
    for i in range(first, last):
        if of[i] == wanted:
            return i - first
    return -1


@compiled
def fill_groups(
    node_start: Int64,
    node: Int32,
    feature_start: Int64,
    feature: Int32,
    group_start: Int64,
    group_table: Float64,
    member_start: Int64,
    member: Int64,
    path_start: Int64,
    path_node: Int32,
    path_left: Bool,
    path_slot: Int32,
    slot_start: Int64,
    slot_feature: Int32,
    leaf_start: Int64,
    leaf_table: Float64,
) -> None:
    """Sum the leaves' own tables into ``group_table``, leaf by leaf."""
    for group in range(group_start.shape[0]):
        first_node, last_node = node_start[group], node_start[group + 1]
        first, last = feature_start[group], feature_start[group + 1]
        for mask in range(1 << (last_node - first_node)):
            row = group_start[group] + mask * (last - first)
            for at in range(member_start[group], member_start[group + 1]):
                leaf = member[at]
                width = slot_start[leaf + 1] - slot_start[leaf]
                satisfied = (1 << width) - 1
                for step in range(path_start[leaf], path_start[leaf + 1]):
                    bit = _place(node, first_node, last_node, path_node[step])
                    if ((mask >> bit) & 1 == 1) != path_left[step]:
                        satisfied &= ~(1 << path_slot[step])
                told = leaf_start[leaf] + satisfied * width
                for j in range(width):
                    wanted = slot_feature[slot_start[leaf] + j]
                    group_table[row + _place(feature, first, last, wanted)] += leaf_table[told + j]
