"""Few leads: the scorecard helps, and nothing is promised that is worse than it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.compute.array_types import Float64
from features.reading.read import read_dataset
from features.vectors.compute import compute_vectors
from scoring.model.model import Model
from scoring.model.scorecard import ScorecardComponent
from scoring.scorecard.scorecard import default_scorecard
from training.candidates.pool import entrants_of
from training.candidates.scorecard import SCORECARD
from training.feature_selection.choose import choose_spec
from training.labels.training_data import TrainingData, load_training_data
from training.model_selection.fit import FittedModel, SearchSettings, select_and_fit
from training.release_record import rule_share
from training.simulator import simulate
from training.simulator.files import write_simulation


@dataclass(frozen=True)
class Known:
    """References with their true probabilities."""

    source: TrainingData
    truth: Float64

    def loss(self, chance: Float64) -> float:
        """Expected log loss, without the luck of outcomes."""
        return float(-(self.truth * np.log(chance) + (1 - self.truth) * np.log1p(-chance)).mean())

    def vectors_of(self, learned: FittedModel) -> Float64:
        labelled = self.source.labelled
        return compute_vectors(learned.spec, self.source.histories, labelled.references)


def simulated(folder: Path, n: int, seed: int) -> Known:
    write_simulation(simulate(n, seed), folder)
    source = load_training_data(read_dataset(folder))
    told = pd.read_csv(folder / "truth.csv")
    at = pd.to_datetime(told["as_of"], utc=True, format="ISO8601")
    at_us = (at - pd.Timestamp(0, tz="UTC")) // pd.Timedelta(1, "us")
    known = dict(zip(zip(told["lead_id"], at_us, strict=True), told["probability"], strict=True))
    labelled = source.labelled
    ids = source.histories.lead_ids[labelled.lead]
    asked = zip(ids, labelled.as_of_us.tolist(), strict=True)
    return Known(source, np.array([known[key] for key in asked]))


@pytest.fixture(scope="module")
def later(tmp_path_factory: pytest.TempPathFactory) -> Known:
    return simulated(tmp_path_factory.mktemp("later") / "made", 400, 99)


def learned_from(known: Known) -> FittedModel:
    source = known.source
    everyone = np.ones(len(source.labelled), bool)
    method = SearchSettings(scorecard=default_scorecard())
    return select_and_fit(source, everyone, source.labelled.observed_until_us, method)


@pytest.mark.parametrize(("n", "seed"), [(100, 1), (100, 2), (300, 3)])
def test_with_few_leads_it_is_not_worse_than_the_rules_or_the_base_rate(
    tmp_path: Path, later: Known, n: int, seed: int
) -> None:
    learned = learned_from(simulated(tmp_path / "made", n, seed))
    mine = later.loss(learned.model.probability(later.vectors_of(learned)))
    floor = later.loss(np.full(len(later.truth), learned.sample.base_rate))
    rules = later.loss(_rules_alone(learned, later))
    assert mine < floor
    assert mine < rules
    assert mine < 1.35 * later.loss(later.truth)


def _rules_alone(learned: FittedModel, later: Known) -> Float64:
    """The scorecard's points on the line that the same leads would have given them."""
    rules = next(t.family for t in learned.trials if t.family.name == SCORECARD)
    sample = learned.sample
    model = Model((rules.fit(sample, 1.0),), (1.0,), 1.0, 0.0, len(learned.spec))
    return model.probability(later.vectors_of(learned))


def test_the_rules_have_a_weight_that_is_told(tmp_path: Path, later: Known) -> None:
    learned = learned_from(simulated(tmp_path / "made", 100, 1))
    assert SCORECARD in learned.recipe.steps
    told = rule_share(learned.model, learned.sample.vectors)
    assert told["weight"] == learned.recipe.rule
    assert 0 < told["share"] < 1
    assert any(isinstance(part, ScorecardComponent) for part in learned.model.parts)
    x = later.vectors_of(learned)
    explained = learned.model.explain(x)
    again = Model.from_files(learned.model.to_files()).explain(x)
    assert again.contributions.tobytes() == explained.contributions.tobytes()
    logit = np.log(explained.probability) - np.log1p(-explained.probability)
    told_sum = explained.base + explained.contributions.sum(axis=1)
    np.testing.assert_allclose(told_sum, logit, atol=1e-9)
    alone = learned.model.explain(x[7:8])
    assert alone.contributions.tobytes() == explained.contributions[7:8].tobytes()


def test_columns_for_rules_alone_are_kept_only_where_rules_are_used(tmp_path: Path) -> None:
    source = simulated(tmp_path / "made", 100, 1).source
    spec = choose_spec(source.settings, source.histories, source.labelled.references)
    every = entrants_of(spec, default_scorecard())
    assert every.rules is not None
    assert every.spec.names[: every.width] == spec.names
    assert len(every.spec) > len(spec)
    assert every.used(["linear"]).spec == spec
    assert every.used(["linear", SCORECARD]).spec == every.spec
    assert entrants_of(spec, None).rules is None
