"""Columns of any storage type as text; which rows hold nothing."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.cleaning import INVISIBLE
from features.reading.quarantine import Mask
from features.schemas import DICTIONARY_STRING

_BLANK = r"[\s\x0b\x1c-\x1f\x85\p{Z}\x{feff}\x{200b}\x{2060}]"
EDGE_BLANKS = f"^{_BLANK}|{_BLANK}$"


def without_dictionary(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column in one of the few storage types that mean the same: text as plain strings."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return without_dictionary(column.cast(kind.value_type))
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return column.cast(pa.string())
    return column


def to_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column as strings; whole numbers keep no decimal point, null stays null.

    Whole numbers that a float cannot hold exactly keep their exponent, so that one sees it.
    """
    column = without_dictionary(column)
    kind = column.type
    if pa.types.is_string(kind):
        return column
    if pa.types.is_floating(kind):
        whole = pc.all(pc.equal(pc.floor(column), column)).as_py()
        if whole and (pc.max(pc.abs(column)).as_py() or 0) < 2**53:
            return column.cast(pa.int64()).cast(pa.string())
    return column.cast(pa.string())


def trimmed_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column as strings without blanks at their ends; what is empty then is null."""
    column = to_text(column)
    ends = pc.or_(
        pc.match_substring_regex(column, EDGE_BLANKS), pc.equal(pc.binary_length(column), 0)
    )
    if not pc.any(ends).as_py():
        return column
    column = pc.utf8_trim(pc.utf8_trim_whitespace(column), characters=INVISIBLE)
    column = pc.utf8_trim_whitespace(column)
    empty = pc.fill_null(pc.equal(pc.binary_length(column), 0), False)
    return pc.if_else(empty, pa.scalar(None, pa.string()), column)


def to_dictionary_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column of words that repeat as DICTIONARY_STRING, trimmed; null stays null."""
    if not pa.types.is_dictionary(column.type):
        column = to_text(column).dictionary_encode()
    column = column.cast(DICTIONARY_STRING)
    if all(_tidy(chunk.dictionary) for chunk in column.chunks):
        return column
    return trimmed_text(column).dictionary_encode().cast(DICTIONARY_STRING)


def _tidy(words: pa.Array) -> bool:
    return not pc.any(pc.match_substring_regex(words, EDGE_BLANKS)).as_py()


def without_blank_texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column as strings, null where it is empty or only blanks; other values as they are."""
    column = to_text(column)
    empty = empty_mask(column) & mask_of(column.is_valid())
    if not empty.any():
        return column
    return pc.if_else(pa.array(empty), pa.scalar(None, pa.string()), column)


def mask_of(condition: pa.ChunkedArray) -> Mask:
    """A boolean per row; null counts as false."""
    return np.asarray(pc.fill_null(condition, False).to_numpy(zero_copy_only=False), dtype=bool)


def mask_in(column: pa.ChunkedArray, words: Iterable[str]) -> Mask:
    """True where the value is one of ``words``."""
    return mask_of(pc.is_in(column, value_set=pa.array(list(words), pa.string())))


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


def objects_of(column: pa.ChunkedArray) -> pd.Series:
    """A column of strings as pandas objects; None where unknown."""
    return pd.Series(column.to_numpy(zero_copy_only=False), dtype=object)
