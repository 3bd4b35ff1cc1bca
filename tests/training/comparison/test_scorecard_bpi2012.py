"""The scorecard in the documents, on the real applications it was written for."""

from __future__ import annotations

from pathlib import Path

import pytest

from features.histories.build import histories_from_dataset
from features.reading.read import read_dataset
from scoring.scorecard.scorecard import load_scorecard
from training.comparison.rule_coverage import RulesCheck, check_rules

CARD = Path(__file__).resolve().parents[3] / "docs" / "scorecards" / "bpi2012.toml"


@pytest.fixture(scope="module")
def found(real_data: Path) -> RulesCheck:
    data = read_dataset(str(real_data / "bpi2012"))
    return check_rules(load_scorecard(CARD), data, histories_from_dataset(data))


@pytest.mark.real_data
def test_every_rule_speaks_of_some_application(found: RulesCheck) -> None:
    assert [rule.name for rule in found.rules if rule.leads == 0] == []
    assert [rule.notes for rule in found.rules if rule.notes] == []


@pytest.mark.real_data
def test_its_bands_tell_applications_apart(found: RulesCheck) -> None:
    cold, warm, hot = (band.rate for band in found.bands)
    assert cold.high < warm.low
    assert warm.high < hot.low
