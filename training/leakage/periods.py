"""Evidence in the calendar: attributes that hold the day, week or month in which a lead closed."""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.compute.array_types import Bools, Float64, Int64
from training.leakage.binned_columns import Column
from training.leakage.history import LaterEvents
from training.leakage.values import Evidence, LeakSignal

MIN_LEADS_THAT_DIFFER = 30
"""Leads created in another period than they closed in; with fewer nothing can be said."""


MIN_LEADS_PER_VALUE = 5


MIN_AGREEMENT = 0.85


MAX_ERROR_SHARE = 0.5
"""Of the leads that the period of creation leaves unexplained, so many may stay so."""


DAY_UNITS = {"days": 1.0, "seconds": 86_400.0, "milliseconds": 86_400e3, "microseconds": 86_400e6}


def holds_the_closing_period(
    later: LaterEvents, row: Int64, columns: tuple[Column, ...]
) -> dict[str, Evidence]:
    """Attributes that say when a lead closed; ``row``: the lead of each row of the columns."""
    created, closed = later.created_s[row], (later.created_s + later.seconds_to_close)[row]
    known = np.isfinite(closed)
    found: dict[str, Evidence] = {}
    if not known.any():
        return found
    periods = _periods(created, np.where(known, closed, created))
    for column in columns:
        text = _is_closing_day(column, created, closed, known)
        text = text or _follows_period(column, periods, known)
        if text is not None:
            found[column.name] = Evidence(LeakSignal.HOLDS_THE_FUTURE, text)
    return found


def _periods(created: Float64, closed: Float64) -> dict[str, tuple[Int64, Int64]]:
    """Name → (period of creation, period of closing), (n) each."""
    at = (_calendar(created), _calendar(closed))
    return {name: (at[0][name], at[1][name]) for name in at[0]}


def _calendar(seconds: Float64) -> dict[str, Int64]:
    """Periods of moments in seconds since 1970 (a Thursday), (n) each."""
    day = np.floor(seconds / 86_400.0).astype(np.int64)
    dates = day.astype("datetime64[D]")
    months = dates.astype("datetime64[M]")
    month = months.astype(np.int64)
    return {
        "month": month,
        "month of the year": month % 12,
        "week": (day + 3) // 7,
        "day of the month": (dates - months.astype("datetime64[D]")).astype(np.int64),
        "day of the week": (day + 3) % 7,
    }


def _is_closing_day(column: Column, created: Float64, closed: Float64, known: Bools) -> str | None:
    """A moment (days, seconds or finer, or YYYYMMDD) on the very day of the closing."""
    if column.number is None:
        return None
    days = (np.floor(created / 86_400.0), np.floor(closed / 86_400.0))
    rows = known & np.isfinite(column.number) & (days[0] != days[1])
    if rows.sum() < MIN_LEADS_THAT_DIFFER:
        return None
    readings = {unit: np.floor(column.number[rows] / per) for unit, per in DAY_UNITS.items()}
    readings["year, month and day"] = _of_written_days(column.number[rows])
    for day in readings.values():
        same = float((day == days[1][rows]).mean())
        if same >= MIN_AGREEMENT and same > 2 * float((day == days[0][rows]).mean()):
            return f"it is the day of the closing for {same:.0%} of {int(rows.sum()):,} leads"
    return None


def _of_written_days(number: Float64) -> Float64:
    """Days since 1970 of numbers such as 20260314, NaN where they are no such day."""
    text = pd.Series(number).map(lambda value: f"{value:.0f}")
    moments = pd.to_datetime(text, format="%Y%m%d", errors="coerce")
    days = (moments - pd.Timestamp(0)) / pd.Timedelta(1, "D")
    return np.asarray(days.to_numpy(np.float64))


def _follows_period(
    column: Column, periods: dict[str, tuple[Int64, Int64]], known: Bools
) -> str | None:
    """Values each of which belongs to one period of closing, and not to one of creation."""
    code = _values(column)
    counts = np.bincount(code)
    rows = known & column.filled & (counts[code] >= MIN_LEADS_PER_VALUE)
    if rows.sum() < 2 * MIN_LEADS_THAT_DIFFER or len(np.unique(code[rows])) < 2:
        return None
    for name, (at_creation, at_closing) in periods.items():
        differ = at_creation[rows] != at_closing[rows]
        if differ.sum() < MIN_LEADS_THAT_DIFFER or len(np.unique(at_closing[rows])) < 2:
            continue
        agrees = _purity(code[rows], at_closing[rows])
        before = _purity(code[rows], at_creation[rows])
        chance = np.bincount(at_closing[rows] - at_closing[rows].min()).max() / rows.sum()
        firm = 1 - agrees <= MAX_ERROR_SHARE * min(1 - before, 1 - chance)
        if agrees >= MIN_AGREEMENT and firm:
            return (
                f"each of its values belongs to one {name} of closing ({agrees:.0%} of "
                f"{int(rows.sum()):,} leads), not of creation ({before:.0%})"
            )
    return None


def _values(column: Column) -> Int64:
    """A code per distinct value of a number of few values, else the column's bins."""
    if column.number is None:
        return column.code
    _, code = np.unique(np.nan_to_num(column.number, nan=-1e300), return_inverse=True)
    return code.astype(np.int64)


def _purity(code: Int64, period: Int64) -> float:
    """Share of rows in the most frequent period of their value."""
    table = pd.DataFrame({"code": code, "period": period}).value_counts()
    return float(table.groupby(level="code").max().sum() / len(code))
