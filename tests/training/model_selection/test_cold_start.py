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
from training.candidates.pool import candidate_pool
from training.candidates.scorecard import SCORECARD
from training.config import TrainingConfig
from training.feature_selection.choose import choose_spec
from training.labels.training_data import TrainingData, load_training_data
from training.model_selection.fit import FittedModel, select_and_fit
from training.release_record import rule_share
from training.simulator import simulate
from training.simulator.files import write_simulation


@dataclass(frozen=True)
class Known:
    """References with their true probabilities."""

    data: TrainingData
    truth: Float64

    def loss(self, chance: Float64) -> float:
        """Expected log loss, without the luck of outcomes."""
        return float(-(self.truth * np.log(chance) + (1 - self.truth) * np.log1p(-chance)).mean())

    def vectors_of(self, fitted: FittedModel) -> Float64:
        labelled = self.data.labelled
        return compute_vectors(fitted.spec, self.data.histories, labelled.references)


def simulated(folder: Path, n: int, seed: int) -> Known:
    write_simulation(simulate(n, seed), folder)
    data = load_training_data(read_dataset(folder))
    share = pd.read_csv(folder / "truth.csv")
    at = pd.to_datetime(share["as_of"], utc=True, format="ISO8601")
    at_us = (at - pd.Timestamp(0, tz="UTC")) // pd.Timedelta(1, "us")
    known = dict(zip(zip(share["lead_id"], at_us, strict=True), share["probability"], strict=True))
    labelled = data.labelled
    ids = data.histories.lead_ids[labelled.lead]
    asked = zip(ids, labelled.as_of_us.tolist(), strict=True)
    return Known(data, np.array([known[key] for key in asked]))


@pytest.fixture(scope="module")
def later(tmp_path_factory: pytest.TempPathFactory) -> Known:
    return simulated(tmp_path_factory.mktemp("later") / "made", 400, 99)


def fitted_on(known: Known) -> FittedModel:
    data = known.data
    poolone = np.ones(len(data.labelled), bool)
    config = TrainingConfig(scorecard=default_scorecard())
    return select_and_fit(data, poolone, data.labelled.observed_until_us, config)


@pytest.fixture(scope="module")
def of_100_leads(tmp_path_factory: pytest.TempPathFactory) -> FittedModel:
    return fitted_on(simulated(tmp_path_factory.mktemp("few") / "made", 100, 1))


@pytest.mark.parametrize(("n", "seed"), [(100, 1), (300, 3)])
def test_with_few_leads_it_is_not_worse_than_the_rules_or_the_base_rate(
    tmp_path: Path, later: Known, of_100_leads: FittedModel, n: int, seed: int
) -> None:
    is_made = (n, seed) == (100, 1)
    fitted = of_100_leads if is_made else fitted_on(simulated(tmp_path / "made", n, seed))
    mine = later.loss(fitted.model.probability(later.vectors_of(fitted)))
    floor = later.loss(np.full(len(later.truth), fitted.training_set.base_rate))
    rules = later.loss(_rules_alone(fitted, later))
    assert mine < floor
    assert mine < rules
    assert mine < 1.35 * later.loss(later.truth)


def _rules_alone(fitted: FittedModel, later: Known) -> Float64:
    """The scorecard's points on the line that the same leads would have given them."""
    rules = next(t.candidate for t in fitted.candidate_results if t.candidate.name == SCORECARD)
    sample = fitted.training_set
    model = Model((rules.fit(sample, 1.0),), (1.0,), 1.0, 0.0, len(fitted.spec))
    return model.probability(later.vectors_of(fitted))


def test_the_rules_have_a_weight_that_is_share(of_100_leads: FittedModel, later: Known) -> None:
    fitted = of_100_leads
    assert SCORECARD in fitted.ensemble.steps
    share = rule_share(fitted.model, fitted.training_set.vectors)
    assert share["weight"] == fitted.ensemble.scorecard_weight
    assert 0 < share["share"] < 1
    assert any(isinstance(part, ScorecardComponent) for part in fitted.model.parts)
    x = later.vectors_of(fitted)
    explained = fitted.model.explain(x)
    again = Model.from_files(fitted.model.to_files()).explain(x)
    assert again.contributions.tobytes() == explained.contributions.tobytes()
    logit = np.log(explained.probability) - np.log1p(-explained.probability)
    total = explained.base + explained.contributions.sum(axis=1)
    np.testing.assert_allclose(total, logit, atol=1e-9)
    alone = fitted.model.explain(x[7:8])
    assert alone.contributions.tobytes() == explained.contributions[7:8].tobytes()


def test_columns_for_rules_alone_are_kept_only_where_rules_are_used(tmp_path: Path) -> None:
    data = simulated(tmp_path / "made", 100, 1).data
    spec = choose_spec(data.settings, data.histories, data.labelled.references)
    pool = candidate_pool(spec, default_scorecard())
    assert pool.scorecard is not None
    assert pool.spec.names[: pool.width] == spec.names
    assert len(pool.spec) > len(spec)
    assert pool.restrict(["linear"]).spec == spec
    assert pool.restrict(["linear", SCORECARD]).spec == pool.spec
    assert candidate_pool(spec, None).scorecard is None
