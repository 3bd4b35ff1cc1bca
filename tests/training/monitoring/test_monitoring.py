"""A release on later data: what moved, what to expect, what came true, and what to do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from features.dataset import Dataset
from features.errors import DataError
from scoring.drift import shift_of
from scoring.release.release import Release, write_release
from training.config import TrainingConfig
from training.monitoring.monitor import MonitoringVerdict, expected_performance, monitor
from training.train import train

QUANTILES = [i / 10 for i in range(11)]
EVENLY = {"deciles": [i / 2 for i in range(11)], "unknown": 0.0}


def index(learned: dict, now: list[float]) -> float:
    """The stability index of a column, all rows weighing the same."""
    column = np.array(now)
    return shift_of("c", learned, QUANTILES, 1e6, column, np.ones(len(column)), 1e6).psi


def test_a_column_that_stays_has_an_index_of_zero():
    assert index(EVENLY, [i / 2 + 0.25 for i in range(10)]) == pytest.approx(0.0, abs=1e-12)


def test_the_index_of_two_tenths_that_change_places():
    # one tenth holds 0.2 now and another nothing (half a lead in a million)
    now = [0.1, 0.2, 1.1, 1.6, 2.1, 2.6, 3.1, 3.6, 4.1, 4.6]
    nothing = 0.5e-6
    by_hand = 0.1 * np.log(2) + (nothing - 0.1) * np.log(nothing / 0.1)
    assert index(EVENLY, now) == pytest.approx(by_hand, rel=1e-9)


def test_unknown_is_a_bin_of_its_own():
    nan = float("nan")
    learned = {"deciles": EVENLY["deciles"], "unknown": 0.5}
    known = [i / 2 + 0.25 for i in range(10)]
    assert index(learned, [*known, *[nan] * 10]) == pytest.approx(0.0, abs=1e-9)
    assert index(learned, [*known, *[nan] * 40]) > 0.25


def test_equal_deciles_are_known_to_a_tenth_only():
    counts = {"deciles": [0.0] * 8 + [1.0, 2.0, 9.0], "unknown": 0.0}
    for zeros in (70, 74, 79):  # between seven and eight tenths were zero
        now = [0.0] * zeros + [1.0] * (80 - zeros) + [2.0] * 10 + [5.0] * 10
        assert index(counts, now) < 0.05
    assert index(counts, [0.0] * 75 + [1.0] * 13 + [2.0] * 8 + [5.0] * 4) < 0.05
    assert index(counts, [0.0] * 30 + [2.0] * 40 + [5.0] * 30) > 0.5


def test_the_share_upto_a_decile_is_taken_as_recorded():
    # a sixth of the values are 1.1, no whole number and no decile twice
    then = np.sort(
        np.concatenate([np.linspace(-3, 1, 400), np.full(170, 1.1), np.linspace(1.2, 5, 430)])
    )
    deciles = np.quantile(then, QUANTILES)
    assert len(np.unique(deciles)) == 11
    old = {"deciles": deciles.tolist(), "unknown": 0.0}
    upto = np.searchsorted(then, deciles, side="right") / len(then)
    assert index({**old, "upto": upto.tolist()}, then) == pytest.approx(0.0, abs=1e-9)
    assert index(old, then) > 0.1


def test_chance_alone_seldom_exceeds_the_noise():
    rng = np.random.default_rng(0)
    learned = {"deciles": np.quantile(rng.random(4000), QUANTILES).tolist(), "unknown": 0.0}
    over = 0
    for _ in range(400):
        found = shift_of("c", learned, QUANTILES, 4000, rng.random(300), np.ones(300), 300)
        over += found.psi > found.noise
    assert over < 0.1 * 400


def test_expected_figures_equal_the_mean_over_all_worlds():
    p, weight = np.array([0.1, 0.4, 0.4, 0.8]), np.array([1.0, 2.0, 1.0, 1.0])
    won = lost = tied = loss = squares = 0.0
    for i, j in product(range(4), range(4)):
        pair = weight[i] * weight[j] * p[i] * (1 - p[j])
        won += pair * (p[i] > p[j])
        tied += pair * (p[i] == p[j])
        lost += pair * (p[i] < p[j])
    for i in range(4):
        loss -= weight[i] / 5 * (p[i] * np.log(p[i]) + (1 - p[i]) * np.log(1 - p[i]))
        squares += weight[i] / 5 * (p[i] * (1 - p[i]) ** 2 + (1 - p[i]) * p[i] ** 2)
    found = expected_performance(p, weight)
    assert found["auc"] == pytest.approx((won + tied / 2) / (won + tied + lost))
    assert found["log_loss"] == pytest.approx(loss)
    assert found["brier"] == pytest.approx(squares)
    assert found["rate"] == pytest.approx(p @ weight / 5)


@pytest.fixture(scope="module")
def release(
    made_up_dataset: Callable[..., Dataset], tmp_path_factory: pytest.TempPathFactory
) -> Release:
    """Learned from 1,000 leads, the last of them made on 25 March 2026."""
    config = TrainingConfig(time_budget_s=0.0, jobs=1)
    folder = tmp_path_factory.mktemp("monitored") / "release"
    return write_release(folder, train(made_up_dataset(1000), config).contents)


def test_a_world_that_goes_on_as_it_was_is_kept(release: Release, made_up_dataset):
    found = monitor(release, made_up_dataset(3000, seed=1))
    assert found.verdict == MonitoringVerdict.KEEP, found.because
    assert found.realised is not None
    assert found.realised.leads > 1500
    assert found.since is not None
    assert f"{found.since:%Y-%m}" == "2026-03"
    assert not found.scores.is_large
    assert found.expected["log_loss"] == pytest.approx(
        found.realised.figures["log_loss"].value, abs=0.05
    )


def test_probabilities_that_came_off_are_recalibrated(release: Release, made_up_dataset):
    found = monitor(release, made_up_dataset(3000, seed=1, base=-1.5))
    assert found.verdict == MonitoringVerdict.RECALIBRATE, found.because
    assert "probabilities are off" in found.because[0]


def test_a_world_turned_round_means_a_new_model(release: Release, made_up_dataset):
    found = monitor(release, made_up_dataset(3000, seed=1, strength=-2.0))
    assert found.verdict == MonitoringVerdict.RETRAIN
    assert "ranks worse" in found.because[0]


def test_other_leads_are_seen_before_any_outcome(release: Release, made_up_dataset):
    later = made_up_dataset(3000, seed=1)
    leads = later.leads.assign(fit=later.leads["fit"] + 3.0)
    none = later.outcomes.iloc[:0]
    settings = later.settings.model_copy(update={"reference_ages_days": (0,)})
    open_leads = replace(later, leads=leads, outcomes=none, settings=settings)
    found = monitor(release, open_leads)
    assert found.realised is None
    assert found.verdict == MonitoringVerdict.RETRAIN
    assert found.features[0].name == "fit"
    assert found.features[0].is_large


def test_nothing_later_is_an_error_that_says_so(release: Release, made_up_dataset):
    with pytest.raises(DataError, match="nothing here is later"):
        monitor(release, made_up_dataset(400))
