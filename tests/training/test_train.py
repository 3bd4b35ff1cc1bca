"""Training end to end on made-up data: signal found, no signal admitted, the same every time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from features.dataset import Dataset
from features.errors import DataError, UsageError
from features.language.catalogues import language
from features.language.current import use
from features.reading.read import read_dataset
from scoring.release.contents import release_files
from scoring.release.release import load_release, write_release
from training.config import TrainingConfig
from training.thresholds import ThresholdPolicy
from training.train import TrainedModel, train

MadeUp = Callable[..., Dataset]
QUICK = TrainingConfig(time_budget_s=0.0)
"""The quickest family alone: enough for what is not about families."""
Small = Callable[..., Dataset]


@pytest.fixture(scope="module")
def trained(made_up_dataset: MadeUp) -> TrainedModel:
    return train(made_up_dataset(n=600), QUICK)


def test_signal_is_found_and_the_gain_is_significant(trained: TrainedModel) -> None:
    metrics = trained.contents.metrics
    assert trained.signal
    assert metrics["gain"]["high"] < 0
    assert metrics["auc"]["value"] > 0.8
    assert metrics["test"]["optimistic"] is False
    assert metrics["choice"]["by_time"] is False  # too few leads to choose on rolling origins


def test_what_a_random_split_would_have_shown_is_reported(trained: TrainedModel) -> None:
    shown = trained.contents.metrics["random_split"]
    assert 0.5 < shown["auc"] <= 1
    assert shown["log_loss"] < trained.contents.metrics["base_rate"]["log_loss"]["value"]


def test_the_release_can_be_written_and_read_back(trained: TrainedModel, tmp_path: Path) -> None:
    write_release(tmp_path / "release", trained.contents)
    release = load_release(tmp_path / "release")
    vectors = trained.fitted.training_set.vectors
    np.testing.assert_array_equal(
        release.model.probability(vectors), trained.fitted.model.probability(vectors)
    )
    assert release.metrics["signal"] is True


def test_the_same_data_and_seed_give_the_same_bytes(made_up_dataset: MadeUp) -> None:
    dataset = made_up_dataset(n=300)
    one = release_files(train(dataset, QUICK).contents)
    with use(language("fr")):  # whatever language its maker reads
        two = release_files(train(dataset, QUICK).contents)
    assert one == two


def test_the_order_of_the_leads_is_irrelevant(made_up_dataset: MadeUp) -> None:
    dataset = made_up_dataset(n=400)
    turned = replace(dataset, leads=dataset.leads.iloc[::-1].reset_index(drop=True))
    one, two = (release_files(train(d, QUICK).contents) for d in (dataset, turned))
    assert one["model.json"] == two["model.json"]


@pytest.mark.parametrize("time", [True, False])
@pytest.mark.parametrize("seed", range(2))
def test_without_signal_the_release_says_so_and_predicts_the_base_rate(
    made_up_dataset: MadeUp, time: bool, seed: int
) -> None:
    dataset = made_up_dataset(n=300, strength=0.0, time=time, seed=seed, base=-1.0)
    trained = train(dataset, QUICK)
    assert not trained.signal
    assert "no signal" in trained.contents.metrics["verdict"]
    sample = trained.fitted.training_set
    scores = trained.fitted.model.probability(sample.vectors)
    assert np.ptp(scores) == 0.0
    assert scores[0] == pytest.approx(sample.label.mean(), abs=0.01)


def test_without_time_the_figures_are_called_optimistic(made_up_dataset: MadeUp) -> None:
    metrics = train(made_up_dataset(n=300, time=False), QUICK).contents.metrics
    assert metrics["test"]["optimistic"] is True
    assert "optimistic" in metrics["verdict"]
    assert metrics["test"]["references"] == 300  # every one was answered by a model not its own


def test_a_lead_is_answered_by_a_model_that_had_not_seen_the_future(trained: TrainedModel) -> None:
    tested = trained.backtest
    assert tested.cutoff_us is not None
    assert (tested.as_of_us >= tested.cutoff_us).all()


def test_an_excluded_attribute_is_not_in_the_release(made_up_dataset: MadeUp) -> None:
    trained = train(made_up_dataset(n=300), replace(QUICK, exclude=("fit",)))
    assert "fit" not in trained.contents.spec.names
    assert not trained.signal
    assert trained.contents.settings["excluded"] == ["fit"]


def test_excluding_what_is_not_there_names_what_is(made_up_dataset: MadeUp) -> None:
    with pytest.raises(UsageError, match="fit, noise, source"):
        train(made_up_dataset(n=50), TrainingConfig(exclude=("fitt",)))


def test_capacity_sets_the_cuts(made_up_dataset: MadeUp) -> None:
    dataset = made_up_dataset(n=600)
    few = train(
        dataset, replace(QUICK, thresholds=ThresholdPolicy(hot_per_week=4))
    ).contents.thresholds
    many = train(
        dataset, replace(QUICK, thresholds=ThresholdPolicy(hot_per_week=40))
    ).contents.thresholds
    assert few.hot > many.hot


@pytest.mark.parametrize("word", ["converted", "lost"])
def test_one_class_only_is_an_error(small_dataset: Small, word: str) -> None:
    leads = "lead_id size\n" + "\n".join(f"L{i} {i % 7}" for i in range(40))
    outcomes = "lead_id outcome\n" + "\n".join(f"L{i} {word}" for i in range(40))
    with pytest.raises(DataError, match=r"one class only: all mature references \(40\)"):
        train(small_dataset(leads, outcomes))


def test_few_conversions_give_a_release_that_predicts_the_base_rate(small_dataset: Small) -> None:
    leads = "lead_id size\n" + "\n".join(f"L{i} {i % 7}" for i in range(60))
    outcomes = "lead_id outcome\n" + "\n".join(
        f"L{i} {'converted' if i < 3 else 'lost'}" for i in range(60)
    )
    trained = train(small_dataset(leads, outcomes))
    assert not trained.signal
    assert "no signal" in trained.contents.metrics["verdict"]


def test_nothing_mature_is_an_error(made_up_dataset: MadeUp) -> None:
    with pytest.raises(DataError, match="none of the references \\(60\\) is mature"):
        train(made_up_dataset(n=60, horizon_days=300.0))


def test_progress_is_reported_and_ends_where_it_said(made_up_dataset: MadeUp) -> None:
    told: list[tuple[str, int, int]] = []
    train(made_up_dataset(n=300), QUICK, progress=lambda *step: told.append(step))
    assert told
    assert all(0 < done <= total for _, done, total in told)
    assert told[-1][1] == told[-1][2]


@pytest.mark.real_data
@pytest.mark.parametrize("name", ["online_shoppers"])
def test_real_data_beats_the_base_rate(real_data: Path, name: str) -> None:
    dataset = read_dataset(real_data / name)
    leaky = [a for a in ("pagevalues",) if a in dataset.settings.attributes]
    metrics = train(dataset, replace(QUICK, exclude=tuple(leaky))).contents.metrics
    assert metrics["signal"] is True
    assert metrics["gain"]["high"] < 0
