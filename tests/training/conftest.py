"""Small datasets that training can be tried on: drawn, and made up with a known signal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from features.dataset import Dataset
from features.reading.read import read_dataset


@pytest.fixture
def small_dataset(dataset_folder: Callable[..., Path]) -> Callable[..., Dataset]:
    """A dataset of leads and outcomes drawn as text, read with the settings given."""

    def read(leads: str, outcomes: str, **settings: object) -> Dataset:
        lines = [f"{name} = {value}" for name, value in settings.items()]
        text = "\n".join(['name = "small"', *lines]) + "\n"
        return read_dataset(
            dataset_folder(
                leads=_table(leads),
                outcomes=_table(outcomes),
                interactions=None,
                answers=None,
                dataset_toml=text,
            )
        )

    return read


def _table(drawn: str) -> str:
    """Whitespace between cells becomes a comma; blank lines go."""
    return "\n".join(",".join(line.split()) for line in drawn.split("\n") if line.strip()) + "\n"


@pytest.fixture(scope="session")
def made_up_dataset(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Dataset]:
    """Leads whose chance depends on ``fit`` with the strength given; nothing else matters.

    One lead every two hours from 2026-01-01; those that convert do so after 12 hours.
    """

    def read(
        n: int = 400,
        strength: float = 2.0,
        *,
        time: bool = True,
        seed: int = 0,
        base: float = 0.0,
        horizon_days: float = 2.0,
    ) -> Dataset:
        rng = np.random.default_rng(seed)
        fit, noise = rng.normal(size=n).round(4), rng.normal(size=n).round(4)
        source = rng.choice(["web", "fair", "call"], n)
        won = rng.random(n) < 1 / (1 + np.exp(-(base + strength * fit)))
        at = np.datetime64("2026-01-01T00:00:00") + np.arange(n) * np.timedelta64(2, "h")
        ended = at + np.timedelta64(12, "h")
        leads = [f"lead_id,fit,noise,source{',created_at' if time else ''}"]
        outcomes = [f"lead_id,outcome{',occurred_at' if time else ''}"]
        for i in range(n):
            leads.append(f"L{i:05},{fit[i]},{noise[i]},{source[i]}" + f",{at[i]}Z" * time)
            word = "converted" if won[i] else "lost"
            outcomes.append(f"L{i:05},{word}" + f",{ended[i]}Z" * time)
        toml = f'name = "made_up"\nhorizon_days = {horizon_days}\n'
        if time:
            toml += f"observed_until = {ended[-1] + np.timedelta64(3, 'D')}Z\n"
        folder = tmp_path_factory.mktemp("made-up")
        for name, lines in (("leads.csv", leads), ("outcomes.csv", outcomes)):
            (folder / name).write_text("\n".join(lines) + "\n")
        (folder / "dataset.toml").write_text(toml)
        return read_dataset(folder)

    return read
