"""Trees laid out flat for the kernels: one path per leaf, one slot per feature on the path."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from features.compute.array_types import Float64, Int32, Int64
from features.compute.jit import kernel
from scoring.model.lightgbm_text import Tree

T = TypeVar("T", bound=np.generic)


Bool = npt.NDArray[np.bool_]


TABLE_FEATURES = 5
"""A leaf with at most this many features on its path gets a table of 2^d × d shares."""


ZERO = float(np.float32(1e-35))
"""LightGBM's kZeroThreshold: what counts as zero where zeros count as missing."""


@dataclass(frozen=True, slots=True)
class FlatTrees:
    """All trees of a booster. Node arrays are (N,), leaf arrays (L,), ``*_start`` (L + 1,).

    Leaf ``l`` is reached if, for each of its steps ``path_start[l]:path_start[l + 1]``, node
    ``path_node`` goes left exactly when ``path_left``. Steps on the same feature share a slot;
    slot ``s`` belongs to ``slot_feature[s]``, and ``slot_share[s]`` of the training rows that
    enter its nodes take the path's side. ``table[table_start[l]:]`` holds the Shapley shares
    for every subset of satisfied slots, or ``table_start`` is −1 where that would be too big.
    ``base`` is the mean of the trees over the training rows.
    """

    node_feature: Int32
    node_threshold: Float64
    node_missing: npt.NDArray[np.uint8]
    node_default_left: Bool
    leaf_value: Float64
    path_start: Int64
    path_node: Int32
    path_left: Bool
    path_slot: Int32
    slot_start: Int64
    slot_feature: Int32
    slot_share: Float64
    table_start: Int64
    table: Float64
    points: Float64
    point_weights: Float64
    base: float


def flatten(trees: tuple[Tree, ...], *, shared_splits: bool = False) -> FlatTrees:
    """Lay the trees out in the order of the text; the leaves of a tree from left to right.

    ``shared_splits``: equal splits become one node, which is evaluated once for all of them.
    """
    nodes, numbers = _nodes(trees, shared_splits=shared_splits)
    steps: list[tuple[int, bool, int]] = []
    slots: list[tuple[int, float]] = []
    path_start, slot_start, values, base, first_node = [0], [0], [], 0.0, 0
    for tree in trees:
        base += float(tree.leaf_value @ tree.leaf_count) / float(tree.leaf_count.sum())
        for leaf, path in _paths(tree):
            features = list(dict.fromkeys(int(tree.feature[node]) for node, _ in path))
            shares = dict.fromkeys(features, 1.0)
            for node, left in path:
                feature = int(tree.feature[node])
                shares[feature] *= _share(tree, node, left)
                steps.append((numbers[first_node + node], left, features.index(feature)))
            slots.extend(shares.items())
            values.append(float(tree.leaf_value[leaf]))
            path_start.append(len(steps))
            slot_start.append(len(slots))
        first_node += len(tree.feature)
    return _with_tables(nodes, steps, slots, path_start, slot_start, values, base)


def _paths(tree: Tree) -> list[tuple[int, list[tuple[int, bool]]]]:
    """Leaves from left to right, each with its (node, goes left) steps, root first."""
    above: dict[int, list[tuple[int, bool]]] = {0 if len(tree.feature) else -1: []}
    for node in range(len(tree.feature)):
        path = above.pop(node)
        above[int(tree.left[node])] = [*path, (node, True)]
        above[int(tree.right[node])] = [*path, (node, False)]
    leaves = [(~place, path) for place, path in above.items() if path]
    return sorted(leaves, key=lambda leaf: [not left for _, left in leaf[1]])


def _share(tree: Tree, node: int, left: bool) -> float:
    child = int(tree.left[node] if left else tree.right[node])
    count = tree.node_count[child] if child >= 0 else tree.leaf_count[~child]
    return float(count / tree.node_count[node])


@dataclass(frozen=True, slots=True)
class _Nodes:
    """Splits, (N,) each."""

    feature: Int32
    threshold: Float64
    missing: npt.NDArray[np.uint8]
    default_left: Bool


def _nodes(trees: tuple[Tree, ...], *, shared_splits: bool) -> tuple[_Nodes, list[int]]:
    """The nodes to evaluate, and for each split of the text the number of its node."""
    every = _Nodes(
        _joined([tree.feature for tree in trees], np.int32),
        _joined([tree.threshold for tree in trees], np.float64),
        _joined([tree.missing for tree in trees], np.uint8),
        _joined([tree.default_left for tree in trees], np.bool_),
    )
    if not shared_splits:
        return every, list(range(len(every.feature)))
    splits = zip(
        every.feature.tolist(), every.threshold.tolist(), every.missing.tolist(),
        every.default_left.tolist(), strict=True,
    )  # fmt: skip
    number: dict[tuple[int, float, int, bool], int] = {}
    numbers = [number.setdefault(split, len(number)) for split in splits]
    _, first = np.unique(np.array(numbers, dtype=np.int64), return_index=True)
    kept = _Nodes(
        every.feature[first],
        every.threshold[first],
        every.missing[first],
        every.default_left[first],
    )
    return kept, numbers


def _with_tables(
    nodes: _Nodes,
    steps: list[tuple[int, bool, int]],
    slots: list[tuple[int, float]],
    path_start: list[int],
    slot_start: list[int],
    values: list[float],
    base: float,
) -> FlatTrees:
    starts = np.array(slot_start, dtype=np.int64)
    widths = np.diff(starts)
    sizes = np.where(widths <= TABLE_FEATURES, widths << np.minimum(widths, TABLE_FEATURES), 0)
    table_start = np.where(sizes > 0, np.cumsum(sizes) - sizes, -1).astype(np.int64)
    # Gauss-Legendre with k points is exact up to degree 2k - 1; the integrand has degree d - 1
    points, weights = np.polynomial.legendre.leggauss(
        max(1, (int(max(widths, default=1)) + 1) // 2)
    )
    shares = np.array([share for _, share in slots], dtype=np.float64)
    leaf_value = np.array(values, dtype=np.float64)
    table = np.zeros(int(sizes.sum()))
    points, weights = (points + 1) / 2, weights / 2
    fill_table(leaf_value, starts, shares, table_start, points, weights, table)
    return FlatTrees(
        node_feature=nodes.feature,
        node_threshold=nodes.threshold,
        node_missing=nodes.missing,
        node_default_left=nodes.default_left,
        leaf_value=leaf_value,
        path_start=np.array(path_start, dtype=np.int64),
        path_node=np.array([node for node, _, _ in steps], dtype=np.int32),
        path_left=np.array([left for _, left, _ in steps], dtype=np.bool_),
        path_slot=np.array([slot for _, _, slot in steps], dtype=np.int32),
        slot_start=starts,
        slot_feature=np.array([feature for feature, _ in slots], dtype=np.int32),
        slot_share=shares,
        table_start=table_start,
        table=table,
        points=points,
        point_weights=weights,
        base=base,
    )


def _joined(arrays: list[npt.NDArray[T]], dtype: type[T]) -> npt.NDArray[T]:
    return np.concatenate([np.zeros(0, dtype), *arrays])


@kernel
def leaf_shares(
    value: float,
    shares: Float64,
    satisfied: Bool,
    points: Float64,
    weights: Float64,
    scratch: Float64,
    out: Float64,
) -> None:
    """Shapley values of one leaf, written into ``out`` (d,); ``scratch`` (d,) is overwritten.

    The leaf's game is v(S) = value × Π_{j in S} o_j × Π_{j not in S} z_j, with o_j 1 if the row
    satisfies slot j and z_j the training share that does (Lundberg et al. 2020, path-dependent
    TreeSHAP). Its Shapley value is value × (o_i − z_i) × ∫₀¹ Π_{j≠i} (t·o_j + (1−t)·z_j) dt
    (the multilinear extension, Owen 1972); the integrand is a polynomial, so Gauss-Legendre is
    exact. Nothing is divided by: every product skips slot i.
    """
    width = shares.shape[0]
    out[:] = 0.0
    for q in range(points.shape[0]):
        t = points[q]
        before = weights[q] * value
        for i in range(width):  # the product of the factors before slot i …
            factor = (1.0 - t) * shares[i] + (t if satisfied[i] else 0.0)
            scratch[i] = before
            before *= factor
        after = 1.0
        for i in range(width - 1, -1, -1):  # … times that of the factors after it
            out[i] += scratch[i] * after
            after *= (1.0 - t) * shares[i] + (t if satisfied[i] else 0.0)
    for i in range(width):
        out[i] *= (1.0 if satisfied[i] else 0.0) - shares[i]


@kernel
def fill_table(
    leaf_value: Float64,
    slot_start: Int64,
    slot_share: Float64,
    table_start: Int64,
    points: Float64,
    weights: Float64,
    table: Float64,
) -> None:
    """Write the shares of every leaf for every subset of satisfied slots (bit j is slot j)."""
    for leaf in range(leaf_value.shape[0]):
        if table_start[leaf] < 0:
            continue
        first, last = slot_start[leaf], slot_start[leaf + 1]
        width = last - first
        satisfied, scratch = np.zeros(width, dtype=np.bool_), np.empty(width)
        for mask in range(1 << width):
            for j in range(width):
                satisfied[j] = (mask >> j) & 1 == 1
            at = table_start[leaf] + mask * width
            leaf_shares(
                leaf_value[leaf],
                slot_share[first:last],
                satisfied,
                points,
                weights,
                scratch,
                table[at : at + width],
            )
