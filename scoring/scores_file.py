"""The scores of a batch as a file: CSV or Parquet, written whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
from pyarrow import parquet

from features.errors import StorageError, UsageError

ENDINGS = (".csv", ".parquet")


def check_ending(path: Path) -> None:
    """Raise UsageError unless ``path`` ends as a format we write; ask before any work is done."""
    if path.suffix not in ENDINGS:
        raise UsageError(f"{path} ends in {path.suffix!r}; expected a name in .csv or .parquet")


def write_scores(table: pa.Table, path: Path) -> None:
    """Write a table of ``scores_table``. In CSV, moments are ISO 8601 in UTC; null is empty.

    Raises UsageError for another ending and StorageError if the disk refuses.
    """
    check_ending(path)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".parquet":
            parquet.write_table(table, beside)
        else:
            moments = pc.strftime(table["as_of"], format="%Y-%m-%dT%H:%M:%SZ")
            shown = table.set_column(table.schema.get_field_index("as_of"), "as_of", moments)
            pa_csv.write_csv(shown, beside, pa_csv.WriteOptions(quoting_style="needed"))
        os.replace(beside, path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise StorageError(f"cannot write {path}: {error.strerror or error}") from error
