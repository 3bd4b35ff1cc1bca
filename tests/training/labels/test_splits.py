"""Folds: no label from after the cutoff, and none dropped for being a survivor."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.compute.array_types import DAY_US
from features.histories.arrays import References
from training.labels.references import IMMATURE, OPEN, LabelledReferences
from training.labels.splits import grouped_folds, identical_rows, newest_fold, time_folds

UNTIL = 200 * DAY_US


def _labelled(seed: int, n_leads: int, horizon_days: int, ages: int) -> LabelledReferences:
    """Leads created over 200 days, asked about every five days, closing at random."""
    rng = np.random.default_rng(seed)
    created = np.sort(rng.integers(0, 200, n_leads)) * DAY_US
    closed = created + rng.integers(1, 60, n_leads) * DAY_US
    closed[rng.random(n_leads) < 0.2] = OPEN
    lead = np.repeat(np.arange(n_leads), ages)
    as_of = created[lead] + np.tile(np.arange(ages) * 5 * DAY_US, n_leads)
    asked = (as_of < closed[lead]) & (as_of <= UNTIL)
    lead, as_of = lead[asked], as_of[asked]
    order = np.lexsort((lead, as_of))
    lead, as_of = lead[order], as_of[order]
    won = (rng.random(n_leads) < 0.5)[lead] & (closed[lead] != OPEN)
    weight = 1 / np.bincount(lead)[lead]
    references = References(lead.astype(np.int64), as_of)
    return LabelledReferences(
        references, closed[lead], won, weight, horizon_days * DAY_US, UNTIL, True
    )


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    n_leads=st.integers(20, 400),
    horizon_days=st.integers(1, 60),
    ages=st.integers(1, 6),
)
def test_the_train_side_knows_nothing_of_the_test_side(
    seed: int, n_leads: int, horizon_days: int, ages: int
) -> None:
    labelled = _labelled(seed, n_leads, horizon_days, ages)
    folds = time_folds(labelled, UNTIL)
    newest = newest_fold(labelled, UNTIL)
    for fold in [*folds, *([newest] if newest else [])]:
        assert fold.cutoff_us is not None
        known_at = labelled.as_of_us[fold.train] + labelled.horizon_us
        assert (known_at <= fold.cutoff_us).all()
        assert (labelled.as_of_us[fold.test] >= fold.cutoff_us).all()
        assert (labelled.label[fold.test] != IMMATURE).all()
        assert not set(fold.train) & set(fold.test)


def test_leads_that_stay_open_are_not_dropped_from_the_train_side() -> None:
    """Ages span the horizon: dropping test leads dropped references that did not convert, only."""
    labelled = _labelled(1, 3000, 15, 8)
    folds = time_folds(labelled, UNTIL)
    assert folds
    for fold in folds:
        known = labelled.labels_as_of(int(fold.cutoff_us or 0))
        everyone = known[known != IMMATURE]
        assert known[fold.train].mean() == pytest.approx(everyone.mean())


def test_each_reference_is_tested_at_most_once_and_folds_move_forward() -> None:
    labelled = _labelled(0, 2000, 10, 1)
    folds = time_folds(labelled, UNTIL)
    assert len(folds) >= 4
    tested = np.concatenate([fold.test for fold in folds])
    assert len(np.unique(tested)) == len(tested)
    cutoffs = [fold.cutoff_us for fold in folds]
    assert cutoffs == sorted(cutoffs)
    assert [len(fold.train) for fold in folds] == sorted(len(fold.train) for fold in folds)


def test_the_newest_fold_is_the_newest_fifth_of_what_is_mature() -> None:
    labelled = _labelled(0, 2000, 5, 1)
    fold = newest_fold(labelled, UNTIL)
    assert fold is not None
    mature = np.flatnonzero(labelled.mature)
    assert 0.19 < len(fold.test) / len(mature) < 0.21
    assert labelled.as_of_us[fold.test].max() == labelled.as_of_us[mature].max()


def test_references_that_are_not_allowed_stand_on_neither_side() -> None:
    labelled = _labelled(0, 2000, 5, 1)
    allowed = np.arange(len(labelled)) % 3 > 0
    for fold in time_folds(labelled, UNTIL, allowed=allowed):
        assert allowed[fold.train].all()
        assert allowed[fold.test].all()


def test_a_horizon_longer_than_the_history_leaves_no_fold() -> None:
    assert time_folds(_labelled(0, 500, 190, 1), UNTIL) == []
    assert newest_fold(_labelled(0, 500, 190, 1), UNTIL) is None


@given(seed=st.integers(0, 1000), groups=st.integers(5, 50))
@settings(max_examples=30, deadline=None)
def test_a_group_is_never_torn_apart(seed: int, groups: int) -> None:
    rng = np.random.default_rng(seed)
    group = rng.integers(0, groups, 200)
    label = rng.integers(-1, 2, 200).astype(np.int8)
    folds = grouped_folds(group, label, np.random.default_rng(seed))
    for fold in folds:
        assert not set(group[fold.train]) & set(group[fold.test])
        assert (label[fold.test] != IMMATURE).all()
    tested = np.sort(np.concatenate([fold.test for fold in folds]))
    np.testing.assert_array_equal(tested, np.flatnonzero(label != IMMATURE))


def test_grouped_folds_share_out_the_positives() -> None:
    label = np.array([1] * 10 + [0] * 90, np.int8)
    folds = grouped_folds(np.arange(100), label, np.random.default_rng(0))
    assert [int(label[fold.test].sum()) for fold in folds] == [2] * 5


@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_identical_rows_share_a_number(zero: float) -> None:
    matrix = np.array([[1.0, zero], [np.nan, 2.0], [1.0, 0.0], [np.nan, 2.0]])
    assert identical_rows(matrix).tolist() == [0, 1, 0, 1]
