"""Boosted symmetric trees: the candidate that sees columns which matter only together.

One split for a whole depth (``training.candidates.symmetric_kernel``), so that all 2^depth
combinations of a few columns are separated at once, and noise in small leaves is not followed.
What is served is the same tree written out as an ordinary one: the arithmetic, the shares and the
release format are those of the other trees.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.compute.array_types import Bools, Float64, Int64
from scoring.model.component import ModelComponent
from scoring.model.log_odds import sigmoid
from scoring.model.trees import TreeComponent
from training.candidates.base import TrainingSet
from training.candidates.newton import spread_rows
from training.candidates.symmetric_kernel import (
    MAX_BINS,
    UNKNOWN_BIN,
    UInt8,
    grow,
    leaves_of,
)
from training.candidates.symmetric_text import WrittenTree, written

N_TREES_GRID: tuple[float, ...] = (25, 50, 75, 100, 150, 200, 250, 300, 400, 500)
"""Steps of the path."""


DEFAULT_N_TREES = 300.0
"""Good on simulated sets of four kinds; another step must be clearly better to be used."""


CELLS_PER_SECOND = 1.7e8
"""Rows × columns × trees that the kernel reads in a second on one core at depth 3."""


SECONDS_PER_TREE = 2.5e-4
SECONDS_PER_COLUMN = 7e-6
"""What a tree costs beside, and for each column of the matrix."""


PENALTY = 5.0
"""Added to the curvature of a leaf: its value is shrunk as if by so many nats of evidence."""


MAX_ROWS_PER_TREE = 60_000
"""With more rows than this each tree's splits are chosen on a sample of so many."""


@dataclass(frozen=True, slots=True)
class SymmetricTrees:
    """Trees of ``depth`` splits, each chosen on a random ``feature_share`` of the columns.

    Splits are chosen with exponential weights on the rows (the Bayesian bootstrap, Rubin 1981);
    leaf values are one Newton step on all rows, times ``learning_rate``. ``monotone`` (F) of -1,
    0, 1, or empty: the direction in which each may move the score. ``hidden``: positions of columns
    that no tree reads.
    """

    seed: int
    name: str = "symmetric"
    depth: int = 5
    learning_rate: float = 0.05
    feature_share: float = 0.5
    hyperparameter_grid: tuple[float, ...] = N_TREES_GRID
    default_step: float | None = DEFAULT_N_TREES
    monotone: tuple[int, ...] = ()
    hidden: tuple[int, ...] = ()

    def path_seconds(self, n_rows: int, n_columns: int) -> float:
        columns_read = n_columns * self.feature_share
        reading = n_rows * columns_read * self.depth / 3 / CELLS_PER_SECOND
        per_tree = SECONDS_PER_TREE + n_columns * SECONDS_PER_COLUMN + reading
        return self.hyperparameter_grid[-1] * per_tree

    def fit_path(self, sample: TrainingSet, vectors: Float64) -> Float64:
        """Log-odds (steps, n), every tree evaluated once."""
        borders = borders_of(sample.vectors)
        test, leaf = binned(vectors, borders), np.empty(len(vectors), np.uint8)
        log_odds = np.full(len(vectors), sample.base_log_odds)
        path = []
        for number, tree in enumerate(
            self._grown(sample, borders, int(self.hyperparameter_grid[-1])), start=1
        ):
            leaves_of(test, tree.column, tree.bin, tree.unknown_left, leaf)
            log_odds = log_odds + tree.value[leaf]
            if number in self.hyperparameter_grid:
                path.append(log_odds)
        return np.stack(path)

    def fit(self, sample: TrainingSet, step: float) -> ModelComponent:
        """The component after ``step`` trees."""
        borders = borders_of(spread_rows(sample).vectors)
        trees = [
            WrittenTree(
                tree.column, tree.thresholds(borders), tree.unknown_left, tree.value, tree.count
            )
            for tree in self._grown(sample, borders, int(step))
        ]
        text = written(trees, sample.vectors.shape[1], sample.base_log_odds)
        return TreeComponent.from_text(text, shared_splits=True)

    def _grown(self, sample: TrainingSet, borders: list[Float64], trees: int) -> Iterator[_Tree]:
        rng = np.random.default_rng([self.seed, 5])
        bins = binned(sample.vectors, borders)
        n_bins = np.array([len(border) + 1 for border in borders], dtype=np.int64)
        has_unknown = (bins == UNKNOWN_BIN).any(axis=1)
        splits = (n_bins > 1) | (has_unknown & (bins != UNKNOWN_BIN).any(axis=1))
        splits[list(self.hidden)] = False
        eligible = np.flatnonzero(splits)
        log_odds = np.full(len(sample), sample.base_log_odds)
        for _ in range(trees):
            p = sigmoid(log_odds)
            gradient = sample.weight * ((sample.label == 1) - p)
            curvature = sample.weight * p * (1 - p)
            tree = self._tree(bins, n_bins, has_unknown, eligible, gradient, curvature, rng)
            log_odds = log_odds + tree.value[tree.leaf]
            yield tree

    def _tree(
        self,
        bins: UInt8,
        n_bins: Int64,
        has_unknown: Bools,
        eligible: npt.NDArray[np.intp],
        gradient: Float64,
        curvature: Float64,
        rng: np.random.Generator,
    ) -> _Tree:
        n = bins.shape[1]
        tried = max(1, int(np.ceil(self.feature_share * len(eligible)))) if len(eligible) else 0
        columns = np.stack([rng.permutation(eligible)[:tried] for _ in range(self.depth)])
        chosen: npt.NDArray[np.intp] | slice = slice(None)
        if n > MAX_ROWS_PER_TREE:
            chosen = np.sort(rng.choice(n, MAX_ROWS_PER_TREE, replace=False))
        seen = np.ascontiguousarray(bins[:, chosen])
        luck = rng.exponential(size=seen.shape[1])
        column, at = np.zeros(self.depth, np.int64), np.zeros(self.depth, np.int64)
        left = np.zeros(self.depth, np.bool_)
        depth = grow(
            seen, n_bins, has_unknown, columns.astype(np.int64), gradient[chosen] * luck,
            curvature[chosen] * luck, PENALTY, column, at, left,
        )  # fmt: skip
        column, at, left = column[:depth], at[:depth], left[:depth]
        leaf = np.empty(n, np.uint8)
        leaves_of(bins, column, at, left, leaf)
        count = np.bincount(leaf, minlength=1 << depth)
        total = np.bincount(leaf, gradient, 1 << depth)
        mass = np.bincount(leaf, curvature, 1 << depth)
        value = self.learning_rate * total / (mass + PENALTY)
        for d in range(depth):
            if not has_unknown[column[d]]:  # never seen unknown: with the larger side
                right = int(count[np.arange(1 << depth) >> d & 1 == 1].sum())
                left[d] = 2 * right <= n
        ways = np.array([self.monotone[c] if c < len(self.monotone) else 0 for c in column])
        if ways.any():
            value = ordered(value, column, at, ways)
        return _Tree(column, at, left, value, np.maximum(count, 1), leaf)


@dataclass(frozen=True, slots=True)
class _Tree:
    """``column``, ``bin``, ``unknown_left`` (depth): its splits. ``value``, ``count`` (2^depth):
    log-odds and training rows of a leaf, one where there is none. ``leaf`` (n): of each row."""

    column: Int64
    bin: Int64
    unknown_left: Bools
    value: Float64
    count: Int64
    leaf: UInt8

    def thresholds(self, borders: list[Float64]) -> Float64:
        """(depth) largest value that goes left; infinity where only the unknown goes right."""
        return np.array(
            [
                borders[c][b - 1] if b <= len(borders[c]) else np.inf
                for c, b in zip(self.column, self.bin, strict=True)
            ]
        )


def borders_of(vectors: Float64) -> list[Float64]:
    """For each column, ascending values between which bins lie: at most ``MAX_BINS`` - 2.

    Half-way between neighbouring values; with many values, those nearest to equal shares.
    """
    return [_borders(column[~np.isnan(column)]) for column in vectors.T]


def _borders(known: Float64) -> Float64:
    values, count = np.unique(known, return_counts=True)
    if len(values) < 2:
        return np.zeros(0)
    middle = values[:-1] + (values[1:] - values[:-1]) / 2
    if len(values) <= MAX_BINS - 1:
        return middle
    share = np.cumsum(count)[:-1] / count.sum()
    wanted = np.arange(1, MAX_BINS - 1) / (MAX_BINS - 1)
    chosen = np.unique(np.minimum(np.searchsorted(share, wanted), len(middle) - 1))
    return np.asarray(middle[chosen])


def binned(vectors: Float64, borders: list[Float64]) -> UInt8:
    """(F, n) bins: ``UNKNOWN_BIN`` for NaN, else one more than the borders that are smaller."""
    bins = np.zeros((len(borders), len(vectors)), np.uint8)
    for j, border in enumerate(borders):
        column = vectors[:, j]
        bins[j] = np.where(np.isnan(column), UNKNOWN_BIN, np.searchsorted(border, column) + 1)
    return bins


def ordered(value: Float64, column: Int64, at: Int64, ways: npt.NDArray[np.int64]) -> Float64:
    """Leaf values (2^depth) that never move against ``ways`` (depth) as a column grows.

    Mean of the smallest values above and the largest below that do so. A leaf that no known value
    reaches (right of a high split of a column, left of a lower one) keeps its own.
    """
    chains = [
        (np.flatnonzero(column == c)[np.argsort(at[column == c], kind="stable")], way)
        for c, way in {int(c): int(w) for c, w in zip(column, ways, strict=True)}.items()
        if way
    ]
    steps = sorted(
        (low, high) for chain, way in chains for low, high in _steps(chain, way, len(value))
    )
    above, below = value.copy(), value.copy()
    for _ in range(len(column)):
        for low, high in steps:
            above[high] = max(above[high], above[low])
        for low, high in reversed(steps):
            below[low] = min(below[low], below[high])
    return (above + below) / 2


def _steps(chain: npt.NDArray[np.intp], way: int, n_leaves: int) -> list[tuple[int, int]]:
    """Pairs of leaves of which the second may not be below the first."""
    steps = []
    for leaf in range(n_leaves):
        right = [bool(leaf >> int(d) & 1) for d in chain]
        passed = sum(right)
        if passed == len(chain) or not all(right[:passed]):
            continue
        further = leaf | 1 << int(chain[passed])
        steps.append((leaf, further) if way > 0 else (further, leaf))
    return steps
