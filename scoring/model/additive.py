"""An additive model: one step function per feature, readable as a scorecard (a GAM)."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from features.compute.array_types import Float64, Int64
from features.compute.jit import kernel
from features.errors import DataError, ReleaseError
from features.language.plural import plural
from scoring.model.component import count, number, numbers
from scoring.model.lightgbm_text import MISSING_ZERO, Tree, parse_trees
from scoring.model.tree_shap import ZERO
from scoring.model.trees import goes_left


@kernel
def _add(
    vectors: Float64,
    scale: float,
    out: Float64,
    used: Int64,
    start: Int64,
    thresholds: Float64,
    shares: Float64,
    unknown: Float64,
) -> None:
    for row in range(vectors.shape[0]):
        for k in range(used.shape[0]):
            column = used[k]
            value = vectors[row, column]
            if math.isnan(value):
                out[row, column] += scale * unknown[k]
                continue
            low, high = start[k], start[k + 1]
            while low < high:
                middle = (low + high) // 2
                if value <= thresholds[middle]:
                    high = middle
                else:
                    low = middle + 1
            # feature k has one share more than thresholds, so its shares start k further on
            out[row, column] += scale * shares[low + k]


@dataclass(frozen=True, slots=True)
class StepFunction:
    """One feature's step function: value v is in step i if thresholds[i-1] < v <= thresholds[i].

    ``thresholds`` (t,) ascending; ``shares`` (t + 1,) and ``unknown`` in log-odds, centred so
    that they average zero over the training rows.
    """

    feature: int
    thresholds: Float64
    shares: Float64
    unknown: float


@dataclass(frozen=True, eq=False)
class AdditiveComponent:
    """intercept + Σ over features of that feature's step. Features without steps have no share."""

    kind: ClassVar[str] = "steps"
    n_features: int
    intercept: float
    steps: tuple[StepFunction, ...]

    def __post_init__(self) -> None:
        for step in self.steps:
            values = (*step.thresholds, *step.shares, step.unknown)
            if not np.isfinite(values).all() or len(step.shares) != len(step.thresholds) + 1:
                raise DataError(f"step part: feature {step.feature} has a step that is no number")
            if (np.diff(step.thresholds) <= 0).any():
                raise DataError(f"step part: thresholds of feature {step.feature} do not ascend")
        order = [step.feature for step in self.steps]
        if order != sorted(set(order)) or any(not 0 <= f < self.n_features for f in order):
            raise DataError("step part: features are not distinct, ascending and in range")
        start = np.cumsum([0, *(len(step.thresholds) for step in self.steps)]).astype(np.int64)
        flat = (
            np.array(order, dtype=np.int64),
            start,
            np.concatenate([np.zeros(0), *(step.thresholds for step in self.steps)]),
            np.concatenate([np.zeros(0), *(step.shares for step in self.steps)]),
            np.array([step.unknown for step in self.steps], dtype=np.float64),
        )
        object.__setattr__(self, "_flat", flat)

    @property
    def base(self) -> float:
        """The mean log-odds over the training rows."""
        return float(self.intercept)

    def accumulate_contributions(self, vectors: Float64, scale: float, out: Float64) -> None:
        _add(vectors, float(scale), out, *self._flat)  # type: ignore[attr-defined]

    def table(self) -> list[tuple[int, float | None, float | None, float]]:
        """The whole model as rows (feature, from, to, share): from < value <= to.

        −inf and +inf are the open ends; the row of the unknown has None for both.
        """
        rows: list[tuple[int, float | None, float | None, float]] = []
        for step in self.steps:
            edges = [-math.inf, *step.thresholds.tolist(), math.inf]
            for low, high, share in zip(edges[:-1], edges[1:], step.shares.tolist(), strict=True):
                rows.append((step.feature, low, high, share))
            rows.append((step.feature, None, None, step.unknown))
        return rows

    def to_dict(self) -> dict[str, Any]:
        """Plain data, read back by :meth:`from_dict`."""
        steps = [
            {
                "feature": step.feature,
                "shares": step.shares.tolist(),
                "thresholds": step.thresholds.tolist(),
                "unknown": step.unknown,
            }
            for step in self.steps
        ]
        plain = {"kind": self.kind, "n_features": self.n_features, "intercept": self.intercept}
        return {**plain, "steps": steps}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> AdditiveComponent:
        """Raises ReleaseError when a field is missing, out of range or not finite."""
        steps = data.get("steps")
        if not isinstance(steps, list) or not all(isinstance(step, dict) for step in steps):
            raise ReleaseError("'steps' is missing or not a list of objects")
        read = tuple(
            StepFunction(
                count(step, "feature"),
                numbers(step, "thresholds"),
                numbers(step, "shares"),
                number(step, "unknown"),
            )
            for step in steps
        )
        try:
            return cls(count(data, "n_features"), number(data, "intercept"), read)
        except DataError as problem:
            raise ReleaseError(str(problem)) from problem


def additive_component_of(lightgbm_text: str, n_features: int) -> AdditiveComponent:
    """Compile a booster whose trees use one feature each into an AdditiveComponent, exactly.

    Shares are centred per tree over its training rows, which makes them the TreeSHAP values.
    Raises ReleaseError when a tree uses two features or the width is another.
    """
    width, trees = parse_trees(lightgbm_text)
    if width != n_features:
        raise ReleaseError(
            "LightGBM text: "
            + plural(width, "{n:,} feature", "{n:,} features")
            + f"; expected {n_features}"
        )
    intercept, of_feature = 0.0, dict[int, list[Tree]]()
    for tree in trees:
        features = np.unique(tree.feature)
        if len(features) > 1:
            raise ReleaseError("LightGBM text: a tree uses two features; it has no step function")
        intercept += _mean(tree)
        if len(features):
            of_feature.setdefault(int(features[0]), []).append(tree)
    steps = (_step_function(feature, of_feature[feature]) for feature in sorted(of_feature))
    return AdditiveComponent(n_features, intercept, tuple(steps))


def _mean(tree: Tree) -> float:
    return float(tree.leaf_value @ tree.leaf_count) / float(tree.leaf_count.sum())


def _step_function(feature: int, trees: list[Tree]) -> StepFunction:
    """Sum the trees of one feature at the right end of each step, where value <= threshold."""
    edges = np.unique(np.concatenate([tree.threshold for tree in trees]))
    if any((tree.missing == MISSING_ZERO).any() for tree in trees):
        edges = np.unique([*edges, np.nextafter(-ZERO, -1.0), ZERO])
    edges = edges[np.isfinite(edges)]
    ends = [*edges.tolist(), math.inf, math.nan]
    values = np.zeros(len(ends))
    for tree in trees:
        mean = _mean(tree)
        for i, end in enumerate(ends):
            values[i] += _leaf_value(tree, end) - mean
    return StepFunction(feature, edges, values[:-1].copy(), float(values[-1]))


def _leaf_value(tree: Tree, value: float) -> float:
    node = 0
    while node >= 0:
        left = goes_left(
            value, tree.threshold[node], tree.missing[node], bool(tree.default_left[node])
        )
        node = int(tree.left[node] if left else tree.right[node])
    return float(tree.leaf_value[~node])
