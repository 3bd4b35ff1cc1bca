"""Histories from records: leads' own lists, as a request, a store or a row of JSON text holds them.

The arrays are those that a dataset of the same leads gives, bit for bit, but neither pandas nor
pyarrow is imported, and one lead costs a few microseconds.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from heapq import merge
from itertools import chain
from typing import Any, TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from features.cleaning import trimmed
from features.compute.array_types import Float64, Int32, Int64, Object
from features.contract import value_to_text
from features.histories.arrays import NO_TIME, Answers, Histories, Interactions
from features.histories.grouping import NO_EVENTS, group_rows, grouped_answers
from features.histories.sorting import AT, DURATION, KIND, NO_EVENT, VALUE

T = TypeVar("T")
N = TypeVar("N", np.float64, np.int64, np.uint64)


_NAN = float("nan")


_NO_CODES, _NO_MOMENTS = np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.int64)


AT_ONCE = 5_000
"""Rows handled in one step of the interpreter. A lead may have a million, and a server that reads
them in a thread answers nobody else during a step."""


Value = bool | float | str | None


class RecordColumns(msgspec.Struct, frozen=True):
    """One lead's interactions and answers as parallel lists; None is unknown.

    ``values``, ``durations_s`` and ``event_ids`` may be left empty: all are unknown then.
    """

    kinds: Sequence[str] = ()
    at_us: Sequence[int] | Int64 = ()
    values: Sequence[float | None] = ()
    durations_s: Sequence[float | None] = ()
    event_ids: Sequence[str | int | None] = ()
    attributes: Sequence[str] = ()
    answered_us: Sequence[int] | Int64 = ()
    answers: Sequence[Value] = ()


class PackedInteractions(msgspec.Struct, frozen=True):
    """One lead's interactions as the engine packs them (n, 4), a kind as a position in ``kinds``,
    which is sorted. None repeats an ``event_id``. See ``features.histories.sorting``."""

    packed: Int64
    kinds: tuple[str, ...]


class LeadRecord(msgspec.Struct, frozen=True):
    """All that is known of one lead. ``created_at_us``: NO_TIME when unknown.

    ``attributes``: as known at creation. ``rows``: its interactions, if they are not in ``lists``.
    """

    lead_id: str
    created_at_us: int = NO_TIME
    attributes: Mapping[str, Value] = {}
    lists: RecordColumns = RecordColumns()
    rows: PackedInteractions | None = None


def histories_from_records(leads: Sequence[LeadRecord]) -> Histories:
    """Histories of these leads, repeats of an ``event_id`` within one dropped (the earliest stays).

    An attribute that only some of them have is unknown of the others.
    """
    lists = [lead.lists for lead in leads]
    rows = [lead.rows for lead in leads if lead.rows is not None]
    same_kinds = len(rows) == len(leads) and len({id(one.kinds) for one in rows}) == 1
    return Histories(
        _objects([lead.lead_id for lead in leads]),
        np.array([lead.created_at_us for lead in leads], dtype=np.int64),
        _attributes([lead.attributes for lead in leads]),
        _from_packed(rows) if same_kinds else _interactions([_as_lists(lead) for lead in leads]),
        _answers(lists),
    )


def _objects(values: Sequence[str | float | None]) -> Object:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _attributes(records: Sequence[Mapping[str, Value]]) -> dict[str, Float64 | Object]:
    if len(records) == 1:
        return {name: _attribute([value]) for name, value in records[0].items()}
    names = dict.fromkeys(chain.from_iterable(records))
    return {name: _attribute([one.get(name) for one in records]) for name in names}


def _attribute(values: list[Value]) -> Float64 | Object:
    """Float64 (a boolean is 1 or 0); objects as soon as one is a word or unknown."""
    if any(value is None or isinstance(value, str) for value in values):
        return _objects([v if v is None or isinstance(v, str) else float(v) for v in values])
    return np.array(values, dtype=np.float64)


def _in_order(words: Collection[str]) -> list[str]:
    """The words, sorted; very many in slices, for one sort is one step."""
    if len(words) <= AT_ONCE:
        return sorted(words)
    return list(merge(*map(sorted, _slices(list(words)))))


def _slices(values: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), AT_ONCE):
        yield values[start : start + AT_ONCE]


def _array(values: Sequence[Any] | Int64, dtype: type[N]) -> npt.NDArray[N]:
    """The values as an array."""
    if len(values) <= AT_ONCE:
        return np.array(values, dtype=dtype)
    starts = range(0, len(values), AT_ONCE)
    return np.concatenate([np.array(values[i : i + AT_ONCE], dtype=dtype) for i in starts])


def _dictionary_encode(names: Sequence[str]) -> tuple[Int32, tuple[str, ...]]:
    different = set[str]()
    for part in _slices(names):
        different.update(part)
    plain = {name: trimmed(name) for name in different}
    ordered = tuple(_in_order(set(plain.values())))
    rank = {name: i for i, name in enumerate(ordered)}
    code_of = {name: rank[plain[name]] for name in different}
    codes = [np.array(list(map(code_of.__getitem__, p)), dtype=np.int32) for p in _slices(names)]
    return np.concatenate(codes) if codes else _NO_CODES, ordered


def _floats(values: Sequence[float | None]) -> Float64:
    unknown = values.count(None)
    if unknown == len(values):
        return np.full(unknown, _NAN)
    if unknown:
        values = [_NAN if v is None else v for v in values]
    return _array(values, np.float64)


def _events(event_ids: Sequence[str | int | None]) -> npt.NDArray[np.uint64]:
    """A number per event, equal where the ids are equal; none at all if there are none."""
    if isinstance(event_ids, range):  # rows of a store, which are unique there
        return np.arange(1, len(event_ids) + 1, dtype=np.uint64)
    given = len(event_ids) - event_ids.count(None)
    if given == 0:
        return NO_EVENTS
    rank: dict[str | int, int] = {}
    none = int(NO_EVENT)
    codes = [none if e is None else rank.setdefault(e, len(rank) + 1) for e in event_ids]
    return _array(codes, np.uint64)


def _joined(columns: Sequence[Sequence[T]]) -> Sequence[T]:
    return columns[0] if len(columns) == 1 else list(chain.from_iterable(columns))


def _moments(columns: Sequence[Sequence[int] | Int64]) -> Int64:
    return np.concatenate([_array(column, np.int64) for column in columns])


def _rows(counts: Sequence[int]) -> Int32:
    """The lead of every row, where the leads have so many rows."""
    if len(counts) == 1:
        return np.zeros(counts[0], dtype=np.int32)
    return np.repeat(np.arange(len(counts), dtype=np.int32), counts)


def _interactions(records: Sequence[RecordColumns]) -> Interactions:
    kind, kinds = _dictionary_encode(_joined([lists.kinds for lists in records]))
    rows = group_rows(
        _rows([len(lists.kinds) for lists in records]), len(records),
        _moments([lists.at_us for lists in records]), kind,
        _floats(_joined([lists.values or [None] * len(lists.kinds) for lists in records])),
        _floats(_joined([lists.durations_s or [None] * len(lists.kinds) for lists in records])),
        _events(_joined([lists.event_ids or [None] * len(lists.kinds) for lists in records])),
    )  # fmt: skip
    return Interactions(*rows, kinds)


def _from_packed(leads: Sequence[PackedInteractions]) -> Interactions:
    """Interactions of leads that number their kinds alike."""
    packed = np.concatenate([rows.packed for rows in leads])
    amounts = packed.view(np.float64)
    rows = group_rows(
        _rows([len(rows.packed) for rows in leads]), len(leads),
        packed[:, AT].copy(), packed[:, KIND].astype(np.int32),
        amounts[:, VALUE].copy(), amounts[:, DURATION].copy(), NO_EVENTS,
    )  # fmt: skip
    return Interactions(*rows, leads[0].kinds)


def _as_lists(lead: LeadRecord) -> RecordColumns:
    """A lead's lists, with its packed interactions among them."""
    if lead.rows is None:
        return lead.lists
    packed, kinds = lead.rows.packed, lead.rows.kinds
    amounts = packed.view(np.float64)
    return msgspec.structs.replace(
        lead.lists,
        kinds=[kinds[code] for code in packed[:, KIND].tolist()],
        at_us=packed[:, AT].copy(),
        values=amounts[:, VALUE].tolist(),
        durations_s=amounts[:, DURATION].tolist(),
        event_ids=[None] * len(packed),
    )


def _answers(records: Sequence[RecordColumns]) -> Answers:
    if not any(lists.attributes for lists in records):
        offsets = np.zeros(len(records) + 1, dtype=np.int64)
        return Answers(offsets, _NO_CODES, _NO_MOMENTS, _NO_CODES, (), ())
    attribute, attributes = _dictionary_encode(_joined([lists.attributes for lists in records]))
    value, values = _dictionary_encode(
        [value_to_text(v) for v in _joined([lists.answers for lists in records])]
    )
    return grouped_answers(
        _rows([len(lists.attributes) for lists in records]), len(records), attribute,
        _moments([lists.answered_us for lists in records]), value, attributes, values,
    )  # fmt: skip
