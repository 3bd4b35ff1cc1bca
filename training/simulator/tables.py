"""The world's tables multiplied out to one number per hidden state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.compute.array_types import Float64
from training.simulator import scenario as w
from training.simulator.scenario import Scenario

STATES = tuple(
    (stage, kind, activity, put_off)
    for kind in range(len(w.TYPES))
    for stage in range(len(w.STAGES))
    for activity in range(len(w.ACTIVITIES))
    for put_off in range(len(w.PUT_OFF))
)
"""State number → positions in STAGES, TYPES, ACTIVITIES, PUT_OFF; a type's states lie together."""


STATES_PER_TYPE = len(STATES) // len(w.TYPES)


@dataclass(frozen=True)
class Tables:
    """What simulation and filter share; S states, K kinds, A = attempts of a day (0, 1, 2+).

    ``rate`` (A, K, S): events a day after a day with that many attempts; ``total`` (A, S) its sum
    over kinds. ``move`` (A, S, S): chance to go from row to column after a day with so many
    attempts. ``converts``, ``lost`` (S,): chance to close in a day of calendar factor 1.
    ``busy``, ``buying``, ``arriving`` (days,): calendar factors; day 0 is the world's first.
    """

    rate: Float64
    total: Float64
    move: Float64
    converts: Float64
    lost: Float64
    busy: Float64
    buying: Float64
    arriving: Float64
    log_duration: Float64
    log_duration_spread: Float64
    log_value: Float64
    log_value_spread: Float64
    answer: Float64
    first_day_us: int


def tables_of(world: Scenario) -> Tables:
    """Multiply the world out; at most a horizon of days past its last one is covered."""
    states = np.array(STATES)
    rate = _rates(world, states)
    duration, duration_spread = _marks(w.LOG_DURATION_BY_STAGE, states[:, 0], world.noise)
    value, value_spread = _marks(w.LOG_VALUE_BY_TYPE, states[:, 1], world.noise)
    put_off = states[:, 3]
    first_day = np.datetime64(world.first_day, "us")
    busy, buying, arriving = _calendar(world, first_day)
    converts = np.array(w.CONVERTS)[states[:, 1], states[:, 0]] * world.conversion
    return Tables(
        rate=rate,
        total=rate.sum(axis=1),
        move=_moves(states),
        converts=converts * np.array(w.CONVERTS_BY_PUT_OFF)[put_off],
        lost=np.array(w.MARKED_LOST)[states[:, 0]] * np.array(w.LOST_BY_PUT_OFF)[put_off],
        busy=busy,
        buying=buying,
        arriving=arriving,
        log_duration=duration,
        log_duration_spread=duration_spread,
        log_value=value,
        log_value_spread=value_spread,
        answer=_answers(states),
        first_day_us=int(first_day.astype(np.int64)),
    )


def alike(table: Float64, noise: float) -> Float64:
    """Draw the last axis towards its mean: 0 leaves it, 1 makes all columns the same."""
    return np.asarray((1 - noise) * table + noise * table.mean(axis=-1, keepdims=True))


def _rates(world: Scenario, states: npt.NDArray[np.int64]) -> Float64:
    stage, kind_of_lead, activity, put_off = states.T
    base = np.array(list(w.KIND_RATES.values()))
    base[[w.KINDS.index(name) for name in w.ANSWERS]] *= world.answered
    base[:, :4] = alike(base[:, :4], world.noise)
    by_lead = np.array(w.RATE_BY_ACTIVITY)[activity] * np.array(w.RATE_BY_TYPE)[kind_of_lead]
    rate = base[:, stage] * by_lead * np.array(w.RATE_BY_PUT_OFF)[put_off]
    rate[w.UNSUBSCRIBE] = base[w.UNSUBSCRIBE, stage] * np.array(w.UNSUBSCRIBE_BY_PUT_OFF)[put_off]
    rate[w.ATTEMPT] = base[w.ATTEMPT, stage] * np.array(w.ATTEMPTS_BY_ACTIVITY)[activity]
    boost = np.array([w.REACTIONS.get(kind, 0.0) for kind in w.KINDS])
    attempts = np.arange(w.MAX_ATTEMPTS + 1)
    return np.asarray(rate[None] * (1 + attempts[:, None] * boost[None])[:, :, None])


def _moves(states: npt.NDArray[np.int64]) -> Float64:
    """Stage, then activity by the new stage, then the put-off level: one product a pair."""
    n = len(states)
    move = np.zeros((w.MAX_ATTEMPTS + 1, n, n))
    for attempts in range(w.MAX_ATTEMPTS + 1):
        for source, (stage, kind, activity, put_off) in enumerate(STATES):
            next_stage = _next_stage(stage, kind, activity, put_off, attempts)
            next_put_off = _next_put_off(kind, put_off, attempts)
            for target, (stage2, kind2, activity2, put_off2) in enumerate(STATES):
                if kind2 == kind:
                    change = (w.BECOMES_ACTIVE, w.BECOMES_QUIET)[activity][stage2]
                    stays = 1 - change if activity2 == activity else change
                    move[attempts, source, target] = (
                        next_stage[stage2] * stays * next_put_off[put_off2]
                    )
    return move


def _next_stage(stage: int, kind: int, activity: int, put_off: int, attempts: int) -> Float64:
    chance = np.zeros(len(w.STAGES))
    gone = len(w.STAGES) - 1
    if stage == gone:
        chance[0] = w.REVIVED
    else:
        chance[gone] = w.AWAY[stage] * w.AWAY_BY_TYPE[kind] * w.AWAY_BY_PUT_OFF[put_off]
        if stage > 0:
            chance[stage - 1] = w.BACK[stage]
        if stage + 1 < gone:
            helped = 1 + (w.FORWARD_BY_ATTEMPT * attempts if put_off == 0 else 0.0)
            bent = w.FORWARD_BY_ACTIVITY[activity] * w.FORWARD_BY_PUT_OFF[put_off] * helped
            chance[stage + 1] = w.FORWARD[kind][stage] * bent
    chance[stage] = 1 - chance.sum()
    return chance


def _next_put_off(kind: int, put_off: int, attempts: int) -> Float64:
    chance = np.zeros(len(w.PUT_OFF))
    up = 1 - (1 - w.IRRITATED_BY_ATTEMPT[kind]) ** attempts
    if put_off + 1 < len(w.PUT_OFF):
        chance[put_off + 1] = up
    if put_off > 0:
        chance[put_off - 1] = w.CALMS_DOWN * (1 - up)
    chance[put_off] = 1 - chance.sum()
    return chance


def _marks(
    by_kind: Mapping[str, tuple[tuple[float, ...], float]],
    column: npt.NDArray[np.int64],
    noise: float,
) -> tuple[Float64, Float64]:
    """Means (K, S) and spreads (K,); NaN mean where a kind carries no such number."""
    mean = np.full((len(w.KINDS), len(column)), np.nan)
    spread = np.ones(len(w.KINDS))
    for name, (means, one_spread) in by_kind.items():
        mean[w.KINDS.index(name)] = alike(np.array(means), noise)[column]
        spread[w.KINDS.index(name)] = one_spread
    return mean, spread


def _answers(states: npt.NDArray[np.int64]) -> Float64:
    """Chance of each level (answer, level, S): by type, tilted by stage."""
    tilt = np.array(w.ANSWER_TILT_BY_STAGE)[states[:, 0]]
    chances = []
    for name in w.ANSWERS:
        by_type = np.array(w.ANSWER_BY_TYPE[name])[states[:, 1]].T
        weight = by_type * np.exp(np.arange(by_type.shape[0])[:, None] * tilt)
        chances.append(weight / weight.sum(axis=0))
    return np.array(chances)


def _calendar(world: Scenario, first_day: np.datetime64) -> tuple[Float64, Float64, Float64]:
    span = world.days + int(np.ceil(world.horizon_days)) + 400
    dates = first_day.astype("datetime64[D]") + np.arange(span)
    month = (dates.astype("datetime64[M]").astype(np.int64)) % 12
    weekend = (dates.astype(np.int64) + 3) % 7 >= 5
    factor = np.array(w.MONTHS)[month] * np.where(weekend, w.WEEKEND, 1.0)
    busy = 0.6 + 0.4 * np.array(w.MONTHS)[month]
    busy = busy * np.where(weekend, w.WEEKEND, 1.0) * 1.2
    years = np.arange(span) / 365.0
    return busy, factor * np.clip(1 - world.drift * years, 0.05, None), factor * (1 + 0.2 * years)
