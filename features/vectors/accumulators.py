"""Streaming aggregates of one reference: updated row by row, newest first, then finalised.

A stream is a kind, or any / inbound / outbound. Windows are nested, so a row is added to the
smallest window that holds it (its bucket) and sums over buckets give every window. Only what the
declared columns need is kept (``needs``, a bit each).
"""

from __future__ import annotations

import numpy as np

from features.compute.array_types import DAY_US, Float64, Int64
from features.compute.jit import inline_kernel

HOUR_US = 3_600_000_000


SESSION_GAP_US = 30 * 60 * 1_000_000


IGNORED = -2
"""In the place of a kind's own stream: its rows are counted nowhere, not even among all."""


# The aggregates a column may ask for; ``features.vectors.catalogue`` gives them names and
# sentences.
(
    OP_COUNT,
    OP_DECAYED,
    OP_DAYS_SINCE_LAST,
    OP_ACTIVE_DAYS,
    OP_SESSIONS,
    OP_VALUE_TOTAL,
    OP_VALUE_MEAN,
    OP_MINUTES_TOTAL,
    OP_MINUTES_MEAN,
    OP_DAYS_SINCE_FIRST,
    OP_GAP_MEAN,
    OP_GAP_LONGEST,
    OP_TREND,
    OP_SHARE_WEEKEND,
    OP_SHARE_OFFICE_HOURS,
    OP_USUAL_HOUR,
    OP_IS_LAST,
    OP_UNANSWERED,
) = range(18)


# A stream's accumulators are one row of floats: its counts per bucket and its decayed sums first,
# then these once, and last these per bucket.
WEEKEND, OFFICE, HOUR_SIN, HOUR_COS, IS_LAST, UNANSWERED = range(6)


N_SCALARS = 6


DAYS, SESSIONS, VALUE_SUM, VALUE_KNOWN, DURATION_SUM, DURATION_KNOWN = range(6)


N_PER_BUCKET = 6


# Beside it, in microseconds: the ages of its newest and oldest row, its longest gap, and the day
# of the row walked last.
NEWEST, OLDEST, LONGEST_GAP, LAST_DAY = range(4)


TIMES = 4


NEEDS_RHYTHM, NEEDS_AMOUNTS, NEEDS_CLOCK, NEEDS_HOUR, NEEDS_DECAY = 1, 2, 4, 8, 16


NEEDS_OF = {
    OP_ACTIVE_DAYS: NEEDS_RHYTHM,
    OP_SESSIONS: NEEDS_RHYTHM,
    OP_GAP_LONGEST: NEEDS_RHYTHM,
    OP_VALUE_TOTAL: NEEDS_AMOUNTS,
    OP_VALUE_MEAN: NEEDS_AMOUNTS,
    OP_MINUTES_TOTAL: NEEDS_AMOUNTS,
    OP_MINUTES_MEAN: NEEDS_AMOUNTS,
    OP_SHARE_WEEKEND: NEEDS_CLOCK,
    OP_SHARE_OFFICE_HOURS: NEEDS_CLOCK,
    OP_USUAL_HOUR: NEEDS_HOUR,
    OP_DECAYED: NEEDS_DECAY,
}
"""What an aggregate makes its stream remember beside counts and the newest and oldest row."""


@inline_kernel
def update_rhythm(
    memory: Float64, times: Int64, s: int, here: int, age: int, day: int, first: bool
) -> None:
    """A day not seen yet, a new session, a longer gap. ``here``: the bucket's first float."""
    if first or times[s, LAST_DAY] != day:
        memory[s, here + DAYS] += 1.0
        times[s, LAST_DAY] = day
    gap = 0 if first else age - times[s, OLDEST]
    if first or gap > SESSION_GAP_US:
        memory[s, here + SESSIONS] += 1.0
    if first or gap > times[s, LONGEST_GAP]:
        times[s, LONGEST_GAP] = gap


@inline_kernel
def update_amounts(memory: Float64, s: int, here: int, value: float, duration_s: float) -> None:
    """A known value, a known duration. ``here``: the bucket's first float."""
    if not np.isnan(value):
        memory[s, here + VALUE_SUM] += value
        memory[s, here + VALUE_KNOWN] += 1.0
    if not np.isnan(duration_s):
        memory[s, here + DURATION_SUM] += duration_s
        memory[s, here + DURATION_KNOWN] += 1.0


@inline_kernel
def hour_on_the_clock(at: int, day: int) -> tuple[float, float]:
    """Sine and cosine of the hour of the day; their sums give the circular mean."""
    angle = (at - day * DAY_US) / HOUR_US * (np.pi / 12.0)
    return np.sin(angle), np.cos(angle)


@inline_kernel
def update_clock(
    memory: Float64, s: int, once: int, at: int, day: int, sine: float, cosine: float
) -> None:
    """Weekend or office hours (Monday to Friday, 8 to 18 h UTC), and the hour."""
    if (day + 3) % 7 >= 5:  # 1970-01-01 was a Thursday
        memory[s, once + WEEKEND] += 1.0
    elif 8 <= (at - day * DAY_US) // HOUR_US < 18:
        memory[s, once + OFFICE] += 1.0
    memory[s, once + HOUR_SIN] += sine
    memory[s, once + HOUR_COS] += cosine


@inline_kernel
def _within(memory: Float64, s: int, buckets: int, window: int, what: int) -> float:
    """Sum over the nested buckets up to ``window``, newest first."""
    total = 0.0
    for bucket in range(window + 1):
        total += memory[s, buckets + bucket * N_PER_BUCKET + what]
    return total


@inline_kernel
def _mean(total: float, known: float) -> float:
    return total / known if known > 0 else np.nan


@inline_kernel
def finalize(
    op: int,
    s: int,
    window: int,
    week: int,
    five_weeks: int,
    every: int,
    once: int,
    memory: Float64,
    times: Int64,
) -> float:
    """The rarer aggregates of a stream with at least one row; its counts are cumulated by now.

    ``every``: the window without end. ``once``: the first of the floats remembered once.
    """
    buckets = once + N_SCALARS
    if op == OP_IS_LAST:
        return memory[s, once + IS_LAST]
    if op == OP_UNANSWERED:
        return memory[s, once + UNANSWERED]
    if op == OP_ACTIVE_DAYS:
        return _within(memory, s, buckets, window, DAYS)
    if op == OP_SESSIONS:
        return _within(memory, s, buckets, window, SESSIONS)
    if op in (OP_VALUE_TOTAL, OP_VALUE_MEAN):
        total = _within(memory, s, buckets, window, VALUE_SUM)
        known = _within(memory, s, buckets, window, VALUE_KNOWN)
        return total if op == OP_VALUE_TOTAL else _mean(total, known)
    if op in (OP_MINUTES_TOTAL, OP_MINUTES_MEAN):
        total = _within(memory, s, buckets, window, DURATION_SUM) / 60.0
        known = _within(memory, s, buckets, window, DURATION_KNOWN)
        return total if op == OP_MINUTES_TOTAL else _mean(total, known)
    count = memory[s, every]
    if op == OP_TREND:
        recent = memory[s, week]
        before = memory[s, five_weeks] - recent
        return np.log((recent + 0.5) / (before / 4.0 + 0.5))
    if op == OP_SHARE_WEEKEND:
        return memory[s, once + WEEKEND] / count
    if op == OP_SHARE_OFFICE_HOURS:
        return memory[s, once + OFFICE] / count
    if op == OP_USUAL_HOUR:
        angle = np.arctan2(memory[s, once + HOUR_SIN], memory[s, once + HOUR_COS])
        return (angle * (12.0 / np.pi)) % 24.0
    if count < 2:
        return np.nan
    if op == OP_GAP_MEAN:
        return (times[s, OLDEST] - times[s, NEWEST]) / (count - 1.0) / DAY_US
    return times[s, LONGEST_GAP] / DAY_US


@inline_kernel
def finalize_empty(op: int) -> float:
    """What a column holds when its stream has no row before ``as_of``."""
    counted = op in (OP_COUNT, OP_DECAYED, OP_ACTIVE_DAYS, OP_SESSIONS)
    summed = op in (OP_VALUE_TOTAL, OP_MINUTES_TOTAL, OP_IS_LAST, OP_UNANSWERED)
    return 0.0 if counted or summed else np.nan
