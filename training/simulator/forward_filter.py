"""The walk through a lead's days with Bayes' rule: what is believed of its hidden state."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from features.compute.array_types import DAY_US
from features.compute.jit import kernel
from training.simulator import scenario as w
from training.simulator.tables import STATES_PER_TYPE, Tables

Array = Any
"""numba types its own arguments; the caller in simulator_truth.py is typed."""


class Likelihood(NamedTuple):
    """The world's tables in the form in which what was seen is weighed."""

    log_rate: Array  # (A, K, S)
    total: Array  # (A, S)
    move: Array  # (A, S, S)
    converts: Array  # (S,)
    lost: Array  # (S,)
    busy: Array  # (days,)
    buying: Array  # (days,)
    means: Array  # (marks, K, S): ln duration, ln value
    spreads: Array  # (marks, K)
    log_answer: Array  # (answers, levels, S)
    attempt: int  # the kind that is our own contact attempt
    first_answer: int  # the kind from which on kinds are answers
    per_type: int  # states of one type, which lie together


class Seen(NamedTuple):
    """Events grouped by lead, each lead's in order of time."""

    offsets: Array
    at_us: Array
    kind: Array
    mark: Array  # (events, marks), NaN where there is none
    level: Array  # -1 for interactions


def likelihood_of(tables: Tables) -> Likelihood:
    """Prepare the tables for :func:`filtered`."""
    with np.errstate(divide="ignore"):
        log_rate = np.log(tables.rate)
    return Likelihood(
        log_rate,
        tables.total,
        tables.move,
        tables.converts,
        tables.lost,
        tables.busy,
        tables.buying,
        np.stack([tables.log_duration, tables.log_value]),
        np.stack([tables.log_duration_spread, tables.log_value_spread]),
        np.log(tables.answer),
        w.ATTEMPT,
        w.KINDS.index(w.ANSWERS[0]),
        STATES_PER_TYPE,
    )


@kernel
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


@kernel
def _weigh_event(log_weight: Array, e: int, before: int, seen: Seen, world: Likelihood) -> None:
    """Add the log likelihood of one event under each state (constants left out)."""
    k = seen.kind[e]
    log_weight += world.log_rate[before, k]
    for m in range(seen.mark.shape[1]):
        if not np.isnan(seen.mark[e, m]):
            for s in range(len(log_weight)):
                z = (seen.mark[e, m] - world.means[m, k, s]) / world.spreads[m, k]
                log_weight[s] -= 0.5 * z * z
    if seen.level[e] >= 0:
        log_weight += world.log_answer[k - world.first_answer, seen.level[e]]


@kernel
def _weigh_silence(
    log_weight: Array, share: float, noon: int, before: int, world: Likelihood
) -> None:
    """Start with: nothing more happened, nor did it close, in this share of the day."""
    for s in range(len(log_weight)):
        closes = world.converts[s] * world.buying[noon] + world.lost[s] * world.busy[noon]
        silence = world.busy[noon] * world.total[before, s] * share
        log_weight[s] = np.log1p(-closes * share) - silence


@kernel
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
    belief /= total


@kernel
def _see_until(
    log_weight: Array, e: int, last: int, end_us: int, before: int, seen: Seen, world: Likelihood
) -> tuple[int, int]:
    """Weigh events from ``e`` on before ``end_us``; the one after them and the attempts seen."""
    attempts = 0
    while e < last and seen.at_us[e] < end_us:
        attempts += seen.kind[e] == world.attempt
        _weigh_event(log_weight, e, before, seen, world)
        e += 1
    return e, attempts


@kernel
def filtered(
    prior: Array,
    first_noon: Array,
    created_us: Array,
    seen: Seen,
    reference_offsets: Array,
    as_of: Array,
    share_gone: Array,
    world: Likelihood,
) -> tuple[Array, Array, Array]:
    """Belief over the hidden states at each reference, given that the lead is open then.

    ``prior`` (n_leads, S). References are grouped by lead, ascending in time; ``share_gone`` is
    the share of the current day's activity that lies before as_of (0 at the start of a day).
    Returns belief (n, S), attempts seen in the current day (n,) and the day's number (n,).
    """
    beliefs = np.empty((len(as_of), prior.shape[1]))
    attempts_today, day_of = np.zeros(len(as_of), np.int64), np.zeros(len(as_of), np.int64)
    after, log_weight = np.empty(prior.shape[1]), np.empty(prior.shape[1])
    for lead in range(len(prior)):
        belief = prior[lead].copy()
        e, last, day, before = seen.offsets[lead], seen.offsets[lead + 1], 0, 0
        for r in range(reference_offsets[lead], reference_offsets[lead + 1]):
            end = created_us[lead] + (day + 1) * DAY_US
            while end <= as_of[r]:
                _weigh_silence(log_weight, 1.0, first_noon[lead] + day, before, world)
                e, attempts = _see_until(log_weight, e, last, end, before, seen, world)
                _believe(belief, log_weight)
                before = min(attempts, len(world.total) - 1)
                _step(belief, world.move[before], world.per_type, after)
                belief[:] = after
                day, end = day + 1, end + DAY_US
            _weigh_silence(log_weight, share_gone[r], first_noon[lead] + day, before, world)
            _, attempts = _see_until(log_weight, e, last, as_of[r], before, seen, world)
            beliefs[r] = belief
            _believe(beliefs[r], log_weight)
            attempts_today[r], day_of[r] = attempts, day
    return beliefs, attempts_today, day_of
