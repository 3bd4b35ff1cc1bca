"""Rows of any table, sent to hash buckets by lead with DuckDB: all of a lead is in one bucket."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import reduce
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from pyarrow import parquet

from features.reading.dataset_reader import NO_MOMENTS, DatasetReader, InteractionChunk
from features.reading.inference.observation import DailyMoments
from features.reading.quarantine import Quarantine
from features.reading.sources.folder import FolderSource
from features.reading.sources.table_source import TableSource
from features.schemas import QuarantinedRows
from scoring.batch.checkpoint import CheckpointDir

STEP_ROWS = 4_000_000
MEMORY_LIMIT = "1500MB"


def connection(work: Path, threads: int) -> duckdb.DuckDBPyConnection:
    """DuckDB within bounds: its memory, its threads, and where it may spill."""
    spill = work / "spill"
    config = {"memory_limit": MEMORY_LIMIT, "threads": threads, "temp_directory": str(spill)}
    found = duckdb.connect(config=config)
    found.execute("SET TimeZone = 'UTC'")
    found.execute("SET enable_progress_bar = false")  # it would write to stdout
    return found


def split(
    rows: pa.Table, target: Path, n_buckets: int, database: duckdb.DuckDBPyConnection
) -> None:
    """Write ``rows`` (with ``lead_id``) as ``target/bucket=K/*.parquet``; replaces ``target``."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    if rows.num_rows == 0:
        return
    database.register("rows_to_split", rows)
    place = str(target).replace("'", "''")
    database.execute(
        f"COPY (SELECT *, (hash(lead_id) % {int(n_buckets)})::INTEGER AS bucket "  # noqa: S608
        f"FROM rows_to_split) TO '{place}' "
        "(FORMAT parquet, PARTITION_BY (bucket), COMPRESSION lz4_raw, OVERWRITE_OR_IGNORE)"
    )
    database.unregister("rows_to_split")


def in_words(rows: pa.Table) -> pa.Table:
    """Codes as words: leads are hashed by their ids."""
    coded = {f.name for f in rows.schema if pa.types.is_dictionary(f.type)}
    schema = [pa.field(f.name, pa.string() if f.name in coded else f.type) for f in rows.schema]
    return rows.cast(pa.schema(schema))


def split_interactions(
    reading: DatasetReader,
    work: CheckpointDir,
    n_buckets: int,
    database: duckdb.DuckDBPyConnection,
    progress: Callable[[int], None],
) -> DailyMoments:
    """Split all interactions in steps, each of which is done once; how many fall on each day.

    ``tell`` is given the rows read so far. Raises DataError when too many rows break the contract.
    """
    done = _finished(work)
    seen = sum(step["seen"] for step in done)
    progress(seen)
    aside = Quarantine(None, reading.quarantine.max_bad_fraction)
    for parts in _steps(reading, sum(step["chunks"] for step in done), aside):
        name = f"step-{len(done):05d}"
        rows = in_words(pa.concat_tables([part.table for part in parts]))
        split(rows, work.path / "interactions" / name, n_buckets, database)
        days = reduce(DailyMoments.__add__, reading.days, DailyMoments.of(NO_MOMENTS))
        reading.days.clear()
        step = {
            "chunks": len(parts),
            "seen": sum(part.seen for part in parts),
            "days": days.to_dict(),
            "quarantined": [asdict(found) for found in aside.drain()],
        }
        work.write_json(f"interactions/{name}.json", step)
        done.append(step)
        seen += step["seen"]
        progress(seen)
    return _sum_up(reading, done)


def _steps(
    reading: DatasetReader, skip: int, aside: Quarantine
) -> Iterator[list[InteractionChunk]]:
    """The interactions in lists of parts of about STEP_ROWS rows."""
    batch: list[InteractionChunk] = []
    for part in reading.interactions(skip, aside):
        batch.append(part)
        if sum(part.seen for part in batch) >= STEP_ROWS:
            yield batch
            batch = []
    if batch:
        yield batch


def _finished(work: CheckpointDir) -> list[dict[str, Any]]:
    """The complete steps of an earlier run, in order."""
    done: list[dict[str, Any]] = []
    while (step := work.read_json(f"interactions/step-{len(done):05d}.json")) is not None:
        done.append(step)
    return done


def _sum_up(reading: DatasetReader, done: list[dict[str, Any]]) -> DailyMoments:
    for step in done:
        for found in step["quarantined"]:
            reading.quarantine.add(QuarantinedRows(**found))
    seen = sum(step["seen"] for step in done)
    reading.quarantine.check_limit(reading.tables.label("interactions"), seen)
    reading.read["interactions"] = seen
    steps = [DailyMoments.from_dict(step["days"]) for step in done]
    return reduce(DailyMoments.__add__, steps, DailyMoments.of(NO_MOMENTS))


def estimated_rows(source: TableSource) -> int:
    """About how many interactions there are: exact for Parquet, from the size for CSV."""
    files = source.files("interactions") if isinstance(source, FolderSource) else []
    return sum(_estimated(path) for file in files if (path := file.path) is not None)


def _estimated(path: Path) -> int:
    if path.suffix == ".parquet":
        with parquet.ParquetFile(path) as file:
            return int(file.metadata.num_rows)
    return path.stat().st_size // (8 if path.suffix == ".gz" else 60)
