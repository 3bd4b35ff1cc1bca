"""The frames that a Dataset promises, as pandera schemas; every dataset is checked against them."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow as pa

from features.contract import AttributeType, DatasetSettings, Outcome
from features.errors import DataError

UTC_MICROSECONDS = pa.timestamp("us", tz="UTC")


DICTIONARY_STRING = pa.dictionary(pa.int32(), pa.string())
"""Words that repeat: a code a row, and each word once."""


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


def prepare() -> None:
    """Load what :func:`check_frames` needs, half a second's work, while something else is read."""
    _pandera()


def _pandera() -> Any:
    """Pandera, which imports PySpark where that is installed, without PySpark's warnings."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        import pandera.pandas as pandera

    return pandera


def leads_schema(settings: DatasetSettings, *, has_time: bool) -> Any:
    """One row a lead, unique ids, a time where there is time, each attribute in its dtype."""
    pandera = _pandera()
    finite = pandera.Check(lambda s: ~s.isin([float("inf"), float("-inf")]), name="finite")
    columns: dict[str, Any] = {"lead_id": pandera.Column(object, unique=True)}
    if has_time:
        columns["created_at"] = pandera.Column(TIME)
    for name, attribute in settings.attributes.items():
        word = attribute.type is AttributeType.CATEGORY
        checks = None if word else finite
        dtype = object if word else float
        columns[name] = pandera.Column(dtype, checks, nullable=True, required=False)
    return pandera.DataFrameSchema(columns, strict=True)


def outcomes_schema(*, has_time: bool) -> Any:
    """At most one outcome a lead, converted or lost, with its time where there is time."""
    pandera = _pandera()
    return pandera.DataFrameSchema(
        {
            "lead_id": pandera.Column(object, unique=True),
            "outcome": pandera.Column(object, pandera.Check.isin([str(o) for o in Outcome])),
            "occurred_at": pandera.Column(TIME, nullable=not has_time),
        },
        strict=True,
    )


def check_frames(leads: pd.DataFrame, outcomes: pd.DataFrame, settings: DatasetSettings) -> None:
    """DataError, with the column and the check, if a frame is not what Dataset promises."""
    has_time = "created_at" in leads.columns
    pairs = (
        ("leads", leads, leads_schema(settings, has_time=has_time)),
        ("outcomes", outcomes, outcomes_schema(has_time=has_time)),
    )
    for name, frame, schema in pairs:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", FutureWarning)
                schema.validate(frame)
        except _pandera().errors.SchemaError as error:
            column = getattr(error.schema, "name", None)
            raise DataError(f"{name}: column {column!r} fails {error.check}") from None


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
class QuarantinedRows:
    """Rows of one ``file`` set aside for one ``reason``.

    ``example`` is a whole sentence about the first of them. ``harmless`` rows (exact repeats, rows
    of a lead that is set aside itself) do not count towards the limit.
    """

    file: str
    reason: str
    rows: int
    example: str
    harmless: bool = False
