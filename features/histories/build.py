"""Histories from tables: a dataset's frames and Arrow tables as sorted arrays.

Histories of single leads, without a table, come from :mod:`features.histories.from_records`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.compute.array_types import Float64, Int32, Int64, Object, UInt64
from features.histories.arrays import NO_TIME, Answers, Histories, Interactions
from features.histories.dictionary_codes import dictionary_encode_sorted, event_hashes, lead_codes
from features.histories.grouping import (
    RowBatch,
    RowColumns,
    group_parts,
    grouped_answers,
)
from features.schemas import LEAD_COLUMNS

if TYPE_CHECKING:
    from features.dataset import Dataset


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
        if name not in LEAD_COLUMNS or name in dataset.settings.attributes
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
