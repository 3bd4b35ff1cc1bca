"""One lead's lists as the engine's arrays: the same as a dataset of one lead, without a frame.

``features.building.one_history`` gives the same arrays through pyarrow; a test holds the two
together bit for bit. This one imports numpy alone and costs a few microseconds.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.grouping import NO_EVENTS, group_rows, grouped_answers
from features.histories import (
    Answers,
    Float64,
    Histories,
    Int32,
    Int64,
    Interactions,
    Object,
)
from features.row_order import NO_EVENT

_NAN = float("nan")
_NO_ANSWERS = Answers(
    np.zeros(2, dtype=np.int64), np.zeros(0, dtype=np.int32), np.zeros(0, dtype=np.int64),
    np.zeros(0, dtype=np.int32), (), (),
)  # fmt: skip

Value = bool | float | str | None


@dataclass(frozen=True, slots=True)
class Lists:
    """One lead's interactions and answers as parallel lists; None is unknown."""

    kinds: Sequence[str] = ()
    at_us: Sequence[int] | Int64 = ()
    values: Sequence[float | None] = ()
    durations_s: Sequence[float | None] = ()
    event_ids: Sequence[str | None] = ()
    attributes: Sequence[str] = ()
    answered_us: Sequence[int] | Int64 = ()
    answers: Sequence[Value] = ()


def history_of(
    lead_id: str, created_at_us: int, attributes: Mapping[str, Value], lists: Lists
) -> Histories:
    """Histories of a single lead, repeats of an ``event_id`` dropped (the earliest stays)."""
    return Histories(
        _objects([lead_id]),
        np.array([created_at_us], dtype=np.int64),
        {name: _attribute(value) for name, value in attributes.items()},
        _interactions(lists),
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


def _objects(values: list[str | None] | list[str]) -> Object:
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return array


def _attribute(value: Value) -> Float64 | Object:
    if isinstance(value, str) or value is None:
        return _objects([value])
    return np.array([value], dtype=np.float64)


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


def _interactions(lists: Lists) -> Interactions:
    kind, kinds = _coded(lists.kinds)
    at_us = np.array(lists.at_us, dtype=np.int64)
    value, duration_s = _floats(lists.values), _floats(lists.durations_s)
    lead = np.zeros(len(kind), dtype=np.int32)
    events = _events(lists.event_ids)
    return Interactions(*group_rows(lead, 1, at_us, kind, value, duration_s, events), kinds)


def _answers(lists: Lists) -> Answers:
    if not lists.attributes:
        return _NO_ANSWERS
    attribute, attributes = _coded(lists.attributes)
    value, values = _coded([text_of(v) for v in lists.answers])
    at_us = np.array(lists.answered_us, dtype=np.int64)
    lead = np.zeros(len(at_us), dtype=np.int32)
    return grouped_answers(lead, 1, attribute, at_us, value, attributes, values)
