"""Parquet files, read by row groups."""

from __future__ import annotations

from collections.abc import Generator, Iterator

import pyarrow as pa
import pyarrow.parquet as parquet

from features.reading.files.data_file import partition_values
from features.reading.files.headers import columns_of
from features.reading.files.table_file import CHUNK_ROWS, TableFile, row_numbers
from features.reading.quarantine import Chunk

CODED = {"interactions": ("kind",)}
"""Columns of few different words, which Parquet stores as codes and need not be spelled out."""


def parquet_chunks(part: TableFile, skip: int) -> Generator[Chunk]:
    """The rows of a Parquet file, by row groups; the first ``skip`` chunks left out."""
    metadata = parquet.read_metadata(part.file.parquet_source())
    names = metadata.schema.to_arrow_schema().names
    columns = columns_of(names, part.file.name, part.table, part.declared)
    part.note_columns(columns)
    wanted = [names[p] for p in columns.positions]
    coded = [
        names[p]
        for p, n in zip(columns.positions, columns.names, strict=True)
        if n in CODED.get(part.table, ())
    ]
    extra = partition_values(part.file)
    with parquet.ParquetFile(
        part.file.parquet_source(), read_dictionary=coded, metadata=metadata
    ) as file:
        if skip == 0:
            part.count(metadata.num_rows)
        if metadata.num_rows == 0:
            empty = file.schema_arrow.empty_table().select(wanted)
            yield part.chunk(empty, columns, row_numbers(1, 0), extra)
        start = 1
        for group in range(metadata.num_row_groups):
            rows = metadata.row_group(group).num_rows
            pieces = max(1, -(-rows // CHUNK_ROWS))
            if skip >= part.places + pieces:
                start, part.places = start + rows, part.places + pieces
                continue
            for piece in _pieces(file, group, pieces, wanted):
                if part.places >= skip:
                    yield part.chunk(piece, columns, row_numbers(start, piece.num_rows), extra)
                start, part.places = start + piece.num_rows, part.places + 1


def _pieces(
    file: parquet.ParquetFile, group: int, pieces: int, columns: list[str]
) -> Iterator[pa.Table]:
    if pieces == 1:
        yield file.read_row_group(group, columns=columns)
    else:
        for batch in file.iter_batches(batch_size=CHUNK_ROWS, row_groups=[group], columns=columns):
            yield pa.Table.from_batches([batch])
