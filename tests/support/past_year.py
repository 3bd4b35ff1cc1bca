"""The year before today of a simulated firm, and the commands that learn from it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd

from training.simulator.files import write_simulation
from training.simulator.scenario import DEFAULT
from training.simulator.simulation import Simulation, simulate

DAYS = 365
MOMENTS = {
    "leads": "created_at",
    "interactions": "occurred_at",
    "answers": "answered_at",
    "outcomes": "occurred_at",
}


def past_year(leads: int, now: datetime) -> Simulation:
    """So many leads of the year that ended lately, each asked about after a week.

    It begins on a Monday, so that it is the same year whenever it is simulated, but for its dates.
    """
    first = now - timedelta(days=DAYS + 6)
    first += timedelta(days=-first.weekday() % 7)
    world = replace(
        DEFAULT,
        first_day=f"{first:%Y-%m-%d}",
        days=DAYS,
        reference_ages_days=(7.0,),
    )
    return simulate(leads, 16, world=world)


def write_year(year: Simulation, folder: Path, days: int = DAYS) -> None:
    """Write what was known of the year after so many of its days as a dataset folder."""
    end = pd.Timestamp(year.world.first_day, tz="UTC") + pd.Timedelta(days=days)
    known = {
        name: frame[frame[MOMENTS[name]] < end].reset_index(drop=True)
        for name, frame in ((name, getattr(year, name)) for name in MOMENTS)
    }
    part = replace(year, world=replace(year.world, days=days), **known)
    write_simulation(part, folder, truth=False)


def command(home: Path, *words: str) -> Any:
    """What ``leadscore WORDS --json`` prints on this home; it must end with 0."""
    ended = subprocess.run(
        [sys.executable, "-m", "leadscore", *words, "--json"],
        env={**os.environ, "LEADSCORE_HOME": str(home), "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout[:2000] + ended.stderr[-2000:]
    return json.loads(ended.stdout)
