"""Columns as read, to the types of the contract, with a mask of what cannot be: times, numbers."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.cleaning import INVISIBLE, NO_VALUE, PLAIN_SIGNS, NumberSigns, parse_number
from features.reading.quarantine import Mask
from features.reading.times.moments import (
    NOT_A_MOMENT,
    Moments,
    TimeEvidence,
    TimeRules,
    implausible,
    moments_of,
    numeric_readings,
    place_naive,
    read_numbers,
)
from features.schemas import DICTIONARY_STRING, UTC_MICROSECONDS

Int64 = npt.NDArray[np.int64]


TIME_EXPECTED = "a time with its zone, such as 2026-01-31T09:30:00Z"
_ZONE_WORD = re.compile(r"\d[^A-Za-z]*([A-Z]{2,5})\s*$")


def unknown_way(column: str, text: str) -> str:
    """What to do about a column of which many values are written in an unknown way.

    >>> unknown_way("created_at", "2025-01-06 09:04 IST")[:55]
    "created_at: the zone 'IST' of '2025-01-06 09:04 IST' is"
    """
    zone = _ZONE_WORD.search(text)
    if zone is not None and zone[1] not in ("AM", "PM"):
        return (
            f"{column}: the zone {zone[1]!r} of {text!r} is no single offset; export with offsets, "
            f'or say it: date_formats = ["%Y-%m-%d %H:%M:%S {zone[1]}"] and time_zone = '
            '"Asia/Kolkata" (the right one) in dataset.toml'
        )
    return (
        f"{column}: {text!r} is written in no known way; say the pattern in dataset.toml, such as "
        'date_formats = ["%d.%m.%Y %H:%M"] (as strptime of Python has them)'
    )


NO_TIME_RULES = TimeRules()


_BLANK = r"[\s\x0b\x1c-\x1f\x85\p{Z}\x{feff}\x{200b}\x{2060}]"


EDGE_BLANKS = f"^{_BLANK}|{_BLANK}$"


def _without_dictionary(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """The column in one of the few storage types that mean the same: text as plain strings."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _without_dictionary(column.cast(kind.value_type))
    if pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return column.cast(pa.string())
    return column


def to_text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """A column as strings; whole numbers keep no decimal point, null stays null.

    Whole numbers that a float cannot hold exactly keep their exponent, so that one sees it.
    """
    column = _without_dictionary(column)
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


@dataclass
class Timestamps:
    """A column as times in UTC, and which rows are none, in masks (null is fine everywhere).

    ``bad``: no time at all. ``naive``: a time without a zone, where none is declared.
    ``undecided``: a number or an order of day and month that nothing settles. ``implausible``:
    before 1900-01-02, after 2199 or a placeholder. ``bare``: a date without a time, at its start.
    ``questions``: what to ask about the rows that are naive or undecided.
    """

    times: pa.ChunkedArray
    bad: Mask
    naive: Mask
    undecided: Mask
    implausible: Mask
    bare: Mask
    questions: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def to_timestamps(
    column: str,
    values: pa.ChunkedArray,
    rules: TimeRules = NO_TIME_RULES,
    evidence: Callable[[], TimeEvidence] | None = None,
) -> Timestamps:
    """The moments of a column of any storage type; see :class:`Timestamps`.

    ``evidence``: what the whole column shows of the order of day and month, asked only if needed;
    these values alone otherwise.
    """
    values = _without_dictionary(values)
    if pa.types.is_string(values.type):
        return _from_text(column, values, rules, evidence)
    n = len(values)
    found = Moments.of(np.full(n, NOT_A_MOMENT, dtype=np.int64))
    known = mask_of(values.is_valid())
    if pa.types.is_timestamp(values.type) and values.type.tz is not None:
        found.at_us[known] = _microseconds(values)[known]
    elif pa.types.is_timestamp(values.type) or pa.types.is_date(values.type):
        found.bare = known & pa.types.is_date(values.type)
        place_naive(_microseconds(values.cast(pa.timestamp("us"), safe=False)), known, rules, found)
    elif _numeric(values.type) and not pa.types.is_boolean(values.type):
        numbers = np.asarray(pc.fill_null(_as_float(values), np.nan).to_numpy())
        read_numbers(numbers, known & ~np.isnan(numbers), rules, found)
        known &= ~np.isnan(numbers)
    return _timestamps(column, values, known, found, rules, None)


def _microseconds(values: pa.ChunkedArray) -> Int64:
    if pa.types.is_timestamp(values.type) and values.type.tz is not None:
        values = values.cast(UTC_MICROSECONDS, safe=False)
    whole = pc.fill_null(values.cast(pa.int64()), NOT_A_MOMENT)
    return np.asarray(whole.to_numpy(zero_copy_only=False))


def _from_text(
    column: str,
    values: pa.ChunkedArray,
    rules: TimeRules,
    evidence: Callable[[], TimeEvidence] | None,
) -> Timestamps:
    try:
        times = values.cast(UTC_MICROSECONDS)
    except pa.ArrowInvalid:
        pass
    else:
        found = Moments.of(_microseconds(times))
        return _timestamps(column, values, mask_of(values.is_valid()), found, rules, None, times)
    texts = pc.utf8_trim_whitespace(values)
    empty = mask_of(pc.is_in(texts, value_set=pa.array(NO_VALUE)))
    if empty.any():
        texts = pc.if_else(pa.array(empty), pa.scalar(None, pa.string()), texts)
    found = moments_of(texts, rules)
    seen = None
    if found.unordered.any():
        seen = evidence() if evidence is not None else TimeEvidence()
        if evidence is None:
            seen.add(texts)
        if seen.order is not None:
            found = moments_of(texts, replace(rules, order=seen.order))
    return _timestamps(column, texts, mask_of(texts.is_valid()), found, rules, seen)


def _timestamps(
    column: str,
    values: pa.ChunkedArray,
    known: Mask,
    found: Moments,
    rules: TimeRules,
    seen: TimeEvidence | None,
    times: pa.ChunkedArray | None = None,
) -> Timestamps:
    strange = implausible(found.at_us)
    open_ = found.naive | found.unordered | found.numeric | found.turned
    if times is None or strange.any():
        missing = (found.at_us == NOT_A_MOMENT) | strange
        moments = pa.array(np.where(missing, 0, found.at_us), pa.int64(), mask=missing)
        times = pa.chunked_array([moments.cast(UTC_MICROSECONDS)])
    notes = []
    if seen is not None and seen.order is not None:
        notes.append(f"{column}: {seen.order.replace('-', ' comes ')}: {seen.settled!r} settles it")
    if found.repeated_hour:
        notes.append(
            f"{column}: {found.repeated_hour:,} times fall in the hour that came twice when clocks "
            "went back; the first is taken"
        )
    if found.missing_hour:
        notes.append(
            f"{column}: {found.missing_hour:,} times fall in the hour that no clock showed when "
            "clocks went forward; the next moment is taken (is the time_zone right?)"
        )
    return Timestamps(
        times,
        bad=known & (found.at_us == NOT_A_MOMENT) & ~open_,
        naive=found.naive,
        undecided=found.unordered | found.numeric | found.turned,
        implausible=strange,
        bare=found.bare,
        questions=_questions(column, values, found, rules, seen) if open_.any() else (),
        notes=tuple(notes),
    )


def _questions(
    column: str,
    values: pa.ChunkedArray,
    found: Moments,
    rules: TimeRules,
    seen: TimeEvidence | None,
) -> tuple[str, ...]:
    """What must be declared before the column can be read, each with the person's own value."""
    asked = []
    if found.turned.any():
        made, left = found.turned_example
        asked.append(
            f"{column} is {made!r} here and {left!r} elsewhere: no day above 12 is among the "
            f"{int(found.turned.sum()):,} dates that begin with the year, and none up to 12 among "
            "the others, so a spreadsheet turned day and month around; export again and do not "
            'open it there, or say how they are written: date_formats = ["%Y-%d-%m %H:%M", '
            '"%d/%m/%Y %H:%M"]'
        )
    if found.unordered.any() and seen is not None:
        asked.append(seen.question(column) or "")
    if found.numeric.any():
        asked.append(_numeric_question(column, values, int(np.flatnonzero(found.numeric)[0])))
    if (rules.zone is None and (found.naive | found.unordered).any()) or _excel_only(values, found):
        rows = np.flatnonzero(found.naive | found.unordered | found.numeric)
        asked.append(_zone_question(column, values, int(rows[0]), len(rows), seen))
    return tuple(question for question in asked if question)


def _excel_only(values: pa.ChunkedArray, found: Moments) -> bool:
    rows = np.flatnonzero(found.numeric)
    return bool(len(rows)) and "excel" in _readings(values, int(rows[0]))


def _readings(values: pa.ChunkedArray, row: int) -> dict[str, str]:
    try:
        return numeric_readings(float(str(values[row].as_py()).replace(",", ".")))
    except ValueError:
        return {}


def _numeric_question(column: str, values: pa.ChunkedArray, row: int) -> str:
    readings = _readings(values, row)
    shown = " or ".join(f"{moment} as {name}" for name, moment in readings.items())
    says = " or ".join(f'["{name}"]' for name in readings)
    value = str(values[row].as_py())
    if not readings:
        return f"{column} is {value!r}, a number that no known format reads; export it as a time"
    return f"{column} is {value!r}, a number: {shown}; say date_formats = {says}"


def _zone_question(
    column: str, values: pa.ChunkedArray, row: int, rows: int, seen: TimeEvidence | None
) -> str:
    text = pa.chunked_array([[str(values[row].as_py())]])
    order = (seen.order if seen is not None else None) or "day-first"
    formats = tuple(_readings(values, row))[:1]
    each = []
    for zone in ("UTC", "Europe/Paris", "America/New_York"):
        at_us = int(moments_of(text, TimeRules(zone, order, formats)).at_us[0])
        if at_us != NOT_A_MOMENT:
            each.append(f'"{zone}" makes it {pd.Timestamp(at_us, unit="us"):%Y-%m-%dT%H:%M:%SZ}')
    return (
        f"{column} is {text[0].as_py()!r}, a time without a zone ({rows:,} rows); say time_zone: "
        + ", ".join(each)
    )


def to_floats(
    values: pa.ChunkedArray,
    signs: NumberSigns = PLAIN_SIGNS,
    parse: Callable[[str, NumberSigns], float | None] = parse_number,
) -> tuple[pa.ChunkedArray, Mask, Mask]:
    """A column as float64 (NaN becomes null), a mask of no numbers, and a mask of infinities.

    ``parse``: what a text that is not written as programs do stands for, None if for no number.
    """
    values = _without_dictionary(values)
    if not pa.types.is_string(values.type):
        if not _numeric(values.type):
            return (
                pa.chunked_array([pa.nulls(len(values), pa.float64())]),
                mask_of(values.is_valid()),
                np.zeros(len(values), dtype=bool),
            )
        return _finite(_as_float(values), np.zeros(len(values), dtype=bool))
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
