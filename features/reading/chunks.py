"""Chunks of one table put together."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa

from features.reading.quarantine import Chunk
from features.reading.values.text import (
    to_text,
)


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
