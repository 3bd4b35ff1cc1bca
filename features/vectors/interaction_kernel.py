"""The one pass over sorted interactions that computes every declared aggregate.

One function serves the API (one lead), a batch (millions) and a Spark partition: for each
reference it walks the lead's interactions backwards from the last one before ``as_of``, so the
order of every floating-point sum is fixed and the result is the same to the last bit wherever
it runs. A row is in a window when ``as_of - window <= occurred_at < as_of``.
"""

from __future__ import annotations

import numpy as np

from features.compute.array_types import DAY_US, Bools, Float64, Int32, Int64
from features.compute.jit import inline_kernel, kernel, prefetch
from features.vectors.accumulators import (
    IGNORED,
    IS_LAST,
    N_PER_BUCKET,
    N_SCALARS,
    NEEDS_AMOUNTS,
    NEEDS_CLOCK,
    NEEDS_DECAY,
    NEEDS_HOUR,
    NEEDS_RHYTHM,
    NEWEST,
    OLDEST,
    OP_COUNT,
    OP_DAYS_SINCE_FIRST,
    OP_DAYS_SINCE_LAST,
    OP_DECAYED,
    TIMES,
    UNANSWERED,
    finalize,
    finalize_empty,
    hour_on_the_clock,
    update_amounts,
    update_clock,
    update_rhythm,
)

FETCHED = 128
"""So many of the next lead's rows are brought near while one lead is walked."""


ROWS_A_LINE = 2
"""Packed rows (features/histories/sorting.py) that the processor brings at once, all their
columns."""


@inline_kernel
def first_at_or_after(at_us: Int64, low: int, high: int, moment: int) -> int:
    """Row of the first of ``at_us[low:high]`` (sorted) that is ``>= moment``; ``high`` if none."""
    while low < high:
        middle = (low + high) // 2
        if at_us[middle] < moment:
            low = middle + 1
        else:
            high = middle
    return low


@inline_kernel
def _update(
    s: int,
    needs: int,
    bucket: int,
    age: int,
    at: int,
    day: int,
    sine: float,
    cosine: float,
    newest: bool,
    value: float,
    duration_s: float,
    shares: Float64,
    once: int,
    memory: Float64,
    times: Int64,
) -> None:
    """Remember one row in one stream."""
    first = times[s, NEWEST] < 0
    if needs & NEEDS_RHYTHM:
        update_rhythm(memory, times, s, once + N_SCALARS + bucket * N_PER_BUCKET, age, day, first)
    if first:
        times[s, NEWEST] = age
        memory[s, once + IS_LAST] = 1.0 if newest else 0.0
    times[s, OLDEST] = age
    memory[s, bucket] += 1.0
    if needs & NEEDS_DECAY:
        decays = once - len(shares)
        for h in range(len(shares)):
            memory[s, decays + h] += shares[h]
    if needs & NEEDS_AMOUNTS:
        update_amounts(memory, s, once + N_SCALARS + bucket * N_PER_BUCKET, value, duration_s)
    if needs & (NEEDS_CLOCK | NEEDS_HOUR):
        update_clock(memory, s, once, at, day, sine, cosine)


@inline_kernel
def _unanswered(
    kind: Int32, low: int, high: int, outbound: Bools, apart: Bools, stream_of: Int64
) -> float:
    """Our own attempts since the lead's last act (rows ``low:high`` are those before as_of).

    A kind that is declared both our own act and an opt-out is neither attempt nor answer.
    """
    attempts = 0
    for row in range(high - 1, low - 1, -1):
        of = kind[row]
        if stream_of[of] == IGNORED or (outbound[of] and apart[of]):
            continue
        if not outbound[of]:
            break
        attempts += 1
    return float(attempts)


@inline_kernel
def _fetch_rows(offsets: Int64, lead: int, at_us: Int64) -> None:
    """Have a lead's newest rows brought near while another's are counted."""
    high = offsets[lead + 1]
    for row in range(high - 1, max(offsets[lead], high - FETCHED) - 1, -ROWS_A_LINE):
        prefetch(at_us, row)


@kernel
def aggregate_interactions(
    offsets: Int64,
    at_us: Int64,
    kind: Int32,
    value: Float64,
    duration_s: Float64,
    reference_lead: Int64,
    reference_as_of: Int64,
    stream_of: Int64,
    outbound: Bools,
    apart: Bools,
    decays: Bools,
    needs: Int64,
    windows_us: Int64,
    half_lives_us: Float64,
    week: int,
    five_weeks: int,
    columns: Int64,
    column_offsets: Int64,
    out: Float64,
) -> None:
    """Write the declared aggregates of every reference into ``out``.

    ``columns`` (n, 5): column of ``out``, aggregate, stream, window, half-life; sorted by stream,
    with ``column_offsets`` (n_streams + 1). ``stream_of``: each kind's own stream, -1 for none,
    ``IGNORED`` where its rows count nowhere; ``outbound``: whether it is our own act; ``apart``:
    whether it counts in its own stream only; ``decays``: whether any of its streams decays.
    ``needs``: what each stream must remember, -1 for nothing at all. Streams 0, 1 and 2 are any,
    inbound and outbound. Past the last of ``windows_us`` (ascending) lies the window without end.
    """
    n_streams, every = len(needs), len(windows_us)
    once = every + 1 + len(half_lives_us)
    width = once + N_SCALARS + (every + 1) * N_PER_BUCKET
    memory = np.zeros((n_streams, width))
    times = np.full((n_streams, TIMES), -1, dtype=np.int64)
    shares = np.empty(len(half_lives_us))
    hours = False
    for s in range(n_streams):
        hours |= needs[s] >= 0 and needs[s] & NEEDS_HOUR != 0
    sine = cosine = 0.0
    for r in range(len(reference_lead)):
        low = offsets[reference_lead[r]]
        as_of = reference_as_of[r]
        high = first_at_or_after(at_us, low, offsets[reference_lead[r] + 1], as_of)
        if r + 1 < len(reference_lead) and reference_lead[r + 1] != reference_lead[r]:
            _fetch_rows(offsets, reference_lead[r + 1], at_us)
        bucket = 0
        newest = True
        for row in range(high - 1, low - 1, -1):
            at, of = at_us[row], kind[row]
            if stream_of[of] == IGNORED:
                continue
            age, day = as_of - at, at // DAY_US
            if hours:
                sine, cosine = hour_on_the_clock(at, day)
            while bucket < every and age > windows_us[bucket]:
                bucket += 1
            if decays[of]:
                for h in range(len(shares)):
                    shares[h] = np.exp2(-age / half_lives_us[h])
            for step in range(3):
                if apart[of] and step != 1:
                    continue
                s = 0 if step == 0 else (stream_of[of] if step == 1 else (2 if outbound[of] else 1))
                if s >= 0 and needs[s] >= 0:
                    _update(
                        s, needs[s], bucket, age, at, day, sine, cosine, newest, value[row],
                        duration_s[row], shares, once, memory, times,
                    )  # fmt: skip
            newest = False
        for s in range(n_streams):
            first, last = column_offsets[s], column_offsets[s + 1]
            if times[s, NEWEST] < 0:
                for c in range(first, last):
                    out[r, columns[c, 0]] = finalize_empty(columns[c, 1])
                continue
            for i in range(every):
                memory[s, i + 1] += memory[s, i]
            if s == 2:
                memory[s, once + UNANSWERED] = _unanswered(
                    kind, low, high, outbound, apart, stream_of
                )
            for c in range(first, last):
                op = columns[c, 1]
                if op == OP_COUNT:
                    known = memory[s, columns[c, 3]]
                elif op == OP_DECAYED:
                    known = memory[s, every + 1 + columns[c, 4]]
                elif op == OP_DAYS_SINCE_LAST:
                    known = times[s, NEWEST] / DAY_US
                elif op == OP_DAYS_SINCE_FIRST:
                    known = times[s, OLDEST] / DAY_US
                else:
                    known = finalize(
                        op, s, columns[c, 3], week, five_weeks, every, once, memory, times
                    )
                out[r, columns[c, 0]] = known
            times[s, NEWEST] = -1
            for i in range(
                width if needs[s] & (NEEDS_RHYTHM | NEEDS_AMOUNTS) else once + N_SCALARS
            ):
                memory[s, i] = 0.0
