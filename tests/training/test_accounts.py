"""Leads of one account: never on both sides of a grouped fold, and counted once in errors."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from features.compute.array_types import Bools
from features.dataset import Dataset
from training.backtest import BacktestResult
from training.comparison.test_set import EvaluationSet, bootstrap_weights
from training.config import TrainingConfig
from training.labels.censoring import CensoringTreatment, TrainingRows, training_rows
from training.labels.splits import joined_units
from training.labels.training_data import TrainingData, load_training_data
from training.model_selection.cross_validation import prepare_folds

LEADS_PER_ACCOUNT = 5


@pytest.fixture(scope="module")
def data() -> TrainingData:
    """Sixty accounts of five leads each, which convert together, and sixty leads of none."""
    n = 360
    rng = np.random.default_rng(0)
    account = np.array([f"A{i // LEADS_PER_ACCOUNT}" for i in range(300)] + [None] * 60, object)
    won = np.append(np.repeat(rng.random(60) < 0.4, LEADS_PER_ACCOUNT), rng.random(60) < 0.4)
    order = rng.permutation(n)
    days = pd.date_range("2026-01-01", periods=n, freq="6h", tz="UTC")
    ids = np.array([f"L{i}" for i in range(n)], object)
    outcome = np.where(won[order], "converted", "lost")
    dataset = Dataset.from_frames(
        leads={"lead_id": ids, "created_at": days, "account_id": account[order]},
        outcomes={"lead_id": ids, "outcome": outcome, "occurred_at": days + pd.Timedelta(1, "D")},
        horizon_days=2,
    )
    return load_training_data(dataset)


def test_an_account_is_on_one_side_of_every_grouped_fold(data: TrainingData) -> None:
    labelled, everything = data.labelled, np.ones(len(data.labelled), bool)

    def rows_at(allowed: Bools, cutoff_us: int) -> TrainingRows:
        return training_rows(labelled, allowed, cutoff_us, CensoringTreatment.MATURE)

    matrix = np.arange(len(labelled), dtype=np.float64)[:, None]
    until = labelled.observed_until_us
    plan = prepare_folds(
        labelled, matrix, everything, until, rows_at, np.random.default_rng(TrainingConfig().seed)
    )
    assert not plan.by_time
    for fold in plan.folds:
        assert not set(labelled.unit[fold.train.rows]) & set(labelled.unit[fold.test])
    assert len(np.unique(plan.unit)) < len(np.unique(labelled.lead))


def test_errors_count_accounts(data: TrainingData) -> None:
    """Five leads with one outcome are one observation: the error is about √5 as large."""
    labelled = data.labelled
    rows = np.flatnonzero(labelled.mature)
    p = np.full(len(rows), 0.4) + 0.1 * np.random.default_rng(0).random(len(rows))

    def width(account: np.ndarray | None) -> float:
        result = BacktestResult(
            rows, labelled.label[rows], labelled.weight[rows], labelled.lead[rows],
            labelled.as_of_us[rows], p, np.full(len(rows), 0.2), None, "linear", account,
        )  # fmt: skip
        gain = result.gain(np.random.default_rng(0))
        return gain.high - gain.low

    assert labelled.account is not None
    assert 1.4 < width(labelled.account[rows]) / width(None) < 2.4


def test_resamples_draw_the_leads_of_an_account_together(data: TrainingData) -> None:
    rows = np.flatnonzero(data.labelled.mature)
    test_set = EvaluationSet.of(data.labelled, rows)
    times = bootstrap_weights(test_set, np.random.default_rng(0), 3)
    assert times.shape == (3, test_set.n_leads)
    by_row = times[:, test_set.member]
    for unit in np.unique(test_set.unit)[:20]:
        assert (np.ptp(by_row[:, test_set.unit == unit], axis=1) == 0).all()


def test_without_time_identical_rows_and_accounts_stay_together() -> None:
    account, identical = np.array([4, 4, 9, 9, 7]), np.array([0, 1, 1, 2, 3])
    assert joined_units(account, identical).tolist() == [0, 0, 0, 0, 1]
    assert joined_units(None, identical) is identical
