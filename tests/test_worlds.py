"""The worlds of the benchmarks: their truth is exact, and their files are datasets."""

from __future__ import annotations

import importlib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from features.reading.read import read_dataset

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


@pytest.fixture
def worlds(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    return importlib.import_module("worlds")


@pytest.mark.parametrize("name", ["history_2_slow", "survivors_lost", "our_calls", "quarters"])
def test_as_many_convert_as_the_truth_says(worlds: ModuleType, name: str, tmp_path: Path) -> None:
    worlds.make_world(worlds.CATALOGUE[name], 5, tmp_path, leads=300)
    truth = worlds.read_truth(tmp_path)
    truth["tenth"] = (truth["probability"].rank(pct=True) * 9.99).astype(int)
    chances = truth.drop_duplicates("lead_id")  # one reference a lead: independent draws
    for _, rows in chances.groupby("tenth"):
        expected = rows["probability"].sum()
        spread = np.sqrt((rows["probability"] * (1 - rows["probability"])).sum())
        assert abs(rows["converted"].sum() - expected) < 4 * spread + 0.5


def test_files_are_a_dataset_and_the_same_for_the_same_seed(
    worlds: ModuleType, tmp_path: Path
) -> None:
    world = worlds.CATALOGUE["late_city"]
    for folder in ("one", "two"):
        worlds.make_world(world, 1, tmp_path / folder, leads=200)
    dataset = read_dataset(tmp_path / "one" / "train")
    assert len(dataset.leads) == 200
    assert dataset.settings.horizon_days == world.horizon_days
    for file in ("train/leads.csv", "train/outcomes.csv", "train/interactions.csv", "truth.csv"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()


def test_a_city_that_opens_late_has_no_leads_before(worlds: ModuleType, tmp_path: Path) -> None:
    worlds.make_world(worlds.CATALOGUE["late_city"], 2, tmp_path, leads=1000)
    leads = read_dataset(tmp_path / "train").leads
    days = (leads["created_at"] - leads["created_at"].min()).dt.days
    assert days[leads["city"] == "bay"].min() >= 24
