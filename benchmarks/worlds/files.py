"""A world written as files: a dataset to learn from, references to score, and their truth."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from worlds.days import NEVER, Drawn, calendar_of, draw, probability_within
from worlds.definition import World

FIRST_DAY = pd.Timestamp("2031-03-03T00:00:00Z")


def make_world(world: World, seed: int, folder: Path, leads: int | None = None) -> None:
    """Write ``train/``, ``test/`` and ``truth.csv`` into ``folder``; the same for the same seed.

    ``leads``: another number of leads to learn from than the world's own.
    """
    world = replace(world, leads=leads) if leads else world
    rng = np.random.default_rng(seed)
    calendar = calendar_of(world, rng)
    learned = draw(world, calendar, 0, world.history_days, world.leads, rng)
    end = world.history_days + world.test_days
    asked = draw(world, calendar, world.history_days, end, world.test_leads, rng)
    _write_dataset(world, learned, "a", folder / "train", until_day=world.history_days, rng=rng)
    _write_dataset(world, asked, "b", folder / "test", until_day=None, rng=rng)
    parts = []
    for age in world.ages:
        is_open = np.minimum(asked.converted, asked.lost) >= age
        within = asked.converted < age + world.horizon_days
        truth = probability_within(world, calendar, asked, age)
        frame = pd.DataFrame(
            {
                "lead_id": [f"b{i}" for i in range(len(asked.created))],
                "as_of": _day(asked.created + age),
                "probability": truth,
                "converted": within.astype(int),
            }
        )
        parts.append(frame[is_open])
    truth = pd.concat(parts, ignore_index=True)
    truth.to_csv(folder / "truth.csv", index=False)
    truth[["lead_id", "as_of"]].to_csv(folder / "test" / "references.csv", index=False)


def read_truth(folder: Path) -> pd.DataFrame:
    """``lead_id``, ``as_of`` (UTC), ``probability``, ``converted``; one row a reference."""
    truth = pd.read_csv(folder / "truth.csv")
    truth["as_of"] = pd.to_datetime(truth["as_of"], utc=True)
    return truth


def _write_dataset(
    world: World,
    drawn: Drawn,
    prefix: str,
    folder: Path,
    *,
    until_day: int | None,
    rng: np.random.Generator,
) -> None:
    """``until_day``: outcomes and acts before it are known; None: acts before the last age."""
    folder.mkdir(parents=True, exist_ok=True)
    ids = np.array([f"{prefix}{i}" for i in range(len(drawn.created))], object)
    leads = pd.DataFrame({"lead_id": ids, "created_at": _day(drawn.created), **drawn.columns})
    leads.to_csv(folder / "leads.csv", index=False)
    known_days = max(world.ages) if until_day is None else until_day - drawn.created
    known_days = np.broadcast_to(known_days, len(ids))
    rows = []
    for kind, acts in drawn.acts.items():
        lead, age = np.nonzero(acts & (np.arange(acts.shape[1]) < known_days[:, None]))
        at = _day(drawn.created[lead] + age) + _seconds(0, 43_000, len(lead), rng)
        rows.append(pd.DataFrame({"lead_id": ids[lead], "occurred_at": at, "kind": kind}))
    if rows:
        acts = pd.concat(rows).sort_values("occurred_at", kind="stable")
        acts.to_csv(folder / "interactions.csv", index=False)
    settings = {
        "name": f'"{world.name}"',
        "about": f'"{world.about}"',
        "horizon_days": world.horizon_days,
        "reference_ages_days": list(world.ages),
    }
    if until_day is not None:
        settings["observed_until"] = f'"{_day(until_day).isoformat()}"'
        _write_outcomes(drawn, ids, known_days, folder, rng)
    lines = [f"{key} = {value}" for key, value in settings.items()]
    (folder / "dataset.toml").write_text("\n".join(lines) + "\n")


def _write_outcomes(
    drawn: Drawn,
    ids: np.ndarray,
    known_days: np.ndarray,
    folder: Path,
    rng: np.random.Generator,
) -> None:
    ended = np.minimum(drawn.converted, drawn.lost)
    known = np.flatnonzero((ended != NEVER) & (ended < known_days))
    at = _day((drawn.created + np.minimum(ended, 10_000))[known])
    outcomes = pd.DataFrame(
        {
            "lead_id": ids[known],
            "outcome": np.where(drawn.converted[known] != NEVER, "converted", "lost"),
            "occurred_at": at + _seconds(43_200, 86_300, len(known), rng),
        }
    )
    outcomes.sort_values("occurred_at").to_csv(folder / "outcomes.csv", index=False)


def _seconds(low: int, high: int, n: int, rng: np.random.Generator) -> pd.TimedeltaIndex:
    return pd.to_timedelta(rng.integers(low, high, n), unit="s")


def _day(day):
    """The start of whole days since the first one: a number or (n)."""
    return FIRST_DAY + pd.to_timedelta(day, unit="D")
