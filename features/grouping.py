"""Rows brought into the engine's order: by lead, then by time, with ties settled by content.

Order of arrival, duplicate delivery and partitioning leave no trace: the result depends on the
set of rows alone.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from features.histories import Float64, Int32, Int64
from features.jit import compiled

UInt64 = npt.NDArray[np.uint64]
NO_EVENT = np.uint64(0)
"""The hash of a missing ``event_id``; such rows are never duplicates."""

_SMALL = 32


@compiled
def _less(a: float, b: float) -> int:
    """-1, 0 or 1 as a sorts before, with or after b; NaN sorts last."""
    if np.isnan(a):
        return 0 if np.isnan(b) else 1
    if np.isnan(b):
        return -1
    return -1 if a < b else (1 if a > b else 0)


@compiled
def _after(i: int, j: int, at_us: Int64, kind: Int32, value: Float64, duration_s: Float64) -> bool:
    """Whether row i belongs after row j."""
    if at_us[i] != at_us[j]:
        return at_us[i] > at_us[j]
    if kind[i] != kind[j]:
        return kind[i] > kind[j]
    by_value = _less(value[i], value[j])
    if by_value != 0:
        return by_value > 0
    return _less(duration_s[i], duration_s[j]) > 0


@compiled
def _insertion_sort(
    order: Int64, low: int, high: int, at_us: Int64, kind: Int32, value: Float64,
    duration_s: Float64,
) -> None:  # fmt: skip
    for i in range(low + 1, high):
        row = order[i]
        j = i - 1
        while j >= low and _after(order[j], row, at_us, kind, value, duration_s):
            order[j + 1] = order[j]
            j -= 1
        order[j + 1] = row


@compiled
def _sort_lead(
    order: Int64, low: int, high: int, at_us: Int64, kind: Int32, value: Float64,
    duration_s: Float64,
) -> None:  # fmt: skip
    """Sort the rows of one lead; nearly free when they already are in order."""
    if high - low > _SMALL:
        ascending = True
        for i in range(low + 1, high):
            if at_us[order[i]] < at_us[order[i - 1]]:
                ascending = False
                break
        if not ascending:
            rows = order[low:high].copy()
            order[low:high] = rows[np.argsort(at_us[rows], kind="mergesort")]
        start = low
        for i in range(low + 1, high + 1):
            if i == high or at_us[order[i]] != at_us[order[start]]:
                if i - start > _SMALL:
                    _sort_ties(order, start, i, kind, value, duration_s)
                else:
                    _insertion_sort(order, start, i, at_us, kind, value, duration_s)
                start = i
    else:
        _insertion_sort(order, low, high, at_us, kind, value, duration_s)


@compiled
def _sort_ties(
    order: Int64, low: int, high: int, kind: Int32, value: Float64, duration_s: Float64
) -> None:
    """Sort many rows of the same moment: stable sorts, least significant key first."""
    rows = order[low:high].copy()
    rows = rows[np.argsort(duration_s[rows], kind="mergesort")]
    rows = rows[np.argsort(value[rows], kind="mergesort")]
    rows = rows[np.argsort(kind[rows], kind="mergesort")]
    order[low:high] = rows


@compiled
def _mark_repeats(order: Int64, low: int, high: int, event: UInt64, keep: np.ndarray) -> int:
    """Mark all but the earliest row of each event of one lead; return how many."""
    repeats = 0
    if high - low > _SMALL:
        events = event[order[low:high]]
        by_event = np.argsort(events, kind="mergesort")
        for i in range(1, high - low):
            here, before = by_event[i], by_event[i - 1]
            if events[here] != NO_EVENT and events[here] == events[before]:
                keep[low + here] = False
                repeats += 1
        return repeats
    for i in range(low + 1, high):
        if event[order[i]] == NO_EVENT:
            continue
        for j in range(low, i):
            if event[order[j]] == event[order[i]]:
                keep[i] = False
                repeats += 1
                break
    return repeats


@compiled
def group_rows(
    lead: Int64, n_leads: int, at_us: Int64, kind: Int32, value: Float64, duration_s: Float64,
    event: UInt64,
) -> tuple[Int64, Int64]:  # fmt: skip
    """Offsets (n_leads + 1) and the order of rows: by lead, time, kind, value, duration.

    Rows of lead -1 (unknown) are left out, and so is every repeat of an event within a lead but
    the earliest: what arrives later can never take the place of what was known before.
    """
    n = len(lead)
    offsets = np.zeros(n_leads + 1, dtype=np.int64)
    for i in range(n):
        if lead[i] >= 0:
            offsets[lead[i] + 1] += 1
    for i in range(n_leads):
        offsets[i + 1] += offsets[i]
    order = np.empty(offsets[n_leads], dtype=np.int64)
    place = offsets[:-1].copy()
    for i in range(n):
        if lead[i] >= 0:
            order[place[lead[i]]] = i
            place[lead[i]] += 1
    keep = np.ones(len(order), dtype=np.bool_)
    repeats = 0
    for of in range(n_leads):
        low, high = offsets[of], offsets[of + 1]
        _sort_lead(order, low, high, at_us, kind, value, duration_s)
        if len(event) == n:
            repeats += _mark_repeats(order, low, high, event, keep)
    if repeats == 0:
        return offsets, order
    kept = np.zeros(n_leads + 1, dtype=np.int64)
    for of in range(n_leads):
        kept[of + 1] = kept[of] + keep[offsets[of] : offsets[of + 1]].sum()
    return kept, order[keep]


@compiled
def hash_strings(offsets: Int64, data: npt.NDArray[np.uint8], valid: np.ndarray) -> UInt64:
    """64-bit FNV-1a of every string of an Arrow column, finished by a strong mix; null is 0."""
    n = len(offsets) - 1
    out = np.zeros(n, dtype=np.uint64)
    for i in range(n):
        if len(valid) and not valid[i]:
            continue
        state = np.uint64(0xCBF29CE484222325)
        for b in range(offsets[i], offsets[i + 1]):
            state = (state ^ np.uint64(data[b])) * np.uint64(0x100000001B3)
        state ^= state >> np.uint64(33)
        state *= np.uint64(0xFF51AFD7ED558CCD)
        state ^= state >> np.uint64(33)
        state *= np.uint64(0xC4CEB9FE1A85EC53)
        state ^= state >> np.uint64(33)
        out[i] = state if state != NO_EVENT else np.uint64(1)
    return out
