"""Histories built from tables (a dataset) or from one lead's own lists (a request)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.compute.array_types import Float64, Int32, Int64, Object
from features.histories.arrays import NO_TIME, Answers, Histories, Interactions
from features.histories.dictionary_codes import dictionary_encode_sorted, event_hashes, lead_codes
from features.histories.grouping import (
    NO_EVENTS,
    RowBatch,
    RowColumns,
    UInt64,
    group_parts,
    group_rows,
    grouped_answers,
)

if TYPE_CHECKING:
    from features.dataset import Dataset


@dataclass(frozen=True, slots=True)
class InteractionRows:
    """One lead's interactions as parallel lists; None is unknown."""

    kinds: Sequence[str] = ()
    at_us: Sequence[int] = ()
    values: Sequence[float | None] | None = None
    durations_s: Sequence[float | None] | None = None
    event_ids: Sequence[str | None] | None = None


@dataclass(frozen=True, slots=True)
class AnswerRows:
    """One lead's answers as parallel lists; a value of None is "learned to be unknown"."""

    attributes: Sequence[str] = ()
    at_us: Sequence[int] = ()
    values: Sequence[str | None] = ()


def _numbers(column: pa.ChunkedArray | pa.Array) -> Float64:
    return np.asarray(pc.cast(column, pa.float64()).to_numpy(zero_copy_only=False))


def _moments(column: pa.ChunkedArray | pa.Array) -> Int64:
    whole = pc.cast(pc.cast(column, pa.timestamp("us", tz="UTC")), pa.int64())
    return np.asarray(whole.to_numpy(zero_copy_only=False))


def interactions_of(table: pa.Table, lead_ids: Object) -> Interactions:
    """Group an interactions table (the contract's columns) by ``lead_ids``.

    Where nobody else holds the table, each of its chunks is let go as soon as its rows are placed.
    """
    lead = lead_codes(table["lead_id"], lead_ids)
    kind, kinds = dictionary_encode_sorted(table["kind"])
    event = event_hashes(table["event_id"])
    batches = table.select(["occurred_at", "value", "duration_s"]).to_batches()
    del table
    parts: list[RowBatch] = []
    start = 0
    while batches:
        parts.append(_Batch(batches.pop(0), start, kind, event))
        start += len(parts[-1])
    grouped = group_parts(lead, len(lead_ids), parts, events=len(event) > 0)
    return Interactions(*grouped, kinds)


@dataclass(frozen=True, slots=True)
class _Batch:
    """Rows of a table from ``start`` on; ``kind`` and ``event`` are of all its rows."""

    batch: pa.RecordBatch
    start: int
    kind: Int32
    event: UInt64

    def __len__(self) -> int:
        return int(self.batch.num_rows)

    def columns(self, low: int, high: int) -> RowColumns:
        part, rows = self.batch.slice(low, high - low), slice(self.start + low, self.start + high)
        return (
            _moments(part["occurred_at"]),
            self.kind[rows],
            _numbers(part["value"]),
            _numbers(part["duration_s"]),
            self.event[rows],
        )


def answers_of(table: pa.Table, lead_ids: Object) -> Answers:
    """Group an answers table (the contract's columns) by ``lead_ids``."""
    attribute, attributes = dictionary_encode_sorted(table["attribute"])
    value, values = dictionary_encode_sorted(table["value"])
    lead = lead_codes(table["lead_id"], lead_ids)
    return grouped_answers(
        lead, len(lead_ids), attribute, _moments(table["answered_at"]), value, attributes, values
    )


def histories_from_dataset(dataset: Dataset) -> Histories:
    """Everything a dataset knows of its leads, in the order of its leads table."""
    leads = dataset.leads
    lead_ids = leads["lead_id"].to_numpy(dtype=object)
    created: Int64 = np.full(len(leads), NO_TIME, dtype=np.int64)
    if "created_at" in leads:
        moments = leads["created_at"].astype("datetime64[us, UTC]")
        created = np.asarray(moments.astype("int64"), dtype=np.int64)
    attributes: dict[str, Float64 | Object] = {
        name: _attribute(leads[name])
        for name in leads.columns
        if name not in ("lead_id", "created_at")
    }
    return Histories(
        lead_ids,
        created,
        attributes,
        interactions_of(dataset.interactions, lead_ids),
        answers_of(dataset.answers, lead_ids),
    )


def _attribute(column: pd.Series) -> Float64 | Object:
    if pd.api.types.is_numeric_dtype(column.dtype):
        return np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan))
    objects = column.astype(object)
    return np.asarray(objects.where(objects.notna(), None).to_numpy(dtype=object))


def _floats(values: Sequence[float | None] | None, n: int) -> Float64:
    if values is None:
        return np.full(n, np.nan)
    return np.array([np.nan if v is None else v for v in values], dtype=np.float64)


def _events(event_ids: Sequence[str | None] | None) -> UInt64:
    if event_ids is None or not any(event_ids):
        return NO_EVENTS
    return event_hashes(pa.chunked_array([pa.array(event_ids, type=pa.string())]))


def _coded(names: Sequence[str]) -> tuple[Int32, tuple[str, ...]]:
    ordered = tuple(sorted(set(names)))
    rank = {name: i for i, name in enumerate(ordered)}
    return np.array([rank[name] for name in names], dtype=np.int32), ordered


_EMPTY_INTERACTIONS = InteractionRows()


_EMPTY_ANSWERS = AnswerRows()


@dataclass(frozen=True, slots=True)
class LeadFacts:
    """One lead as a request tells it. ``created_at_us`` None: creation unknown."""

    lead_id: str
    created_at_us: int | None = None
    attributes: Mapping[str, float | str | bool | None] = field(default_factory=dict)
    interactions: InteractionRows = _EMPTY_INTERACTIONS
    answers: AnswerRows = _EMPTY_ANSWERS


def one_history(lead: LeadFacts) -> Histories:
    """Histories of a single lead, equal to what a dataset with the same rows would give."""
    rows = lead.interactions
    n = len(rows.kinds)
    at_us = np.array(rows.at_us, dtype=np.int64)
    kind, kinds = _coded(rows.kinds)
    value, duration_s = _floats(rows.values, n), _floats(rows.durations_s, n)
    sorted_rows = group_rows(
        np.zeros(n, dtype=np.int32), 1, at_us, kind, value, duration_s, _events(rows.event_ids)
    )
    attributes: dict[str, Float64 | Object] = {}
    for name, known in lead.attributes.items():
        if isinstance(known, str) or known is None:
            attributes[name] = np.array([known], dtype=object)
        else:
            attributes[name] = np.array([known], dtype=np.float64)
    return Histories(
        np.array([lead.lead_id], dtype=object),
        np.array([NO_TIME if lead.created_at_us is None else lead.created_at_us], dtype=np.int64),
        attributes,
        Interactions(*sorted_rows, kinds),
        _one_answers(lead.answers),
    )


def _one_answers(rows: AnswerRows) -> Answers:
    attribute, attributes = _coded(rows.attributes)
    value, values = _coded([v or "" for v in rows.values])
    n = len(rows.attributes)
    at_us = np.array(rows.at_us, dtype=np.int64)
    lead = np.zeros(n, dtype=np.int32)
    return grouped_answers(lead, 1, attribute, at_us, value, attributes, values)


__all__ = [
    "AnswerRows",
    "InteractionRows",
    "LeadFacts",
    "answers_of",
    "histories_from_dataset",
    "interactions_of",
    "one_history",
]
