"""The simulated dataset folder: the contract, the seed, the field it imitates."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from training.simulator import SCENARIOS, simulate, write_simulation
from training.simulator.scenario import INTERACTION_KINDS


@pytest.fixture(scope="module")
def simulation():
    return simulate(3000, 11)


def _bytes(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_same_seed_same_bytes_and_another_seed_other_bytes(tmp_path):
    for name, seed in (("a", 5), ("b", 5), ("c", 6)):
        write_simulation(simulate(300, seed), tmp_path / name)
    first, again, other = (_bytes(tmp_path / name) for name in "abc")
    assert first == again
    assert all(first[name] != other[name] for name in first)
    assert set(first) == {
        "answers.csv",
        "dataset.toml",
        "interactions.csv.gz",
        "leads.csv",
        "outcomes.csv",
        "truth.csv",
    }
    write_simulation(simulate(300, 5), tmp_path / "a", truth=False)
    without = _bytes(tmp_path / "a")
    assert set(first) - set(without) == {"truth.csv"}
    assert all(without[name] == first[name] for name in without if name != "dataset.toml")


def test_settings_name_horizon_ages_and_qualification_groups(simulation, tmp_path):
    write_simulation(simulation, tmp_path)
    settings = tomllib.loads((tmp_path / "dataset.toml").read_text())
    assert settings["horizon_days"] == 30
    assert settings["reference_ages_days"] == [0, 3, 7, 14, 28]
    groups = {name: attribute["group"] for name, attribute in settings["attributes"].items()}
    for answer in ("budget", "authority", "need", "timeline"):
        assert groups[answer] == answer
        assert settings["attributes"][answer]["available"] == "answered"


def test_everything_happens_in_order(simulation):
    created = simulation.leads.set_index("lead_id")["created_at"]
    closed = simulation.outcomes.set_index("lead_id")["occurred_at"]
    assert (closed > created.reindex(closed.index)).all()
    assert (closed < simulation.observed_until).all()
    for table, moment in (
        (simulation.interactions, "occurred_at"),
        (simulation.answers, "answered_at"),
    ):
        born = created.reindex(table["lead_id"]).to_numpy()
        end = closed.reindex(table["lead_id"]).fillna(simulation.observed_until).to_numpy()
        assert (table[moment].to_numpy() >= born).all()
        assert (table[moment].to_numpy() < end).all()


def test_the_vocabulary_is_seen_and_some_is_delivered_twice(simulation):
    interactions = simulation.interactions
    assert set(interactions["kind"]) == set(INTERACTION_KINDS)
    twice = interactions["event_id"].duplicated()
    assert 0 < twice.mean() < 0.01
    assert interactions.duplicated().sum() == twice.sum()


def test_some_leads_are_open_and_answers_are_often_missing(simulation):
    open_share = 1 - len(simulation.outcomes) / len(simulation.leads)
    assert 0.05 < open_share < 0.3
    answered = simulation.answers.groupby("attribute")["lead_id"].nunique() / len(simulation.leads)
    assert ((answered > 0.05) & (answered < 0.7)).all()
    assert simulation.leads["employees"].isna().mean() > 0.2


def test_truth_has_one_row_per_reference_at_which_the_lead_was_open(simulation):
    leads = simulation.leads.merge(simulation.outcomes, on="lead_id", how="left")
    end = leads["occurred_at"].fillna(simulation.observed_until)
    ages = simulation.world.reference_ages_days
    expected = sum(((leads["created_at"] + pd.Timedelta(days=age)) < end).sum() for age in ages)
    assert len(simulation.truth) == expected
    assert not simulation.truth.duplicated(["lead_id", "as_of"]).any()
    assert simulation.truth["probability"].between(0, 1, inclusive="neither").all()


@pytest.mark.parametrize(
    ("world", "low", "high"),
    [("default", 0.07, 0.13), ("rare", 0.008, 0.03), ("noisy", 0.07, 0.13)],
)
def test_base_rates_of_the_worlds(world, low, high):
    truth = simulate(2000, 3, world=SCENARIOS[world]).truth
    assert low < truth["probability"].mean() < high


def test_no_leads_is_refused():
    with pytest.raises(ValueError, match="cannot simulate 0 leads"):
        simulate(0, 1)


def test_weekends_are_quiet(simulation):
    weekday = simulation.interactions["occurred_at"].dt.day_of_week
    counts = np.bincount(weekday, minlength=7)
    assert counts[5:].max() < 0.7 * counts[:5].min()
