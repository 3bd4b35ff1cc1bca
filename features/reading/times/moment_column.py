"""A column of moments as it was read, and what is declared of times."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa

from features.cleaning import EARLIEST_US, PLACEHOLDERS_US
from features.compute.array_types import Int64
from features.reading.quarantine import Mask

US_PER_SECOND = 1_000_000
US_PER_DAY = 86_400 * US_PER_SECOND
NOT_A_MOMENT = np.iinfo(np.int64).min
LATEST_US = int(dt.datetime(2200, 1, 1, tzinfo=dt.UTC).timestamp()) * US_PER_SECOND


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


def implausible(at_us: Int64) -> Mask:
    """True where a moment is before 1900-01-02, after 2199, or a placeholder such as 1970-01-01."""
    known = at_us != NOT_A_MOMENT
    out = (at_us < EARLIEST_US) | (at_us >= LATEST_US) | np.isin(at_us, PLACEHOLDERS_US)
    found: Mask = known & out
    return found


def moments_of_column(column: pa.ChunkedArray) -> Int64:
    """Microseconds since 1970 UTC of an Arrow column of times without gaps."""
    return np.asarray(column.cast(pa.int64()).to_numpy(), dtype=np.int64)


def moments_of_series(column: pd.Series) -> Int64:
    """Microseconds since 1970 UTC of a pandas column of times without gaps."""
    whole = column.astype("datetime64[us, UTC]").astype("int64")
    return np.asarray(whole.to_numpy(), dtype=np.int64)
