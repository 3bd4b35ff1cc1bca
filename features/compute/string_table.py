"""A string table: each different string of Arrow columns gets a code, by a hash table of its own.

Pyarrow's dictionary encoding works on one column; here columns that come one after the other share
their codes, and all cores look up at once.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features.compute.array_types import Bools, Int32, Int64, UInt64
from features.compute.jit import inline_kernel, kernel, load_u64, prefetch
from features.compute.parallel import parallel_ranges
from features.errors import DataError
from features.language.plural import plural

Letters = npt.NDArray[np.uint8]


Text = tuple[npt.NDArray[Any], Letters, Bools]
"""Strings as Arrow keeps them: ``offsets`` (n + 1), their bytes, and which are known (or none)."""


MIN_CHUNK = 200_000
"""Fewer strings than this are not worth a thread of their own."""


HASHES_AHEAD = 64
"""So many strings are hashed before the first is looked up; by then its slot is in the cache."""


MISSING = -1
"""The code of null, and of a string that is not in the table."""


WORD, LENGTH, NUMBER = 8, 32, (1 << 32) - 1
"""Bytes compared at once; where a slot holds the length (upper 32 bits) and the code (lower 32)."""


class StringTable:
    """Different strings and their codes, 0, 1, … in the order in which they were added.

    A string is codes by its hash and compared by its length and bytes, so two strings never share
    a code. Threads may add, one after the other, and then look up together.
    ``names``: the first strings, coded by position; DataError if one is null or repeated.
    """

    def __init__(self, names: pa.Array | pa.ChunkedArray | None = None) -> None:
        self._lock = threading.Lock()
        self._count = 0
        self._slots: Int64 = np.full((2048, 2), MISSING, dtype=np.int64)
        self._ends: Int64 = np.zeros(512, dtype=np.int64)
        self._letters: Letters = np.zeros(16_384, dtype=np.uint8)
        if names is not None:
            self.add(names)
            if len(self) < len(names):
                more = len(names) - len(self)
                raise DataError(
                    plural(
                        more,
                        "{n:,} of {names:,} names is repeated or missing",
                        "{n:,} of {names:,} names are repeated or missing",
                        names=len(names),
                    )
                )

    def __len__(self) -> int:
        return self._count

    def add(self, column: pa.Array | pa.ChunkedArray) -> Int32:
        """The code of each string, also of one that is new; -1 for null.

        >>> StringTable().add(pa.array(["b", None, "a", "b"])).tolist()
        [0, -1, 1, 0]
        """
        codes = np.empty(len(column), dtype=np.int32)
        with self._lock:
            for start, text in _texts(column):
                self._add(text, codes[start : start + len(text[0]) - 1])
        return codes

    def codes(self, column: pa.Array | pa.ChunkedArray) -> Int32:
        """The code of each string; -1 for null and for one that is not in the table.

        >>> StringTable(pa.array(["a", "b"])).codes(pa.array(["b", None, "c"])).tolist()
        [1, -1, -1]
        """
        codes = np.empty(len(column), dtype=np.int32)
        for start, text in _texts(column):
            self._look_up(text, codes[start : start + len(text[0]) - 1])
        return codes

    def all(self) -> pa.Array:
        """Every string, in the order of the codes."""
        ends = self._ends[: self._count + 1]
        letters = self._letters[: ends[-1]]
        large = pa.LargeStringArray.from_buffers(
            self._count, pa.py_buffer(ends), pa.py_buffer(letters)
        )
        return large.cast(pa.string())

    def _add(self, text: Text, codes: Int32) -> None:
        done = 0
        while done < len(codes):
            done, self._count = lookup_codes(
                self._slots, self._ends, self._letters, self._count, True, *text, done, codes
            )
            if done < len(codes):
                self._grow(int(text[0][done + 1] - text[0][done]))

    def _look_up(self, text: Text, codes: Int32) -> None:
        table = self._slots, self._ends, self._letters, self._count

        def look_up(low: int, high: int) -> None:
            lookup_codes(*table, False, *text, low, codes[:high])

        parallel_ranges(look_up, len(codes), at_least=MIN_CHUNK)

    def _grow(self, length: int) -> None:
        """Double the table in a copy; other threads may still look up in the old one."""
        slots = np.full((2 * len(self._slots), 2), MISSING, dtype=np.int64)
        move_slots(self._slots, slots)
        self._slots = slots
        self._ends = np.append(self._ends, np.zeros(len(self._ends), dtype=np.int64))
        more = np.zeros(len(self._letters) + length, dtype=np.uint8)
        self._letters = np.append(self._letters, more)


def _texts(column: pa.Array | pa.ChunkedArray) -> Iterator[tuple[int, Text]]:
    """The first row of each chunk, and its strings."""
    start = 0
    for chunk in column.chunks if isinstance(column, pa.ChunkedArray) else [column]:
        if len(chunk):
            yield start, _text(chunk)
        start += len(chunk)


def _text(chunk: pa.Array) -> Text:
    if not (pa.types.is_string(chunk.type) or pa.types.is_large_string(chunk.type)):
        chunk = chunk.cast(pa.string())
    _, ends, letters = chunk.buffers()
    size = np.int32 if pa.types.is_string(chunk.type) else np.int64
    offsets = np.frombuffer(ends, dtype=size)[chunk.offset : chunk.offset + len(chunk) + 1]
    known = np.zeros(0, dtype=np.bool_)
    if chunk.null_count:
        known = chunk.is_valid().to_numpy(zero_copy_only=False)
        known.flags.writeable = True
    return offsets, np.frombuffer(letters or b"", dtype=np.uint8), known


@inline_kernel
def _mixed(h: Any) -> Any:
    """The finaliser of MurmurHash3: each bit reaches all; different numbers stay different."""
    h ^= h >> np.uint64(33)
    h *= np.uint64(0xFF51AFD7ED558CCD)
    h ^= h >> np.uint64(33)
    h *= np.uint64(0xC4CEB9FE1A85EC53)
    return h ^ (h >> np.uint64(33))


@kernel
def hash_names(offsets: Int64, letters: Letters, start: int, end: int, hashes: UInt64) -> None:
    """Hash strings: all of one of up to eight bytes; of a longer one words of eight, the last one
    overlapping the word before."""
    for i in range(start, end):
        low, high = offsets[i], offsets[i + 1]
        h: Any = np.uint64(0)
        if high - low >= WORD:
            for at in range(low, high - WORD, WORD):
                h = _mixed(h ^ load_u64(letters, at))
            h ^= load_u64(letters, high - WORD)
        elif high > low and low + WORD <= len(letters):
            others = np.uint64(8 * (low + WORD - high))
            h = (load_u64(letters, low) << others) >> others
        else:
            for at in range(low, high):
                h |= np.uint64(letters[at]) << np.uint64(8 * (at - low))
        hashes[i - start] = _mixed(h)


@kernel
def lookup_codes(
    slots: Int64, ends: Int64, names: Letters, count: int, adding: bool,
    offsets: Int64, letters: Letters, known: Bools, first: int, codes: Int32,
) -> tuple[int, int]:  # fmt: skip
    """Write the code of each string from ``first`` on; how many are done, and the new ``count``.

    ``slots`` (a power of two, 2): hash, and length and code, of each string in the table, at the
    first free slot from its hash on (linear probing); -1 is free. ``adding``: a new string gets a
    code, and the work ends where there is no room for one; else its code is -1.
    """
    hashes = np.empty(HASHES_AHEAD, dtype=np.uint64)
    mask = len(slots) - 1
    for start in range(first, len(codes), HASHES_AHEAD):
        end = min(start + HASHES_AHEAD, len(codes))
        hash_names(offsets, letters, start, end, hashes)
        for i in range(end - start):
            prefetch(slots, np.int64(hashes[i]) & mask)
        for i in range(start, end):
            if len(known) and not known[i]:
                codes[i] = MISSING
                continue
            low, length = offsets[i], np.int64(offsets[i + 1] - offsets[i])
            h = np.int64(hashes[i - start])
            at = h & mask
            number = MISSING
            while slots[at, 1] >= 0:
                if slots[at, 0] == h and slots[at, 1] >> LENGTH == length:
                    number = slots[at, 1] & NUMBER
                    if length <= WORD:
                        break  # different names of up to eight bytes have different hashes
                    begin, last = ends[number], length - WORD
                    differ = load_u64(letters, low + last) != load_u64(names, begin + last)
                    for k in range(0, last, WORD):
                        differ |= load_u64(letters, low + k) != load_u64(names, begin + k)
                    if not differ:
                        break
                    number = MISSING
                at = (at + 1) & mask
            if number == MISSING and adding:
                begin = ends[count]
                if 4 * count >= mask or count + 1 >= len(ends) or begin + length > len(names):
                    return i, count
                for letter in range(length):
                    names[begin + letter] = letters[low + letter]
                number = count
                slots[at, 0], slots[at, 1] = h, length << LENGTH | number
                count += 1
                ends[count] = begin + length
            codes[i] = number
    return len(codes), count


@kernel
def move_slots(old: Int64, new: Int64) -> None:
    """Every used slot of a table to its place in a larger, empty one."""
    mask = len(new) - 1
    for slot in range(len(old)):
        if old[slot, 1] >= 0:
            at = old[slot, 0] & mask
            while new[at, 1] >= 0:
                at = (at + 1) & mask
            new[at, 0], new[at, 1] = old[slot, 0], old[slot, 1]
