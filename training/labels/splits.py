"""Splits: by time with a gap of the horizon, or by group where there is no time.

The train side of a time fold holds only references whose label was known at the cutoff
(as_of + horizon <= cutoff); the test side holds references at or after it. No outcome is on both
sides, but a lead may be: one that is still open at the cutoff can be asked about again, as it will
be when the model is used. Dropping its older references would drop leads that did not convert and
no other, and make the train side's rate too high.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from features.compute.array_types import Bools, Int64, Rows
from training.labels.references import IMMATURE, LabelledReferences

MIN_TRAIN_POSITIVES = 25


MIN_TRAIN_SHARE = 0.1


@dataclass(frozen=True, slots=True)
class Fold:
    """Rows of the labelled references. ``cutoff_us``: None in a grouped fold."""

    train: Rows
    test: Rows
    cutoff_us: int | None


def time_folds(
    labelled: LabelledReferences, until_us: int, n_folds: int = 5, allowed: Bools | None = None
) -> list[Fold]:
    """Rolling origins, oldest first; the last is the newest block of references.

    ``allowed`` (n): the references that may be used at all, on either side; None for every one.

    The references mature at ``until_us`` are cut into ``n_folds + 1`` blocks of equal numbers by
    as_of; each block but the first is the test side of one fold, with its first moment as cutoff.
    Folds with too little to fit before the cutoff (fewer than 10 % of the mature
    references, or fewer than 25 positives or negatives), or with one class only on the test
    side, are left out: with a long horizon and a short history none may remain.
    """
    label = labelled.labels_as_of(until_us)
    usable = label != IMMATURE if allowed is None else allowed & (label != IMMATURE)
    mature = np.flatnonzero(usable)
    if not labelled.has_time or len(mature) < 2 * (n_folds + 1):
        return []
    as_of = labelled.as_of_us[mature]
    places = [round(len(mature) * (j + 1) / (n_folds + 1)) for j in range(n_folds)]
    starts = [*np.sort(as_of)[places], as_of.max() + 1]
    folds = []
    for start, end in pairwise(starts):
        test = mature[(as_of >= start) & (as_of < end)]
        fold = time_fold(labelled, test, int(start), allowed)
        if _can_teach(label[fold.train], len(mature)) and len(np.unique(label[test])) == 2:
            folds.append(fold)
    return folds


def time_fold(
    labelled: LabelledReferences, test: Rows, cutoff_us: int, allowed: Bools | None = None
) -> Fold:
    """Train on every label that was known at ``cutoff_us``."""
    known = labelled.labels_as_of(cutoff_us) != IMMATURE
    if allowed is not None:
        known &= allowed
    return Fold(np.flatnonzero(known), test, cutoff_us)


def newest_fold(labelled: LabelledReferences, until_us: int, share: float = 0.2) -> Fold | None:
    """The fold of the backtest: the newest ``share`` of the references mature at ``until_us``.

    None where there is no time, or too little before the cutoff to fit.
    """
    label = labelled.labels_as_of(until_us)
    mature = np.flatnonzero(label != IMMATURE)
    if not labelled.has_time or not len(mature):
        return None
    as_of = labelled.as_of_us[mature]
    cutoff = int(np.sort(as_of)[min(round(len(mature) * (1 - share)), len(mature) - 1)])
    fold = time_fold(labelled, mature[as_of >= cutoff], cutoff)
    usable = _can_teach(label[fold.train], len(mature))
    return fold if usable and len(np.unique(label[fold.test])) == 2 else None


def grouped_folds(
    groups: Int64,
    label: npt.NDArray[np.int8],
    rng: np.random.Generator,
    n_folds: int = 5,
    repeats: int = 1,
) -> list[Fold]:
    """Folds in which a group (identical rows, or one lead's references) stays together.

    ``groups`` (n): any integers. Rows with ``IMMATURE`` labels take no part. Groups are assigned in
    random order, positives and negatives apart, so that the folds' rates are alike. Figures from
    such folds are optimistic: the future was not held back.
    """
    rows = np.flatnonzero(label != IMMATURE)
    names, member = np.unique(groups[rows], return_inverse=True)
    positive = np.bincount(member, weights=label[rows] == 1, minlength=len(names)) > 0
    folds = []
    for _ in range(repeats):
        dealt = np.empty(len(names), np.int64)
        for side in (positive, ~positive):
            dealt[rng.permutation(np.flatnonzero(side))] = np.arange(side.sum()) % n_folds
        for j in range(n_folds):
            held = dealt[member] == j
            folds.append(Fold(rows[~held], rows[held], None))
    return folds


def units_by_content(unit: Int64, as_of_us: Int64, matrix: npt.NDArray[np.float64]) -> Int64:
    """``unit`` (n) numbered by the first moment and vector of each, not by the order of the leads.

    So that units are dealt the same whatever the order in which leads were read.

    >>> moments = np.array([10, 20, 30])
    >>> units_by_content(np.array([7, 3, 7]), moments, np.zeros((3, 1))).tolist()
    [0, 1, 0]
    """
    order = np.lexsort((*matrix.T[::-1], as_of_us))
    units, first = np.unique(unit[order], return_index=True)
    number = np.empty(len(units), np.int64)
    number[np.argsort(first, kind="stable")] = np.arange(len(units))
    return number[np.searchsorted(units, unit)]


def joined_units(one: Int64 | None, other: Int64) -> Int64:
    """Units (n) that keep together whatever either numbering does, directly or by a third row.

    ``one`` None: ``other`` alone. Identical rows of two accounts join the two.

    >>> joined_units(np.array([1, 1, 2, 3]), np.array([7, 8, 8, 9])).tolist()
    [0, 0, 0, 1]
    """
    if one is None:
        return other
    _, left = np.unique(one, return_inverse=True)
    _, right = np.unique(other, return_inverse=True)
    n = int(left.max(initial=-1)) + 1
    size = n + int(right.max(initial=-1)) + 1
    links = coo_array((np.ones(len(left)), (left, n + right)), shape=(size, size))
    _, component = connected_components(links, directed=False)
    return np.asarray(np.unique(component[left], return_inverse=True)[1], np.int64)


def identical_rows(matrix: npt.NDArray[np.float64]) -> Int64:
    """A group number per row, equal where two rows of ``matrix`` are equal (NaN equals NaN).

    >>> identical_rows(np.array([[1.0, np.nan], [2.0, 0.0], [1.0, np.nan]])).tolist()
    [0, 1, 0]
    """
    rows = np.ascontiguousarray(matrix + 0.0)
    rows[np.isnan(rows)] = np.nan
    seen: dict[bytes, int] = {}
    return np.array([seen.setdefault(r.tobytes(), len(seen)) for r in rows], np.int64)


def _can_teach(label: npt.NDArray[np.int8], n_mature: int) -> bool:
    """Whether a train side has enough rows and enough of both classes."""
    positives = int((label == 1).sum())
    few = min(positives, len(label) - positives)
    return few >= MIN_TRAIN_POSITIVES and len(label) >= MIN_TRAIN_SHARE * n_mature
