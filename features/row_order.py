"""One lead's packed rows in order of time, ties settled by content, repeats marked."""

from __future__ import annotations

import numpy as np

from features.histories import Bools, Float64, Int64
from features.jit import compiled

NO_EVENT = np.uint64(0)
"""The hash of a missing ``event_id``; such rows are never duplicates."""
AT, KIND, VALUE, DURATION, EVENT = range(5)
"""Fields of a packed row, eight bytes each; the event only where there is one."""
FEW = 64
"""Up to this many rows are sorted by insertion."""


@compiled
def _less(a: float, b: float) -> int:
    """-1, 0 or 1 as a sorts before, with or after b; NaN sorts last."""
    if np.isnan(a):
        return 0 if np.isnan(b) else 1
    if np.isnan(b):
        return -1
    return -1 if a < b else (1 if a > b else 0)


@compiled
def _after(i: int, j: int, rows: Int64, amounts: Float64) -> bool:
    """Whether packed row i, of the same moment, belongs after row j."""
    if rows[i, KIND] != rows[j, KIND]:
        return rows[i, KIND] > rows[j, KIND]
    by_value = _less(amounts[i, VALUE], amounts[j, VALUE])
    if by_value != 0:
        return by_value > 0
    return _less(amounts[i, DURATION], amounts[j, DURATION]) > 0


@compiled
def sort_few(order: Int64, at_us: Int64, low: int, n: int, rows: Int64, amounts: Float64) -> None:
    """Insertion sort of ``rows[low:low + n]``; nearly free when they already are in order."""
    for i in range(n):
        row, at = low + i, rows[low + i, AT]
        j = i - 1
        while j >= 0 and (
            at_us[j] > at or (at_us[j] == at and _after(order[j], row, rows, amounts))
        ):
            at_us[j + 1] = at_us[j]
            order[j + 1] = order[j]
            j -= 1
        at_us[j + 1] = at
        order[j + 1] = row


@compiled
def sort_many(low: int, high: int, rows: Int64, amounts: Float64) -> Int64:
    """The order of one lead's many rows: stable sorts by time, then of each moment's ties."""
    at_us = rows[low:high, AT].copy()
    ascending = True
    for i in range(1, high - low):
        if at_us[i] < at_us[i - 1]:
            ascending = False
            break
    order = np.arange(low, high)
    if not ascending:
        order = low + np.argsort(at_us, kind="mergesort")
    start = 0
    for i in range(1, high - low + 1):
        if i == high - low or rows[order[i], AT] != rows[order[start], AT]:
            if i - start > 1:
                _sort_ties(order, start, i, rows, amounts)
            start = i
    return order


@compiled
def _sort_ties(order: Int64, start: int, end: int, rows: Int64, amounts: Float64) -> None:
    """Sort rows of the same moment: stable sorts, least significant key first."""
    keys = np.empty(end - start)
    for field in (DURATION, VALUE, KIND):
        for i in range(start, end):
            row = order[i]
            keys[i - start] = rows[row, KIND] if field == KIND else amounts[row, field]
        order[start:end] = order[start:end][np.argsort(keys, kind="mergesort")]


@compiled
def mark_repeats(order: Int64, n: int, rows: Int64, keep: Bools) -> None:
    """Keep the earliest row of each event of one lead, drop the others."""
    keep[:n] = True
    if n > FEW:
        events = rows[order[:n], EVENT]
        by_event = np.argsort(events, kind="mergesort")
        for i in range(1, n):
            here, before = by_event[i], by_event[i - 1]
            if events[here] != NO_EVENT and events[here] == events[before]:
                keep[here] = False
        return
    for i in range(1, n):
        event = rows[order[i], EVENT]
        for j in range(i if event != NO_EVENT else 0):
            if rows[order[j], EVENT] == event:
                keep[i] = False
                break
