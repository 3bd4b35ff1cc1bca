"""One lead of a dataset with its history as JSON-ready data: the body of ``POST /v1/scores``."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.contract import AttributeType
from features.dataset import Dataset
from features.errors import DataError

Message = dict[str, Any]


def lead_message(dataset: Dataset, lead_id: str, as_of: datetime | None = None) -> Message:
    """The lead as JSON-ready data; unknown values are left out, moments are ISO 8601 in UTC.

    ``as_of``: only what happened before it; None: everything, and the answer is as of
    the moment of the request. Raises DataError if the lead is not in the dataset, or has no
    time to hold ``as_of`` against.
    """
    rows = dataset.leads[dataset.leads["lead_id"] == lead_id]
    if rows.empty:
        some = ", ".join(dataset.leads["lead_id"].head(3))
        raise DataError(f"no lead {lead_id!r} in {dataset.settings.name}; there are {some}, …")
    if as_of is not None and not dataset.has_time:
        raise DataError(f"{dataset.settings.name} has no time; leave --as-of out")
    lead = rows.iloc[0]
    message: Message = {"lead_id": lead_id}
    if dataset.has_time:
        message["created_at"] = iso(lead["created_at"])
    if as_of is not None:
        message["as_of"] = iso(as_of)
    message["attributes"] = attributes_of(dataset, lead)
    message["answers"] = rows_before(dataset.answers, "answered_at", lead_id, as_of)
    message["interactions"] = rows_before(dataset.interactions, "occurred_at", lead_id, as_of)
    return message


def attributes_of(dataset: Dataset, lead: pd.Series) -> Message:
    """The known attributes of one row of leads; booleans as booleans."""
    known: Message = {}
    for name, declared in dataset.settings.attributes.items():
        if name not in lead.index or pd.isna(lead[name]):
            continue
        value = lead[name]
        if declared.type is AttributeType.BOOLEAN:
            known[name] = bool(value)
        else:
            known[name] = value if isinstance(value, str) else float(value)
    return known


def rows_before(
    table: pa.Table, moment: str, lead_id: str, as_of: datetime | None
) -> list[Message]:
    """One lead's rows of a table with ``moment < as_of``, oldest first, without its id."""
    mine = table.filter(pc.equal(table["lead_id"], lead_id)).drop_columns(["lead_id"])
    if as_of is not None:
        mine = mine.filter(pc.less(mine[moment], pa.scalar(as_of, mine.schema.field(moment).type)))
    rows = []
    for row in mine.sort_by(moment).to_pylist():
        row[moment] = iso(row[moment])
        rows.append({name: value for name, value in row.items() if value is not None})
    return rows


def iso(moment: datetime) -> str:
    """ISO 8601 in UTC with a Z; microseconds only where there are any.

    >>> from datetime import UTC
    >>> iso(datetime(2026, 3, 1, 9, tzinfo=UTC))
    '2026-03-01T09:00:00Z'
    """
    return pd.Timestamp(moment).tz_convert("UTC").isoformat().replace("+00:00", "Z")
