"""Chunks of one table put together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa

from features.reading.quarantine import Chunk
from features.reading.values.text import to_text

MERGED_ROWS = 500_000
"""Rows of small parts that are cleaned together."""


def concat_chunks(chunks: Iterable[Chunk]) -> Chunk:
    """All chunks of a (small) table as one."""
    parts = list(chunks)
    first = parts[0]
    if len(parts) == 1:
        return first
    tables = [p.table for p in parts]
    try:
        table = pa.concat_tables(tables, promote_options="permissive")
    except (pa.ArrowTypeError, pa.ArrowInvalid):  # a column of words here, of numbers there
        table = pa.concat_tables([_all_text(t) for t in tables], promote_options="default")
    return Chunk(first.name, first.file, table, np.concatenate([p.rows for p in parts]))


def _all_text(table: pa.Table) -> pa.Table:
    return pa.table([to_text(c) for c in table.columns], names=table.column_names)


def merge_small_chunks(chunks: Iterator[Chunk]) -> Iterator[Chunk]:
    """Chunks of the same columns put together, about ``MERGED_ROWS`` at a time."""
    held: list[Chunk] = []
    for chunk in chunks:
        if held and held[0].table.schema != chunk.table.schema:
            yield _as_one(held)
            held = []
        held.append(chunk)
        if sum(map(len, held)) >= MERGED_ROWS:
            yield _as_one(held)
            held = []
    if held:
        yield _as_one(held)


def _as_one(chunks: list[Chunk]) -> Chunk:
    first = chunks[0]
    if len(chunks) == 1:
        return first
    table = pa.concat_tables([c.table for c in chunks]).unify_dictionaries().combine_chunks()
    return Chunk(first.name, first.file, table, np.concatenate([c.rows for c in chunks]))
