"""The walk through a lead's days with dice: what happens, and when it ends."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from features.compute.array_types import Float64
from features.compute.jit import kernel
from training.simulator import scenario as w
from training.simulator.tables import Tables

Array = Any
"""numba types its own arguments; the callers are typed."""


class TransitionTables(NamedTuple):
    """The world's tables in the form in which a die is thrown against them."""

    cumulative_rate: Array  # (A, S, K), rising to 1
    total: Array  # (A, S)
    cumulative_move: Array  # (A, S, S), rising to 1
    converts: Array  # (S,)
    lost: Array  # (S,)
    busy: Array  # (days,)
    buying: Array  # (days,)
    attempt: int  # the kind that is our own contact attempt


def transition_tables(tables: Tables) -> TransitionTables:
    """Prepare the tables for :func:`simulate_days`."""
    return TransitionTables(
        cumulative(tables.rate.transpose(0, 2, 1)),
        tables.total,
        cumulative(tables.move),
        tables.converts,
        tables.lost,
        tables.busy,
        tables.buying,
        w.ATTEMPT,
    )


def cumulative(table: Float64) -> Float64:
    """Running share along the last axis, for :func:`draw`."""
    running: Float64 = np.cumsum(table, axis=-1)
    return running / running[..., -1:]


@kernel
def draw(running: Array, u: float) -> int:
    """Position of ``u`` (0..1) in an ascending table whose last entry stands for 1."""
    low, high = 0, len(running) - 1
    while low < high:
        middle = (low + high) // 2
        if u < running[middle]:
            high = middle
        else:
            low = middle + 1
    return low


@kernel
def _twice_as_long(rows: Array) -> Array:
    return np.concatenate((rows, np.empty_like(rows)))


@kernel
def simulate_days(
    rng: Array, first_state: Array, first_noon: Array, days: Array, dice: TransitionTables
) -> tuple[Array, Array, Array]:
    """Let every lead live up to ``days[i]`` days.

    Returns events (n, 4: lead, day, kind, hidden state), their place in the day (n,; 0..1), and
    closings (n_leads, 3: day or -1, converted, place in the day).
    """
    event, place = np.empty((1024, 4), np.int64), np.empty(1024)
    n_events = 0
    closing = np.full((len(first_state), 3), -1.0)
    for lead in range(len(first_state)):
        state, before = first_state[lead], 0
        for day in range(days[lead]):
            noon = first_noon[lead] + day
            chance_converts = dice.converts[state] * dice.buying[noon]
            u = rng.random()
            closes = u < chance_converts + dice.lost[state] * dice.busy[noon]
            ends = rng.random() if closes else 2.0
            attempts = 0
            for _ in range(rng.poisson(dice.busy[noon] * dice.total[before, state])):
                kind = draw(dice.cumulative_rate[before, state], rng.random())
                where = rng.random()
                attempts += kind == dice.attempt
                if where < ends:
                    if n_events == len(event):
                        event, place = _twice_as_long(event), _twice_as_long(place)
                    event[n_events] = (lead, day, kind, state)
                    place[n_events] = where
                    n_events += 1
            if closes:
                closing[lead, 0], closing[lead, 1] = day, u < chance_converts
                closing[lead, 2] = ends
                break
            before = min(attempts, len(dice.total) - 1)
            state = draw(dice.cumulative_move[before, state], rng.random())
    return event[:n_events], place[:n_events], closing
