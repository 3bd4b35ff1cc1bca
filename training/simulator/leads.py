"""Who arrives: the attributes of each lead, and what they say of its hidden state."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import ndtr

from features.compute.array_types import Float64
from training.simulator import scenario as w
from training.simulator.scenario import Scenario
from training.simulator.tables import STATES, alike

ACTIVE_AT_CREATION = 0.6


ATTRIBUTE_TABLES = {"source": w.SOURCES, "sector": w.SECTORS, "country": w.COUNTRIES}


UNKNOWN = {"sector": w.SECTOR_UNKNOWN, "country": w.COUNTRY_UNKNOWN}


def draw_leads(
    rng: np.random.Generator, n: int, world: Scenario
) -> tuple[pd.DataFrame, npt.NDArray[np.int64]]:
    """Attributes of ``n`` leads (None and NaN: unknown) and the hidden state each starts in."""
    kind = rng.choice(len(w.TYPES), size=n, p=w.TYPE_SHARES)
    source = _draw_rows(rng, _shares(w.SOURCES, world.noise)[kind])
    stage = _draw_rows(rng, _first_stage()[kind, source])
    action = _draw_rows(rng, _shares(w.FIRST_ACTIONS, world.noise)[stage])
    spread = np.array(w.LOG_EMPLOYEES_SPREAD)[kind]
    mean = alike(np.array(w.LOG_EMPLOYEES), world.noise)[kind]
    size = np.exp(rng.normal(mean, spread)).round().clip(1)
    size[rng.random(n) < np.array(w.EMPLOYEES_UNKNOWN)[kind]] = np.nan
    leads = pd.DataFrame(
        {
            "source": np.array(list(w.SOURCES), object)[source],
            "first_action": np.array(list(w.FIRST_ACTIONS), object)[action],
            "employees": size,
        }
    )
    for name in ("sector", "country"):
        table = ATTRIBUTE_TABLES[name]
        values = np.array(list(table), object)[_draw_rows(rng, _shares(table, world.noise)[kind])]
        values[rng.random(n) < UNKNOWN[name]] = None
        leads[name] = values
    active = rng.random(n) < ACTIVE_AT_CREATION
    number = {state: position for position, state in enumerate(STATES)}
    first = [number[s, k, int(a), 0] for s, k, a in zip(stage, kind, active, strict=True)]
    return leads, np.array(first, dtype=np.int64)


def prior_of(leads: pd.DataFrame, world: Scenario) -> Float64:
    """Chance (n, S) of each hidden state at creation given the attributes (Bayes' rule)."""
    stage, kind, activity, put_off = np.array(STATES).T
    source = pd.Categorical(leads["source"], categories=list(w.SOURCES)).codes
    action = pd.Categorical(leads["first_action"], categories=list(w.FIRST_ACTIONS)).codes
    weight = np.where(activity == 1, ACTIVE_AT_CREATION, 1 - ACTIVE_AT_CREATION) * (put_off == 0)
    weight = weight * _type_weight(leads, world.noise)[:, kind]
    weight = weight * _first_stage()[kind[None, :], source[:, None], stage[None, :]]
    weight *= _shares(w.FIRST_ACTIONS, world.noise).T[action][:, stage]
    return np.asarray(weight / weight.sum(axis=1, keepdims=True))


def _type_weight(leads: pd.DataFrame, noise: float) -> Float64:
    """Chance (n, types) of the type and of the attributes that depend on it alone."""
    weight = np.tile(np.array(w.TYPE_SHARES), (len(leads), 1))
    for name, table in ATTRIBUTE_TABLES.items():
        codes = pd.Categorical(leads[name], categories=list(table)).codes
        shares = _shares(table, noise).T[codes]
        weight *= np.where((codes >= 0)[:, None], shares, 1.0)
    size = leads["employees"].to_numpy(dtype=float)[:, None]
    mean, spread = alike(np.array(w.LOG_EMPLOYEES), noise), np.array(w.LOG_EMPLOYEES_SPREAD)
    below = np.where(size > 1, ndtr((np.log(np.maximum(size - 0.5, 0.5)) - mean) / spread), 0.0)
    inside = ndtr((np.log(size + 0.5) - mean) / spread) - below
    unknown = np.array(w.EMPLOYEES_UNKNOWN)
    return np.asarray(weight * np.where(np.isnan(size), unknown, (1 - unknown) * inside))


def _shares(table: Mapping[str, tuple[float, ...]], noise: float) -> Float64:
    """Rows of shares (type or stage, value), each summing to one."""
    columns = alike(np.array(list(table.values())), noise).T
    return np.asarray(columns / columns.sum(axis=1, keepdims=True))


def _first_stage() -> Float64:
    """Chance of each stage at creation (type, source, stage); the last, gone, is 0."""
    base = np.hstack([np.array(w.FIRST_STAGE), np.zeros((len(w.TYPES), 1))])
    warmer = np.array([w.WARMER_SOURCES.get(source, 1.0) for source in w.SOURCES])
    weight = base[:, None, :] * warmer[None, :, None] ** np.arange(base.shape[1])
    return np.asarray(weight / weight.sum(axis=2, keepdims=True))


def _draw_rows(rng: np.random.Generator, shares: Float64) -> npt.NDArray[np.int64]:
    """One draw per row of ``shares`` (each row sums to one)."""
    running = np.cumsum(shares, axis=1)
    return np.asarray((rng.random(len(shares))[:, None] * running[:, -1:] >= running).sum(axis=1))
