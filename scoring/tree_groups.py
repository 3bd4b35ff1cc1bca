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


@compiled
def _place(of: Int32, wanted: int) -> int:
    """Where ``wanted`` stands."""
    place = 0
    while of[place] != wanted:
        place += 1
    return place


@compiled
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
            told = group_table[group_first[group] + mask]
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
                    told[_place(feature[group], wanted)] += leaf_table[own + j]
