"""Read a dataset, references or open leads: files, object storage and databases."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from features.compute.array_types import Int64, Object
from features.dataset import Dataset
from features.dataset_settings import DatasetSettings
from features.errors import DataError
from features.histories.arrays import NO_TIME
from features.reading.chunks import concat_chunks
from features.reading.dataset_reader import DatasetReader, InteractionChunk
from features.reading.files.data_file import is_url
from features.reading.files.file_chunks import file_chunks
from features.reading.open_dataset import open_dataset
from features.reading.quarantine import Chunk, Quarantine
from features.reading.sources.folder import FolderSource
from features.reading.sources.remote_folder import RemoteFolderSource
from features.reading.sources.table_source import TableSource
from features.reading.validation.columns import parse_timestamps
from features.reading.validation.lead_ids import with_lead_id
from features.reading.validation.required_columns import require
from features.reading.validation.table_rules import TableRules
from features.reading.values.text import objects_of
from features.schemas import INTERACTIONS_SCHEMA


def read_dataset(
    source: str | Path,
    *,
    max_bad_fraction: float | None = None,
    quarantine_dir: Path | None = None,
    outcomes_required: bool = True,
    progress: Callable[[int], None] | None = None,
    sample: float | None = None,
) -> Dataset:
    """Read and check a dataset folder or the tables behind a database URL.

    ``max_bad_fraction``: of the rows of any one table that may break the contract; None: what
    ``max_bad`` of dataset.toml says, else 0.01. Such rows are left out, counted in
    ``Dataset.quarantined`` and, if ``quarantine_dir`` is given, written there.
    ``outcomes_required=False``: leads that are only to be scored need no outcomes.
    ``progress`` is called with the interactions read, after every part; it may raise to stop.
    ``sample``: the share (0 to 1) of the leads to keep, chosen by a hash of the id, with all their
    rows. Raises DataError (the contract), StorageError (the database cannot be reached).
    """
    return dataset_from(
        source_of(source),
        quarantine_for(max_bad_fraction, quarantine_dir),
        outcomes_required=outcomes_required,
        progress=progress,
        sample=sample,
    )


def dataset_from(
    tables: TableSource,
    quarantine: Quarantine,
    *,
    outcomes_required: bool = True,
    progress: Callable[[int], None] | None = None,
    sample: float | None = None,
) -> Dataset:
    """Read and check the tables of any source; see :func:`read_dataset`."""
    reading = open_dataset(tables, quarantine, outcomes_required=outcomes_required, sample=sample)
    return reading.dataset(_all_interactions(reading, progress))


DEFAULT_MAX_BAD = 0.01


def quarantine_for(max_bad_fraction: float | None, folder: Path | None = None) -> Quarantine:
    """A quarantine with a limit that a caller gave, or else dataset.toml, or else 0.01."""
    if max_bad_fraction is None:
        return Quarantine(folder, DEFAULT_MAX_BAD, limit_from_settings=True)
    return Quarantine(folder, max_bad_fraction)


def _all_interactions(reading: DatasetReader, progress: Callable[[int], None] | None) -> pa.Table:
    parts: list[pa.Table] = []
    seen = 0
    with closing(reading.interactions()) as chunks:
        parts, seen = _collected(chunks, progress)
    reading.read["interactions"] = seen
    reading.quarantine.check_limit(reading.tables.label("interactions"), seen)
    return pa.concat_tables(parts) if parts else INTERACTIONS_SCHEMA.empty_table()


def _collected(
    chunks: Generator[InteractionChunk], progress: Callable[[int], None] | None
) -> tuple[list[pa.Table], int]:
    parts, seen = [], 0
    for part in chunks:
        parts.append(part.table)
        seen += part.seen
        if progress is not None:
            progress(seen)
    return parts, seen


def read_references(path: Path, settings: DatasetSettings | None = None) -> pd.DataFrame:
    """Read ``references.csv`` (or .csv.gz, .parquet): ``lead_id``, ``as_of`` in the order given.

    Returns ``lead_id`` (object of str) and ``as_of`` (datetime64[us, UTC]). Repeated rows are kept:
    each is a question. Any broken row raises DataError, because the answer keeps every row.
    ``settings``: of the dataset, whose time zone and formats are also those of ``as_of``.
    """
    if not path.is_file():
        raise DataError(f"{path} does not exist; expected a file with lead_id and as_of")
    chunks = file_chunks(path, "references", Quarantine(None, 0.0))
    return references_from(concat_chunks(chunks), settings)


def references_from(chunk: Chunk, settings: DatasetSettings | None = None) -> pd.DataFrame:
    """The references of a table; see :func:`read_references`."""
    strict, seen = Quarantine(None, 0.0), len(chunk)
    require(chunk)
    rules = TableRules(settings or DatasetSettings(name="references"))
    chunk = with_lead_id(chunk, strict, rules)
    chunk = parse_timestamps(chunk, "as_of", strict, required=True, rules=rules)
    strict.check_limit(chunk.file, seen)
    return pd.DataFrame(
        {
            "lead_id": objects_of(chunk.table.column("lead_id")),
            "as_of": chunk.table.column("as_of").to_pandas().astype("datetime64[us, UTC]"),
        }
    )


def open_leads(dataset: Dataset) -> tuple[Object, Int64]:
    """(lead_ids, as_of in microseconds since 1970 UTC) of every lead without an outcome.

    In the order of the leads table, at ``observed_until``. Without time: every lead, with
    ``NO_TIME`` as its moment. Raises DataError when ``observed_until`` is not known.
    """
    lead_ids = dataset.leads["lead_id"].to_numpy(dtype=object)
    if not dataset.has_time:
        return lead_ids, np.full(len(lead_ids), NO_TIME, dtype=np.int64)
    is_open = ~dataset.leads["lead_id"].isin(dataset.outcomes["lead_id"]).to_numpy()
    observed = dataset.settings.observed_until
    if observed is None:
        raise DataError("observed_until is unknown; set it in dataset.toml")
    until = pd.Timestamp(observed).as_unit("us").asm8.astype(np.int64)
    chosen = lead_ids[is_open]
    return chosen, np.full(len(chosen), until, dtype=np.int64)


def source_of(source: str | Path) -> TableSource:
    """The folder, the folder on object storage or the database that ``source`` names."""
    text = str(source)
    if "://" in text and is_url(text):
        return RemoteFolderSource(text)
    if isinstance(source, str) and "://" in source:
        from features.reading.sources.database import DatabaseSource

        return DatabaseSource(source)
    return FolderSource(Path(source))
