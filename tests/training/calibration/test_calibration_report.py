"""Calibration as a release records it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from training import backtest as backtest_module
from training.calibration.report import calibration_of, common, thirds
from training.labels.training_data import load_training_data
from training.model_card.blocks import Card
from training.model_card.evaluation_sections import reliability_section, segments_section
from training.model_card.render import card_markdown
from training.simulator import simulate, write_simulation


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory):
    from features.reading.read import read_dataset

    folder = tmp_path_factory.mktemp("calibration") / "simulated"
    write_simulation(simulate(300, seed=1), folder, truth=False)
    return load_training_data(read_dataset(folder))


def honest(source, probability: np.ndarray) -> backtest_module.BacktestResult:
    labelled = source.labelled
    rows = np.flatnonzero(labelled.label >= 0)
    return backtest_module.BacktestResult(
        rows=rows,
        label=labelled.label[rows],
        weight=labelled.weight[rows],
        lead=labelled.lead[rows],
        as_of_us=labelled.as_of_us[rows],
        probability=probability[rows],
        base_rate=probability[rows],
        cutoff_us=None,
        ensemble="given",
    )


def test_segments_are_attributes_as_of_the_question(source) -> None:
    n = len(source.labelled)
    found = calibration_of(source, honest(source, np.full(n, 0.1)), seed=0)
    by = {segment["by"] for segment in found["segments"]}
    assert {"source", "country", "employees"} <= by
    names = {s["name"] for s in found["segments"] if s["by"] == "employees"}
    assert "unknown" in names
    assert len(names) == 4
    assert found["reliability"]["observed"]
    json.dumps(found, allow_nan=False)


def test_a_probability_far_off_is_warned_of(source) -> None:
    found = calibration_of(source, honest(source, np.full(len(source.labelled), 0.6)), seed=0)
    assert any("too high" in warning for warning in found["warnings"])
    assert found["reliability"]["p_value"] < 0.05


def test_the_card_tells_it(source) -> None:
    n = len(source.labelled)
    bad = told(calibration_of(source, honest(source, np.full(n, 0.6)), 0))
    assert "**warning:**" in bad
    assert "| country = " in bad
    fair = float(source.labelled.label[source.labelled.label >= 0].mean())
    good = told(calibration_of(source, honest(source, np.full(n, fair)), 0))
    assert "miscalibration" in good
    assert "| country = " not in told({})


def told(calibration: dict[str, Any]) -> str:
    """What a card says of it."""
    sections = (reliability_section(calibration), segments_section(calibration))
    return card_markdown(Card("small", (), "", (), sections))


def test_words() -> None:
    assert set(thirds(np.full(5, 2.0))) == {"known"}
    assert set(thirds(np.full(2, np.nan))) == {"unknown"}
    many = np.array([f"v{i % 20}" for i in range(100)] + ["v3"] * 5, dtype=object)
    assert len(set(common(many))) == 13
    assert "v3" in set(common(many))
