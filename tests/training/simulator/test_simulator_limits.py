"""What the truth itself reaches, and that nothing is expected to beat it."""

from __future__ import annotations

import numpy as np
import pytest

from training.simulator import NOISY, RARE, simulate
from training.simulator.bayes_limit import expected_log_loss, learnable, mature_truth


@pytest.fixture(scope="module")
def limits():
    return learnable(simulate(4000, 17))


def test_truth_knows_much_and_not_all(limits):
    everything = limits[0]
    assert everything.age_days is None
    assert 0.84 < everything.auc < 0.92
    assert everything.log_loss < 0.8 * everything.base_log_loss
    assert everything.references == sum(limit.references for limit in limits[1:])


def test_more_is_known_of_older_leads(limits):
    by_age = [limit.auc for limit in limits[1:]]
    assert by_age[0] < by_age[2] < by_age[-1] + 0.03


def test_noisy_world_hides_more_than_the_default(limits):
    noisy = learnable(simulate(4000, 17, world=NOISY))[0]
    assert noisy.auc < limits[0].auc - 0.03


def test_immature_references_are_left_out():
    simulation = simulate(500, 2, world=RARE)
    table = mature_truth(simulation)
    assert len(table) < len(simulation.truth)
    assert (table["as_of"] <= simulation.observed_until).all()


def test_no_other_prediction_is_expected_to_beat_the_truth():
    rng = np.random.default_rng(0)
    truth = rng.uniform(0.01, 0.9, 200)
    own = expected_log_loss(truth, truth)
    for _ in range(20):
        other = np.clip(truth + rng.normal(0, 0.05, 200), 0.001, 0.999)
        assert expected_log_loss(truth, other) > own
