"""The scores of a batch as a file: CSV or Parquet, written whole or not at all."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
from pyarrow import parquet

from features.compute.atomic import atomic_path
from features.csv_cells import FORMULA_PATTERN, QUOTE
from features.errors import StorageError, UsageError
from scoring.scores import SCORE_COLUMNS

ENDINGS = (".csv", ".parquet")


def check_ending(path: Path) -> None:
    """Raise UsageError unless ``path`` ends in one of ENDINGS; call it before any work is done."""
    if path.suffix not in ENDINGS:
        raise UsageError(f"{path} ends in {path.suffix!r}; expected a name in .csv or .parquet")


def write_scores(table: pa.Table, path: Path) -> None:
    """Write a table of ``scores_table``. In CSV, moments are ISO 8601 in UTC; null is empty; text
    that a spreadsheet would run is neutralised (:mod:`features.csv_cells`).

    Raises UsageError for another ending and StorageError if the disk refuses.
    """
    check_ending(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_path(path) as beside:
            if path.suffix == ".parquet":
                parquet.write_table(table, beside)
            else:
                options = pa_csv.WriteOptions(quoting_style="needed")
                pa_csv.write_csv(text_columns(table), beside, options)
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror or error}") from error


def text_columns(table: pa.Table) -> pa.Table:
    """The table as a CSV file shows it: moments as ISO 8601 in UTC, no text that is a formula."""
    place = table.schema.get_field_index("as_of")
    table = table.set_column(place, "as_of", iso_moments(table["as_of"]))
    for place, field in enumerate(table.schema):
        if pa.types.is_string(field.type) and field.name != "as_of":
            table = table.set_column(place, field, _neutralised(table[field.name]))
    return table


def _neutralised(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """:func:`features.csv_cells.neutralised` for a column of text; null stays."""
    runs = pc.match_substring_regex(column, FORMULA_PATTERN)
    if not pc.any(runs).as_py():
        return column
    return pc.if_else(runs, pc.binary_join_element_wise(QUOTE, column, ""), column)


def iso_moments(moments: pa.ChunkedArray) -> pa.ChunkedArray:
    """Moments as ISO 8601 in UTC, without a fraction where all are whole seconds; null stays.

    >>> iso_moments(pa.chunked_array([pa.array([0, None], pa.timestamp("us", "UTC"))])).to_pylist()
    ['1970-01-01T00:00:00Z', None]
    """
    whole = moments.cast(pa.timestamp("s", tz="UTC"), safe=False)
    if pc.all(pc.equal(whole.cast(moments.type), moments)).as_py() is not False:
        moments = whole
    return pc.strftime(moments, format="%Y-%m-%dT%H:%M:%SZ")


class ScoresStream:
    """A context manager that writes what :func:`write_scores` would, piece by piece.

    ``ending``: .csv or .parquet. The file is complete when the block ends.
    """

    def __init__(self, path: Path, ending: str) -> None:
        self._as_text = ending == ".csv"
        self._file: Any
        if self._as_text:
            schema = text_columns(SCORE_COLUMNS.empty_table()).schema
            options = pa_csv.WriteOptions(quoting_style="needed")
            self._file = pa_csv.CSVWriter(path, schema, write_options=options)
        else:
            self._file = parquet.ParquetWriter(path, SCORE_COLUMNS)

    def __enter__(self) -> ScoresStream:
        return self

    def write(self, table: pa.Table) -> None:
        """Append rows of SCORE_COLUMNS."""
        self._file.write_table(text_columns(table) if self._as_text else table)

    def __exit__(self, *problem: object) -> None:
        self._file.close()
