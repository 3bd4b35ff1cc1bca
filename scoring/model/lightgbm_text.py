"""LightGBM's model text, read without LightGBM: numbers only, checked, nothing executed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.compute.array_types import Float64, Int32
from features.errors import ReleaseError

MISSING_NONE, MISSING_ZERO, MISSING_NAN = 0, 1, 2
"""How a split treats the unknown: as the number 0, as are zeros, or with a side of its own."""


MAX_TREES = 20_000


MAX_LEAVES = 4_096


@dataclass(frozen=True, slots=True)
class Tree:
    """One tree; inner nodes first, leaf ``i`` is written ``~i`` in ``left`` and ``right``.

    ``left`` is taken when value <= threshold; a threshold of +inf separates the known from the
    unknown. ``missing`` is one of the MISSING constants and
    ``default_left`` the side of the unknown. ``node_count``, ``leaf_count``: training rows.
    """

    feature: Int32
    threshold: Float64
    missing: npt.NDArray[np.uint8]
    default_left: npt.NDArray[np.bool_]
    left: Int32
    right: Int32
    node_count: Float64
    leaf_value: Float64
    leaf_count: Float64


def trees_only(text: str) -> str:
    """The text up to the last tree, without parameters and importances; LightGBM still reads it.

    What follows the trees names thread counts and file names and says nothing about the model.
    """
    head, mark, _ = text.partition("end of trees\n")
    if not mark:
        raise ReleaseError("LightGBM text: no line 'end of trees'; the file is truncated")
    return head + mark


def parse_trees(text: str) -> tuple[int, tuple[Tree, ...]]:
    """(number of features, trees) of a binary, single-output booster with numeric splits.

    Numbers are read as written (17 digits), so thresholds are LightGBM's own to the last bit.
    Raises ReleaseError for anything else: categorical or linear trees, a transformed output,
    indices out of range, a node without training rows, a tree that is not a tree.
    """
    sections = trees_only(text).removesuffix("end of trees\n").split("\nTree=")
    header = _fields(sections[0])
    objective = header.get("objective", "")
    wanted = {"num_class": "1", "num_tree_per_iteration": "1"}
    if any(header.get(name) != value for name, value in wanted.items()):
        raise ReleaseError("LightGBM text: not a model with one output per row")
    if "average_output" in sections[0].split("\n") or objective not in _LOG_ODDS:
        raise ReleaseError(f"LightGBM text: objective {objective!r} does not sum to log-odds")
    if len(sections) - 1 > MAX_TREES:
        raise ReleaseError(f"LightGBM text: more than {MAX_TREES} trees")
    width = _whole(header, "max_feature_idx") + 1
    return width, tuple(_tree(_fields(section), width) for section in sections[1:])


_LOG_ODDS = ("binary sigmoid:1", "cross_entropy", "custom")


def _fields(section: str) -> dict[str, str]:
    pairs = (line.partition("=") for line in section.split("\n"))
    return {name: value for name, mark, value in pairs if mark}


def _whole(fields: dict[str, str], name: str) -> int:
    value = fields.get(name, "")
    if not value.isascii() or not value.isdigit() or len(value) > 9:
        raise ReleaseError(f"LightGBM text: {name} is {value[:40]!r}; expected a whole number")
    return int(value)


def _array(
    fields: dict[str, str], name: str, length: int, max_value: float = np.finfo(np.float64).max
) -> Float64:
    try:
        values = [float(word) for word in fields.get(name, "").split()]
    except ValueError as problem:
        raise ReleaseError(f"LightGBM text: {name} holds something not a number") from problem
    array = np.array(values, dtype=np.float64)
    if (
        len(values) != length
        or not ((array >= -np.finfo(np.float64).max) & (array <= max_value)).all()
    ):
        raise ReleaseError(f"LightGBM text: {name} is not {length} finite numbers")
    return array


def _indices(fields: dict[str, str], name: str, length: int, low: int, high: int) -> Int32:
    array = _array(fields, name, length)
    if ((array != np.floor(array)) | (array < low) | (array >= high)).any():
        raise ReleaseError(f"LightGBM text: {name} points outside the model")
    return array.astype(np.int32)


def _tree(fields: dict[str, str], width: int) -> Tree:
    leaves = _whole(fields, "num_leaves")
    if not 1 <= leaves <= MAX_LEAVES:
        raise ReleaseError(f"LightGBM text: a tree of {leaves} leaves; 1 to {MAX_LEAVES} are read")
    if fields.get("num_cat") != "0" or fields.get("is_linear", "0") != "0":
        raise ReleaseError("LightGBM text: categorical splits and linear leaves are not read")
    inner = leaves - 1
    kind = _indices(fields, "decision_type", inner, 0, 16) if inner else np.zeros(0, np.int32)
    if ((kind & 1) != 0).any() or ((kind >> 2) > MISSING_NAN).any():
        raise ReleaseError("LightGBM text: a split that is not numeric")
    tree = Tree(
        feature=_indices(fields, "split_feature", inner, 0, width),
        threshold=_array(fields, "threshold", inner, max_value=np.inf),
        missing=(kind >> 2).astype(np.uint8),
        default_left=(kind & 2) != 0,
        left=_indices(fields, "left_child", inner, -leaves, inner),
        right=_indices(fields, "right_child", inner, -leaves, inner),
        node_count=_array(fields, "internal_count", inner),
        leaf_value=_array(fields, "leaf_value", leaves),
        leaf_count=_array(fields, "leaf_count", leaves) if inner else np.ones(1),
    )
    _check_shape(tree)
    return tree


def _check_shape(tree: Tree) -> None:
    """Every node but the root is the child of exactly one earlier node: no loop, no orphan."""
    inner = len(tree.feature)
    children = np.concatenate([tree.left, tree.right])
    parents = np.concatenate([np.arange(inner), np.arange(inner)])
    expected = np.concatenate([np.arange(-inner - 1, 0), np.arange(1, inner)])
    nodes = children >= 0
    if not np.array_equal(np.sort(children), expected[: 2 * inner]) and inner:
        raise ReleaseError("LightGBM text: a node with no parent or with two")
    if (children[nodes] <= parents[nodes]).any():
        raise ReleaseError("LightGBM text: a node is its own ancestor")
    if (tree.node_count <= 0).any() or (tree.leaf_count <= 0).any():
        raise ReleaseError("LightGBM text: a node that no training row reached")
