"""Columns of any storage type as times in UTC, with what cannot be read and what must be asked."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.cleaning import NO_VALUE
from features.compute.array_types import Int64
from features.language.plural import plural
from features.reading.quarantine import Mask
from features.reading.times.day_month_order import TimeEvidence
from features.reading.times.moment_column import NOT_A_MOMENT, Moments, TimeRules, implausible
from features.reading.times.moments import moments_of
from features.reading.times.numeric_times import numeric_readings, read_numbers
from features.reading.times.zones import place_naive
from features.reading.values.numbers import as_floats, is_numeric_type
from features.reading.values.text import mask_of, without_dictionary
from features.schemas import UTC_MICROSECONDS

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
    values = without_dictionary(values)
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
    elif is_numeric_type(values.type) and not pa.types.is_boolean(values.type):
        numbers = np.asarray(pc.fill_null(as_floats(values), np.nan).to_numpy())
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
            plural(
                found.repeated_hour,
                "{column}: {n:,} time falls in the hour that came twice when clocks went back; "
                "the first is taken",
                "{column}: {n:,} times fall in the hour that came twice when clocks went back; "
                "the first is taken",
                column=column,
            )
        )
    if found.missing_hour:
        notes.append(
            plural(
                found.missing_hour,
                "{column}: {n:,} time falls in the hour that no clock showed when clocks went "
                "forward; the next moment is taken (is the time_zone right?)",
                "{column}: {n:,} times fall in the hour that no clock showed when clocks went "
                "forward; the next moment is taken (is the time_zone right?)",
                column=column,
            )
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
    questions = []
    if found.turned.any():
        made, left = found.turned_example
        questions.append(
            f"{column} is {made!r} here and {left!r} elsewhere: no day above 12 is among the "
            f"{int(found.turned.sum()):,} dates that begin with the year, and none up to 12 among "
            "the others, so a spreadsheet turned day and month around; export again and do not "
            'open it there, or say how they are written: date_formats = ["%Y-%d-%m %H:%M", '
            '"%d/%m/%Y %H:%M"]'
        )
    if found.unordered.any() and seen is not None:
        questions.append(seen.question(column) or "")
    if found.numeric.any():
        questions.append(_numeric_question(column, values, int(np.flatnonzero(found.numeric)[0])))
    if (rules.zone is None and (found.naive | found.unordered).any()) or _excel_only(values, found):
        rows = np.flatnonzero(found.naive | found.unordered | found.numeric)
        questions.append(_zone_question(column, values, int(rows[0]), len(rows), seen))
    return tuple(question for question in questions if question)


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
        f"{column} is {text[0].as_py()!r}, a time without a zone "
        f"({plural(rows, '{n:,} row', '{n:,} rows')}); "
        "say time_zone: " + ", ".join(each)
    )
