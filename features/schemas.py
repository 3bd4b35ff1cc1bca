"""The tables that a Dataset promises: Arrow schemas, the columns of its frames, and the check."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from features.contract import AttributeType, Outcome
from features.dataset_settings import DatasetSettings
from features.errors import DataError

UTC_MICROSECONDS = pa.timestamp("us", tz="UTC")
DICTIONARY_STRING = pa.dictionary(pa.int32(), pa.string())
"""A dictionary column: a code a row, and each word once."""


INTERACTIONS_SCHEMA = pa.schema(
    [
        ("lead_id", DICTIONARY_STRING),
        ("occurred_at", UTC_MICROSECONDS),
        ("kind", DICTIONARY_STRING),
        ("value", pa.float64()),
        ("duration_s", pa.float64()),
        ("channel", pa.string()),
        ("event_id", pa.string()),
    ]
)


ANSWERS_SCHEMA = pa.schema(
    [
        ("lead_id", pa.string()),
        ("answered_at", UTC_MICROSECONDS),
        ("attribute", pa.string()),
        ("value", pa.string()),
    ]
)


TIME = "datetime64[us, UTC]"
ACCOUNT_COLUMN = "account_id"
"""Optional column of leads: the account that the lead belongs to, null where unknown."""


LEAD_COLUMNS = ("lead_id", "created_at", ACCOUNT_COLUMN)
"""Columns of leads that are no attributes, unless dataset.toml declares one of that name."""


@dataclass(frozen=True, slots=True)
class FrameColumn:
    """What a column of a frame promises: its dtype and what may not be in it."""

    dtype: str
    nullable: bool = False
    required: bool = True
    unique: bool = False
    finite: bool = False
    one_of: tuple[str, ...] = ()


def leads_schema(settings: DatasetSettings, *, has_time: bool) -> dict[str, FrameColumn]:
    """One row a lead, unique ids, a time where there is time, each attribute in its dtype."""
    columns = {"lead_id": FrameColumn("object", unique=True)}
    if has_time:
        columns["created_at"] = FrameColumn(TIME)
    columns[ACCOUNT_COLUMN] = FrameColumn("object", nullable=True, required=False)
    for name, attribute in settings.attributes.items():
        is_category = attribute.type is AttributeType.CATEGORY
        dtype = "object" if is_category else "float64"
        columns[name] = FrameColumn(dtype, nullable=True, required=False, finite=not is_category)
    return columns


def outcomes_schema(*, has_time: bool) -> dict[str, FrameColumn]:
    """At most one outcome a lead, converted or lost, with its time where there is time."""
    return {
        "lead_id": FrameColumn("object", unique=True),
        "outcome": FrameColumn("object", one_of=tuple(str(o) for o in Outcome)),
        "occurred_at": FrameColumn(TIME, nullable=not has_time),
    }


def check_frames(leads: pd.DataFrame, outcomes: pd.DataFrame, settings: DatasetSettings) -> None:
    """DataError, with the column and the check, if a frame is not what Dataset promises."""
    has_time = "created_at" in leads.columns
    _check_frame("leads", leads, leads_schema(settings, has_time=has_time))
    _check_frame("outcomes", outcomes, outcomes_schema(has_time=has_time))


def _check_frame(table: str, frame: pd.DataFrame, schema: dict[str, FrameColumn]) -> None:
    failures = {str(name): "column_in_schema" for name in frame.columns if name not in schema}
    for name, expected in schema.items():
        if name in frame.columns:
            failure = _failure(frame[name], expected)
        else:
            failure = "column_in_dataframe" if expected.required else None
        if failure is not None:
            failures[name] = failure
    for name, failure in failures.items():  # the first one is raised
        raise DataError(f"{table}: column {name!r} fails {failure}")


def _failure(column: pd.Series, expected: FrameColumn) -> str | None:
    """The first promise that a column breaks, or None."""
    if str(column.dtype) != expected.dtype:
        return f"dtype({expected.dtype!r})"
    if not expected.nullable and column.isna().any():
        return "not_nullable"
    if expected.unique and column.duplicated().any():
        return "field_uniqueness"
    if expected.finite and np.isinf(column.to_numpy()).any():
        return "finite"
    if expected.one_of and not column.isin(expected.one_of).all():
        return f"isin({list(expected.one_of)})"
    return None


def arrow_of(frame: pd.DataFrame) -> pa.Table:
    """A frame of leads or outcomes as Arrow: times in UTC, numbers, words; null is unknown."""
    columns = {}
    for name, column in frame.items():
        if isinstance(column.dtype, pd.DatetimeTZDtype):
            moments = column.dt.tz_convert(None).to_numpy()
            values = pa.array(moments, pa.timestamp("us")).cast(UTC_MICROSECONDS)
        else:
            words = None if column.dtype == float else pa.string()
            values = pa.array(column.to_numpy(), words, from_pandas=True)
        columns[str(name)] = pa.chunked_array([values])
    return pa.table(columns)


def leads_of(table: pa.Table) -> pd.DataFrame:
    """The frame of leads that ``arrow_of`` was made from."""
    columns: dict[str, object] = {}
    for name in table.column_names:
        column = table.column(name)
        if pa.types.is_timestamp(column.type):
            columns[name] = column.to_pandas().astype(TIME)
        elif pa.types.is_floating(column.type):
            columns[name] = column.to_numpy()
        else:
            columns[name] = pd.Series(column.to_numpy(zero_copy_only=False), dtype=object)
    return pd.DataFrame(columns)


@dataclass(frozen=True, slots=True)
class RowCount:
    """The rows of one file: ``counted`` apart from reading, ``kept`` and set ``aside``."""

    file: str
    counted: int
    kept: int
    aside: int


@dataclass(frozen=True, slots=True)
class QuarantinedRows:
    """Rows of one ``file`` set aside for one ``reason``.

    ``example`` is a sentence about the first of them. ``harmless`` rows (exact repeats, rows
    of a lead that is set aside itself) do not count towards the limit.
    """

    file: str
    reason: str
    rows: int
    example: str
    harmless: bool = False
