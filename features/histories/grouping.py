"""Rows in the engine's order: by lead, then by time, with ties resolved by content.

Order of arrival, duplicate delivery and partitioning leave no trace: the result depends on the
set of rows alone. A row is copied as one piece to the other rows of its lead (one random write
a row), then each lead is sorted in place; the columns are views of these packed rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from features.compute.array_types import Float64, Int32, Int64, UInt64, read_only
from features.compute.jit import kernel
from features.compute.parallel import parallel_ranges, usable_cores
from features.histories.arrays import Answers
from features.histories.sorting import (
    AT,
    DURATION,
    EVENT,
    KIND,
    SMALL_SORT,
    VALUE,
    ascending,
    drop_equal_rows,
    drop_repeats,
    sort_large,
    sort_small,
)

NO_EVENTS = np.zeros(0, dtype=np.uint64)
"""For rows of which none has an ``event_id``."""


Sorted = tuple[Int64, Int64, Int32, Float64, Float64]
"""``offsets`` (n_leads + 1), then the rows' time, kind, value and duration."""


MIN_PARALLEL_ROWS = 200_000
"""From this many rows on, a table is grouped on all cores."""


_LINE = 8
"""Eight-byte numbers in a cache line of the processor."""


@kernel
def count_rows(lead: Int32, counts: Int64) -> None:
    """Add each lead's rows to ``counts`` (n_leads); rows of lead -1 (unknown) count nowhere."""
    for i in range(len(lead)):
        if lead[i] >= 0:
            counts[lead[i]] += 1


@kernel
def places_of(counts: Int64) -> Int64:
    """Where each lead's rows begin (n_leads + 1), from ``counts`` (n_shares, n_leads).

    ``counts`` becomes where each share's rows of the lead begin.
    """
    n_shares, n_leads = counts.shape
    offsets = np.zeros(n_leads + 1, dtype=np.int64)
    place = 0
    for lead in range(n_leads):
        for share in range(n_shares):
            count = counts[share, lead]
            counts[share, lead] = place
            place += count
        offsets[lead + 1] = place
    return offsets


@kernel
def place_rows(
    place: Int64, lead: Int32, at_us: Int64, kind: Int32, value: Int64, duration_s: Int64,
    event: Int64, rows: Int64,
) -> None:  # fmt: skip
    """Copy every row to its lead's next ``place``, packed."""
    for i in range(len(lead)):
        if lead[i] >= 0:
            row = place[lead[i]]
            place[lead[i]] = row + 1
            rows[row, AT] = at_us[i]
            rows[row, KIND] = kind[i]
            rows[row, VALUE] = value[i]
            rows[row, DURATION] = duration_s[i]
            if len(event):
                rows[row, EVENT] = event[i]


@kernel
def sort_leads(first: int, last: int, offsets: Int64, rows: Int64, kept: Int64) -> None:
    """Sort leads ``first`` to ``last`` in place, and drop repeated events and rows.

    A lead's rows start at its offset; ``kept`` says how many are left of it.
    """
    order, moments = np.empty(SMALL_SORT, dtype=np.int64), np.empty(SMALL_SORT, dtype=np.int64)
    before = np.empty((SMALL_SORT, rows.shape[1]), dtype=np.int64)
    for lead in range(first, last):
        low, n = offsets[lead], offsets[lead + 1] - offsets[lead]
        ties = not ascending(low, low + n, rows)
        if ties:
            if n <= SMALL_SORT:
                sort_small(low, n, rows, moments, order, before)
            else:
                sort_large(low, n, rows)
        left = drop_repeats(low, n, rows) if rows.shape[1] > EVENT else n
        kept[lead] = drop_equal_rows(low, left, rows) if ties else left


@kernel
def without_gaps(offsets: Int64, kept: Int64, rows: Int64) -> Sorted:
    """Close the gaps that dropped rows left; the columns are views of ``rows``."""
    closed = np.zeros(len(offsets), dtype=np.int64)
    for lead in range(len(kept)):
        closed[lead + 1] = closed[lead] + kept[lead]
        if closed[lead] != offsets[lead]:
            for i in range(kept[lead]):
                for field in range(rows.shape[1]):
                    rows[closed[lead] + i, field] = rows[offsets[lead] + i, field]
    rows = rows[: closed[-1]]
    kinds, amounts = rows.view(np.int32), rows.view(np.float64)
    return closed, rows[:, AT], kinds[:, 2 * KIND], amounts[:, VALUE], amounts[:, DURATION]


@kernel
def group_few(
    lead: Int32, n_leads: int, at_us: Int64, kind: Int32, value: Float64, duration_s: Float64,
    event: UInt64,
) -> Sorted:  # fmt: skip
    """:func:`group_rows` in one compiled call on one core, for a request's few rows."""
    counts = np.zeros((1, n_leads), dtype=np.int64)
    count_rows(lead, counts[0])
    offsets = places_of(counts)
    rows = np.empty((offsets[n_leads], EVENT + 1 if len(event) else EVENT), dtype=np.int64)
    place_rows(
        counts[0], lead, at_us, kind, value.view(np.int64), duration_s.view(np.int64),
        event.view(np.int64), rows,
    )  # fmt: skip
    kept = np.empty(n_leads, dtype=np.int64)
    start = np.int64(0)  # a literal 0 would be a type, and a compilation, of its own
    sort_leads(start, n_leads, offsets, rows, kept)  # type: ignore[arg-type]
    return without_gaps(offsets, kept, rows)


def group_rows(
    lead: Int32, n_leads: int, at_us: Int64, kind: Int32, value: Float64, duration_s: Float64,
    event: UInt64,
) -> Sorted:  # fmt: skip
    """Rows by lead, time, kind, value, duration; ``event`` (n) hashes, or empty for none.

    Rows of lead -1 (unknown) are left out, and so is every repeat of an event within a lead but
    the earliest: what arrives later can never take the place of what was known before. Rows
    without an event that say the same count once.
    """
    if len(lead) < MIN_PARALLEL_ROWS:
        columns = (read_only(column) for column in (at_us, kind, value, duration_s, event))
        return group_few(read_only(lead), n_leads, *columns)  # type: ignore[arg-type]
    batch = Arrays((at_us, kind, value, duration_s, event))
    return group_parts(lead, n_leads, [batch], events=len(event) > 0)


def group_parts(lead: Int32, n_leads: int, parts: list[RowBatch], *, events: bool) -> Sorted:
    """:func:`group_rows` of many rows in parts, on all cores.

    ``lead``: of all rows; ``events``: whether rows have hashes of events. ``parts`` is emptied:
    each is freed as soon as its rows are placed.
    """
    shares = shares_of(parts, usable_cores())
    parts.clear()
    counts = np.zeros((len(shares), n_leads), dtype=np.int64)

    def count(first: int, last: int) -> None:
        for i in range(first, last):
            for start, _, low, high in shares[i]:
                count_rows(lead[start + low : start + high], counts[i])

    parallel_ranges(count, len(shares))
    offsets = places_of(counts)
    rows = _aligned_rows(int(offsets[n_leads]), EVENT + 1 if events else EVENT)

    def place(first: int, last: int) -> None:
        for i in range(first, last):
            _place_share(shares[i], lead, counts[i], rows)

    parallel_ranges(place, len(shares))
    kept = np.empty(n_leads, dtype=np.int64)
    parallel_ranges(lambda low, high: sort_leads(low, high, offsets, rows, kept), n_leads)
    return without_gaps(offsets, kept, rows)


def _place_share(share: Share, lead: Int32, place: Int64, rows: Int64) -> None:
    share.reverse()
    while share:
        start, part, low, high = share.pop()
        of = read_only(lead[start + low : start + high])
        at_us, kind, *numbers = part.columns(low, high)
        value, duration_s, event = (read_only(column.view(np.int64)) for column in numbers)
        place_rows(place, of, read_only(at_us), read_only(kind), value, duration_s, event, rows)


def _aligned_rows(n: int, width: int) -> Int64:
    """Memory for packed rows that begins at a cache line."""
    memory = np.empty(n * width + _LINE, dtype=np.int64)
    start = -(memory.ctypes.data // memory.itemsize) % _LINE
    return memory[start : start + n * width].reshape(n, width)


def grouped_answers(
    lead: Int32, n_leads: int, attribute: Int32, at_us: Int64, value: Int32,
    attributes: tuple[str, ...], values: tuple[str, ...],
) -> Answers:  # fmt: skip
    """Answers by lead and time: rows like any other, of a kind (the attribute) and a value.

    The columns are copied: an empty table has contiguous columns, and kernels are compiled for one
    memory layout.
    """
    nothing = np.zeros(len(lead))
    offsets, moments, of, answered, _ = group_rows(
        lead, n_leads, at_us, attribute, value.astype(np.float64), nothing, NO_EVENTS
    )
    return Answers(
        offsets, of.copy(), moments.copy(), answered.astype(np.int32), attributes, values
    )


RowColumns = tuple[Int64, Int32, Float64, Float64, UInt64]
"""Some rows in order of arrival: time, kind, value, duration, and event hashes (or none at all)."""


class RowBatch(Protocol):
    """Rows whose columns are made when they are needed and freed after that."""

    def __len__(self) -> int: ...

    def columns(self, low: int, high: int) -> RowColumns:
        """The rows from ``low`` to ``high``."""


@dataclass(frozen=True, slots=True)
class Arrays:
    """Rows that are in memory as columns."""

    arrays: RowColumns

    def __len__(self) -> int:
        return len(self.arrays[0])

    def columns(self, low: int, high: int) -> RowColumns:
        """The rows from ``low`` to ``high``, nothing copied."""
        at_us, kind, value, duration_s, event = self.arrays
        rows = slice(low, high)
        return at_us[rows], kind[rows], value[rows], duration_s[rows], event[rows]


Share = list[tuple[int, RowBatch, int, int]]
"""Some rows in order of arrival: where the part begins among all, the part, and its rows."""


def shares_of(parts: Sequence[RowBatch], cores: int) -> list[Share]:
    """The rows in as many equal shares as there are cores; a part may be divided."""
    n = sum(map(len, parts))
    edges = [n * i // cores for i in range(cores + 1)]
    shares: list[Share] = [[] for _ in range(cores)]
    start = 0
    for part in parts:
        end = start + len(part)
        for share, low, high in zip(shares, edges, edges[1:], strict=False):
            low, high = max(low, start), min(high, end)
            if low < high:
                share.append((start, part, low - start, high - start))
        start = end
    return shares
