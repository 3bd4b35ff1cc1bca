"""The two walks through a lead's days: forward with dice, and forward with Bayes' rule."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from features.jit import compiled

if TYPE_CHECKING:
    from training.simulator_tables import F

DAY_US = 86_400_000_000
Array = Any
"""numba types its own arguments; the callers in simulator.py and simulator_truth.py are typed."""


@compiled
def draw(cumulative: Array, u: float) -> int:
    """Position of ``u`` (0..1) in an ascending cumulative table whose last entry stands for 1."""
    low, high = 0, len(cumulative) - 1
    while low < high:
        middle = (low + high) // 2
        if u < cumulative[middle]:
            high = middle
        else:
            low = middle + 1
    return low


@compiled
def live(
    rng: Array,
    first_state: Array,
    first_noon: Array,
    days: Array,
    cumulative_rate: Array,
    total: Array,
    cumulative_move: Array,
    converts: Array,
    lost: Array,
    busy: Array,
    buying: Array,
    attempt: int,
) -> tuple[Array, Array, Array, Array]:
    """Let every lead live up to ``days[i]`` days.

    Returns events (n, 3: lead, day, kind), their place in the day (n,), the hidden state they
    came from (n,), and closings (n_leads, 3: day or -1, converted, place in the day).
    ``cumulative_rate``: (A, S, K), ``cumulative_move``: (A, S, S), both rising to 1.
    """
    capacity = 1024
    event = np.empty((capacity, 3), np.int64)
    place = np.empty(capacity)
    state_of = np.empty(capacity, np.int64)
    n_events = 0
    closing = np.full((len(first_state), 3), -1.0)
    most = len(total) - 1
    for lead in range(len(first_state)):
        state, before = first_state[lead], 0
        for day in range(days[lead]):
            noon = first_noon[lead] + day
            chance_converts = converts[state] * buying[noon]
            u = rng.random()
            closes = u < chance_converts + lost[state] * busy[noon]
            ends = rng.random() if closes else 2.0
            attempts = 0
            for _ in range(rng.poisson(busy[noon] * total[before, state])):
                kind = draw(cumulative_rate[before, state], rng.random())
                where = rng.random()
                attempts += kind == attempt
                if where >= ends:
                    continue
                if n_events == capacity:
                    capacity *= 2
                    event = np.concatenate((event, np.empty_like(event)))
                    place = np.concatenate((place, np.empty_like(place)))
                    state_of = np.concatenate((state_of, np.empty_like(state_of)))
                event[n_events, 0] = lead
                event[n_events, 1] = day
                event[n_events, 2] = kind
                place[n_events] = where
                state_of[n_events] = state
                n_events += 1
            if closes:
                closing[lead, 0] = day
                closing[lead, 1] = u < chance_converts
                closing[lead, 2] = ends
                break
            before = min(attempts, most)
            state = draw(cumulative_move[before, state], rng.random())
    return event[:n_events], place[:n_events], state_of[:n_events], closing


@compiled
def _step(belief: Array, move: Array, per_type: int, after: Array) -> None:
    """``after = belief @ move``, using that a lead never changes its type."""
    for start in range(0, len(belief), per_type):
        for target in range(start, start + per_type):
            after[target] = 0.0
        for source in range(start, start + per_type):
            weight = belief[source]
            if weight > 0.0:
                for target in range(start, start + per_type):
                    after[target] += weight * move[source, target]


@compiled
def _seen(
    log_weight: Array,
    first: int,
    last: int,
    kind: Array,
    mark: Array,
    level: Array,
    log_rate: Array,
    means: Array,
    spreads: Array,
    log_answer: Array,
    first_answer: int,
) -> None:
    """Add the log likelihood of events ``first:last`` under each state (constants left out)."""
    for e in range(first, last):
        k = kind[e]
        for s in range(len(log_weight)):
            log_weight[s] += log_rate[k, s]
        for m in range(mark.shape[1]):
            if not np.isnan(mark[e, m]):
                for s in range(len(log_weight)):
                    z = (mark[e, m] - means[m, k, s]) / spreads[m, k]
                    log_weight[s] -= 0.5 * z * z
        if level[e] >= 0:
            for s in range(len(log_weight)):
                log_weight[s] += log_answer[k - first_answer, level[e], s]


@compiled
def _believe(belief: Array, log_weight: Array) -> None:
    """Multiply ``belief`` by exp(``log_weight``) and make it sum to one."""
    top = -np.inf
    for s in range(len(belief)):
        if belief[s] > 0.0 and log_weight[s] > top:
            top = log_weight[s]
    total = 0.0
    for s in range(len(belief)):
        if belief[s] > 0.0:
            belief[s] *= np.exp(log_weight[s] - top)
            total += belief[s]
    for s in range(len(belief)):
        belief[s] /= total


@compiled
def filtered(
    prior: Array,
    first_noon: Array,
    created_us: Array,
    event_offsets: Array,
    event_at: Array,
    kind: Array,
    mark: Array,
    level: Array,
    reference_offsets: Array,
    as_of: Array,
    share_gone: Array,
    log_rate: Array,
    total: Array,
    move: Array,
    converts: Array,
    lost: Array,
    busy: Array,
    buying: Array,
    means: Array,
    spreads: Array,
    log_answer: Array,
    attempt: int,
    first_answer: int,
    per_type: int,
) -> tuple[Array, Array, Array]:
    """Belief over the hidden states at each reference, given that the lead is open then.

    ``prior`` (n_leads, S). References are grouped by lead, ascending in time; ``share_gone`` is
    the share of the current day's activity that lies before as_of (0 at the start of a day).
    Returns belief (n, S), attempts seen in the current day (n,) and the day's number (n,).
    """
    n_states = prior.shape[1]
    beliefs = np.empty((len(as_of), n_states))
    attempts_today = np.zeros(len(as_of), np.int64)
    day_of = np.zeros(len(as_of), np.int64)
    after, log_weight = np.empty(n_states), np.empty(n_states)
    most = len(total) - 1
    for lead in range(len(prior)):
        belief = prior[lead].copy()
        e, day, before = event_offsets[lead], 0, 0
        for r in range(reference_offsets[lead], reference_offsets[lead + 1]):
            while created_us[lead] + (day + 1) * DAY_US <= as_of[r]:
                noon = first_noon[lead] + day
                end = created_us[lead] + (day + 1) * DAY_US
                first, attempts = e, 0
                while e < event_offsets[lead + 1] and event_at[e] < end:
                    attempts += kind[e] == attempt
                    e += 1
                for s in range(n_states):
                    closes = converts[s] * buying[noon] + lost[s] * busy[noon]
                    log_weight[s] = np.log1p(-closes) - busy[noon] * total[before, s]
                _seen(
                    log_weight,
                    first,
                    e,
                    kind,
                    mark,
                    level,
                    log_rate[before],
                    means,
                    spreads,
                    log_answer,
                    first_answer,
                )
                _believe(belief, log_weight)
                before = min(attempts, most)
                _step(belief, move[before], per_type, after)
                belief[:] = after
                day += 1
            noon = first_noon[lead] + day
            last, attempts = e, 0
            while last < event_offsets[lead + 1] and event_at[last] < as_of[r]:
                attempts += kind[last] == attempt
                last += 1
            for s in range(n_states):
                closes = converts[s] * buying[noon] + lost[s] * busy[noon]
                log_weight[s] = (
                    np.log1p(-closes * share_gone[r])
                    - busy[noon] * total[before, s] * share_gone[r]
                )
            _seen(
                log_weight,
                e,
                last,
                kind,
                mark,
                level,
                log_rate[before],
                means,
                spreads,
                log_answer,
                first_answer,
            )
            beliefs[r] = belief
            _believe(beliefs[r], log_weight)
            attempts_today[r], day_of[r] = attempts, day
    return beliefs, attempts_today, day_of


def cumulative(table: F) -> F:
    """Running share along the last axis, for :func:`draw`."""
    running: F = np.cumsum(table, axis=-1)
    return running / running[..., -1:]
