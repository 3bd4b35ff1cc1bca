"""Rows of leads with few and with many rows, in every order, against Python's own sorting."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from features.histories.grouping import (
    NO_EVENTS,
    group_few,
    group_parts,
    group_rows,
    grouped_answers,
)
from features.histories.sorting import SMALL_SORT

SIZES = [0, 1, 2, 3, SMALL_SORT - 1, SMALL_SORT, SMALL_SORT + 1, 3 * SMALL_SORT]


def last_if_nan(number: float) -> tuple[bool, float]:
    return math.isnan(number), 0.0 if math.isnan(number) else number


def plainly_grouped(rows: list[tuple], n_leads: int) -> list[list[tuple]]:
    """Each lead's rows in order, of each event the earliest, of rows without one each once."""
    grouped = []
    for lead in range(n_leads):
        seen, kept, said = set(), [], set()
        mine = [row for row in rows if row[0] == lead]
        for row in sorted(mine, key=lambda r: (r[1], r[2], last_if_nan(r[3]), last_if_nan(r[4]))):
            new = repr(row[1:5]) not in said if row[5] == 0 else row[5] not in seen
            if new:
                kept.append(row[1:5])
            said.add(repr(row[1:5])) if row[5] == 0 else seen.add(row[5])
        grouped.append(kept)
    return grouped


def drawn_rows(seed: int, moments: int, events: int) -> list[tuple]:
    rng = np.random.default_rng(seed)
    rows = []
    for lead, n in [*enumerate(SIZES), (-1, 5)]:
        for _ in range(n):
            content = (int(rng.integers(0, moments)), int(rng.integers(0, 3)))
            amounts = rng.choice([1.0, 2.0, np.nan], 2).tolist()
            event = int(rng.integers(0, events)) if events else 0
            rows.append((lead, *content, *amounts, event))
    return [rows[i] for i in rng.permutation(len(rows))]


def columns_of(rows: list[tuple], events: int) -> tuple:
    lead, at_us, kind, value, duration_s, event = zip(*rows, strict=True)
    return (
        np.array(lead, np.int32), len(SIZES), np.array(at_us, np.int64), np.array(kind, np.int32),
        np.array(value), np.array(duration_s), np.array(event, np.uint64) if events else NO_EVENTS,
    )  # fmt: skip


def listed(offsets, *columns) -> list[list[tuple]]:
    rows = [tuple(row) for row in zip(*(c.tolist() for c in columns), strict=True)]
    return [rows[low:high] for low, high in itertools.pairwise(offsets)]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("moments", [1, 5, 10**12])
def test_rows_of_a_lead_are_sorted_by_time_and_content(seed, moments):
    rows = drawn_rows(seed, moments, 0)
    grouped = listed(*group_few(*columns_of(rows, 0)))
    np.testing.assert_equal(grouped, plainly_grouped(rows, len(SIZES)))


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("events", [2, 40, 10**6])
def test_of_an_event_the_earliest_row_is_kept(seed, events):
    rows = drawn_rows(seed, 10**12, events)
    grouped = listed(*group_few(*columns_of(rows, events)))
    np.testing.assert_equal(grouped, plainly_grouped(rows, len(SIZES)))


def test_rows_that_lie_in_parts_are_shared_among_the_cores(monkeypatch):
    lead, n_leads, *columns = columns_of(drawn_rows(9, 50, 0), 0)
    whole = group_few(lead, n_leads, *columns)
    for cores in ("1", "2", "5"):
        monkeypatch.setenv("OMP_NUM_THREADS", cores)
        parts = [Part(columns, rows) for rows in np.array_split(np.arange(len(lead)), 3)]
        parts.insert(1, Part(columns, np.arange(0)))
        found = group_parts(lead, n_leads, parts, events=False)
        assert parts == []
        for one, other in zip(whole, found, strict=True):
            np.testing.assert_array_equal(one, other)


class Part:
    """Some of the rows, as a part of a table gives them."""

    def __init__(self, columns, rows):
        self.of = [column[rows] if len(column) else column for column in columns]

    def __len__(self):
        return len(self.of[0])

    def columns(self, low, high):
        return tuple(column[low:high] for column in self.of)


def test_columns_are_views_of_rows_that_lie_side_by_side():
    lead, n_leads, *columns = columns_of(drawn_rows(1, 10**12, 0), 0)
    _, at_us, kind, value, duration_s = group_rows(lead, n_leads, *columns)
    assert {at_us.strides, kind.strides, value.strides, duration_s.strides} == {(32,)}
    assert kind.dtype == np.int32
    assert np.shares_memory(at_us.base, value.base)


def test_columns_of_answers_lie_by_themselves_as_those_of_no_answers_do():
    codes = np.array([0, 1, 0], np.int32)
    at_us = np.array([3, 2, 1])
    found = grouped_answers(codes * 0, 1, codes, at_us, codes, ("need", "time"), ("no", "yes"))
    assert found.at_us.tolist() == [1, 2, 3]
    assert all(c.flags.c_contiguous for c in (found.attribute, found.at_us, found.value))
