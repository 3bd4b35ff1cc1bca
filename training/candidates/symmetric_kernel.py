"""Symmetric (oblivious) trees: one split for a whole depth, chosen from histograms of all leaves.

Prokhorenkova et al. 2018 (CatBoost): a split must help in every leaf of its depth at once, which
keeps trees of depth 5 from following the noise of small leaves, and still lets columns matter only
together. A row's leaf is a number of as many bits as there are splits.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from features.compute.array_types import Bools, Float64, Int64
from features.compute.jit import kernel

UInt8 = npt.NDArray[np.uint8]
UNKNOWN_BIN = 0
"""The bin of NaN; known values are in bins 1 to n, in ascending order."""
MAX_BINS = 64
"""Bins of a column, that of NaN among them."""


@kernel
def grow(
    bins: UInt8,
    n_bins: Int64,
    has_unknown: Bools,
    columns: Int64,
    gradient: Float64,
    curvature: Float64,
    penalty: float,
    split_column: Int64,
    split_bin: Int64,
    unknown_left: Bools,
) -> int:
    """Choose the splits of one tree and write them into the last three (depth,); how many.

    ``bins`` (F, n): each row's bin in each column. ``n_bins`` (F): the highest bin of a known
    value. ``columns`` (depth, k): those that may split at each depth. ``gradient``, ``curvature``
    (n): first and second derivative of the log-likelihood in the log-odds, the second with its
    sign changed. A split sends bins up to ``split_bin`` left, and NaN where ``unknown_left``. The
    best one has the highest sum of gradient² / (curvature + penalty) over all leaves.
    """
    n, depth = bins.shape[1], columns.shape[0]
    first = np.zeros(n, dtype=np.int32)  # of each row's leaf in the histogram
    histogram = np.zeros(2 * MAX_BINS << depth)
    total = np.zeros((1 << depth, 2))
    score = np.empty(MAX_BINS + 1)
    for level in range(depth):
        leaves = 1 << level
        _sum_leaves(first, gradient, curvature, total[:leaves])
        best, chosen, at, left = -1.0, -1, 0, False
        for j in columns[level]:
            histogram[: 2 * MAX_BINS * leaves] = 0.0
            _fill(bins[j], first, gradient, curvature, histogram)
            for side in range(2 if has_unknown[j] else 1):
                with_unknown = side == 1
                last = n_bins[j] if has_unknown[j] and not with_unknown else n_bins[j] - 1
                _score(histogram, total[:leaves], last, with_unknown, penalty, score)
                for b in range(1, last + 1):
                    if score[b] > best:
                        best, chosen, at, left = score[b], j, b, with_unknown
        if chosen < 0:
            return level
        split_column[level], split_bin[level], unknown_left[level] = chosen, at, left
        if level + 1 < depth:
            for row in range(n):
                b = bins[chosen, row]
                goes_left = left if b == UNKNOWN_BIN else b <= at
                if not goes_left:
                    first[row] += 2 * MAX_BINS << level
    return depth


@kernel
def _sum_leaves(
    first: npt.NDArray[np.int32], gradient: Float64, curvature: Float64, total: Float64
) -> None:
    total[:] = 0.0
    for row in range(len(first)):
        leaf = first[row] // (2 * MAX_BINS)
        total[leaf, 0] += gradient[row]
        total[leaf, 1] += curvature[row]


@kernel
def _fill(
    bins: UInt8,
    first: npt.NDArray[np.int32],
    gradient: Float64,
    curvature: Float64,
    histogram: Float64,
) -> None:
    for row in range(len(bins)):
        at = first[row] + 2 * bins[row]
        histogram[at] += gradient[row]
        histogram[at + 1] += curvature[row]


@kernel
def _score(
    histogram: Float64,
    total: Float64,
    last: int,
    with_unknown: bool,
    penalty: float,
    score: Float64,
) -> None:
    """Write the score of sending bins 1 … b left, for b of 1 … ``last``, over all leaves."""
    score[: last + 1] = 0.0
    for leaf in range(total.shape[0]):
        start = 2 * MAX_BINS * leaf
        gradient = histogram[start] if with_unknown else 0.0
        curvature = histogram[start + 1] if with_unknown else 0.0
        for b in range(1, last + 1):
            gradient += histogram[start + 2 * b]
            curvature += histogram[start + 2 * b + 1]
            others = total[leaf, 0] - gradient
            rest = max(total[leaf, 1] - curvature, 0.0)
            score[b] += gradient * gradient / (curvature + penalty)
            score[b] += others * others / (rest + penalty)


@kernel
def leaves_of(
    bins: UInt8, split_column: Int64, split_bin: Int64, unknown_left: Bools, leaf: UInt8
) -> None:
    """Write each row's leaf into ``leaf`` (n): bit d is set where it goes right at split d."""
    leaf[:] = 0
    for d in range(len(split_column)):
        for row in range(len(leaf)):
            b = bins[split_column[d], row]
            goes_left = unknown_left[d] if b == UNKNOWN_BIN else b <= split_bin[d]
            if not goes_left:
                leaf[row] |= 1 << d
