"""Scores that somebody else made: as of their own past, on the same leads, never learned from."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from features.dataset import Dataset
from features.errors import UsageError
from scoring.model.log_odds import logit, sigmoid
from scoring.scorecard.scorecard import default_scorecard
from training.backtest import BacktestResult
from training.comparison.compare import CostBenefit
from training.comparison.given import check_given, values_as_of
from training.comparison.run import ComparisonConfig, ComparisonResult, compare_backtest
from training.labels.splits import newest_fold
from training.labels.training_data import TrainingData, load_training_data

N = 600
START = pd.Timestamp("2026-01-01", tz="UTC")


@pytest.fixture(scope="module")
def made() -> tuple[Dataset, TrainingData, BacktestResult]:
    """Leads that convert with a known chance; several people's scores of it, and a backtest."""
    rng = np.random.default_rng(0)
    z = rng.normal(-1, 1.5, N)
    won = rng.random(N) < sigmoid(z)
    created = START + pd.to_timedelta(np.arange(N), unit="h")
    closed = created + pd.Timedelta(hours=12)
    ids = [f"L{i:03}" for i in range(N)]
    answers = pd.DataFrame(
        {
            "lead_id": [*ids, *ids],
            "answered_at": [*(created - pd.Timedelta(hours=1)), *(closed + pd.Timedelta(hours=1))],
            "attribute": "vendor",
            "value": [*sigmoid(z).round(6), *won.astype(float)],
        }
    )
    grade = np.array(["D", "C", "B", "A"], object)[np.digitize(z, [-2, -1, 1])]
    dataset = Dataset.from_frames(
        leads=pd.DataFrame(
            {
                "lead_id": ids, "created_at": created, "points": (10 * z).round(), "grade": grade,
                "late": np.where(won, 99.0, np.where(rng.random(N) < 0.5, np.nan, 1.0)),
                "colour": rng.choice(["red", "blue"], N),
            }
        ),
        outcomes=pd.DataFrame(
            {"lead_id": ids, "outcome": np.where(won, "converted", "lost"), "occurred_at": closed}
        ),
        answers=answers,
        horizon_days=2,
        observed_until=(closed[-1] + pd.Timedelta(days=3)).to_pydatetime(),
        attributes={
            "vendor": {"type": "number"},
            "grade": {"type": "category", "levels": ["D", "C", "B", "A"]},
        },
    )  # fmt: skip
    data = load_training_data(dataset, ["vendor", "late", "points", "grade"])
    fold = newest_fold(data.labelled, data.labelled.observed_until_us, share=0.6)
    assert fold is not None
    rows = fold.test
    noisy = sigmoid(z[data.labelled.lead[rows]] + rng.normal(0, 8, len(rows)))
    result = BacktestResult(
        rows, data.labelled.label[rows], data.labelled.weight[rows], data.labelled.lead[rows],
        data.labelled.as_of_us[rows], noisy, np.full(len(rows), 0.3), fold.cutoff_us, "noisy",
    )  # fmt: skip
    return dataset, data, result


@pytest.fixture(scope="module")
def judged(made: tuple[Dataset, TrainingData, BacktestResult]) -> ComparisonResult:
    config = ComparisonConfig(
        given=("vendor", "late", "points", "grade"), cost_benefit=CostBenefit(900.0, 15.0)
    )
    dataset, data, result = made
    return compare_backtest(dataset, data, result, default_scorecard(), config)


def verdict_of(judged: ComparisonResult, name: str) -> dict[str, object]:
    return {one["name"]: one for one in judged.comparison.sections["given"]}[name]


def test_a_score_is_taken_as_of_its_own_past(
    made: tuple[Dataset, TrainingData, BacktestResult], judged: ComparisonResult
) -> None:
    """The vendor overwrites its score with the outcome an hour after; that is never seen."""
    _, data, result = made
    values = values_as_of(data, result.rows, "vendor")
    assert ((values > 0) & (values < 1)).all()
    assert judged.score_of("given:vendor").auc.value < 0.95
    assert verdict_of(judged, "vendor")["has_moments"] is True


def test_the_report_answers_for_each(judged: ComparisonResult) -> None:
    page = judged.to_html()
    assert "Scores that others made" in page
    assert "With vendor the team would have called better" in page
    assert "late has no moments" in page


def test_a_better_score_would_have_called_better(judged: ComparisonResult) -> None:
    vendor = verdict_of(judged, "vendor")
    assert vendor["better"] is True
    assert str(vendor["answer"]).startswith("With vendor the team would have called better")
    assert "Per 100 leads vendor earns" in str(vendor["money"])
    row = judged.score_of("given:vendor")
    assert row.log_loss_difference is not None
    assert row.log_loss_difference.high < 0  # beyond chance better than the noisy learned score


def test_a_score_at_its_word(judged: ComparisonResult) -> None:
    raw = verdict_of(judged, "vendor")["raw"]
    assert isinstance(raw, dict)
    assert raw["reading"] == "a probability"
    assert raw["mean"] == pytest.approx(raw["rate"]["value"], abs=0.06)
    assert raw["log_loss"]["low"] < raw["log_loss"]["value"] < raw["log_loss"]["high"]
    assert verdict_of(judged, "points")["raw"] is None  # below 0: on no scale of probabilities


def test_a_column_without_moments_may_be_from_the_future(judged: ComparisonResult) -> None:
    late = verdict_of(judged, "late")
    assert late["has_moments"] is False
    notes = late["notes"]
    assert isinstance(notes, tuple)
    assert "may have been written after the outcome" in notes[0]
    assert "ranked in the middle" in notes[1]
    assert verdict_of(judged, "vendor")["notes"] == ()


def test_ordered_words_are_a_score_and_others_are_not(
    made: tuple[Dataset, TrainingData, BacktestResult], judged: ComparisonResult
) -> None:
    assert judged.score_of("given:grade").auc.value > 0.65
    dataset = made[0]
    with pytest.raises(UsageError, match="words without an order"):
        check_given(dataset.settings, ["colour"])
    with pytest.raises(UsageError, match="no such attribute; there are: colour, grade"):
        check_given(dataset.settings, ["einstein"])


def test_log_odds_of_a_score_are_the_same_score(judged: ComparisonResult) -> None:
    """Points are ten times the truth's log-odds: calibrated alike they are as good."""
    points, vendor = judged.score_of("given:points"), judged.score_of("given:vendor")
    assert points.auc.value == pytest.approx(vendor.auc.value, abs=0.005)
    assert float(logit(np.array(0.5))) == 0
