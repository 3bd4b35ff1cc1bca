"""Interactions that count once only."""

from __future__ import annotations

import pyarrow as pa

from features.dataset import Dataset
from features.reading.check.report import RepeatCount
from features.reading.values.text import mask_of


def repeat_counts(dataset: Dataset) -> tuple[RepeatCount, ...]:
    """How many interactions count once only: repeats of an event_id, and of all that a row says.

    Without an ``event_id`` the content of a row is its identity, as in the store of the service.
    """
    rows = dataset.interactions
    if rows.num_rows == 0:
        return ()
    words = pa.schema([("lead_id", pa.string()), ("kind", pa.string())])
    rows = rows.select(["lead_id", "kind"]).cast(words).append_column(
        "at", rows.column("occurred_at").cast(pa.int64())
    ).append_column("value", rows.column("value")).append_column(
        "duration_s", rows.column("duration_s")
    ).append_column("event_id", rows.column("event_id"))  # fmt: skip
    known = mask_of(rows.column("event_id").is_valid())
    found = []
    named, nameless = rows.filter(pa.array(known)), rows.filter(pa.array(~known))
    content = ["lead_id", "kind", "at", "value", "duration_s"]
    if named.num_rows:
        events = named.group_by(["lead_id", "event_id"]).aggregate([]).num_rows
        whole = named.group_by([*content, "event_id"]).aggregate([]).num_rows
        if whole < named.num_rows:
            found.append(RepeatCount("exact repeats of an event_id", named.num_rows - whole))
        if events < whole:
            reason = (
                "their event_id is that of another row of the lead that differs (only the earliest "
                'counts); if it is no id of events, say event_id = "" in [columns.interactions]'
            )
            found.append(RepeatCount(reason, whole - events))
    if nameless.num_rows:
        whole = nameless.group_by(content).aggregate([]).num_rows
        if whole < nameless.num_rows:
            reason = "all that they say is said by another row (an event_id keeps such rows apart)"
            found.append(RepeatCount(reason, nameless.num_rows - whole))
    return tuple(found)
