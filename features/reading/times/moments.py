"""Moments as people and programs write them, to microseconds in UTC.

What is not settled by a value, or by what is declared, is not guessed: such rows are counted apart.
"""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.compute.array_types import Int64
from features.reading.quarantine import Mask
from features.reading.times.date_forms import (
    FORMS,
    Form,
    clock_times,
    extracted,
    midnights,
    month_numbers,
    whole_numbers,
    years,
)
from features.reading.times.moment_column import NOT_A_MOMENT, Moments, TimeRules
from features.reading.times.moment_words import dotnet_moment, put_plainly
from features.reading.times.numeric_times import NUMERIC_FORMATS, read_number_texts
from features.reading.times.zones import place, place_naive

MIN_TURNED = 10
"""Dates of either kind from which on a spreadsheet that turned some of them around is seen."""


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
        read_number_texts(texts, rest, rules, found)
        rest &= ~found.numeric & (found.at_us == NOT_A_MOMENT)
    if rest.any():
        _read_other_words(texts, rest, rules, found, forms)
    _find_turned(texts, forms, found)
    return found


def _read_forms(
    texts: pa.ChunkedArray, rest: Mask, rules: TimeRules, found: Moments, forms: dict[Form, Mask]
) -> None:
    """Read what is written in one of the forms; ``rest`` and ``forms`` are brought up to date."""
    for form, _ in FORMS:
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
        one, two = whole_numbers(parts["first"], 0)[rows], whole_numbers(parts["second"], 0)[rows]
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
    year = years(parts["year"])
    first = whole_numbers(parts["first"], 0)
    second = (
        month_numbers(parts["month"]) if "month" in parts else whole_numbers(parts["second"], 0)
    )
    day, month = first, second
    if form is Form.TWO_NUMBERS:
        day, month = _ordered(first, second, mine, rules.order, found)
    midnight = midnights(year, month, day)
    clock, has_clock = clock_times(parts, n)
    good = mine & (midnight != NOT_A_MOMENT) & (clock >= 0) & ~found.unordered
    local = np.where(good, midnight + clock, NOT_A_MOMENT)
    zone = parts.get("zone")
    zones = zone if zone is not None else pa.nulls(n, pa.string())
    place(local, zones, good, has_clock, rules, found)
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
