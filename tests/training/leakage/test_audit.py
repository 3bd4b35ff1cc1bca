"""The audit on planted leaks: each is found, honest attributes are not."""

from __future__ import annotations

import importlib.util
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from features.contract import AttributeType, Available
from features.dataset_settings import AttributeSettings
from features.errors import GateError
from features.reading.read import read_dataset
from training.leakage.audit import LeakVerdict, audit, stop_on_sure_leaks, sure_leaks
from training.simulator import simulate, write_simulation

ROOT = Path(__file__).resolve().parents[3]


def _planted_leaks() -> ModuleType:
    spec = importlib.util.spec_from_file_location(
        "planted_leaks", ROOT / "benchmarks" / "planted_leaks.py"
    )
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


planted_leaks = _planted_leaks()


@pytest.fixture(scope="module")
def honest(tmp_path_factory):
    """1,500 simulated leads with eight more attributes that are honest and look bad."""
    folder = tmp_path_factory.mktemp("simulated")
    simulation = simulate(1_500, 5)
    write_simulation(simulation, folder, truth=False)
    dataset = read_dataset(folder)
    first = simulation.truth.drop_duplicates("lead_id").set_index("lead_id")["probability"]
    truth = dataset.leads["lead_id"].map(first).to_numpy(float)
    return planted_leaks.with_decoys(np.random.default_rng(1), dataset, truth)


def test_honest_data_has_no_suspect(honest):
    report = audit(honest)
    assert report.suspects == ()
    assert report.kinds == 17
    assert "no suspect" in report.summary()
    stop_on_sure_leaks(report)


@pytest.mark.parametrize("name", list(planted_leaks.LEAKS))
def test_planted_leak_is_found_alone(honest, name):
    dataset, wanted = planted_leaks.plant(name, honest, seed=3)
    report = audit(dataset, costs=False)
    assert {suspect.name for suspect in report.suspects} == set(wanted)
    assert all(suspect.reasons for suspect in report.suspects)


@pytest.fixture(scope="module")
def leaky(honest):
    return planted_leaks.plant("a copy of the outcome, 8 % wrong", honest, seed=3)[0]


@pytest.fixture(scope="module")
def report(leaky):
    return audit(leaky)


def test_a_suspect_has_its_own_score_and_its_price(report):
    (suspect,) = report.suspects
    assert suspect.auc is not None
    assert suspect.auc > 0.9
    assert suspect.gain is not None
    assert suspect.gain > 0.5
    assert suspect.cost is not None
    assert suspect.cost > 0.05
    (row,) = report.rows()
    assert row["suspect"] == "a1"
    assert row["verdict"] == "sure"
    assert row["cost of excluding"].startswith("+")


def test_a_sure_leak_stops_with_the_way_out(report):
    assert [suspect.name for suspect in sure_leaks(report)] == ["a1"]
    with pytest.raises(GateError, match='available = "after_outcome"'):
        stop_on_sure_leaks(report)


def _saying(dataset, available):
    said = AttributeSettings(type=AttributeType.CATEGORY, available=available)
    attributes = dataset.settings.attributes | {"a1": said}
    settings = dataset.settings.model_copy(update={"attributes": attributes})
    inferred = tuple(line for line in dataset.inferred if not line.startswith("a1:"))
    return replace(dataset, settings=settings, inferred=inferred)


def test_what_the_user_confirms_is_reported_and_never_sure(leaky):
    report = audit(_saying(leaky, Available.AT_CREATION), costs=False)
    (suspect,) = report.suspects
    assert suspect.verdict is LeakVerdict.CONFIRMED
    assert suspect.evidence
    assert sure_leaks(report) == ()


def test_what_the_user_calls_after_the_outcome_is_listed_as_excluded(leaky):
    told = audit(_saying(leaky, Available.AFTER_OUTCOME), costs=False)
    (suspect,) = told.suspects
    assert (suspect.name, suspect.verdict) == ("a1", LeakVerdict.EXCLUDED)
    assert sure_leaks(told) == ()


def test_names_and_texts_are_not_read(leaky, report):
    renamed = replace(
        leaky,
        leads=leaky.leads.rename(columns={"a1": "honest_sector"}),
        settings=leaky.settings.model_copy(
            update={
                "about": "nothing here leaks",
                "attributes": {
                    ("honest_sector" if name == "a1" else name): settings
                    for name, settings in leaky.settings.attributes.items()
                },
            }
        ),
        inferred=tuple(line.replace("a1:", "honest_sector:") for line in leaky.inferred),
    )
    before, after = report.suspects[0], audit(renamed, costs=False).suspects[0]
    assert after.name == "honest_sector"
    assert (after.gain, after.verdict) == (before.gain, before.verdict)


def test_too_few_outcomes_are_reported_not_judged(honest):
    few = honest.outcomes[honest.outcomes["outcome"] == "converted"].head(5)
    report = audit(replace(honest, outcomes=few), costs=False)
    assert report.suspects == ()
    assert "nothing can be said" in report.notes[0]


def test_the_report_is_plain_data(report):
    import json

    told = json.loads(json.dumps(report.to_dict()))
    assert told["suspects"][0]["name"] == "a1"
    assert told["suspects"][0]["evidence"][0]["sign"]
