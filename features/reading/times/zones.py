"""Time zones: names and offsets, local times to UTC, the end of a day."""

from __future__ import annotations

import re
import zoneinfo
from functools import lru_cache

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.compute.array_types import Int64
from features.reading.quarantine import Mask
from features.reading.times.moment_column import US_PER_SECOND, Moments, TimeRules

ABBREVIATIONS = {"Z": 0, "UTC": 0, "GMT": 0, "UT": 0, "CET": 60, "CEST": 120, "EET": 120,
                 "EEST": 180, "WET": 0, "WEST": 60, "MEZ": 60, "MESZ": 120, "MSK": 180,
                 "SAST": 120, "JST": 540, "KST": 540, "AEST": 600, "AEDT": 660, "NZST": 720,
                 "NZDT": 780, "EST": -300, "EDT": -240, "CDT": -300, "MST": -420, "MDT": -360,
                 "PST": -480, "PDT": -420, "AKST": -540, "AKDT": -480, "HST": -600}  # fmt: skip
"""Names of zones that mean one offset, in minutes; others (CST, IST) mean several."""


def place(
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
