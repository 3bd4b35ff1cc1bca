"""What half of the leads cost: who is halved, and which columns count as history."""

from __future__ import annotations

import numpy as np
import pytest

from features.vectors.spec import Feature, FeatureSpec
from training.calibration.learning_curve import at_step, halved, history_share, missed
from training.candidates.base import ColumnSubset
from training.candidates.linear import LinearCandidate
from training.labels.censoring import TrainingRows
from training.model_selection.cross_validation import CVPlan, PreparedFold

SPEC = FeatureSpec(
    (
        Feature("interactions", "any", "count"),
        Feature("attribute", "lead", "age_days"),
    )
)


def plan_of(units: int, label: np.ndarray) -> CVPlan:
    """Two references of each unit to learn from, in one fold."""
    rows = np.arange(2 * units)
    fold = PreparedFold(TrainingRows(rows, label, np.ones(len(rows))), rows[:1])
    return CVPlan((fold,), by_time=True, unit=np.repeat(np.arange(units), 2))


def test_a_lead_is_on_one_side_and_both_halves_make_the_whole() -> None:
    label = np.tile([0, 1], 100).astype(np.int8)
    halves = halved(plan_of(100, label), np.random.default_rng(0))
    assert halves is not None
    one, other = (set(half.folds[0].train.rows.tolist()) for half in halves)
    assert len(one) == len(other) == 100
    assert not one & other
    assert {row // 2 for row in one}.isdisjoint(row // 2 for row in other)


def test_many_rows_are_halved_once() -> None:
    label = np.tile([0, 1], 10_001).astype(np.int8)
    halves = halved(plan_of(10_001, label), np.random.default_rng(0))
    assert halves is not None
    assert len(halves) == 1


def test_half_with_one_class_only_says_nothing() -> None:
    label = np.zeros(200, np.int8)
    label[0] = 1
    assert halved(plan_of(100, label), np.random.default_rng(0)) is None


def test_history_is_the_share_of_columns_of_interactions() -> None:
    rng = np.random.default_rng(0)
    contributions = rng.normal(size=(5_000, 2)) * [3.0, 1.0]
    assert abs(history_share(SPEC, contributions) - 0.9) < 0.02
    assert history_share(SPEC, contributions * [0.0, 1.0]) == 0.0


@pytest.mark.parametrize(
    ("bent", "history", "times"),
    [
        (0.0, 1.0, 1.0),  # straight lines do as well, so histories hide nothing
        (0.004, 0.0, 1.4),
        (0.4, 0.0, 1.4),  # no more than at what half of the leads cost
        (0.002, 0.0, 1.2),
        (0.004, 0.25, 2.9),
    ],
)
def test_more_is_missed_where_no_straight_line_follows(
    bent: float, history: float, times: float
) -> None:
    assert missed(0.004, bent, history) == pytest.approx(1.25 * 0.004 * times)


def test_a_candidate_is_fitted_at_its_chosen_step_alone() -> None:
    assert at_step(LinearCandidate(), 0.1).hyperparameter_grid == (0.1,)
    narrow = at_step(ColumnSubset(LinearCandidate(), 3), 0.1)
    assert isinstance(narrow, ColumnSubset)
    assert (narrow.width, narrow.hyperparameter_grid) == (3, (0.1,))
