"""A simulation as a dataset folder."""

from __future__ import annotations

import gzip
import io
import tomllib
from pathlib import Path
from typing import Protocol

import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv

from features.dataset import Dataset
from training.simulator import scenario as w


class SimulatedTables(Protocol):
    """What is written: the tables of a simulation, its world and seed."""

    @property
    def world(self) -> w.Scenario: ...
    @property
    def seed(self) -> int: ...
    @property
    def leads(self) -> pd.DataFrame: ...
    @property
    def interactions(self) -> pd.DataFrame: ...
    @property
    def outcomes(self) -> pd.DataFrame: ...
    @property
    def answers(self) -> pd.DataFrame: ...
    @property
    def observed_until(self) -> pd.Timestamp: ...


GROUPS = {
    "source": "source",
    "first_action": "source",
    "employees": "fit",
    "sector": "fit",
    "country": "fit",
}


def write_simulation(simulation: SimulatedTables, out: Path, *, truth: bool = True) -> None:
    """Write a dataset folder and ``truth.csv``; the same simulation gives the same bytes.

    Existing files of these names in ``out`` are replaced. ``truth``: false leaves ``truth.csv``
    out, which takes longer than all else.
    """
    out.mkdir(parents=True, exist_ok=True)
    (out / "truth.csv").unlink(missing_ok=True)
    for name in ("leads", "outcomes", "answers", *(("truth",) if truth else ())):
        (out / f"{name}.csv").write_bytes(_csv(getattr(simulation, name)))
    packed = gzip.compress(_csv(simulation.interactions), compresslevel=3, mtime=0)
    (out / "interactions.csv.gz").write_bytes(packed)
    (out / "dataset.toml").write_text(_toml(simulation, truth=truth), encoding="utf-8")


def dataset_of(simulation: SimulatedTables) -> Dataset:
    """The simulation as a dataset in memory, with the settings that the folder would have."""
    return Dataset.from_frames(
        leads=simulation.leads,
        outcomes=simulation.outcomes,
        interactions=simulation.interactions,
        answers=simulation.answers,
        **tomllib.loads(_toml(simulation)),
    )


def _csv(table: pd.DataFrame) -> bytes:
    """Times as ISO 8601 in UTC, whole seconds; unknown as an empty field."""
    columns = {}
    for name in table.columns:
        column = table[name]
        if isinstance(column.dtype, pd.DatetimeTZDtype):
            columns[name] = pa.array(column.dt.strftime("%Y-%m-%dT%H:%M:%SZ"), pa.string())
        else:
            columns[name] = pa.array(column, from_pandas=True)
    sink = io.BytesIO()
    options = pa_csv.WriteOptions(quoting_style="needed")
    pa_csv.write_csv(pa.table(columns), sink, options)
    return sink.getvalue()


def _toml(simulation: SimulatedTables, *, truth: bool = True) -> str:
    world = simulation.world
    exact = "; truth.csv holds the exact probability of each reference" if truth else ""
    ages = ", ".join(f"{age:g}" for age in world.reference_ages_days)
    until = simulation.observed_until.strftime("%Y-%m-%dT%H:%M:%SZ")
    lines = [
        f'name = "{world.name}"',
        f'about = "{world.about}. Simulated, seed {simulation.seed}{exact}"',
        'licence = "CC0 1.0"',
        f"observed_until = {until}",
        f"horizon_days = {world.horizon_days:g}",
        f"reference_ages_days = [{ages}]",
    ]
    for name, group in GROUPS.items():
        kind = "number" if name == "employees" else "category"
        lines += _attribute(name, kind, group, "at_creation")
    for name, levels in w.ANSWER_LEVELS.items():
        listed = ", ".join(f'"{level}"' for level in levels)
        lines += [*_attribute(name, "category", name, "answered"), f"levels = [{listed}]"]
    return "\n".join(lines) + "\n"


def _attribute(name: str, kind: str, group: str, available: str) -> list[str]:
    return [
        "",
        f"[attributes.{name}]",
        f'type = "{kind}"',
        f'group = "{group}"',
        f'available = "{available}"',
    ]
