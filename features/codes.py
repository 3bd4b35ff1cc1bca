"""Ids and names as codes: which lead a row speaks of, which kind it is."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.cores import in_blocks
from features.histories import Int32, Object

A_BLOCK = 200_000
"""Fewer rows than this are not worth a thread of their own."""


def sorted_codes(column: pa.ChunkedArray) -> tuple[Int32, tuple[str, ...]]:
    """Codes into the sorted names of a column of words; null counts as the empty name.

    >>> codes, names = sorted_codes(pa.chunked_array([["webinar", None], ["call"]]))
    >>> codes.tolist(), names
    ([2, 0, 1], ('', 'call', 'webinar'))
    """
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    chunks = [chunk for chunk in column.unify_dictionaries().chunks if len(chunk)]
    names = [name or "" for name in chunks[0].dictionary.to_pylist()] if chunks else []
    codes = [_indices(chunk, len(names)) for chunk in chunks]
    used = np.zeros(len(names) + 1, dtype=np.bool_)
    for part in codes:
        used[part] = True
    ordered = sorted({name for name, known in zip([*names, ""], used, strict=True) if known})
    rank = {name: i for i, name in enumerate(ordered)}
    recode = np.array([rank.get(name, -1) for name in [*names, ""]], dtype=np.int32)
    found = [recode[part] for part in codes]
    return np.concatenate(found) if found else np.zeros(0, dtype=np.int32), tuple(ordered)


def lead_rows(column: pa.ChunkedArray, lead_ids: Object) -> Int32:
    """Row of every interaction's lead among ``lead_ids``; -1 for a lead that is not there.

    Of a dictionary column each different id is looked up once.
    """
    known = pa.array(lead_ids, type=pa.string())
    if not pa.types.is_dictionary(column.type):
        return rows_among(column, known)
    found, names, rows = [], None, np.zeros(0, dtype=np.int32)
    for chunk in column.chunks:
        if names is None or not chunk.dictionary.equals(names):
            names = chunk.dictionary
            rows = np.append(rows_among(names.cast(pa.string()), known), np.int32(-1))
        found.append(rows[_indices(chunk, len(names))])
    return np.concatenate(found) if found else np.zeros(0, dtype=np.int32)


def rows_among(names: pa.Array | pa.ChunkedArray, known: pa.Array) -> Int32:
    """Where each name stands in ``known``; -1 for null and for one that is not there.

    >>> rows_among(pa.array(["b", None, "c"]), pa.array(["a", "b"])).tolist()
    [1, -1, -1]
    """
    found = np.empty(len(names), dtype=np.int32)

    def look_up(low: int, high: int) -> None:
        rows = pc.index_in(names.slice(low, high - low), value_set=known, skip_nulls=True)
        found[low:high] = pc.fill_null(rows, -1)

    in_blocks(look_up, len(names), at_least=A_BLOCK)
    return found


def _indices(chunk: pa.DictionaryArray, null: int) -> Int32:
    """The codes of a chunk, ``null`` where there is no word."""
    codes = chunk.indices
    if codes.null_count:
        codes = pc.fill_null(codes.cast(pa.int32()), null)
    return np.asarray(codes.to_numpy(zero_copy_only=False))
