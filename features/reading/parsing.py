"""Columns as read, to the types of the contract, with a mask of what cannot be: times, numbers."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.errors import DataError
from features.reading.quarantine import Chunk, Mask, RejectReason, row_sentence
from features.schemas import DICTIONARY_STRING, UTC_MICROSECONDS

TIME_EXPECTED = "a time with its zone, such as 2026-01-31T09:30:00Z"


ZONED = r"^\s*\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?\s*([Zz]|[+-]\d\d(:?\d\d)?)\s*$"


NAIVE = r"^\s*\d{4}-\d\d-\d\d([T ]\d\d(:\d\d(:\d\d(\.\d+)?)?)?)?\s*$"


NUMBER = r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$"


INFINITE = r"(?i)^\s*[+-]?inf(inity)?\s*$"


def to_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column as strings; whole numbers keep no decimal point, null stays null."""
    kind = column.type
    if pa.types.is_string(kind):
        return column
    if pa.types.is_floating(kind):
        whole = pc.all(pc.equal(pc.floor(column), column)).as_py()
        if whole and (pc.max(pc.abs(column)).as_py() or 0) < 2**53:
            return column.cast(pa.int64()).cast(pa.string())
    return column.cast(pa.string())


def to_dictionary_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column of words that repeat as CODED_TEXT; null stays null."""
    if pa.types.is_dictionary(column.type):
        return column.cast(DICTIONARY_STRING)
    return to_text(column).dictionary_encode().cast(DICTIONARY_STRING)


def mask_of(condition: pa.ChunkedArray) -> Mask:
    """A boolean per row; null counts as false."""
    return np.asarray(pc.fill_null(condition, False).to_numpy(zero_copy_only=False), dtype=bool)


def empty_mask(column: pa.ChunkedArray) -> Mask:
    """True where there is no value: null, or only blanks."""
    if pa.types.is_dictionary(column.type):
        parts = [_empty_codes(chunk) for chunk in column.chunks]
        return np.concatenate([np.zeros(0, dtype=bool), *parts])
    missing = column.is_null()
    if pa.types.is_string(column.type):
        if pc.any(pc.starts_with(column, " ")).as_py():
            column = pc.utf8_trim_whitespace(column)
        missing = pc.or_(missing, pc.fill_null(pc.equal(column, ""), False))
    return mask_of(missing)


def _empty_codes(chunk: pa.DictionaryArray) -> Mask:
    """As :func:`empty_mask`, looking at each word once."""
    empty = empty_mask(pa.chunked_array([chunk.dictionary]))
    if not empty.any():
        return mask_of(chunk.is_null())
    codes = pc.fill_null(chunk.indices, len(empty)).to_numpy(zero_copy_only=False)
    return np.asarray(np.append(empty, True)[codes], dtype=bool)


def to_timestamps(chunk: Chunk, column: str) -> tuple[pa.ChunkedArray, Mask]:
    """A column as times in UTC, and a mask of the values that are no times (null is fine).

    A time without a zone raises DataError at once: no rule could tell what was meant.
    """
    values = chunk.table.column(column)
    if pa.types.is_timestamp(values.type) and values.type.tz is not None:
        return values.cast(UTC_MICROSECONDS, safe=False), np.zeros(len(values), dtype=bool)
    if pa.types.is_null(values.type):
        return values.cast(UTC_MICROSECONDS), np.zeros(len(values), dtype=bool)
    if pa.types.is_temporal(values.type):
        _refuse_naive(chunk, column, mask_of(values.is_valid()))
        return values.cast(pa.timestamp("us")).cast(UTC_MICROSECONDS), empty_mask(values) & False
    if not pa.types.is_string(values.type):
        return _no_times(values)
    try:
        return values.cast(UTC_MICROSECONDS), np.zeros(len(values), dtype=bool)
    except pa.ArrowInvalid:
        return _times_one_by_one(chunk, column, values)


def _times_one_by_one(
    chunk: Chunk, column: str, values: pa.ChunkedArray
) -> tuple[pa.ChunkedArray, Mask]:
    _refuse_naive(chunk, column, mask_of(pc.match_substring_regex(values, NAIVE)))
    zoned = mask_of(pc.match_substring_regex(values, ZONED))
    texts = pd.Series(values.to_pandas(), dtype=object).where(zoned, None)
    parsed = pd.to_datetime(texts, format="ISO8601", utc=True, errors="coerce")
    moments = parsed.dt.tz_convert(None).dt.as_unit("us").to_numpy()
    times = pa.chunked_array([pa.array(moments, pa.timestamp("us")).cast(UTC_MICROSECONDS)])
    return times, mask_of(values.is_valid()) & ~empty_mask(values) & mask_of(times.is_null())


def _no_times(values: pa.ChunkedArray) -> tuple[pa.ChunkedArray, Mask]:
    nothing = pa.chunked_array([pa.nulls(len(values), UTC_MICROSECONDS)])
    return nothing, mask_of(values.is_valid())


def _refuse_naive(chunk: Chunk, column: str, naive: Mask) -> None:
    if naive.any():
        first = int(np.flatnonzero(naive)[0])
        reason = RejectReason("a time without a zone", column, TIME_EXPECTED)
        raise DataError(
            row_sentence(chunk, first, reason)
            + f". {int(naive.sum()):,} such values: write them in UTC with a Z at the end"
        )


def to_floats(values: pa.ChunkedArray) -> tuple[pa.ChunkedArray, Mask, Mask]:
    """A column as float64 (NaN becomes null), a mask of no numbers, and a mask of infinities."""
    if not pa.types.is_string(values.type):
        if not _numeric(values.type):
            return (
                pa.chunked_array([pa.nulls(len(values), pa.float64())]),
                mask_of(values.is_valid()),
                np.zeros(len(values), dtype=bool),
            )
        return _finite(_as_float(values), np.zeros(len(values), dtype=bool))
    try:
        return _finite(values.cast(pa.float64()), np.zeros(len(values), dtype=bool))
    except pa.ArrowInvalid:
        fits = pc.or_(
            pc.match_substring_regex(values, NUMBER), pc.match_substring_regex(values, INFINITE)
        )
        readable = mask_of(fits)
        trimmed = pc.utf8_trim_whitespace(values)
        kept = pc.if_else(pa.array(readable), trimmed, pa.scalar(None, pa.string()))
        return _finite(kept.cast(pa.float64()), ~readable & ~empty_mask(values))


def _numeric(kind: pa.DataType) -> bool:
    return bool(
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_null(kind)
    )


def _as_float(values: pa.ChunkedArray) -> pa.ChunkedArray:
    if pa.types.is_boolean(values.type):
        values = values.cast(pa.int8())
    return values.cast(pa.float64(), safe=False)


def _finite(numbers: pa.ChunkedArray, bad: Mask) -> tuple[pa.ChunkedArray, Mask, Mask]:
    infinite = mask_of(pc.is_inf(numbers))
    unknown = pc.or_(pc.is_nan(numbers), pc.is_inf(numbers))
    if pc.any(unknown).as_py():
        numbers = pc.if_else(unknown, pa.scalar(None, pa.float64()), numbers)
    return numbers, bad, infinite
