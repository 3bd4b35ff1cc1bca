"""Leads drawn day by day, and the exact probability that the same days imply."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from worlds.definition import LAG_SHARE, Attribute, Floats, World

NEVER = 1 << 30
"""Day of an event that does not happen."""
SOLVER_LEADS = 500


@dataclass(frozen=True)
class Drawn:
    """Leads (n) of one world, in order of creation.

    ``columns``: name → (n) words, None unknown, or numbers. ``created`` (n): whole days since the
    first one. ``fit`` (n): log-odds of the attributes. ``lag`` (n): days of age before which a
    lead hardly converts. ``acts``: per kind (n, days) bool, by days
    of age. ``converted``, ``lost`` (n): age in days at the end, or ``NEVER``.
    """

    columns: dict[str, np.ndarray]
    created: np.ndarray
    fit: Floats
    lag: np.ndarray
    acts: dict[str, np.ndarray]
    converted: np.ndarray
    lost: np.ndarray


@dataclass(frozen=True)
class Calendar:
    """``base``: daily log-odds of an average lead; ``level``: added on each day of the calendar."""

    base: float
    level: Floats


def calendar_of(world: World, rng: np.random.Generator) -> Calendar:
    """The calendar, with the base at which ``world.rate`` converts while nothing moves."""
    level = world.level.at(np.arange(_last_day(world) + 1), rng)
    created = np.full(SOLVER_LEADS, world.history_days)
    _, fit, lag = _attributes(world, created, rng)
    still, no_acts = np.zeros_like(level), np.zeros((SOLVER_LEADS, 1), bool)
    acts = {kind.name: no_acts for kind in world.kinds}
    ends = np.full(SOLVER_LEADS, NEVER)
    leads = Drawn({}, created, fit, lag, acts, ends, ends)
    low, high = -15.0, 3.0
    for _ in range(25):
        middle = (low + high) / 2
        there = Calendar(middle, still)
        rate = probability_within(world, there, leads, 0).mean()
        low, high = (middle, high) if rate < world.rate else (low, middle)
    return Calendar((low + high) / 2, level)


def draw(
    world: World, calendar: Calendar, first: int, end: int, n: int, rng: np.random.Generator
) -> Drawn:
    """``n`` leads created on the days ``first`` to ``end`` (not included)."""
    created = np.sort(rng.integers(first, end, n))
    columns, fit, lag = _attributes(world, created, rng)
    length = max(world.ages) + world.horizon_days + 1
    length = max(length, end - first + 1 if first == 0 else 0)
    acts = {kind.name: np.zeros((n, length), bool) for kind in world.kinds}
    seen = {kind.name: np.zeros(n, int) for kind in world.kinds}
    converted, lost = np.full(n, NEVER), np.full(n, NEVER)
    for age in range(length):
        is_open = (converted == NEVER) & (lost == NEVER)
        chance = _daily(world, calendar, fit, lag, created, age, _effects(world, seen))
        wins = is_open & (rng.random(n) < chance)
        gone = rng.random(n) < world.daily_loss
        gone |= bool(world.swept_days) and age == world.swept_days
        for kind in world.kinds:
            happens = is_open & (rng.random(n) < _chance_of(kind.daily, kind.follows_fit, fit))
            acts[kind.name][:, age] = happens
            seen[kind.name] = np.minimum(seen[kind.name] + happens, kind.cap)
        converted[wins] = age
        lost[is_open & ~wins & gone] = age
    return Drawn(columns, created, fit, lag, acts, converted, lost)


def probability_within(world: World, calendar: Calendar, drawn: Drawn, age: int) -> Floats:
    """(n) exact chance of converting on the days ``age`` to ``age + horizon - 1`` of a lead's age.

    Given that it is open at the start of day ``age`` and what it did before. By recursion from
    the last day back over every state (number of acts per kind, up to its cap).
    """
    seen = {
        kind.name: np.minimum(drawn.acts[kind.name][:, :age].sum(axis=1), kind.cap)
        for kind in world.kinds
    }
    shape = tuple(kind.cap + 1 for kind in world.kinds)
    states = np.indices(shape).reshape(len(shape), *shape)
    effect = sum(
        (kind.effect * at for kind, at in zip(world.kinds, states, strict=True)), np.zeros(shape)
    )
    ahead = (slice(None), *([None] * len(shape)))
    fit, lag, created = (x[ahead] for x in (drawn.fit, drawn.lag, drawn.created))
    value = np.zeros((len(drawn.fit), *shape))
    for day in range(age + world.horizon_days - 1, age - 1, -1):
        for axis, kind in enumerate(world.kinds, 1):
            chance = _chance_of(kind.daily, kind.follows_fit, fit)
            more = np.take(value, np.minimum(np.arange(kind.cap + 1) + 1, kind.cap), axis)
            value = (1 - chance) * value + chance * more
        stays = 0.0 if world.swept_days and day == world.swept_days else 1 - world.daily_loss
        wins = _daily(world, calendar, fit, lag, created, day, effect)
        value = wins + (1 - wins) * stays * value
    return value[(np.arange(len(drawn.fit)), *(seen[kind.name] for kind in world.kinds))]


def _daily(
    world: World,
    calendar: Calendar,
    fit: Floats,
    lag: np.ndarray,
    created: np.ndarray,
    age: int,
    effect: Floats,
) -> Floats:
    """Chance of converting on day ``age``; arrays broadcast together."""
    z = calendar.base + fit + effect - age / world.decay_days
    z = z + calendar.level[np.minimum(created + age, len(calendar.level) - 1)]
    return np.where(age < lag, LAG_SHARE, 1.0) / (1 + np.exp(-z))


def _effects(world: World, seen: dict[str, np.ndarray]) -> Floats:
    return sum((kind.effect * seen[kind.name] for kind in world.kinds), np.zeros(1))


def _chance_of(daily: float, follows_fit: float, fit: Floats) -> Floats:
    return np.minimum(daily * np.exp(follows_fit * fit), 0.9)


def _attributes(
    world: World, created: np.ndarray, rng: np.random.Generator
) -> tuple[dict[str, np.ndarray], Floats, np.ndarray]:
    """(columns, fit, lag) of leads created on these days."""
    columns: dict[str, np.ndarray] = {}
    fit = np.zeros(len(created))
    lag = np.full(len(created), world.lag_days)
    for attribute in world.attributes:
        words = _words(attribute, created, rng)
        known = rng.random(len(created)) >= attribute.missing
        columns[attribute.name] = np.where(known, words, None)  # nothing hidden decides
        fit += np.where(known, [attribute.effects[word] for word in words], 0.0)
        own = np.where(known, [attribute.lags.get(word, 0) for word in words], 0)
        lag = np.maximum(lag, own)
    for number in world.numbers:
        x = rng.normal(size=len(created)).round(3)
        fit += number.effect * x + number.hump * (np.exp(-(x**2)) - 0.58)
        columns[number.name] = x
    for one, one_level, two, two_level, size in world.pairs:
        same = (columns[one] == one_level) == (columns[two] == two_level)
        fit += np.where(same, size, -size)
    if world.cohort_days:
        columns["campaign"] = np.array([f"wave_{day // world.cohort_days}" for day in created])
    if world.rising_number:
        columns["list_price"] = (100 + created + rng.normal(0, 3, len(created))).round(2)
    return columns, fit, lag


def _words(attribute: Attribute, created: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    levels = list(attribute.effects)
    share = np.array([attribute.shares.get(level, 1.0) for level in levels])
    opens = np.array([attribute.opens.get(level, 0.0) for level in levels])
    there = share * (created[:, None] >= opens)
    reached = np.cumsum(there, axis=1) / there.sum(axis=1, keepdims=True)
    place = (rng.random(len(created))[:, None] >= reached).sum(axis=1)
    return np.array(levels, object)[np.minimum(place, len(levels) - 1)]


def _last_day(world: World) -> int:
    return world.history_days + world.test_days + max(world.ages) + world.horizon_days
