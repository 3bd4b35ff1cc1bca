"""Moments of requests: read once from the clock, checked against it, in microseconds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import numpy as np

from features.compute.array_types import Float64, Int64
from features.compute.jit import kernel
from serving.problems import Problem, validation_problem

EARLIEST = datetime(1900, 1, 2, tzinfo=UTC)
"""As in files: 1900-01-01 and 1970-01-01T00:00:00Z are what programs write for *unknown*."""


PLACEHOLDER = datetime(1970, 1, 1, tzinfo=UTC)


NO_MOMENTS = np.zeros(0, dtype=np.int64)


EARLIEST_US = round(EARLIEST.timestamp() * 1e6)


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970 UTC; exact from 1900 to 2100.

    >>> microseconds(datetime(2026, 1, 1, microsecond=1, tzinfo=UTC))
    1767225600000001
    """
    return round(moment.timestamp() * 1e6)


@kernel
def in_microseconds(seconds: Float64, earliest: int, latest: int, out: Int64) -> bool:
    """Write each moment in whole microseconds; whether all lie within the bounds."""
    within = True
    for i in range(seconds.shape[0]):
        out[i] = np.int64(np.rint(seconds[i] * 1e6))
        within &= earliest <= out[i] <= latest and out[i] != 0
    return within


def checked(moment: datetime, at: str, latest: datetime) -> datetime:
    """The moment itself; a 422 outside 1900 … now (plus what clocks may differ)."""
    if moment < EARLIEST:
        raise validation_problem(at, "this moment lies before 1900")
    if moment == PLACEHOLDER:
        raise validation_problem(at, "1970-01-01T00:00:00Z is no moment; leave it out if unknown")
    if moment > latest:
        raise validation_problem(
            at, "this moment lies in the future; check the clock and the offset"
        )
    return moment


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


class Clock(msgspec.Struct, frozen=True, gc=False):
    """The one reading of the clock for one request, and how far ahead a caller may be."""

    now: datetime
    latest: datetime

    @classmethod
    def read(cls, skew_s: float) -> Clock:
        """Ask the machine what time it is; nothing else in the service does."""
        now = datetime.now(UTC)
        return cls(now, now + timedelta(seconds=skew_s))


EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment_of(us: int) -> datetime:
    """Microseconds since 1970 UTC as a moment, exact."""
    return EPOCH + timedelta(microseconds=us)
