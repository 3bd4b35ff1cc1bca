"""One lead's packed rows sorted in place by time, ties resolved by content; repeats dropped."""

from __future__ import annotations

import numpy as np

from features.compute.array_types import Bools, Float64, Int64
from features.compute.jit import inline_kernel, kernel

NO_EVENT = np.uint64(0)
"""The hash of a missing ``event_id``; such rows repeat each other where they say the same."""


AT, KIND, VALUE, DURATION, EVENT = range(5)
"""Fields of a packed row, eight bytes each; the event only where there is one."""


SMALL_SORT = 64
"""Up to this many rows are sorted by counting how many are earlier than each."""


LATEST = np.iinfo(np.int64).max
"""Pads a list of moments: it is earlier than none of them."""


@kernel
def copy_rows(source: Int64, chosen: Int64, target: Int64, first: int) -> None:
    """The ``chosen`` rows of ``source`` as rows of ``target`` from ``first`` on.

    In one array of both only where no row moves up.
    """
    for i in range(len(chosen)):
        row = chosen[i]
        target[first + i, AT], target[first + i, KIND] = source[row, AT], source[row, KIND]
        target[first + i, VALUE] = source[row, VALUE]
        target[first + i, DURATION] = source[row, DURATION]
    if source.shape[1] > EVENT:
        for i in range(len(chosen)):
            target[first + i, EVENT] = source[chosen[i], EVENT]


@inline_kernel
def _less(a: float, b: float) -> int:
    """-1, 0 or 1 as a sorts before, with or after b; NaN sorts last."""
    if np.isnan(a):
        return 0 if np.isnan(b) else 1
    if np.isnan(b):
        return -1
    return -1 if a < b else (1 if a > b else 0)


@inline_kernel
def _after(i: int, j: int, rows: Int64, amounts: Float64) -> bool:
    """Whether packed row i, of the same moment, belongs after row j."""
    if rows[i, KIND] != rows[j, KIND]:
        return rows[i, KIND] > rows[j, KIND]
    by_value = _less(amounts[i, VALUE], amounts[j, VALUE])
    if by_value != 0:
        return by_value > 0
    return _less(amounts[i, DURATION], amounts[j, DURATION]) > 0


@inline_kernel
def ascending(low: int, high: int, rows: Int64) -> bool:
    """Whether every row of ``low:high`` is later than the one before: nothing to sort."""
    row = low + 1
    while row < high and rows[row, AT] > rows[row - 1, AT]:
        row += 1
    return row >= high


@kernel
def sort_small(low: int, n: int, rows: Int64, at_us: Int64, order: Int64, before: Int64) -> None:
    """Sort ``rows[low:low + n]`` by counting: a row's place is the number of earlier rows.

    Counting takes SMALL_SORT comparisons a row, which the compiler vectorises.
    ``at_us``, ``order`` and ``before`` (SMALL_SORT rows each) are scratch memory.
    """
    at_us[:] = LATEST
    order[:] = -1
    for i in range(n):
        at_us[i] = rows[low + i, AT]
        for field in range(rows.shape[1]):
            before[i, field] = rows[low + i, field]
    ties = False
    for i in range(n):
        at, place = at_us[i], 0
        for j in range(SMALL_SORT):
            place += 1 if at_us[j] < at else 0
        while order[place] >= 0:
            ties = True
            place += 1
        order[place] = i
    if ties:
        _sort_small_ties(order, n, before, before.view(np.float64))
    copy_rows(before, order[:n], rows, low)


@kernel
def _sort_small_ties(order: Int64, n: int, rows: Int64, amounts: Float64) -> None:
    """Sort rows of the same moment, which are neighbours already, by insertion."""
    for i in range(1, n):
        row, j = order[i], i
        while j > 0 and rows[order[j - 1], AT] == rows[row, AT]:
            if not _after(order[j - 1], row, rows, amounts):
                break
            order[j] = order[j - 1]
            j -= 1
        order[j] = row


@kernel
def sort_large(low: int, n: int, rows: Int64) -> None:
    """Sort one lead's many rows: stable sorts by time, then of each moment's ties."""
    order = low + np.argsort(rows[low : low + n, AT].copy(), kind="mergesort")
    amounts = rows.view(np.float64)
    start = 0
    for i in range(1, n + 1):
        if i == n or rows[order[i], AT] != rows[order[start], AT]:
            if i - start > 1:
                _sort_ties(order, start, i, rows, amounts)
            start = i
    rows[low : low + n] = rows[order]


@kernel
def _sort_ties(order: Int64, start: int, end: int, rows: Int64, amounts: Float64) -> None:
    """Sort rows of the same moment: stable sorts, least significant key first."""
    keys = np.empty(end - start)
    for field in (DURATION, VALUE, KIND):
        for i in range(start, end):
            row = order[i]
            keys[i - start] = rows[row, KIND] if field == KIND else amounts[row, field]
        order[start:end] = order[start:end][np.argsort(keys, kind="mergesort")]


@kernel
def drop_repeats(low: int, n: int, rows: Int64) -> int:
    """Of one lead's sorted rows keep the earliest of each event; how many are left."""
    kept = np.flatnonzero(_first_of_events(low, n, rows))
    if len(kept) < n:
        copy_rows(rows, low + kept, rows, low)
    return len(kept)


@kernel
def _first_of_events(low: int, n: int, rows: Int64) -> Bools:
    """Which of one lead's sorted rows no earlier row has the event of."""
    keep = np.ones(n, dtype=np.bool_)
    if n > SMALL_SORT:
        events = rows[low : low + n, EVENT].copy()
        by_event = np.argsort(events, kind="mergesort")
        for i in range(1, n):
            here, before = by_event[i], by_event[i - 1]
            if events[here] != NO_EVENT and events[here] == events[before]:
                keep[here] = False
        return keep
    for i in range(1, n):
        event = rows[low + i, EVENT]
        for j in range(i if event != NO_EVENT else 0):
            if rows[low + j, EVENT] == event:
                keep[i] = False
                break
    return keep


@kernel
def drop_equal_rows(low: int, n: int, rows: Int64) -> int:
    """Of one lead's sorted rows without an event keep one of those that say the same.

    Without an id of an event the content is the identity: moment, kind, value and duration, to the
    bit. How many rows are left.
    """
    kept, last = 0, -1
    with_events = rows.shape[1] > EVENT
    for i in range(n):
        row = low + i
        if with_events and rows[row, EVENT] != 0:
            repeated = False
        else:
            repeated = last >= 0 and same_content(low + last, row, rows)
        if not repeated:
            if kept < i:
                for field in range(rows.shape[1]):
                    rows[low + kept, field] = rows[row, field]
            if not (with_events and rows[low + kept, EVENT] != 0):
                last = kept
            kept += 1
    return kept


@inline_kernel
def same_content(i: int, j: int, rows: Int64) -> bool:
    """Whether two packed rows are of one moment, kind, value and duration."""
    return (
        rows[i, AT] == rows[j, AT]
        and rows[i, KIND] == rows[j, KIND]
        and rows[i, VALUE] == rows[j, VALUE]
        and rows[i, DURATION] == rows[j, DURATION]
    )


@kernel
def has_equal_rows(rows: Int64) -> bool:
    """Whether two of some packed rows (n, 4), in any order, say the same."""
    n = len(rows)
    if ascending(0, n, rows):
        return False
    order = np.argsort(rows[:, AT].copy(), kind="mergesort")
    start = 0
    for i in range(1, n + 1):
        if i == n or rows[order[i], AT] != rows[order[start], AT]:
            for a in range(start, i):
                for b in range(a + 1, i):
                    if same_content(order[a], order[b], rows):
                        return True
            start = i
    return False
