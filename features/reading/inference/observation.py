"""Until when everything was observed, decided by the bulk of the moments and never by a few."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Int64 = npt.NDArray[np.int64]
US_PER_DAY = 86_400_000_000
MIN_ROWS_FOR_RATES = 200
OUTLIER_SHARE = 0.005
"""At most this share of the moments may be taken for mistaken."""
GAP_SHARE = 0.25
MIN_GAP_DAYS = 30
MIN_RATE_SHARE = 0.2
"""After the last outcome and creation, interactions go on as long as they keep this share of
their usual rate."""
BINS = 50
_NONE = np.zeros(0, dtype=np.int64)


@dataclass(frozen=True)
class DailyMoments:
    """How many moments fall on each day (UTC), and the last of each; the parts of a table add up.

    ``day``: days since 1970, ascending; ``rows`` and ``last_us`` in step.
    """

    day: Int64
    rows: Int64
    last_us: Int64

    @classmethod
    def of(cls, at_us: Int64) -> DailyMoments:
        """The days of some moments (microseconds since 1970 UTC)."""
        if not len(at_us):
            return cls(_NONE, _NONE, _NONE)
        days = at_us // US_PER_DAY
        first = int(days.min())
        rows = np.bincount(days - first)
        last = np.full(len(rows), np.iinfo(np.int64).min)
        np.maximum.at(last, days - first, at_us)
        there = np.flatnonzero(rows)
        return cls(there + first, rows[there].astype(np.int64), last[there])

    def to_dict(self) -> dict[str, list[int]]:
        """As JSON-ready data."""
        return {"day": self.day.tolist(), "rows": self.rows.tolist(), "last": self.last_us.tolist()}

    @classmethod
    def from_dict(cls, given: dict[str, list[int]]) -> DailyMoments:
        """What :meth:`to_dict` wrote."""
        return cls(*(np.array(given[k], dtype=np.int64) for k in ("day", "rows", "last")))

    def __add__(self, other: DailyMoments) -> DailyMoments:
        if not len(self.day) or not len(other.day):
            return other if not len(self.day) else self
        day, place = np.unique(np.concatenate((self.day, other.day)), return_inverse=True)
        rows = np.bincount(place, np.concatenate((self.rows, other.rows))).astype(np.int64)
        last = np.full(len(day), np.iinfo(np.int64).min)
        np.maximum.at(last, place, np.concatenate((self.last_us, other.last_us)))
        return DailyMoments(day, rows, last)


def end_of_observation(facts: Int64, interactions: DailyMoments) -> int | None:
    """The latest moment that counts as observed, in microseconds since 1970 UTC; None without any.

    ``facts``: creations, outcomes and answers, which nobody writes ahead of time; a few of them
    that lie far behind all others are taken for mistyped. ``interactions``: these may be planned
    meetings, so those after the last fact count only while they keep coming at their usual rate.
    """
    end = _without_outliers(np.sort(facts))
    if end is None:
        return _without_outliers(np.repeat(interactions.last_us, interactions.rows))
    later = interactions.last_us > end
    if not later.any():
        return end
    if interactions.rows.sum() < MIN_ROWS_FOR_RATES:
        days = np.repeat(interactions.last_us, interactions.rows)
        known = _without_outliers(np.sort(np.concatenate((facts, days))))
        return end if known is None else max(end, known)
    return _extended(end, interactions)


def _without_outliers(moments: Int64) -> int | None:
    """The last of some sorted moments, without the few behind a gap that is too wide."""
    n = len(moments)
    if n == 0:
        return None
    few = n < MIN_ROWS_FOR_RATES
    for left in range(min(max(1, int(n * OUTLIER_SHARE)), n - 1), 0, -1):
        last, first_beyond = int(moments[n - left - 1]), int(moments[n - left])
        span = last - int(moments[0])
        usual = max(MIN_GAP_DAYS * US_PER_DAY, GAP_SHARE * span)
        if first_beyond - last > (max(365 * US_PER_DAY, 2 * span) if few else usual):
            return last
    return int(moments[-1])


def _extended(end: int, days: DailyMoments) -> int:
    """``end`` moved on through the interactions that keep coming at their usual rate."""
    before = days.last_us <= end
    if not before.any():
        return int(days.last_us[-1])
    rows = np.cumsum(days.rows[before])
    first = int(days.day[before][np.searchsorted(rows, 0.05 * rows[-1])])
    last = end // US_PER_DAY
    width = max(1, (last - first) // BINS)
    usual = 0.95 * rows[-1] * width / max(last - first, 1)
    while True:
        inside = (days.last_us > end) & (days.day <= last + width)
        if days.rows[inside].sum() < max(1.0, MIN_RATE_SHARE * usual):
            return end
        end = int(days.last_us[inside][-1])
        last = end // US_PER_DAY
