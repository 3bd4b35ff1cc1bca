"""A recipe chosen on whole leads by hash, and fitted on everything."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from commands.train import warn_of_small_sample
from features.dataset import Dataset
from scoring.release.contents import release_files
from training.config import TrainingConfig
from training.labels.training_data import TrainingData, load_training_data
from training.model_selection import choice_sample as module
from training.model_selection.choice_sample import choice_sample, leads_to_choose_on
from training.train import TrainedModel, train

MadeUp = Callable[..., Dataset]
QUICK = TrainingConfig(time_budget_s=0.0)


@pytest.fixture
def data(made_up_dataset: MadeUp) -> TrainingData:
    return load_training_data(made_up_dataset(n=400))


def _ids(data: TrainingData, leads: int) -> set[str]:
    sample = choice_sample(data, leads)
    assert sample is not None
    assert sample.leads == leads
    return set(sample.data.histories.lead_ids.tolist())


def test_a_larger_sample_holds_every_smaller_one(data: TrainingData) -> None:
    assert _ids(data, 50) < _ids(data, 100) < _ids(data, 399)


def test_the_order_of_the_leads_does_not_decide_who_is_in(made_up_dataset: MadeUp) -> None:
    dataset = made_up_dataset(n=400)
    turned = replace(dataset, leads=dataset.leads.iloc[::-1].reset_index(drop=True))
    one, two = (_ids(load_training_data(d), 80) for d in (dataset, turned))
    assert one == two


def test_a_sampled_lead_keeps_all_its_references_in_order(data: TrainingData) -> None:
    sample = choice_sample(data, 60)
    assert sample is not None
    whole, part = data.labelled, sample.data.labelled
    names = data.histories.lead_ids[whole.lead[sample.rows]]
    assert names.tolist() == sample.data.histories.lead_ids[part.lead].tolist()
    assert whole.as_of_us[sample.rows].tolist() == part.as_of_us.tolist()
    assert np.isin(data.histories.lead_ids[whole.lead], names).sum() == len(part)


def test_an_account_is_in_the_sample_whole_or_not_at_all(data: TrainingData) -> None:
    account = data.labelled.lead // 10 * 10
    joined = replace(data, labelled=replace(data.labelled, account=account))
    sample = choice_sample(joined, 45)
    assert sample is not None
    chosen = np.unique(account[sample.rows])
    assert np.isin(account, chosen).sum() == len(sample.rows)
    assert sample.leads == 50  # five accounts of ten


@pytest.mark.parametrize("leads", [0, 400, 500, None])
def test_no_sample_is_taken_where_all_leads_are_wanted_or_few(
    data: TrainingData, leads: int | None
) -> None:
    assert choice_sample(data, leads) is None


def test_rare_conversions_need_more_leads(
    data: TrainingData, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REFERENCES_TO_CHOOSE", 1)
    often = leads_to_choose_on(data.labelled)
    rare = replace(data.labelled, converted=data.labelled.converted & (data.labelled.lead % 8 == 0))
    assert leads_to_choose_on(rare) > 1.3 * often


@pytest.fixture
def sampled(made_up_dataset: MadeUp) -> tuple[Dataset, TrainedModel]:
    dataset = made_up_dataset(n=600)
    return dataset, train(dataset, replace(QUICK, choose_on=300))


def test_the_release_says_what_it_was_chosen_on_and_is_fitted_on_everything(
    sampled: tuple[Dataset, TrainedModel],
) -> None:
    _, trained = sampled
    told = trained.contents.metrics["choice"]["sample"]
    assert (told["leads"], told["of_leads"]) == (300, 600)
    assert told["words"].startswith("300 of 600 leads; it is fitted on all of them. One recipe's")
    assert 0 < told["standard_error"] < 0.1
    fitted, labelled = trained.fitted, trained.data.labelled
    assert fitted.references == labelled.mature.sum()
    assert fitted.sample is not None
    assert np.isin(fitted.out_of_fold.rows, fitted.sample.rows).all()
    np.testing.assert_array_equal(fitted.out_of_fold.label, labelled.label[fitted.out_of_fold.rows])


def test_a_sample_too_small_to_tell_recipes_apart_is_warned_of(
    sampled: tuple[Dataset, TrainedModel], capsys: pytest.CaptureFixture[str]
) -> None:
    warn_of_small_sample(sampled[1])
    assert "chosen on 300 leads; it takes 600 to tell" in capsys.readouterr().err


def test_a_sampled_training_is_the_same_every_time_and_nearly_as_good(
    sampled: tuple[Dataset, TrainedModel],
) -> None:
    dataset, trained = sampled
    again = train(dataset, replace(QUICK, choose_on=300, jobs=1))
    assert release_files(again.contents) == release_files(trained.contents)
    whole = train(dataset, replace(QUICK, choose_on=0)).contents.metrics
    assert "sample" not in whole["choice"]
    assert trained.contents.metrics["log_loss"]["value"] < whole["log_loss"]["high"]
