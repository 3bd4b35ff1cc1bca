"""Columns of any storage type as floats, with a mask of what is no number."""

from __future__ import annotations

import re
from collections.abc import Callable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.cleaning import NO_VALUE, PLAIN_SIGNS, NumberSigns, parse_number
from features.reading.quarantine import Mask
from features.reading.values.text import mask_of, without_dictionary


def to_floats(
    values: pa.ChunkedArray,
    signs: NumberSigns = PLAIN_SIGNS,
    parse: Callable[[str, NumberSigns], float | None] = parse_number,
) -> tuple[pa.ChunkedArray, Mask, Mask]:
    """A column as float64 (NaN becomes null), a mask of no numbers, and a mask of infinities.

    ``parse``: what a text that is not written as programs do stands for, None if for no number.
    """
    values = without_dictionary(values)
    if not pa.types.is_string(values.type):
        if not is_numeric_type(values.type):
            return (
                pa.chunked_array([pa.nulls(len(values), pa.float64())]),
                mask_of(values.is_valid()),
                np.zeros(len(values), dtype=bool),
            )
        return _finite(as_floats(values), np.zeros(len(values), dtype=bool))
    if not signs.plain:
        return _floats_one_by_one(values, lambda text: parse(text, signs))
    try:
        return _finite(values.cast(pa.float64()), np.zeros(len(values), dtype=bool))
    except pa.ArrowInvalid:
        return _floats_one_by_one(values, lambda text: parse(text, signs))


def _floats_one_by_one(
    values: pa.ChunkedArray, parse: Callable[[str], float | None]
) -> tuple[pa.ChunkedArray, Mask, Mask]:
    """Each different text is parsed once."""
    coded = values.combine_chunks().dictionary_encode()
    words = [(word or "").strip() for word in coded.dictionary.to_pylist()]
    infinite_word = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)
    read = [None if word in NO_VALUE else parse(word) for word in words]
    numbers = np.array([*(np.nan if n is None else n for n in read), np.nan])
    infinite = np.array([*(bool(infinite_word.fullmatch(word)) for word in words), False])
    wrong = np.array(
        [*(n is None and word not in NO_VALUE for n, word in zip(read, words, strict=True)), False]
    )
    codes = pc.fill_null(coded.indices, len(words)).to_numpy(zero_copy_only=False)
    column = numbers[codes]
    made = pa.chunked_array([pa.array(column, pa.float64(), mask=np.isnan(column))])
    return made, (wrong & ~infinite)[codes], infinite[codes]


def is_numeric_type(kind: pa.DataType) -> bool:
    """Whether values of an Arrow type are numbers, true and false, or all null."""
    return bool(
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
        or pa.types.is_boolean(kind)
        or pa.types.is_null(kind)
    )


def as_floats(values: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column of a numeric type as float64; true is 1."""
    if pa.types.is_boolean(values.type):
        values = values.cast(pa.int8())
    return values.cast(pa.float64(), safe=False)


def _finite(numbers: pa.ChunkedArray, bad: Mask) -> tuple[pa.ChunkedArray, Mask, Mask]:
    infinite = mask_of(pc.is_inf(numbers))
    unknown = pc.or_(pc.is_nan(numbers), pc.is_inf(numbers))
    if pc.any(unknown).as_py():
        numbers = pc.if_else(unknown, pa.scalar(None, pa.float64()), numbers)
    return numbers, bad, infinite
