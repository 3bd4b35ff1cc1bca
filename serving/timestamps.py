"""Moments of requests: read once from the clock, checked against it, in microseconds."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

from serving.problems import validation_problem

EARLIEST = datetime(1900, 1, 2, tzinfo=UTC)
"""As in files: 1900-01-01 and 1970-01-01T00:00:00Z are what programs write for *unknown*."""


PLACEHOLDER = datetime(1970, 1, 1, tzinfo=UTC)


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970 UTC; exact from 1900 to 2100.

    >>> microseconds(datetime(2026, 1, 1, microsecond=1, tzinfo=UTC))
    1767225600000001
    """
    return round(moment.timestamp() * 1e6)


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


EARLIEST_US = microseconds(EARLIEST)


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
