"""Tables that are in memory already: pandas, Polars or Arrow, read by the rules that files are."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.cleaning import NO_VALUE
from features.contract import TABLES
from features.dataset import Dataset
from features.dataset_settings import DatasetSettings
from features.errors import DataError, UsageError
from features.reading.files.headers import columns_of
from features.reading.quarantine import Chunk, Quarantine
from features.reading.read import dataset_from, quarantine_for, references_from
from features.reading.table_notes import TableNotes
from features.settings_file import settings_of

SETTINGS = "the settings"
"""How messages call what stands in for ``dataset.toml``."""


DEFAULT_NAME = "frames"


@dataclass(frozen=True)
class FrameSource:
    """Tables in memory as a source of a dataset; ``tables``: name → Arrow table."""

    tables: Mapping[str, pa.Table]
    given: Mapping[str, Any]
    notes: TableNotes = field(default_factory=TableNotes)

    def settings(self) -> tuple[DatasetSettings, frozenset[str]]:
        """What was given, under the keys of ``dataset.toml``."""
        return settings_of(self.given, SETTINGS, default_name=DEFAULT_NAME)

    def has(self, name: str) -> bool:
        """Whether a table of this name was given."""
        return name in self.tables

    def label(self, name: str) -> str:
        """The table's name: there is no file."""
        return name

    def not_read(self) -> list[str]:
        """Nothing: a table of another name is refused."""
        return []

    def chunks(self, name: str, quarantine: Quarantine, skip: int = 0) -> Generator[Chunk]:
        """The rows as one chunk; the first row is 1."""
        del quarantine
        if name not in self.tables:
            raise DataError(f"no table {name}; give it as {name}=, a DataFrame or an Arrow table")
        if skip == 0:
            whole = chunk_of(name, self.tables[name])
            declared = self.settings()[0].columns.get(name, {})
            columns = columns_of(whole.table.column_names, name, name, declared)
            for left_out, why in columns.left_out:
                self.notes.lose(f"{name}: {left_out} is left out: {why}")
            self.notes.count(name, name, len(whole))
            picked = whole.table.select(list(columns.positions))
            yield Chunk(name, name, picked.rename_columns(list(columns.names)), whole.rows)


def chunk_of(name: str, table: pa.Table) -> Chunk:
    """A whole table as the reader takes it. Raises DataError when two columns share a name."""
    names = table.column_names
    if repeated := sorted({column for column in names if names.count(column) > 1}):
        raise DataError(f"{name}: two columns are called {repeated[0]!r}; rename one")
    return Chunk(name, name, table, np.arange(1, table.num_rows + 1, dtype=np.int64))


def dataset_from_frames(
    frames: Mapping[str, object],
    settings: Mapping[str, Any],
    *,
    max_bad_fraction: float | None = None,
    outcomes_required: bool = True,
) -> Dataset:
    """The dataset of ``frames`` (table name → frame); see :meth:`Dataset.from_frames`."""
    tables = {name: arrow_table(name, frame) for name, frame in frames.items() if frame is not None}
    if foreign := sorted(set(tables) - {*TABLES, "aliases"}):
        raise UsageError(f"unknown table {foreign[0]!r}; expected {', '.join(TABLES)}")
    return dataset_from(
        FrameSource(tables, settings),
        quarantine_for(max_bad_fraction),
        outcomes_required=outcomes_required,
    )


def references_from_frame(frame: object, settings: DatasetSettings | None = None) -> pd.DataFrame:
    """``lead_id`` and ``as_of`` of a frame, as :func:`features.reading.read.read_references`."""
    return references_from(chunk_of("references", arrow_table("references", frame)), settings)


def arrow_table(name: str, frame: object) -> pa.Table:
    """A pandas, Polars or Arrow frame as an Arrow table; an index that has a name is a column.

    Raises DataError for anything that is no table, or holds what no column of a file could.
    """
    try:
        if isinstance(frame, Mapping):
            frame = pd.DataFrame(dict(frame))
        if isinstance(frame, pd.DataFrame):
            return _known_values(_from_pandas(frame))
        if isinstance(frame, pa.Table) or hasattr(frame, "__arrow_c_stream__"):
            return _known_values(pa.table(frame))
    except (pa.ArrowException, ValueError) as problem:
        raise DataError(f"{name}: cannot be read as a table: {problem}") from problem
    raise DataError(
        f"{name} is a {type(frame).__name__}; expected a pandas or Polars DataFrame, "
        "an Arrow table, or a mapping of columns"
    )


def _known_values(table: pa.Table) -> pa.Table:
    """Null where a word is one of those that files write for *unknown*."""
    nothing = pa.array(NO_VALUE, pa.string())
    for i, column in enumerate(table.columns):
        if not _is_text(column.type):
            continue
        words = column.cast(pa.string())
        blank = pc.is_in(words, value_set=nothing)
        if pc.any(blank).as_py():
            words = pc.if_else(blank, pa.scalar(None, pa.string()), words)
        table = table.set_column(i, table.column_names[i], words)
    return table


def _is_text(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    )


def _from_pandas(frame: pd.DataFrame) -> pa.Table:
    if any(name is not None for name in frame.index.names):
        frame = frame.reset_index()
    columns = {str(name): _column(frame.iloc[:, i]) for i, name in enumerate(frame.columns)}
    if len(columns) < len(frame.columns):
        names = [str(name) for name in frame.columns]
        raise DataError(f"two columns are called {max(names, key=names.count)!r}; rename one")
    return pa.table(columns)


def _column(column: pd.Series) -> pa.Array:
    """A pandas column; words and numbers mixed become words, as they would in a CSV file."""
    if isinstance(column.dtype, pd.DatetimeTZDtype):
        moments = pa.array(column.dt.tz_convert(None).to_numpy())
        return moments.cast(pa.timestamp(moments.type.unit, tz="UTC"))
    try:
        return pa.array(column.array, from_pandas=True)
    except (pa.ArrowInvalid, pa.ArrowTypeError):
        known = column.notna().to_numpy()
        words = [str(value) if there else None for value, there in zip(column, known, strict=True)]
        return pa.array(words, pa.string())
