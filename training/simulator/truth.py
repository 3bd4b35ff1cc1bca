"""The exact probability of converting: forward filtering, then looking ahead.

Forward: the belief over the hidden states given everything observable strictly before as_of
(attributes, interactions with their durations and values, answers, days on which nothing was
heard, and that the lead is still open). Ahead: the chance to convert within the horizon from each
state, averaged over what everybody, ourselves included, may do next. Rabiner (1989), "A tutorial
on hidden Markov models", section III; here the moves depend on observed contact attempts.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.compute.array_types import DAY_US, Float64, Int64
from training.simulator import scenario as w
from training.simulator.forward_filter import Seen, filtered, likelihood_of
from training.simulator.scenario import Scenario
from training.simulator.tables import Tables, tables_of

HOUR_US = DAY_US // 24


ROWS_AT_ONCE = 20_000


@dataclass(frozen=True)
class ObservedEvents:
    """Everything observable of n leads, as arrays; what the filter reads.

    Events (interactions and answers) are grouped by lead through ``offsets`` (n + 1) and sorted
    by time; ``mark`` (events, 2): ln duration, ln value, NaN where there is none; ``level``:
    position of the answer, -1 for interactions. ``prior`` (n, S): belief at creation.
    """

    created_us: Int64
    prior: Float64
    offsets: Int64
    at_us: Int64
    kind: Int64
    mark: Float64
    level: Int64


def first_noon(created_us: Int64, tables: Tables) -> Int64:
    """Calendar day of the first noon at or after creation: the day a lead's first step is in."""
    return -((tables.first_day_us + DAY_US // 2 - created_us) // DAY_US)


def share_of_day(at_us: Int64) -> Float64:
    """Share of a calendar day's activity that lies before this time of day (0 at midnight)."""
    return np.asarray(np.interp(at_us % DAY_US, np.arange(25) * HOUR_US, _running_hours()))


def time_of_day_us(share: Float64) -> Float64:
    """Inverse of :func:`share_of_day`: microseconds after midnight."""
    return np.asarray(np.interp(share, _running_hours(), np.arange(25) * float(HOUR_US)))


def _running_hours() -> Float64:
    running: Float64 = np.concatenate([[0.0], np.cumsum(w.HOURS)])
    return np.asarray(running / running[-1])


def _share_between(start_us: Int64, end_us: Int64) -> Float64:
    """Share of a day's activity in [start, end), at most one day long."""
    crossed = (end_us // DAY_US) - (start_us // DAY_US)
    return np.asarray(share_of_day(end_us) - share_of_day(start_us) + crossed)


def looking_ahead(tables: Tables, most_days: int) -> Float64:
    """Chance (most_days + 1, calendar days, S) to convert within so many whole days."""
    n_days, n_states = len(tables.busy), tables.move.shape[1]
    converts = tables.buying[:, None] * tables.converts
    stays = 1 - converts - tables.busy[:, None] * tables.lost
    ahead = np.zeros((most_days + 1, n_days, n_states))
    chances = attempts_chances(tables, tables.busy[:, None] * tables.rate[0, w.ATTEMPT])
    for days in range(1, most_days + 1):
        tomorrow = np.vstack([ahead[days - 1, 1:], ahead[days - 1, -1:]])
        moved = sum(c * (tomorrow @ tables.move[a].T) for a, c in enumerate(chances))
        ahead[days] = converts + stays * moved
    return ahead


def attempts_chances(tables: Tables, expected: Float64) -> list[Float64]:
    """Chance of 0, 1, ... and at least ``MAX_ATTEMPTS`` attempts (Poisson with this mean)."""
    chances: list[Float64] = []
    term, beyond = np.exp(-expected), np.ones_like(expected)
    for attempts in range(len(tables.move) - 1):
        chances.append(term)
        beyond = beyond - term
        term = term * expected / (attempts + 1)
    return [*chances, beyond]


def beliefs(
    traces: ObservedEvents, tables: Tables, lead: Int64, as_of_us: Int64
) -> tuple[Float64, Int64, Int64, Float64]:
    """Belief (n, S), attempts seen today, day of the lead's life, share of today gone.

    References must be grouped by lead, ascending in time, none before creation.
    """
    start = as_of_us - (as_of_us - traces.created_us[lead]) % DAY_US
    gone = _share_between(start, as_of_us)
    belief, attempts, day = filtered(
        traces.prior,
        first_noon(traces.created_us, tables),
        traces.created_us,
        Seen(traces.offsets, traces.at_us, traces.kind, traces.mark, traces.level),
        np.searchsorted(lead, np.arange(len(traces.prior) + 1)),
        as_of_us,
        gone,
        likelihood_of(tables),
    )
    return belief, attempts, day, gone


def true_probability(
    world: Scenario, traces: ObservedEvents, lead: Int64, as_of_us: Int64
) -> Float64:
    """P(converts in (as_of, as_of + horizon] | everything observable before as_of, still open).

    ``lead`` (n,): row of the traces; ``as_of_us`` (n,): any moment from creation on. Any order.
    """
    tables = tables_of(world)
    ahead = looking_ahead(tables, int(np.floor(world.horizon_days)) + 1)
    order = np.lexsort((as_of_us, lead))
    probability = np.empty(len(lead))
    for first in range(0, len(order), ROWS_AT_ONCE):
        rows = order[first : first + ROWS_AT_ONCE]
        belief, attempts, day, gone = beliefs(traces, tables, lead[rows], as_of_us[rows])
        noon = first_noon(traces.created_us[lead[rows]], tables) + day
        started = traces.created_us[lead[rows]] + day * DAY_US
        value = _value(world, tables, ahead, attempts, noon, gone, as_of_us[rows], started)
        probability[rows] = (belief * value).sum(axis=1)
    return probability


def _value(
    world: Scenario,
    tables: Tables,
    ahead: Float64,
    attempts: Int64,
    noon: Int64,
    gone: Float64,
    as_of: Int64,
    day: Int64,
) -> Float64:
    """Chance (n, S) to convert in time: the rest of today, whole days, a share of the last.

    ``day`` (n,): when the current day of the lead's life began, in microseconds.
    """
    end = as_of + round(world.horizon_days * DAY_US)
    later = (end - day) // DAY_US
    last = _share_between(day + later * DAY_US, end)[:, None]
    whole = ahead[later - 1, noon + 1]
    tomorrow = whole + last * (ahead[later, noon + 1] - whole)
    converts = tables.buying[noon][:, None] * tables.converts
    closes = converts + tables.busy[noon][:, None] * tables.lost
    open_now = 1 - closes * gone[:, None]
    left = (1 - gone)[:, None]
    more = attempts_chances(tables, tables.busy[noon][:, None] * left * tables.rate[0, w.ATTEMPT])
    most = len(tables.move) - 1
    moved = np.zeros_like(tomorrow)
    for a in range(most + 1):
        by_move = tomorrow @ tables.move[a].T
        for extra, chance in enumerate(more):
            moved += by_move * chance * (np.minimum(attempts + extra, most) == a)[:, None]
    return np.asarray((converts * left + (1 - closes) * moved) / open_now)
