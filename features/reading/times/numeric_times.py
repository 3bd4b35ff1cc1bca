"""Numbers as moments: the days of Excel, the seconds of Unix, Julian days."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.reading.quarantine import Mask
from features.reading.times.moment_column import US_PER_DAY, Moments, TimeRules
from features.reading.times.zones import place_naive

EXCEL_DAY_ZERO_US = -25_569 * US_PER_DAY
SERIALS = (20_000.0, 80_000.0)
"""Excel's day numbers of 1954 to 2119."""


_NUMBER = r"^\s*\d{4,19}(?:[.,]\d+)?\s*$"
NUMERIC_FORMATS = ("excel", "unix", "unix-ms", "unix-us", "unix-ns", "julian")


def read_number_texts(texts: pa.ChunkedArray, rest: Mask, rules: TimeRules, found: Moments) -> None:
    """Read texts that are numbers, among those of ``rest``; see :func:`read_numbers`."""
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
