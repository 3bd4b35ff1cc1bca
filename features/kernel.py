"""The one pass over sorted interactions that computes every declared aggregate.

One function serves the API (one lead), a batch (millions) and a Spark partition: for each
reference it walks the lead's interactions backwards from the last one before ``as_of``, so the
order of every floating-point sum is fixed and the result is the same to the last bit wherever
it runs. A row is in a window when ``as_of - window <= occurred_at < as_of``.
"""

from __future__ import annotations

import numpy as np

from features.histories import Float64, Int32, Int64
from features.jit import compiled

DAY_US = 86_400_000_000
SESSION_GAP_US = 30 * 60 * 1_000_000

# What one stream (a kind, or any / inbound / outbound) remembers per window ...
COUNT, ACTIVE_DAYS, SESSIONS, VALUE_SUM, VALUE_KNOWN, DURATION_SUM, DURATION_KNOWN = range(7)
PER_WINDOW = 7
# ... and once.
FIRST_US, LAST_US, LONGEST_GAP_US, WEEKEND, OFFICE, HOUR_SIN, HOUR_COS, IS_LAST = range(8)
ONCE = 8

# The aggregates a column may ask for; ``features.spec`` gives them names and sentences.
(
    OP_COUNT,
    OP_ACTIVE_DAYS,
    OP_SESSIONS,
    OP_VALUE_TOTAL,
    OP_VALUE_MEAN,
    OP_MINUTES_TOTAL,
    OP_MINUTES_MEAN,
    OP_DECAYED,
    OP_DAYS_SINCE_LAST,
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


@compiled
def first_at_or_after(at_us: Int64, low: int, high: int, moment: int) -> int:
    """Row of the first of ``at_us[low:high]`` (sorted) that is ``>= moment``; ``high`` if none."""
    while low < high:
        middle = (low + high) // 2
        if at_us[middle] < moment:
            low = middle + 1
        else:
            high = middle
    return low


@compiled
def _walk(
    at_us: Int64,
    kind: Int32,
    value: Float64,
    duration_s: Float64,
    low: int,
    high: int,
    as_of: int,
    stream_offsets: Int32,
    streams: Int32,
    outbound_kind: np.ndarray,
    windows_us: Int64,
    half_lives_us: Float64,
    decays: np.ndarray,
    windowed: Float64,
    once: Float64,
    decayed: Float64,
    seen_us: Int64,
    seen_day: Int64,
    shares: Float64,
) -> int:
    """Fill the memory of every stream from rows ``low:high``; return the unanswered attempts."""
    n_windows = len(windows_us)
    n_half_lives = len(half_lives_us)
    unanswered = 0
    answered = False
    for row in range(high - 1, low - 1, -1):
        at = at_us[row]
        of = kind[row]
        age = as_of - at
        bucket = 0
        while bucket < n_windows and age > windows_us[bucket]:
            bucket += 1
        day = at // DAY_US
        weekday = (day + 3) % 7  # 1970-01-01 was a Thursday
        hour = (at - day * DAY_US) / 3.6e9
        if decays[of]:
            for h in range(n_half_lives):
                shares[h] = np.exp2(-age / half_lives_us[h])
        if outbound_kind[of]:
            if not answered:
                unanswered += 1
        else:
            answered = True
        for position in range(stream_offsets[of], stream_offsets[of + 1]):
            s = streams[position]
            memory = windowed[s, bucket]
            memory[COUNT] += 1.0
            if seen_day[s] != day:
                memory[ACTIVE_DAYS] += 1.0
                seen_day[s] = day
            if once[s, LAST_US] < 0:
                once[s, LAST_US] = age
                memory[SESSIONS] += 1.0
                if row == high - 1:
                    once[s, IS_LAST] = 1.0
            else:
                gap = seen_us[s] - at
                if gap > SESSION_GAP_US:
                    memory[SESSIONS] += 1.0
                if gap > once[s, LONGEST_GAP_US]:
                    once[s, LONGEST_GAP_US] = gap
            seen_us[s] = at
            once[s, FIRST_US] = age
            if not np.isnan(value[row]):
                memory[VALUE_SUM] += value[row]
                memory[VALUE_KNOWN] += 1.0
            if not np.isnan(duration_s[row]):
                memory[DURATION_SUM] += duration_s[row]
                memory[DURATION_KNOWN] += 1.0
            if decays[of]:
                for h in range(n_half_lives):
                    decayed[s, h] += shares[h]
            if weekday >= 5:
                once[s, WEEKEND] += 1.0
            elif 8.0 <= hour < 18.0:
                once[s, OFFICE] += 1.0
            if s < 3:  # only any, inbound and outbound have a usual hour
                angle = hour * (np.pi / 12.0)
                once[s, HOUR_SIN] += np.sin(angle)
                once[s, HOUR_COS] += np.cos(angle)
    return unanswered


@compiled
def _sum_to(windowed: Float64, stream: int, window: int, what: int) -> float:
    """Sum of one memory over the nested buckets up to ``window``, newest first."""
    total = 0.0
    for bucket in range(window + 1):
        total += windowed[stream, bucket, what]
    return total


@compiled
def _mean(total: float, known: float) -> float:
    return total / known if known > 0 else np.nan


@compiled
def _aggregate(
    op: int,
    s: int,
    w: int,
    h: int,
    week: int,
    five_weeks: int,
    every: int,
    windowed: Float64,
    once: Float64,
    decayed: Float64,
    unanswered: int,
) -> float:
    """One column's value from the memory of stream ``s``; NaN where the aggregate has none."""
    if op == OP_COUNT:
        return _sum_to(windowed, s, w, COUNT)
    if op == OP_ACTIVE_DAYS:
        return _sum_to(windowed, s, w, ACTIVE_DAYS)
    if op == OP_SESSIONS:
        return _sum_to(windowed, s, w, SESSIONS)
    if op == OP_VALUE_TOTAL:
        return _sum_to(windowed, s, w, VALUE_SUM)
    if op == OP_VALUE_MEAN:
        return _mean(_sum_to(windowed, s, w, VALUE_SUM), _sum_to(windowed, s, w, VALUE_KNOWN))
    if op == OP_MINUTES_TOTAL:
        return _sum_to(windowed, s, w, DURATION_SUM) / 60.0
    if op == OP_MINUTES_MEAN:
        seconds = _sum_to(windowed, s, w, DURATION_SUM)
        return _mean(seconds, _sum_to(windowed, s, w, DURATION_KNOWN)) / 60.0
    if op == OP_DECAYED:
        return decayed[s, h]
    if op == OP_IS_LAST:
        return once[s, IS_LAST]
    if op == OP_UNANSWERED:
        return float(unanswered)
    count = _sum_to(windowed, s, every, COUNT)
    if count == 0:
        return np.nan
    if op == OP_DAYS_SINCE_LAST:
        return once[s, LAST_US] / DAY_US
    if op == OP_DAYS_SINCE_FIRST:
        return once[s, FIRST_US] / DAY_US
    if op == OP_TREND:
        recent = _sum_to(windowed, s, week, COUNT)
        before = _sum_to(windowed, s, five_weeks, COUNT) - recent
        return np.log((recent + 0.5) / (before / 4.0 + 0.5))
    if op == OP_SHARE_WEEKEND:
        return once[s, WEEKEND] / count
    if op == OP_SHARE_OFFICE_HOURS:
        return once[s, OFFICE] / count
    if op == OP_USUAL_HOUR:
        return (np.arctan2(once[s, HOUR_SIN], once[s, HOUR_COS]) * (12.0 / np.pi)) % 24.0
    if count < 2:
        return np.nan
    if op == OP_GAP_MEAN:
        return (once[s, FIRST_US] - once[s, LAST_US]) / (count - 1.0) / DAY_US
    return once[s, LONGEST_GAP_US] / DAY_US


@compiled
def aggregate_interactions(
    offsets: Int64,
    at_us: Int64,
    kind: Int32,
    value: Float64,
    duration_s: Float64,
    reference_lead: Int64,
    reference_as_of: Int64,
    stream_offsets: Int32,
    streams: Int32,
    outbound_kind: np.ndarray,
    decays: np.ndarray,
    windows_us: Int64,
    half_lives_us: Float64,
    n_streams: int,
    week: int,
    five_weeks: int,
    columns: Int32,
    column_offsets: Int32,
    out: Float64,
) -> None:
    """Write the declared aggregates of every reference into ``out``.

    ``columns`` (n, 5): column of ``out``, aggregate, stream, window, half-life; sorted by stream,
    with ``column_offsets`` (n_streams + 1), so that a stream without a row costs next to nothing.
    ``stream_offsets`` and ``streams`` say to which streams a row of kind ``k`` belongs. Windows
    ascend; past the last one lies the window without end, whose number is ``len(windows_us)``.
    """
    every = len(windows_us)
    windowed = np.zeros((n_streams, every + 1, PER_WINDOW))
    once = np.zeros((n_streams, ONCE))
    once[:, LAST_US] = -1.0
    decayed = np.zeros((n_streams, len(half_lives_us)))
    shares = np.empty(len(half_lives_us))
    seen_us = np.empty(n_streams, dtype=np.int64)
    seen_day = np.full(n_streams, np.iinfo(np.int64).min)
    nothing = np.empty(len(columns))
    for c in range(len(columns)):
        nothing[c] = _aggregate(
            columns[c, 1], columns[c, 2], columns[c, 3], columns[c, 4], week, five_weeks,
            every, windowed, once, decayed, 0,
        )  # fmt: skip
    for r in range(len(reference_lead)):
        lead = reference_lead[r]
        as_of = reference_as_of[r]
        low = offsets[lead]
        high = first_at_or_after(at_us, low, offsets[lead + 1], as_of)
        unanswered = _walk(
            at_us, kind, value, duration_s, low, high, as_of, stream_offsets, streams,
            outbound_kind, windows_us, half_lives_us, decays, windowed, once, decayed, seen_us,
            seen_day, shares,
        )  # fmt: skip
        for s in range(n_streams):
            first, last = column_offsets[s], column_offsets[s + 1]
            if once[s, LAST_US] < 0:
                for c in range(first, last):
                    out[r, columns[c, 0]] = nothing[c]
                continue
            for c in range(first, last):
                out[r, columns[c, 0]] = _aggregate(
                    columns[c, 1], s, columns[c, 3], columns[c, 4], week, five_weeks,
                    every, windowed, once, decayed, unanswered,
                )  # fmt: skip
            windowed[s] = 0.0
            once[s] = 0.0
            once[s, LAST_US] = -1.0
            decayed[s] = 0.0
            seen_day[s] = np.iinfo(np.int64).min
