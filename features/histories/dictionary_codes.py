"""Ids and words as codes: the lead of a row, its kind, and hashes of event ids."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from features.compute.array_types import Bools, Int32, Int64, Object, UInt64, read_only
from features.compute.jit import kernel
from features.compute.parallel import parallel_ranges
from features.compute.string_table import MISSING, StringTable
from features.histories.grouping import NO_EVENTS
from features.histories.sorting import NO_EVENT


def dictionary_encode_sorted(column: pa.ChunkedArray) -> tuple[Int32, tuple[str, ...]]:
    """Codes into the sorted words of a column; null counts as the empty word.

    >>> codes, names = dictionary_encode_sorted(pa.chunked_array([["webinar", None], ["call"]]))
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
        mark_used(part, used)
    ordered = sorted({name for name, known in zip([*names, ""], used, strict=True) if known})
    rank = {name: i for i, name in enumerate(ordered)}
    order = np.array([rank.get(name, -1) for name in [*names, ""]], dtype=np.int32)
    return _recoded(codes, [order] * len(codes)), tuple(ordered)


def lead_codes(column: pa.ChunkedArray, lead_ids: Object) -> Int32:
    """Position of every row's lead in ``lead_ids``; -1 for a lead that is not there.

    Of a dictionary column each different id is looked up once, or none where its dictionary is
    ``lead_ids`` itself.
    """
    known = pa.array(lead_ids, type=pa.string())
    if not pa.types.is_dictionary(column.type):
        return StringTable(known).codes(column)
    table: StringTable | None = None
    codes: list[Int32] = []
    rows: list[Int32 | None] = []
    for i, chunk in enumerate(column.chunks):
        names = chunk.dictionary
        if i and names.equals(column.chunk(i - 1).dictionary):
            rows.append(rows[-1])
        elif names.equals(known):
            rows.append(None)
        else:
            table = table or StringTable(known)
            rows.append(np.append(table.codes(names), np.int32(MISSING)))
        codes.append(_indices(chunk, MISSING if rows[-1] is None else len(names)))
    return _recoded(codes, rows)


@kernel
def mark_used(codes: Int32, used: Bools) -> None:
    """Mark the codes that occur."""
    for i in range(len(codes)):
        used[codes[i]] = True


@kernel
def recode(codes: Int32, new: Int32, out: Int32) -> None:
    """``new[code]`` of every row."""
    for i in range(len(codes)):
        out[i] = new[codes[i]]


def _recoded(codes: list[Int32], new: Sequence[Int32 | None]) -> Int32:
    """The new codes of all chunks, one after the other, on all cores; None: the old ones stay."""
    ends = np.cumsum([0, *map(len, codes)])
    out = np.empty(ends[-1], dtype=np.int32)

    def write(first: int, last: int) -> None:
        for i in range(first, last):
            order, rows = new[i], out[ends[i] : ends[i + 1]]
            if order is None:
                rows[:] = codes[i]
            else:
                recode(codes[i], order, rows)

    parallel_ranges(write, len(codes))
    return out


def _indices(chunk: pa.DictionaryArray, null: int) -> Int32:
    """The codes of a chunk; null becomes ``null``."""
    codes = chunk.indices
    if codes.null_count:
        codes = pc.fill_null(codes.cast(pa.int32()), null)
    seen = np.asarray(codes.to_numpy(zero_copy_only=False), dtype=np.int32)
    return read_only(seen)


def event_hashes(column: pa.ChunkedArray) -> UInt64:
    """A hash per event, equal where the ids are equal; an empty array if no event has an id."""
    if column.null_count == len(column):
        return NO_EVENTS
    plain = column.cast(pa.large_string()).combine_chunks()
    if isinstance(plain, pa.ChunkedArray):
        plain = plain.chunk(0)
    _, offsets, data = plain.buffers()
    start, n = plain.offset, len(plain)
    ends = np.frombuffer(offsets, dtype=np.int64)[start : start + n + 1]
    letters = np.frombuffer(data, dtype=np.uint8) if data else np.zeros(0, dtype=np.uint8)
    valid = (
        plain.is_valid().to_numpy(zero_copy_only=False)
        if plain.null_count
        else np.zeros(0, dtype=np.bool_)
    )
    hashes: UInt64 = hash_strings(ends, letters, valid)
    return hashes


@kernel
def hash_strings(offsets: Int64, data: npt.NDArray[np.uint8], valid: np.ndarray) -> UInt64:
    """64-bit FNV-1a of every string of an Arrow column, finished by a strong mix; null is 0."""
    n = len(offsets) - 1
    out = np.zeros(n, dtype=np.uint64)
    for i in range(n):
        if len(valid) and not valid[i]:
            continue
        state = np.uint64(0xCBF29CE484222325)
        for b in range(offsets[i], offsets[i + 1]):
            state = (state ^ np.uint64(data[b])) * np.uint64(0x100000001B3)
        state ^= state >> np.uint64(33)
        state *= np.uint64(0xFF51AFD7ED558CCD)
        state ^= state >> np.uint64(33)
        state *= np.uint64(0xC4CEB9FE1A85EC53)
        state ^= state >> np.uint64(33)
        out[i] = state if state != NO_EVENT else np.uint64(1)
    return out
