"""Rows brought into the engine's order: by lead, then by time, with ties settled by content.

Order of arrival, duplicate delivery and partitioning leave no trace: the result depends on the
set of rows alone. Whole rows are first placed beside the other rows of their lead (one random
write a row), then each lead is sorted where it lies, in the processor's nearest memory.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from features.cores import in_blocks
from features.histories import Answers, Float64, Int32, Int64
from features.jit import compiled
from features.row_order import (
    AT,
    DURATION,
    EVENT,
    FEW,
    KIND,
    VALUE,
    mark_repeats,
    sort_few,
    sort_many,
)

UInt64 = npt.NDArray[np.uint64]
NO_EVENTS = np.zeros(0, dtype=np.uint64)
"""For rows of which none has an ``event_id``."""

Sorted = tuple[Int64, Int64, Int32, Float64, Float64]
"""``offsets`` (n_leads + 1), then the rows' time, kind, value and duration."""

Arrived = tuple[Int64, Int32, Float64, Float64, UInt64]
"""Some rows as they came: time, kind, value, duration, and event hashes (or none at all)."""
Column = TypeVar("Column", bound=npt.NDArray[np.generic])
_MANY = 200_000
"""From this many rows on, a table is grouped by all cores."""


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
    first: int, last: int, place: Int64, lead: Int32, at_us: Int64, kind: Int32,
    value: Int64, duration_s: Int64, event: Int64, rows: Int64,
) -> None:  # fmt: skip
    """Copy every row of leads ``first`` to ``last`` to its lead's next place, packed."""
    for i in range(len(lead)):
        if first <= lead[i] < last:
            row = place[lead[i]]
            place[lead[i]] = row + 1
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
    few, moments = np.empty(FEW, dtype=np.int64), np.empty(FEW, dtype=np.int64)
    keep = np.ones(FEW, dtype=np.bool_)
    for lead in range(first, last):
        low, n = offsets[lead], offsets[lead + 1] - offsets[lead]
        order = few
        if n <= FEW:
            sort_few(few, moments, low, n, rows, amounts)
        else:
            order = sort_many(low, low + n, rows, amounts)
            if len(keep) < n:
                keep = np.ones(n, dtype=np.bool_)
        if rows.shape[1] > EVENT:
            mark_repeats(order, n, rows, keep)
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
        0, n_leads, offsets.copy(), lead, at_us, kind, value.view(np.int64),
        duration_s.view(np.int64), event.view(np.int64), rows,
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
    return group_parts(lead, n_leads, [(at_us, kind, value, duration_s, event)])


def group_parts(lead: Int32, n_leads: int, parts: Iterable[Arrived]) -> Sorted:
    """:func:`group_rows` of many rows that arrive in parts, one after the other, by all cores.

    ``lead``: of all rows. A part is let go as soon as its rows are placed.
    """
    offsets = offsets_of(lead, n_leads)
    n = int(offsets[n_leads])
    place, rows, start = offsets.copy(), np.empty((0, EVENT), dtype=np.int64), 0
    for part in parts:
        if start == 0:
            rows = np.empty((n, EVENT + 1 if len(part[EVENT]) else EVENT), dtype=np.int64)
        end = start + len(part[AT])
        _place_part(n_leads, place, lead[start:end], part, rows)
        start = end
    kept = np.empty(n_leads, dtype=np.int64)
    columns = (np.empty(n, np.int64), np.empty(n, np.int32), np.empty(n), np.empty(n))
    in_blocks(lambda low, high: sort_leads(low, high, offsets, rows, kept, *columns), n_leads)
    return without_gaps(offsets, kept, *columns)


def _place_part(n_leads: int, place: Int64, lead: Int32, part: Arrived, rows: Int64) -> None:
    at_us, kind, *numbers = part
    of, moment, what = _read_only(lead), _read_only(at_us), _read_only(kind)
    value, duration_s, event = (_read_only(column.view(np.int64)) for column in numbers)

    def place_block(low: int, high: int) -> None:
        place_rows(low, high, place, of, moment, what, value, duration_s, event, rows)

    in_blocks(place_block, n_leads)


def _read_only(column: Column) -> Column:
    """The same memory; one type for the compiler, whether the column is Arrow's or ours."""
    seen = column.view()
    seen.flags.writeable = False
    return seen


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
