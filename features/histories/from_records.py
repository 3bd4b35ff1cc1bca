"""Leads' lists as the engine's arrays: the same as a dataset of these leads, without a frame.

``features.histories.build.one_history`` gives the same arrays of one lead through pyarrow; a test
holds the two together bit for bit. This one imports numpy alone and costs a few microseconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import TypeVar

import msgspec
import numpy as np
import numpy.typing as npt

from features.compute.array_types import Float64, Int32, Int64, Object
from features.histories.arrays import Answers, Histories, Interactions
from features.histories.grouping import NO_EVENTS, group_rows, grouped_answers
from features.histories.sorting import AT, DURATION, KIND, NO_EVENT, VALUE

T = TypeVar("T")


_NAN = float("nan")


_NO_CODES, _NO_MOMENTS = np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.int64)


Value = bool | float | str | None


class RecordColumns(msgspec.Struct, frozen=True):
    """One lead's interactions and answers as parallel lists; None is unknown."""

    kinds: Sequence[str] = ()
    at_us: Sequence[int] | Int64 = ()
    values: Sequence[float | None] = ()
    durations_s: Sequence[float | None] = ()
    event_ids: Sequence[str | None] = ()
    attributes: Sequence[str] = ()
    answered_us: Sequence[int] | Int64 = ()
    answers: Sequence[Value] = ()


class PackedInteractions(msgspec.Struct, frozen=True):
    """One lead's interactions as the engine packs them (n, 4), a kind as a position in ``kinds``,
    which is sorted. None repeats an ``event_id``. See ``features.histories.sorting``."""

    packed: Int64
    kinds: tuple[str, ...]


class LeadRecord(msgspec.Struct, frozen=True):
    """What is told of one lead. ``created_at_us``: NO_TIME when unknown.

    ``rows``: its interactions, if they are not in ``lists``.
    """

    lead_id: str
    created_at_us: int
    attributes: Mapping[str, Value]
    lists: RecordColumns
    rows: PackedInteractions | None = None


def histories_from_records(leads: Sequence[LeadRecord]) -> Histories:
    """Histories of these leads, repeats of an ``event_id`` within one dropped (the earliest stays).

    An attribute that only some of them tell is unknown of the others.
    """
    lists = [lead.lists for lead in leads]
    rows = [lead.rows for lead in leads if lead.rows is not None]
    alike = len(rows) == len(leads) and len({id(one.kinds) for one in rows}) == 1
    return Histories(
        _objects([lead.lead_id for lead in leads]),
        np.array([lead.created_at_us for lead in leads], dtype=np.int64),
        _attributes([lead.attributes for lead in leads]),
        _of_rows(rows) if alike else _interactions([_listed(lead) for lead in leads]),
        _answers(lists),
    )


def text_of(value: Value) -> str:
    """An answer as the answers table writes it; unknown is the empty text.

    >>> text_of(True), text_of(3.0), text_of(2.5), text_of(None), text_of("yes")
    ('true', '3', '2.5', '', 'yes')
    """
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else repr(value)
    return str(value)


def _objects(values: Sequence[str | float | None]) -> Object:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _attributes(told: Sequence[Mapping[str, Value]]) -> dict[str, Float64 | Object]:
    if len(told) == 1:
        return {name: _attribute([value]) for name, value in told[0].items()}
    names = dict.fromkeys(chain.from_iterable(told))
    return {name: _attribute([one.get(name) for one in told]) for name in names}


def _attribute(values: list[Value]) -> Float64 | Object:
    """Numbers (a truth is 1 or 0) as such; objects as soon as one is a word or unknown."""
    if any(value is None or isinstance(value, str) for value in values):
        return _objects([v if v is None or isinstance(v, str) else float(v) for v in values])
    return np.array(values, dtype=np.float64)


def _coded(names: Sequence[str]) -> tuple[Int32, tuple[str, ...]]:
    ordered = tuple(sorted(set(names)))
    rank = {name: i for i, name in enumerate(ordered)}
    return np.array(list(map(rank.__getitem__, names)), dtype=np.int32), ordered


def _floats(values: Sequence[float | None]) -> Float64:
    unknown = values.count(None)
    if unknown == len(values):
        return np.full(unknown, _NAN)
    if unknown:
        values = [_NAN if v is None else v for v in values]
    return np.array(values, dtype=np.float64)


def _events(event_ids: Sequence[str | None]) -> npt.NDArray[np.uint64]:
    """A number per event, equal where the ids are equal; none at all if none is repeated."""
    given = len(event_ids) - event_ids.count(None)
    if given == 0 or len(set(event_ids)) >= given + (given < len(event_ids)):
        return NO_EVENTS
    rank: dict[str, int] = {}
    none = int(NO_EVENT)
    codes = [none if e is None else rank.setdefault(e, len(rank) + 1) for e in event_ids]
    return np.array(codes, dtype=np.uint64)


def _joined(columns: Sequence[Sequence[T]]) -> Sequence[T]:
    return columns[0] if len(columns) == 1 else list(chain.from_iterable(columns))


def _moments(columns: Sequence[Sequence[int] | Int64]) -> Int64:
    return np.concatenate([np.array(column, dtype=np.int64) for column in columns])


def _rows(counts: Sequence[int]) -> Int32:
    """The lead of every row, where the leads have so many rows."""
    if len(counts) == 1:
        return np.zeros(counts[0], dtype=np.int32)
    return np.repeat(np.arange(len(counts), dtype=np.int32), counts)


def _interactions(told: Sequence[RecordColumns]) -> Interactions:
    kind, kinds = _coded(_joined([lists.kinds for lists in told]))
    rows = group_rows(
        _rows([len(lists.kinds) for lists in told]), len(told),
        _moments([lists.at_us for lists in told]), kind,
        _floats(_joined([lists.values for lists in told])),
        _floats(_joined([lists.durations_s for lists in told])),
        _events(_joined([lists.event_ids for lists in told])),
    )  # fmt: skip
    return Interactions(*rows, kinds)


def _of_rows(told: Sequence[PackedInteractions]) -> Interactions:
    """Of leads whose kinds are the same."""
    packed = np.concatenate([rows.packed for rows in told])
    amounts = packed.view(np.float64)
    rows = group_rows(
        _rows([len(rows.packed) for rows in told]), len(told),
        packed[:, AT].copy(), packed[:, KIND].astype(np.int32),
        amounts[:, VALUE].copy(), amounts[:, DURATION].copy(), NO_EVENTS,
    )  # fmt: skip
    return Interactions(*rows, told[0].kinds)


def _listed(lead: LeadRecord) -> RecordColumns:
    """A lead's lists, with the interactions that stand in its rows."""
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


def _answers(told: Sequence[RecordColumns]) -> Answers:
    if not any(lists.attributes for lists in told):
        offsets = np.zeros(len(told) + 1, dtype=np.int64)
        return Answers(offsets, _NO_CODES, _NO_MOMENTS, _NO_CODES, (), ())
    attribute, attributes = _coded(_joined([lists.attributes for lists in told]))
    value, values = _coded([text_of(v) for v in _joined([lists.answers for lists in told])])
    return grouped_answers(
        _rows([len(lists.attributes) for lists in told]), len(told), attribute,
        _moments([lists.answered_us for lists in told]), value, attributes, values,
    )  # fmt: skip
