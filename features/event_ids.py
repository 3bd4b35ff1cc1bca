"""Events known by a number: a delivery that comes twice is recognised by it."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features.arriving import UInt64
from features.grouping import NO_EVENTS
from features.histories import Int64
from features.jit import compiled
from features.row_order import NO_EVENT


def event_hashes(column: pa.ChunkedArray) -> UInt64:
    """A number per event, equal where the ids are equal; none at all if none is given."""
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


@compiled
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
