"""Simulated leads of a small B2B firm, with the exact probability that each one converts."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from features.compute.array_types import DAY_US, Float64, Int64
from features.language.plural import plural
from training.simulator import scenario as w
from training.simulator.leads import draw_leads, prior_of
from training.simulator.sampler import cumulative, simulate_days, transition_tables
from training.simulator.scenario import DEFAULT, Scenario
from training.simulator.tables import Tables, tables_of
from training.simulator.truth import ObservedEvents, first_noon, share_of_day, time_of_day_us
from training.simulator.truth import true_probability as probability_of

if TYPE_CHECKING:
    from features.dataset import Dataset

SECOND_US = 1_000_000


@dataclass(frozen=True)
class Simulation:
    """A simulated dataset and its truth; tables in the shapes of the data contract.

    ``closed_at_us`` (n): when each lead closed, the end of observation where it did not.
    """

    world: Scenario
    seed: int
    leads: pd.DataFrame
    interactions: pd.DataFrame
    outcomes: pd.DataFrame
    answers: pd.DataFrame
    closed_at_us: Int64
    traces: ObservedEvents

    @cached_property
    def truth(self) -> pd.DataFrame:
        """lead_id, as_of, probability: one row per reference (creation + each reference age) at
        which the lead was open and which was before the end of observation.

        Made when it is first asked for: it takes longer than the simulation.
        """
        ids = self.leads["lead_id"].to_numpy(dtype=object)
        return _truth(self.world, ids, self.traces, self.closed_at_us)

    def to_dataset(self) -> Dataset:
        """The dataset that :meth:`save` writes and ``read_dataset`` reads, without the files."""
        from training.simulator.files import dataset_of

        return dataset_of(self)

    def save(self, folder: str | Path) -> Path:
        """Write a dataset folder and ``truth.csv``; the same simulation gives the same bytes."""
        from training.simulator.files import write_simulation

        write_simulation(self, Path(folder))
        return Path(folder)

    @property
    def observed_until(self) -> pd.Timestamp:
        """The end of observation: leads without an outcome by then are open."""
        return pd.Timestamp(self.world.first_day, tz="UTC") + pd.Timedelta(days=self.world.days)


def simulate(n_leads: int, seed: int, *, world: Scenario = DEFAULT) -> Simulation:
    """Simulate ``n_leads`` leads; the same arguments give the same tables to the last byte.

    Raises ValueError if ``n_leads`` is not positive.
    """
    if n_leads < 1:
        raise ValueError(
            "cannot simulate "
            + plural(n_leads, "{n:,} lead", "{n:,} leads")
            + "; expected 1 or more"
        )
    rng = np.random.default_rng(seed)
    tables = tables_of(world)
    created = _arrivals(rng, n_leads, world, tables)
    attributes, first_state = draw_leads(rng, n_leads, world)
    until = tables.first_day_us + world.days * DAY_US
    noon = first_noon(created, tables)
    days = -((created - until) // DAY_US)
    event, place, closing = simulate_days(rng, first_state, noon, days, transition_tables(tables))
    closed_at = _closing_times(created, closing, until)
    events = _events(rng, tables, created, event, place)
    events = events[events["at"] < closed_at[events["lead"]]]
    events = events.sort_values(["lead", "at"], kind="stable", ignore_index=True)
    ids = np.array([f"L{number:06d}" for number in range(n_leads)], dtype=object)
    traces = _traces(world, created, attributes, events)
    return Simulation(
        world=world,
        seed=seed,
        leads=pd.DataFrame({"lead_id": ids, "created_at": _moments(created)}).join(attributes),
        interactions=_interactions(rng, world, ids, events),
        outcomes=_outcomes(ids, closing, closed_at, until),
        answers=_answer_rows(ids, events),
        closed_at_us=closed_at,
        traces=traces,
    )


def true_probability(simulation: Simulation, lead_ids: list[str], as_of: list[str]) -> Float64:
    """Exact P(converts within the horizon | what is known before as_of and that it is open).

    ``as_of``: any moments from each lead's creation on, ISO 8601 with an offset.
    """
    lead = pd.Index(simulation.leads["lead_id"]).get_indexer(pd.Index(lead_ids))
    moments = pd.DatetimeIndex(pd.to_datetime(as_of, utc=True)).as_unit("us").asi8
    return probability_of(simulation.world, simulation.traces, lead.astype(np.int64), moments)


def _arrivals(rng: np.random.Generator, n: int, world: Scenario, tables: Tables) -> Int64:
    """Moments of creation in whole seconds, ascending, inside the world's days."""
    share = tables.arriving[: world.days] / tables.arriving[: world.days].sum()
    day = np.sort(rng.choice(world.days, size=n, p=share))
    second = time_of_day_us(rng.random(n)) // SECOND_US
    return np.asarray(np.sort(tables.first_day_us + day * DAY_US + second.astype(int) * SECOND_US))


def _moment_in_day(created: Int64, day: Int64, place: Float64) -> Int64:
    """Place (0..1) in a day of the lead's life → whole second inside that day."""
    start = created + day * DAY_US
    share = share_of_day(start) + place
    in_calendar_day = time_of_day_us(share % 1.0) + (share >= 1.0) * DAY_US
    at = start - start % DAY_US + (in_calendar_day // SECOND_US).astype(np.int64) * SECOND_US
    return np.asarray(np.clip(at, start, start + DAY_US - SECOND_US))


def _closing_times(created: Int64, closing: Float64, until: int) -> Int64:
    """When each lead closed, or the end of observation for those still open then."""
    day = closing[:, 0].astype(np.int64)
    at = _moment_in_day(created, day, closing[:, 2].clip(0, 1))
    at = np.maximum(at, created + day * DAY_US + SECOND_US)
    return np.asarray(np.where((day >= 0) & (at < until), at, until))


def _events(
    rng: np.random.Generator, tables: Tables, created: Int64, event: Int64, place: Float64
) -> pd.DataFrame:
    """Lead, at, kind, duration, value, level of every interaction and answer."""
    lead, day, kind, state = event.T
    duration = tables.log_duration[kind, state] + tables.log_duration_spread[
        kind
    ] * rng.standard_normal(len(kind))
    value = tables.log_value[kind, state] + tables.log_value_spread[kind] * rng.standard_normal(
        len(kind)
    )
    answer = kind - w.KINDS.index(w.ANSWERS[0])
    running = cumulative(tables.answer.transpose(0, 2, 1))[np.maximum(answer, 0), state]
    level = (rng.random(len(kind))[:, None] >= running).sum(axis=1)
    return pd.DataFrame(
        {
            "lead": lead,
            "at": _moment_in_day(created[lead], day, place),
            "kind": kind,
            "duration": np.exp(duration).round(1).clip(0.1),
            "value": np.exp(value).round(2).clip(0.01),
            "level": np.where(answer >= 0, level, -1),
        }
    )


def _traces(
    world: Scenario, created: Int64, attributes: pd.DataFrame, events: pd.DataFrame
) -> ObservedEvents:
    return ObservedEvents(
        created_us=created,
        prior=prior_of(attributes, world),
        offsets=np.searchsorted(events["lead"].to_numpy(), np.arange(len(created) + 1)),
        at_us=events["at"].to_numpy(),
        kind=events["kind"].to_numpy(),
        mark=np.log(events[["duration", "value"]].to_numpy()),
        level=events["level"].to_numpy(),
    )


def _interactions(
    rng: np.random.Generator, world: Scenario, ids: Float64, events: pd.DataFrame
) -> pd.DataFrame:
    """In the order they happened, a few delivered twice (same event_id)."""
    seen = events[events["level"] < 0].sort_values(["at", "lead"], kind="stable")
    channel = np.empty(len(seen), dtype=object)
    kinds, pick = seen["kind"].to_numpy(), rng.random(len(seen))
    for name, channels in w.CHANNELS.items():
        chosen = kinds == w.KINDS.index(name)
        channel[chosen] = np.array(channels, object)[(pick[chosen] * len(channels)).astype(int)]
    table = pd.DataFrame(
        {
            "lead_id": ids[seen["lead"]],
            "occurred_at": _moments(seen["at"].to_numpy()),
            "kind": np.array(w.KINDS, object)[kinds],
            "value": seen["value"].to_numpy(),
            "duration_s": seen["duration"].to_numpy(),
            "channel": channel,
            "event_id": [f"E{number:08d}" for number in range(len(seen))],
        }
    )
    twice = np.repeat(np.arange(len(table)), 1 + (rng.random(len(table)) < world.delivered_twice))
    return table.iloc[twice].reset_index(drop=True)


def _outcomes(ids: Float64, closing: Float64, closed_at: Int64, until: int) -> pd.DataFrame:
    closed = np.flatnonzero(closed_at < until)
    closed = closed[np.argsort(closed_at[closed], kind="stable")]
    outcome = np.where(closing[closed, 1] == 1, "converted", "lost").astype(object)
    return pd.DataFrame(
        {"lead_id": ids[closed], "outcome": outcome, "occurred_at": _moments(closed_at[closed])}
    )


def _answer_rows(ids: Float64, events: pd.DataFrame) -> pd.DataFrame:
    answered = events[events["level"] >= 0].sort_values(["at", "lead"], kind="stable")
    names = np.array(w.KINDS, object)[answered["kind"]]
    values = [w.ANSWER_LEVELS[n][v] for n, v in zip(names, answered["level"], strict=True)]
    return pd.DataFrame(
        {
            "lead_id": ids[answered["lead"]],
            "answered_at": _moments(answered["at"].to_numpy()),
            "attribute": names,
            "value": np.array(values, dtype=object),
        }
    )


def _truth(world: Scenario, ids: Float64, traces: ObservedEvents, closed_at: Int64) -> pd.DataFrame:
    ages = np.array([round(age * DAY_US) for age in world.reference_ages_days], dtype=np.int64)
    as_of = traces.created_us[:, None] + ages
    lead, age = np.nonzero(as_of < closed_at[:, None])
    moments = as_of[lead, age]
    return pd.DataFrame(
        {
            "lead_id": ids[lead],
            "as_of": _moments(moments),
            "probability": probability_of(world, traces, lead, moments),
        }
    )


def _moments(at_us: Int64) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(np.asarray(at_us, dtype="datetime64[us]")).tz_localize("UTC")
