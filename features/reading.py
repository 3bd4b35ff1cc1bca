"""Read a dataset: a folder or a database, checked row by row, inferred and typed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pyarrow as pa

from features.dataset import INTERACTIONS_SCHEMA, Dataset
from features.errors import DataError
from features.quarantine import Quarantine
from features.reading_files import file_chunks
from features.reading_run import Reading, objects_of, source_of, start_reading
from features.reading_tables import gathered, require, with_lead_id, with_times

__all__ = ["read_dataset", "read_references", "source_of"]


def read_dataset(
    source: str | Path,
    *,
    max_bad_fraction: float = 0.01,
    quarantine_dir: Path | None = None,
    outcomes_required: bool = True,
    progress: Callable[[int], None] | None = None,
) -> Dataset:
    """Read and check a dataset folder or the tables behind a database URL.

    ``max_bad_fraction``: of the rows of any one table that may break the contract. Such rows are
    left out, counted in ``Dataset.quarantined`` and, if ``quarantine_dir`` is given, written there.
    ``outcomes_required=False``: leads that are only to be scored need no outcomes.
    ``progress`` is told the interactions read so far, after every part; it may raise to stop.
    Raises DataError (the contract), StorageError (the database cannot be reached).
    """
    quarantine = Quarantine(quarantine_dir, max_bad_fraction)
    reading = start_reading(source_of(source), quarantine, outcomes_required=outcomes_required)
    return reading.dataset(_all_interactions(reading, progress))


def _all_interactions(reading: Reading, progress: Callable[[int], None] | None) -> pa.Table:
    parts, seen = [], 0
    for part in reading.interactions():
        parts.append(part.table)
        seen += part.seen
        if progress is not None:
            progress(seen)
    reading.quarantine.check_limit(reading.tables.label("interactions"), seen)
    return pa.concat_tables(parts) if parts else INTERACTIONS_SCHEMA.empty_table()


def read_references(path: Path) -> pd.DataFrame:
    """Read ``references.csv`` (or .csv.gz, .parquet): ``lead_id``, ``as_of`` in the order given.

    Returns ``lead_id`` (object of str) and ``as_of`` (datetime64[us, UTC]). Repeated rows are kept:
    each is a question. Any broken row raises DataError, because the answer keeps every row.
    """
    if not path.is_file():
        raise DataError(f"{path} does not exist; expected a file with lead_id and as_of")
    strict = Quarantine(None, 0.0)
    chunk = gathered(file_chunks(path, "references", strict))
    seen = len(chunk)
    require(chunk)
    chunk = with_times(with_lead_id(chunk, strict), "as_of", strict, required=True)
    strict.check_limit(chunk.file, seen)
    return pd.DataFrame(
        {
            "lead_id": objects_of(chunk.table.column("lead_id")),
            "as_of": chunk.table.column("as_of").to_pandas().astype("datetime64[us, UTC]"),
        }
    )
