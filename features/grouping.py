"""Rows brought into the engine's order: by lead, then by time, with ties settled by content.

Order of arrival, duplicate delivery and partitioning leave no trace: the result depends on the
set of rows alone. Whole rows are first placed beside the other rows of their lead (one random
write a row), then each lead is sorted where it lies, in the processor's nearest memory.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from features.cores import in_blocks
from features.histories import Answers, Bools, Float64, Int32, Int64
from features.jit import compiled

UInt64 = npt.NDArray[np.uint64]
NO_EVENT = np.uint64(0)
"""The hash of a missing ``event_id``; such rows are never duplicates."""
NO_EVENTS = np.zeros(0, dtype=np.uint64)
"""For rows of which none has an ``event_id``."""

Sorted = tuple[Int64, Int64, Int32, Float64, Float64]
"""``offsets`` (n_leads + 1), then the rows' time, kind, value and duration."""

AT, KIND, VALUE, DURATION, EVENT = range(5)
"""Fields of a packed row, eight bytes each; the event only where there is one."""
_SMALL = 64
_MANY = 200_000
"""From this many rows on, a table is grouped by all cores."""


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
def _sort_few(order: Int64, at_us: Int64, low: int, n: int, rows: Int64, amounts: Float64) -> None:
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
def _sort_many(low: int, high: int, rows: Int64, amounts: Float64) -> Int64:
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
def _mark_repeats(order: Int64, n: int, rows: Int64, keep: Bools) -> None:
    """Keep the earliest row of each event of one lead, drop the others."""
    keep[:n] = True
    if n > _SMALL:
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


@compiled
def offsets_of(lead: Int32, n_leads: int) -> Int64:
    """Where each lead's rows begin (n_leads + 1); rows of lead -1 (unknown) count nowhere."""
    offsets = np.zeros(n_leads + 1, dtype=np.int64)
    for i in range(len(lead)):
        if lead[i] >= 0:
            offsets[lead[i] + 1] += 1
    for i in range(n_leads):
        offsets[i + 1] += offsets[i]
    return offsets


@compiled
def place_rows(
    first: int, last: int, lead: Int32, offsets: Int64, at_us: Int64, kind: Int32,
    value: Int64, duration_s: Int64, event: Int64, rows: Int64,
) -> None:  # fmt: skip
    """Copy every row of leads ``first`` to ``last`` beside the rows of its lead, packed."""
    place = offsets[first:last].copy()
    for i in range(len(lead)):
        if first <= lead[i] < last:
            row = place[lead[i] - first]
            place[lead[i] - first] = row + 1
            rows[row, AT] = at_us[i]
            rows[row, KIND] = kind[i]
            rows[row, VALUE] = value[i]
            rows[row, DURATION] = duration_s[i]
            if len(event):
                rows[row, EVENT] = event[i]


@compiled
def sort_leads(
    first: int, last: int, offsets: Int64, rows: Int64, kept: Int64,
    at_us: Int64, kind: Int32, value: Float64, duration_s: Float64,
) -> None:  # fmt: skip
    """Sort leads ``first`` to ``last`` and write their columns, without repeated events.

    A lead's rows start at its offset; ``kept`` says how many are left of it.
    """
    amounts = rows.view(np.float64)
    few, moments = np.empty(_SMALL, dtype=np.int64), np.empty(_SMALL, dtype=np.int64)
    keep = np.ones(_SMALL, dtype=np.bool_)
    for lead in range(first, last):
        low, n = offsets[lead], offsets[lead + 1] - offsets[lead]
        order = few
        if n <= _SMALL:
            _sort_few(few, moments, low, n, rows, amounts)
        else:
            order = _sort_many(low, low + n, rows, amounts)
            if len(keep) < n:
                keep = np.ones(n, dtype=np.bool_)
        if rows.shape[1] > EVENT:
            _mark_repeats(order, n, rows, keep)
        to = low
        for i in range(n):
            if keep[i]:
                row = order[i]
                at_us[to], kind[to] = rows[row, AT], rows[row, KIND]
                value[to], duration_s[to] = amounts[row, VALUE], amounts[row, DURATION]
                to += 1
        kept[lead] = to - low


@compiled
def without_gaps(
    offsets: Int64, kept: Int64, at_us: Int64, kind: Int32, value: Float64, duration_s: Float64
) -> Sorted:
    """Close the gaps that dropped rows left."""
    closed = np.zeros(len(offsets), dtype=np.int64)
    for lead in range(len(kept)):
        closed[lead + 1] = closed[lead] + kept[lead]
        if closed[lead] != offsets[lead]:
            for i in range(kept[lead]):
                to, row = closed[lead] + i, offsets[lead] + i
                at_us[to], kind[to] = at_us[row], kind[row]
                value[to], duration_s[to] = value[row], duration_s[row]
    n = closed[-1]
    return closed, at_us[:n], kind[:n], value[:n], duration_s[:n]


@compiled
def group_few(
    lead: Int32, n_leads: int, at_us: Int64, kind: Int32, value: Float64, duration_s: Float64,
    event: UInt64,
) -> Sorted:  # fmt: skip
    """:func:`group_rows` in one compiled call on one core, for a request's few rows."""
    offsets = offsets_of(lead, n_leads)
    n = offsets[n_leads]
    rows = np.empty((n, EVENT + 1 if len(event) else EVENT), dtype=np.int64)
    place_rows(
        0, n_leads, lead, offsets, at_us, kind, value.view(np.int64), duration_s.view(np.int64),
        event.view(np.int64), rows,
    )  # fmt: skip
    kept = np.empty(n_leads, dtype=np.int64)
    moment, of = np.empty(n, dtype=np.int64), np.empty(n, dtype=np.int32)
    worth, lasted = np.empty(n), np.empty(n)
    sort_leads(0, n_leads, offsets, rows, kept, moment, of, worth, lasted)
    return without_gaps(offsets, kept, moment, of, worth, lasted)


def group_rows(
    lead: Int32, n_leads: int, at_us: Int64, kind: Int32, value: Float64, duration_s: Float64,
    event: UInt64,
) -> Sorted:  # fmt: skip
    """Rows by lead, time, kind, value, duration; ``event`` (n) hashes, or empty for none.

    Rows of lead -1 (unknown) are left out, and so is every repeat of an event within a lead but
    the earliest: what arrives later can never take the place of what was known before.
    """
    if len(lead) < _MANY:
        return group_few(lead, n_leads, at_us, kind, value, duration_s, event)
    offsets = offsets_of(lead, n_leads)
    n = int(offsets[n_leads])
    rows = np.empty((n, EVENT + 1 if len(event) else EVENT), dtype=np.int64)
    arrived = (
        at_us, kind, value.view(np.int64), duration_s.view(np.int64), event.view(np.int64)
    )  # fmt: skip
    in_blocks(lambda low, high: place_rows(low, high, lead, offsets, *arrived, rows), n_leads)
    kept = np.empty(n_leads, dtype=np.int64)
    columns = (np.empty(n, np.int64), np.empty(n, np.int32), np.empty(n), np.empty(n))
    in_blocks(lambda low, high: sort_leads(low, high, offsets, rows, kept, *columns), n_leads)
    return without_gaps(offsets, kept, *columns)


def grouped_answers(
    lead: Int32, n_leads: int, attribute: Int32, at_us: Int64, value: Int32,
    attributes: tuple[str, ...], values: tuple[str, ...],
) -> Answers:  # fmt: skip
    """Answers by lead and time: rows like any other, of a kind (the attribute) and a value."""
    nothing = np.zeros(len(lead))
    offsets, moments, of, told, _ = group_rows(
        lead, n_leads, at_us, attribute, value.astype(np.float64), nothing, NO_EVENTS
    )
    return Answers(offsets, of, moments, told.astype(np.int32), attributes, values)


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
