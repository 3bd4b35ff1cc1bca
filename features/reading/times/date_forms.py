"""The forms in which dates and times are written, and their parts as numbers."""

from __future__ import annotations

from enum import StrEnum

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.compute.array_types import Int64
from features.reading.quarantine import Mask
from features.reading.times.moment_column import NOT_A_MOMENT, US_PER_SECOND

MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan january janvier janv januar jänner enero ene gennaio gen janeiro januari "
            "января янв",
            "feb february février févr fév fevrier fevr februar febrero febbraio fevereiro fev "
            "februari февраля фев",
            "mar march mars märz mär maerz mrz marzo março maart mrt марта мар",
            "apr april avril avr abril abr aprile апреля апр",
            "may mai mayo maggio mag maio mei maj мая",
            "jun june juin juni junio giugno giu junho июня июн",
            "jul july juillet juil juli julio luglio lug julho июля июл",
            "aug august août aout agosto ago augustus августа авг",
            "sep sept september septembre septiembre setiembre settembre set setembro сентября сен",
            "oct october octobre oktober okt octubre ottobre ott outubro out октября окт",
            "nov november novembre noviembre novembro ноября ноя",
            "dec december décembre déc decembre dezember dez diciembre dic dicembre dezembro "
            "desember des декабря дек",
        ),
        start=1,
    )
    for name in names.split()
}


_ZONE = (
    r"\s*(?P<zone>(?:UTC|GMT)?[+-]\d{1,2}(?::?\d\d)?(?:\s*\(?[A-Za-z /_]*\)?)?"
    r"|[A-Za-z]+(?:/[A-Za-z_+-]+)+|[A-Za-z]{1,5})?\s*(?:\[[^\]]*\])?\s*$"
)


_CLOCK = (
    r"(?:(?:\s*[T,]\s*|\s+|\s+(?:at|à|um)\s+)(?P<H>\d{1,2})[:hH](?P<M>\d\d)(?:[:](?P<S>\d\d)"
    r"(?:[.,](?P<f>\d{1,9}))?)?\s*(?P<half>[AaPp]\.?\s?[Mm]\.?)?)?"
)


_WEEKDAY = r"(?:\p{L}{2,10}\.?,?\s+)?"
_MONTH = r"(?P<month>\p{L}{3,10})\.?"


class Form(StrEnum):
    """The ways in which a date is written."""

    YEAR_FIRST = "year first"
    TWO_NUMBERS = "two numbers and a year"
    DAY_AND_WORD = "day, month in words"
    WORD_AND_DAY = "month in words, day"
    COMPACT = "eight digits"


FORMS: tuple[tuple[Form, str], ...] = (
    (
        Form.YEAR_FIRST,
        r"^\s*(?P<year>\d{4})[-/.](?P<second>\d{1,2})[-/.](?P<first>\d{1,2})" + _CLOCK + _ZONE,
    ),
    (
        Form.TWO_NUMBERS,
        r"^\s*(?P<first>\d{1,2})[-/.](?P<second>\d{1,2})[-/.](?P<year>\d{4}|\d{2})"
        + _CLOCK + _ZONE,
    ),
    (
        Form.DAY_AND_WORD,
        r"^\s*" + _WEEKDAY + r"(?P<first>\d{1,2})(?:st|nd|rd|th|er|\.)?[\s-]*" + _MONTH
        + r"[\s,.-]*(?P<year>\d{4}|\d{2})" + _CLOCK + _ZONE,
    ),
    (
        Form.WORD_AND_DAY,
        r"^\s*" + _WEEKDAY + _MONTH + r"\s*(?P<first>\d{1,2})(?:st|nd|rd|th)?[\s,]+(?P<year>\d{4})"
        + _CLOCK + _ZONE,
    ),
    (
        Form.COMPACT,
        r"^\s*(?P<year>(?:19|20)\d{2})(?P<second>\d{2})(?P<first>\d{2})"
        r"(?:[T ]?(?P<H>\d{2})(?P<M>\d{2})(?:(?P<S>\d{2})(?:[.,](?P<f>\d{1,9}))?)?)?" + _ZONE,
    ),
)  # fmt: skip


def extracted(texts: pa.ChunkedArray, form: Form) -> dict[str, pa.Array] | None:
    """The parts of the values written in a form, as strings; None if no value is."""
    pattern = dict(FORMS)[form]
    whole = pc.extract_regex(texts, pattern)
    if whole.null_count == len(whole):
        return None
    struct = whole.combine_chunks() if isinstance(whole, pa.ChunkedArray) else whole
    valid = pc.is_valid(struct)
    return {
        struct.type.field(i).name: pc.if_else(valid, struct.field(i), pa.scalar(None, pa.string()))
        for i in range(struct.type.num_fields)
    }


def whole_numbers(part: pa.Array | None, missing: int, length: int = 0) -> Int64:
    """A part as whole numbers, ``missing`` where it is null or empty; ``length``: of no part."""
    if part is None:
        return np.full(length, missing, dtype=np.int64)
    text = pc.if_else(pc.equal(pc.binary_length(part), 0), pa.scalar(None, pa.string()), part)
    return np.asarray(pc.fill_null(text.cast(pa.int64()), missing).to_numpy(zero_copy_only=False))


def years(part: pa.Array) -> Int64:
    """Years in four digits; of two, those below 70 are of this century."""
    year = whole_numbers(part, 0)
    short = np.asarray(
        pc.fill_null(pc.equal(pc.utf8_length(part), 2), False).to_numpy(zero_copy_only=False)
    )
    return np.where(short, np.where(year < 70, year + 2000, year + 1900), year)


def month_numbers(part: pa.Array) -> Int64:
    """Months in words as 1 to 12; 0 where a word names none."""
    coded = pc.utf8_lower(part).dictionary_encode()
    numbers = np.array([MONTHS.get(w or "", 0) for w in coded.dictionary.to_pylist()] + [0])
    codes = pc.fill_null(coded.indices, len(coded.dictionary)).to_numpy(zero_copy_only=False)
    return np.asarray(numbers[codes], dtype=np.int64)


def midnights(year: Int64, month: Int64, day: Int64) -> Int64:
    """Microseconds at the start of each day, NOT_A_MOMENT where there is no such day."""
    able = (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31) & (year >= 1) & (year <= 9999)
    months = (np.where(able, year, 1970) - 1970) * 12 + np.where(able, month, 1) - 1
    starts = months.astype("datetime64[M]")
    days = starts.astype("datetime64[D]") + (np.where(able, day, 1) - 1)
    able &= days.astype("datetime64[M]") == starts
    return np.where(able, days.astype("datetime64[us]").astype(np.int64), NOT_A_MOMENT)


def clock_times(parts: dict[str, pa.Array], n: int) -> tuple[Int64, Mask]:
    """Microseconds after midnight, -1 where there is no such time; and where there is one."""
    hour, minute = whole_numbers(parts.get("H"), -1, n), whole_numbers(parts.get("M"), 0, n)
    second = whole_numbers(parts.get("S"), 0, n)
    fraction = _fraction(parts.get("f"), n)
    has = hour >= 0
    hour = np.where(has, hour, 0)
    half = parts.get("half")
    if half is not None:
        letters = pc.utf8_lower(pc.utf8_slice_codeunits(pc.fill_null(half, ""), 0, 1))
        after = np.asarray(pc.equal(letters, "p").to_numpy(zero_copy_only=False))
        before = np.asarray(pc.equal(letters, "a").to_numpy(zero_copy_only=False))
        wrong = (after | before) & ((hour < 1) | (hour > 12))
        hour = np.where(after & (hour < 12), hour + 12, np.where(before & (hour == 12), 0, hour))
        hour = np.where(wrong, 99, hour)
    able = (hour <= 23) & (minute <= 59) & (second <= 59)
    able |= (hour == 24) & (minute == 0) & (second == 0)
    us = ((hour * 60 + minute) * 60 + second) * US_PER_SECOND + fraction
    return np.where(able, us, -1), has


def _fraction(part: pa.Array | None, n: int) -> Int64:
    if part is None:
        return np.zeros(n, dtype=np.int64)
    digits = pc.utf8_slice_codeunits(pc.utf8_rpad(pc.fill_null(part, ""), 6, "0"), 0, 6)
    return whole_numbers(digits, 0)
