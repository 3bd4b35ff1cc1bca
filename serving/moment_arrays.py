"""Many moments of a request at once, as whole microseconds; compiled, so that it costs little."""

from __future__ import annotations

from datetime import datetime

import numpy as np

from features.compute.array_types import Float64, Int64
from features.compute.jit import kernel
from serving.problems import Problem
from serving.timestamps import EARLIEST_US, checked, microseconds

NO_MOMENTS = np.zeros(0, dtype=np.int64)


@kernel
def in_microseconds(seconds: Float64, earliest: int, latest: int, out: Int64) -> bool:
    """Write each moment in whole microseconds; whether all lie within the bounds."""
    within = True
    for i in range(seconds.shape[0]):
        out[i] = np.int64(np.rint(seconds[i] * 1e6))
        within &= earliest <= out[i] <= latest and out[i] != 0
    return within


def checked_all(moments: list[datetime], latest: datetime, where: str, field: str) -> Int64:
    """Many moments in microseconds; a 422 names the first that is out of bounds."""
    if not moments:
        return NO_MOMENTS
    seconds = np.fromiter(map(datetime.timestamp, moments), np.float64, len(moments))
    found = np.empty(len(moments), dtype=np.int64)
    if not in_microseconds(seconds, EARLIEST_US, microseconds(latest), found):
        for position, moment in enumerate(moments):
            checked(moment, f"{where}[{position}].{field}", latest)
    return found


def checked_each(moments: list[datetime], latest: datetime) -> tuple[Int64, dict[int, str]]:
    """Many moments in microseconds, and by position what is wrong with those out of bounds."""
    if not moments:
        return NO_MOMENTS, {}
    seconds = np.fromiter(map(datetime.timestamp, moments), np.float64, len(moments))
    found = np.empty(len(moments), dtype=np.int64)
    wrong: dict[int, str] = {}
    if not in_microseconds(seconds, EARLIEST_US, microseconds(latest), found):
        for position, moment in enumerate(moments):
            try:
                checked(moment, "$", latest)
            except Problem as problem:
                wrong[position] = problem.errors[0].message
    return found, wrong
