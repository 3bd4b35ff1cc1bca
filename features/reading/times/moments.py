"""Moments as people and programs write them, to microseconds in UTC.

A column is looked at whole before a value is read: one ``13/04`` settles that the day comes first.
What nothing settles is not guessed; the caller asks, with :meth:`TimeEvidence.question`.
"""

from __future__ import annotations

import datetime as dt
import re
import zoneinfo
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.cleaning import EARLIEST_US, PLACEHOLDERS_US
from features.reading.times.moment_words import dotnet_moment, put_plainly

Int64 = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

US_PER_SECOND = 1_000_000
US_PER_DAY = 86_400 * US_PER_SECOND
NOT_A_MOMENT = np.iinfo(np.int64).min
LATEST_US = int(dt.datetime(2200, 1, 1, tzinfo=dt.UTC).timestamp()) * US_PER_SECOND

EXCEL_DAY_ZERO_US = -25_569 * US_PER_DAY
SERIALS = (20_000.0, 80_000.0)
"""Excel's day numbers of 1954 to 2119."""

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
ABBREVIATIONS = {"Z": 0, "UTC": 0, "GMT": 0, "UT": 0, "CET": 60, "CEST": 120, "EET": 120,
                 "EEST": 180, "WET": 0, "WEST": 60, "MEZ": 60, "MESZ": 120, "MSK": 180,
                 "SAST": 120, "JST": 540, "KST": 540, "AEST": 600, "AEDT": 660, "NZST": 720,
                 "NZDT": 780, "EST": -300, "EDT": -240, "CDT": -300, "MST": -420, "MDT": -360,
                 "PST": -480, "PDT": -420, "AKST": -540, "AKDT": -480, "HST": -600}  # fmt: skip
"""Names of zones that mean one offset, in minutes; others (CST, IST) mean several."""

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


_FORMS: tuple[tuple[Form, str], ...] = (
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
_NUMBER = r"^\s*\d{4,19}(?:[.,]\d+)?\s*$"
_AHEAD_OF_YEAR = ("day-first", "month-first")
NUMERIC_FORMATS = ("excel", "unix", "unix-ms", "unix-us", "unix-ns", "julian")
MIN_TURNED = 10
"""Dates of either kind from which on a spreadsheet that turned some of them around is seen."""


@dataclass(frozen=True, slots=True)
class TimeRules:
    """What is declared of times. ``zone``: of times without one. ``order``: of day and month.

    ``formats``: ``excel``, ``unix``, ``unix-ms``, ``unix-us``, ``unix-ns``, ``julian``
    (numbers; days of SQLite's ``julianday``), or patterns of strptime.
    """

    zone: str | None = None
    order: str | None = None
    formats: tuple[str, ...] = ()


@dataclass
class Moments:
    """A column read. ``at_us``: NOT_A_MOMENT where there is none.

    ``bare``: dates without a time (at the first moment of the day). ``naive``: of no zone, where
    none is declared. ``unordered``: day and month could be either. ``numeric``: a number that no
    declared format reads. ``repeated_hour``: local times that came twice when clocks went back;
    ``missing_hour``: that no clock showed when it went forward. ``turned``: year-first dates that a
    spreadsheet turned around, ``turned_example`` one of them and one that it left as it was.
    """

    at_us: Int64
    bare: Mask
    naive: Mask
    unordered: Mask
    numeric: Mask
    turned: Mask
    repeated_hour: int = 0
    missing_hour: int = 0
    turned_example: tuple[str, str] = ("", "")

    @classmethod
    def of(cls, at_us: Int64) -> Moments:
        """These moments, with nothing open."""
        none = np.zeros(len(at_us), dtype=bool)
        return cls(at_us, none, none.copy(), none.copy(), none.copy(), none.copy())


@dataclass
class TimeEvidence:
    """What a column shows of its order and its numbers, gathered over all of it."""

    day_first: int = 0
    month_first: int = 0
    either: int = 0
    example: str = ""

    settled: str = ""

    def add(self, texts: pa.ChunkedArray) -> None:
        """Look at some more values of the column."""
        plain = put_plainly(texts)
        texts = texts if plain is None else plain
        parts = extracted(texts, Form.TWO_NUMBERS)
        if parts is not None:
            first, second = _whole(parts["first"], 0), _whole(parts["second"], 0)
            known = first > 0
            self.day_first += int((known & (first > 12) & (second <= 12)).sum())
            self.month_first += int((known & (second > 12) & (first <= 12)).sum())
            settling = known & ((first > 12) != (second > 12))
            if settling.any() and not self.settled:
                self.settled = str(texts[int(np.flatnonzero(settling)[0])].as_py()).strip()
            unsettled = known & (first <= 12) & (second <= 12) & (first != second)
            self.either += int(unsettled.sum())
            if unsettled.any() and not self.example:
                self.example = str(texts[int(np.flatnonzero(unsettled)[0])].as_py()).strip()

    @property
    def order(self) -> str | None:
        """Which comes first, where the values settle it; None where they do not, or disagree."""
        if self.day_first and not self.month_first:
            return "day-first"
        if self.month_first and not self.day_first:
            return "month-first"
        return None

    def question(self, column: str) -> str | None:
        """What to ask about day and month, on a value of the column; None if nothing is open."""
        if not self.either or self.order is not None or not self.example:
            return None
        day, month = (_spelled(self.example, order) for order in _AHEAD_OF_YEAR)
        why = "values of both orders are there" if self.day_first else "no value settles which"
        return (
            f"{column} is {self.example!r}: {day} if the day comes first, {month} if the month "
            f'does, and {why}; say date_order = "day-first" or "month-first"'
        )


def _spelled(text: str, order: str) -> str:
    found = moments_of(pa.chunked_array([[text]]), TimeRules("UTC", order))
    return f"{pd.Timestamp(int(found.at_us[0]), unit='us'):%-d %B %Y}"


def extracted(texts: pa.ChunkedArray, form: Form) -> dict[str, pa.Array] | None:
    """The parts of the values written in a form, as strings; None if no value is."""
    pattern = dict(_FORMS)[form]
    whole = pc.extract_regex(texts, pattern)
    if whole.null_count == len(whole):
        return None
    struct = whole.combine_chunks() if isinstance(whole, pa.ChunkedArray) else whole
    valid = pc.is_valid(struct)
    return {
        struct.type.field(i).name: pc.if_else(valid, struct.field(i), pa.scalar(None, pa.string()))
        for i in range(struct.type.num_fields)
    }


def _whole(part: pa.Array | None, missing: int, length: int = 0) -> Int64:
    if part is None:
        return np.full(length, missing, dtype=np.int64)
    text = pc.if_else(pc.equal(pc.binary_length(part), 0), pa.scalar(None, pa.string()), part)
    return np.asarray(pc.fill_null(text.cast(pa.int64()), missing).to_numpy(zero_copy_only=False))


def moments_of(texts: pa.ChunkedArray, rules: TimeRules) -> Moments:
    """The moments that some texts name; see :class:`Moments`. Null stays null."""
    n = len(texts)
    at = np.full(n, NOT_A_MOMENT, dtype=np.int64)
    found = Moments.of(at)
    rest = np.asarray(pc.is_valid(texts).to_numpy(zero_copy_only=False), dtype=bool)
    for pattern in rules.formats:
        if pattern not in NUMERIC_FORMATS and rest.any():
            rest &= ~_declared(texts, pattern, rest, rules, found)
    forms: dict[Form, Mask] = {}
    _read_forms(texts, rest, rules, found, forms)
    if rest.any():
        _read_numbers(texts, rest, rules, found)
        rest &= ~found.numeric & (found.at_us == NOT_A_MOMENT)
    if rest.any():
        _read_other_words(texts, rest, rules, found, forms)
    _find_turned(texts, forms, found)
    return found


def _read_forms(
    texts: pa.ChunkedArray, rest: Mask, rules: TimeRules, found: Moments, forms: dict[Form, Mask]
) -> None:
    """Read what is written in one of the forms; ``rest`` and ``forms`` are brought up to date."""
    for form, _ in _FORMS:
        if rest.any():
            done = _read_form(texts, form, rest, rules, found)
            rest &= ~done
            forms[form] = forms[form] | done if form in forms else done


def _read_other_words(
    texts: pa.ChunkedArray, rest: Mask, rules: TimeRules, found: Moments, forms: dict[Form, Mask]
) -> None:
    """Read what is left once it is put into common words; and .NET's ``/Date(…)/``."""
    left = pc.if_else(pa.array(rest), texts, pa.scalar(None, pa.string()))
    if pc.any(pc.match_substring(left, "/Date(")).as_py():
        moments = [None if t is None else dotnet_moment(t) for t in left.to_pylist()]
        mine = np.array([m is not None for m in moments])
        found.at_us[mine] = [m for m in moments if m is not None]
        rest &= ~mine
    plain = put_plainly(left)
    if plain is not None:
        _read_forms(plain, rest, rules, found, forms)


def _find_turned(texts: pa.ChunkedArray, forms: dict[Form, Mask], found: Moments) -> None:
    """Dates that a spreadsheet of another country read: what it could, it turned around.

    It takes ``03/04/2025`` for March and leaves ``13/04/2025`` as text, so no day above 12 is left
    among the year-first dates and no day up to 12 among the others.
    """
    none = np.zeros(0, dtype=bool)
    left, made = forms.get(Form.TWO_NUMBERS, none), forms.get(Form.YEAR_FIRST, none)
    if left.sum() < MIN_TURNED or made.sum() < MIN_TURNED:
        return
    for form, rows, low, high in (
        (Form.TWO_NUMBERS, left, 13, 99), (Form.YEAR_FIRST, made, 1, 12)
    ):  # fmt: skip
        plain = put_plainly(texts)
        parts = extracted(texts if plain is None else plain, form)
        if parts is None:
            return
        one, two = _whole(parts["first"], 0)[rows], _whole(parts["second"], 0)[rows]
        largest = np.maximum(one, two) if form is Form.TWO_NUMBERS else one
        if not ((largest >= low) & (largest <= high)).all():
            return
    found.turned = made
    shown = [str(texts[int(np.flatnonzero(rows)[0])].as_py()).strip() for rows in (made, left)]
    found.turned_example = (shown[0], shown[1])


def _read_form(
    texts: pa.ChunkedArray, form: Form, rest: Mask, rules: TimeRules, found: Moments
) -> Mask:
    parts = extracted(texts, form)
    n = len(texts)
    if parts is None:
        return np.zeros(n, dtype=bool)
    mine = rest & np.asarray(parts["first"].is_valid().to_numpy(zero_copy_only=False), dtype=bool)
    year = _year(parts["year"])
    first = _whole(parts["first"], 0)
    second = _month_numbers(parts["month"]) if "month" in parts else _whole(parts["second"], 0)
    day, month = first, second
    if form is Form.TWO_NUMBERS:
        day, month = _ordered(first, second, mine, rules.order, found)
    midnight = _midnights(year, month, day)
    clock, has_clock = _clock(parts, n)
    good = mine & (midnight != NOT_A_MOMENT) & (clock >= 0) & ~found.unordered
    local = np.where(good, midnight + clock, NOT_A_MOMENT)
    zone = parts.get("zone")
    zones = zone if zone is not None else pa.nulls(n, pa.string())
    _place(local, zones, good, has_clock, rules, found)
    placed = (found.at_us != NOT_A_MOMENT) | found.naive
    done: Mask = mine & (placed & good | found.unordered)
    return done


def _ordered(
    first: Int64, second: Int64, mine: Mask, order: str | None, found: Moments
) -> tuple[Int64, Int64]:
    if order == "month-first":
        return second, first
    if order is None:
        found.unordered |= mine & (first <= 12) & (second <= 12) & (first != second)
        american = second > 12
        return np.where(american, second, first), np.where(american, first, second)
    return first, second


def _year(part: pa.Array) -> Int64:
    year = _whole(part, 0)
    short = np.asarray(
        pc.fill_null(pc.equal(pc.utf8_length(part), 2), False).to_numpy(zero_copy_only=False)
    )
    return np.where(short, np.where(year < 70, year + 2000, year + 1900), year)


def _month_numbers(part: pa.Array) -> Int64:
    coded = pc.utf8_lower(part).dictionary_encode()
    numbers = np.array([MONTHS.get(w or "", 0) for w in coded.dictionary.to_pylist()] + [0])
    codes = pc.fill_null(coded.indices, len(coded.dictionary)).to_numpy(zero_copy_only=False)
    return np.asarray(numbers[codes], dtype=np.int64)


def _midnights(year: Int64, month: Int64, day: Int64) -> Int64:
    """Microseconds at the start of each day, NOT_A_MOMENT where there is no such day."""
    able = (month >= 1) & (month <= 12) & (day >= 1) & (day <= 31) & (year >= 1) & (year <= 9999)
    months = (np.where(able, year, 1970) - 1970) * 12 + np.where(able, month, 1) - 1
    starts = months.astype("datetime64[M]")
    days = starts.astype("datetime64[D]") + (np.where(able, day, 1) - 1)
    able &= days.astype("datetime64[M]") == starts
    return np.where(able, days.astype("datetime64[us]").astype(np.int64), NOT_A_MOMENT)


def _clock(parts: dict[str, pa.Array], n: int) -> tuple[Int64, Mask]:
    """Microseconds after midnight, -1 where there is no such time; and where there is one."""
    hour, minute = _whole(parts.get("H"), -1, n), _whole(parts.get("M"), 0, n)
    second = _whole(parts.get("S"), 0, n)
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
    return _whole(digits, 0)


def _place(
    local: Int64, zones: pa.Array, good: Mask, has_clock: Mask, rules: TimeRules, found: Moments
) -> None:
    """Turn local times into UTC, zone by zone."""
    coded = pc.fill_null(zones, "").dictionary_encode()
    codes = coded.indices.to_numpy(zero_copy_only=False)
    for code, name in enumerate(coded.dictionary.to_pylist()):
        rows = good & (codes == code)
        if not rows.any():
            continue
        name = name.strip()
        if not name:
            found.bare[rows] = ~has_clock[rows]
            place_naive(local, rows, rules, found)
            continue
        minutes = offset_minutes(name)
        if minutes is not None:
            found.at_us[rows] = local[rows] - minutes * 60 * US_PER_SECOND
        elif (zone := known_zone(name)) is not None:
            _localize(local, rows, zone, found)


def place_naive(local: Int64, rows: Mask, rules: TimeRules, found: Moments) -> None:
    """Read local times (microseconds since 1970) in the declared zone; else they are naive."""
    if rules.zone is None:
        found.naive |= rows
        return
    _localize(local, rows, rules.zone, found)


def _localize(local: Int64, rows: Mask, zone: str, found: Moments) -> None:
    """Local times of a zone; of an hour that came twice the first, of one left out the next."""
    if zone in ("UTC", "Etc/UTC", "GMT"):
        found.at_us[rows] = local[rows]
        return
    times = pd.DatetimeIndex(local[rows].astype("datetime64[us]"))
    each = [
        times.tz_localize(zone, ambiguous=np.full(len(times), summer), nonexistent="shift_forward")
        for summer in (True, False)
    ]
    first, later = (np.asarray(t.as_unit("us").asi8, dtype=np.int64) for t in each)
    found.at_us[rows] = first
    shown = np.asarray(each[0].tz_localize(None).as_unit("us").asi8, dtype=np.int64)
    found.missing_hour += int((shown != local[rows]).sum())
    found.repeated_hour += int((first != later).sum())


@lru_cache(maxsize=256)
def offset_minutes(name: str) -> int | None:
    """Minutes ahead of UTC that a zone's text says, or None.

    >>> offset_minutes("Z"), offset_minutes("+0100"), offset_minutes("GMT-5"), offset_minutes("CST")
    (0, 60, -300, None)
    """
    upper = name.upper()
    if upper in ABBREVIATIONS:
        return ABBREVIATIONS[upper]
    found = re.match(r"(?:UTC|GMT)?([+-])(\d{1,2}):?(\d\d)?", upper)
    if found is None:
        return None
    minutes = int(found[2]) * 60 + int(found[3] or 0)
    return None if minutes > 15 * 60 else (-minutes if found[1] == "-" else minutes)


@lru_cache(maxsize=256)
def known_zone(name: str) -> str | None:
    """The name itself if it is a time zone such as Europe/Paris, or None."""
    if "/" not in name and name not in ("EST", "MST", "HST"):
        return None
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return None
    return name


def _declared(
    texts: pa.ChunkedArray, pattern: str, rest: Mask, rules: TimeRules, found: Moments
) -> Mask:
    """Read what fits a declared pattern of strptime."""
    series = pd.Series(texts.to_pandas(), dtype=object).where(rest, None)
    zoned = "%z" in pattern or "%Z" in pattern
    read = pd.to_datetime(series.str.strip(), format=pattern, errors="coerce", utc=zoned)
    mine = rest & read.notna().to_numpy()
    if zoned:
        read = read.dt.tz_convert(None)
    local = read.dt.as_unit("us").to_numpy().astype("datetime64[us]").astype(np.int64)
    if zoned:
        found.at_us[mine] = local[mine]
        return mine
    found.bare[mine] = not re.search(r"%[HIMSfpcXTR]", pattern)
    place_naive(local, mine, rules, found)
    return mine


def _read_numbers(texts: pa.ChunkedArray, rest: Mask, rules: TimeRules, found: Moments) -> None:
    fits = pc.fill_null(pc.match_substring_regex(texts, _NUMBER), False)
    mine = rest & np.asarray(fits.to_numpy(zero_copy_only=False), dtype=bool)
    if not mine.any():
        return
    plain = pc.replace_substring(pc.utf8_trim_whitespace(texts), ",", ".")
    kept = pc.if_else(pa.array(mine), plain, pa.scalar(None, pa.string()))
    numbers = pc.fill_null(kept.cast(pa.float64()), np.nan).to_numpy(zero_copy_only=False)
    read_numbers(np.asarray(numbers), mine, rules, found)


def read_numbers(
    numbers: npt.NDArray[np.float64], mine: Mask, rules: TimeRules, found: Moments
) -> None:
    """Read numbers as the declared numeric formats say, by their size; others are ``numeric``."""
    left = mine.copy()
    for name in rules.formats:
        low, high = _RANGES.get(name, (1.0, 0.0))
        rows = left & (numbers >= low) & (numbers <= high)
        if not rows.any():
            continue
        if name == "excel":
            us = np.rint(numbers[rows] * 86_400_000) * 1_000 + EXCEL_DAY_ZERO_US
            local = np.zeros(len(numbers), dtype=np.int64)
            local[rows] = us.astype(np.int64)
            found.bare[rows] = numbers[rows] % 1 == 0
            place_naive(local, rows, rules, found)
        elif name == "julian":
            ms = np.rint((numbers[rows] - JULIAN_DAY_OF_1970) * 86_400_000)
            found.at_us[rows] = ms.astype(np.int64) * 1_000
        else:
            found.at_us[rows] = np.rint(numbers[rows] * _UNITS[name]).astype(np.int64)
        left &= ~rows
    found.numeric |= left


_UNITS = {"unix": 1e6, "unix-ms": 1e3, "unix-us": 1.0, "unix-ns": 1e-3}
JULIAN_DAY_OF_1970 = 2_440_587.5
_RANGES = {
    "excel": SERIALS,
    "unix": (1e8, 7.3e9),
    "unix-ms": (1e11, 7.3e12),
    "unix-us": (1e14, 7.3e15),
    "unix-ns": (1e17, 7.3e18),
    "julian": (2_415_020.0, 2_500_000.0),
}


def numeric_readings(number: float) -> dict[str, str]:
    """What each numeric format would make of a number, where it can be one.

    >>> numeric_readings(45663.378121)
    {'excel': '2025-01-06 09:04:29'}
    >>> numeric_readings(1736154269.0)
    {'unix': '2025-01-06 09:04:29'}
    """
    found = {}
    for name, (low, high) in _RANGES.items():
        if low <= number <= high:
            zero = -JULIAN_DAY_OF_1970 * US_PER_DAY if name == "julian" else EXCEL_DAY_ZERO_US
            us = number * _UNITS[name] if name in _UNITS else number * US_PER_DAY + zero
            found[name] = f"{pd.Timestamp(int(us), unit='us'):%Y-%m-%d %H:%M:%S}"
    return found


def implausible(at_us: Int64) -> Mask:
    """True where a moment is before 1900-01-02, after 2199, or a placeholder such as 1970-01-01."""
    known = at_us != NOT_A_MOMENT
    out = (at_us < EARLIEST_US) | (at_us >= LATEST_US) | np.isin(at_us, PLACEHOLDERS_US)
    found: Mask = known & out
    return found


def end_of_day(at_us: Int64, bare: Mask, zone: str | None) -> Int64:
    """The last microsecond of the day of each bare date; other moments as they are.

    What happened on a day is known for certain when the day is over.
    """
    if not bare.any():
        return at_us
    out = at_us.copy()
    days = pd.DatetimeIndex(at_us[bare].astype("datetime64[us]"), tz="UTC").tz_convert(
        zone or "UTC"
    )
    ends = (days.tz_localize(None) + pd.Timedelta(days=1)).tz_localize(
        zone or "UTC", ambiguous=np.ones(len(days), dtype=bool), nonexistent="shift_forward"
    )
    out[bare] = np.asarray(ends.as_unit("us").asi8, dtype=np.int64) - 1
    return out


__all__ = [
    "Moments",
    "TimeEvidence",
    "TimeRules",
    "end_of_day",
    "implausible",
    "moments_of",
    "numeric_readings",
]
