"""The model card: every fact of the release, the same bytes every time, a readable diff."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_release import FEATURES, small_release
from small_training import DATA, METRICS

from scoring.release import Release
from training import honest_test
from training.tracking.model_card import feature_shares, model_card

VIEWS = [0, 0, 0, 1, 1, 2, 2, 3, 4, 6, 9]
STATISTICS: dict[str, Any] = {
    "features": {
        "page_view.count_7d": {"unknown": 0.0, "mean": 2.0, "deciles": VIEWS},
        "any.count_all": {"unknown": 0.0, "mean": 1.0, "deciles": [1] * 11},
        "employees": {"unknown": 0.5, "mean": 60.0, "deciles": [float(10 * i) for i in range(11)]},
        "sector=software": {"unknown": 1.0, "mean": None, "deciles": []},
    }
}


def release(folder: Path, coefficient: float = 0.8, **changes: Any) -> Release:
    contents = {"metrics": METRICS, "data": DATA, "statistics": STATISTICS} | changes
    return small_release(folder, coefficient=coefficient, **contents)


def test_the_card_says_what_a_person_asks(tmp_path: Path) -> None:
    made = release(tmp_path / "R", settings={"seed": 7, "excluded": ["duration"]})
    card = model_card(made)
    for fact in (
        "# Model card: small",
        "better than the base rate.",
        f"- release: `{made.release_id}`",
        "converts within 30 days",
        "- seed: 7",
        "- excluded: duration",
        "- references: 40",
        "- immature share: 10.0%",
        "| Log loss (nats) | 0.41 | 0.38 to 0.44 |",
        "- warm: from 0.2",
        "| page_view.count_7d | 6 page views in the last 7 days |",
    ):
        assert fact in card


def test_the_same_release_gives_the_same_card(tmp_path: Path) -> None:
    assert model_card(release(tmp_path / "A")) == model_card(release(tmp_path / "B"))


def test_a_retrain_shows_as_a_short_diff(tmp_path: Path) -> None:
    better = METRICS | {"log_loss": {"value": 0.39, "low": 0.36, "high": 0.42}}
    before = model_card(release(tmp_path / "A")).splitlines()
    after = model_card(release(tmp_path / "B", metrics=better)).splitlines()
    changed = [
        line for line in difflib.unified_diff(before, after, n=0, lineterm="")
        if line.startswith(("+", "-")) and not line.startswith(("+++", "---"))
    ]  # fmt: skip
    assert len(changed) == 4
    assert changed[0].startswith("-- release:")
    assert "+| Log loss (nats) | 0.39 | 0.36 to 0.42 |  |" in changed


def test_figures_that_flatter_are_said_to(tmp_path: Path) -> None:
    said = "the figures flatter"
    honest, flattering = ({"test": {"flatters": flag}} for flag in (False, True))
    assert said not in model_card(release(tmp_path / "A", metrics=METRICS | honest))
    assert said in model_card(release(tmp_path / "B", metrics=METRICS | flattering))


def test_a_release_without_figures_has_a_card_without_figures(tmp_path: Path) -> None:
    card = model_card(small_release(tmp_path / "R"))
    assert "Log loss" not in card
    assert "What moves the score most" not in card
    assert "nan" not in card.lower()


def test_the_honest_test_is_told_in_tables(tmp_path: Path) -> None:
    tested = honest_test.Tested(
        rows=np.arange(8),
        label=np.array([0, 0, 0, 1, 0, 1, 1, 1], np.int8),
        weight=np.ones(8),
        lead=np.arange(8),
        as_of_us=np.arange(8),
        probability=np.array([0.1, 0.1, 0.1, 0.1, 0.3, 0.3, 0.9, 0.9]),
        base_rate=np.full(8, 0.5),
        cutoff_us=0,
        recipe="linear",
    )
    lines = model_card(release(tmp_path / "R"), tested).splitlines()
    assert "| cold | 50.0% | 10.0% | 25.0% | 4.6% to 69.9% |" in lines
    assert "| warm | 25.0% | 30.0% | 50.0% | 9.5% to 90.5% |" in lines
    assert "| hot | 25.0% | 90.0% | 100.0% | 34.2% to 100.0% |" in lines
    assert "| 10.0% | 25.0% |" in lines  # reliability
    assert "| 50% | 75.0% |" in lines  # gains


def test_the_share_of_a_feature_is_how_far_it_moves_typical_leads(tmp_path: Path) -> None:
    shares = feature_shares(release(tmp_path / "R", coefficient=0.8))
    values = 0.8 * np.log1p(VIEWS)
    weight = np.array([0.05, *[0.1] * 9, 0.05])
    expected = weight @ np.abs(values - weight @ values)
    assert shares[0] == pytest.approx(expected)
    assert shares[1] == pytest.approx(0)  # never changes
    assert shares[2] > 0
    assert shares[3] == pytest.approx(0)  # never known
    assert len(shares) == len(FEATURES)
