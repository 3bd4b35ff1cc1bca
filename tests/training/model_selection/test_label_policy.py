"""What is learned from at a moment, and the check of expected labels on what matured later."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from features.compute.array_types import DAY_US
from features.histories.arrays import References
from training.labels.censoring import CensoringTreatment
from training.labels.references import IMMATURE, OPEN, LabelledReferences
from training.model_selection.cross_validation import prepare_folds
from training.model_selection.label_policy import LabelPolicy, rows_of_everything

HORIZON_DAYS, UNTIL_DAYS = 20, 100


def _policy(
    seed: int = 0, n: int = 4000, late_from: float = np.inf, treatment: str = "expected_labels"
) -> LabelPolicy:
    """Leads of one column that decides (30 % or 10 % convert), in the first days of the horizon;
    those asked from day ``late_from`` on convert as often, in its last days."""
    rng = np.random.default_rng(seed)
    asked = np.sort(rng.uniform(0, UNTIL_DAYS, n))
    good = rng.random(n) < 0.5
    won = rng.random(n) < np.where(good, 0.3, 0.1)
    took = np.where(asked >= late_from, rng.uniform(15, 20, n), rng.uniform(0, 4, n))
    as_of = (asked * DAY_US).astype(np.int64)
    closed = np.where(won, ((asked + took) * DAY_US).astype(np.int64), OPEN)
    labelled = LabelledReferences(
        References(np.arange(n), as_of), closed, won, np.ones(n), HORIZON_DAYS * DAY_US,
        UNTIL_DAYS * DAY_US, True,
    )  # fmt: skip
    matrix = np.column_stack([good.astype(np.float64), rng.normal(size=n)])
    age = np.zeros(n, np.int64)
    return LabelPolicy(labelled, matrix, age, CensoringTreatment(treatment), seed)


def _everyone(policy: LabelPolicy) -> np.ndarray:
    return np.ones(len(policy.labelled), bool)


def test_young_references_teach_and_the_rate_stays() -> None:
    policy = _policy()
    learned = policy.rows_at(_everyone(policy), UNTIL_DAYS * DAY_US)
    young = policy.labelled.label[learned.rows] == IMMATURE
    assert young.sum() > 500
    rate = np.average(learned.label, weights=learned.weight)
    assert abs(rate - 0.2) < 0.02
    good = policy.matrix[learned.rows, 0] == 1
    for chosen, truth in ((good & young, 0.3), (~good & young, 0.1)):
        found = np.average(learned.label[chosen], weights=learned.weight[chosen])
        assert abs(found - truth) < 0.04


def test_a_sample_expects_the_labels_of_all() -> None:
    whole = _policy()
    half = np.flatnonzero(np.arange(len(whole.labelled)) % 2 == 0)
    sample = replace(
        whole,
        labelled=whole.labelled.take(half),
        matrix=whole.matrix[half],
        age_us=whole.age_us[half],
    )
    until, everyone = UNTIL_DAYS * DAY_US, _everyone(whole)
    learned = rows_of_everything(
        sample, _everyone(sample), whole.labelled, everyone, whole.age_us, until,
        lambda rows: whole.matrix[rows],
    )  # fmt: skip
    expected = whole.rows_at(everyone, until)
    np.testing.assert_array_equal(learned.rows, expected.rows)
    np.testing.assert_array_equal(learned.label, expected.label)
    np.testing.assert_allclose(learned.weight, expected.weight, atol=0.05)
    waits = replace(sample, treatment=CensoringTreatment.MATURE)
    learned = rows_of_everything(
        waits, _everyone(sample), whole.labelled, everyone, whole.age_us, until,
        lambda rows: whole.matrix[rows],
    )  # fmt: skip
    assert (whole.labelled.label[learned.rows] != IMMATURE).all()


def test_a_check_that_passes_says_what_it_found() -> None:
    policy = _policy(seed=1)
    checked = policy.checked(_everyone(policy), UNTIL_DAYS * DAY_US)
    assert checked.treatment is CensoringTreatment.EXPECTED
    assert checked.check is not None
    assert checked.check.references > 300
    assert abs(checked.check.expected_labels - checked.check.mature_only) < 0.02


def test_expected_labels_are_given_up_where_they_misled() -> None:
    """From day 60 on conversions come late: silence in the first days does not mean no."""
    policy = _policy(late_from=60)
    checked = policy.checked(_everyone(policy), UNTIL_DAYS * DAY_US)
    assert checked.check is not None
    assert checked.check.expected_labels > checked.check.mature_only
    assert checked.treatment is CensoringTreatment.MATURE
    learned = checked.rows_at(_everyone(policy), UNTIL_DAYS * DAY_US)
    assert (policy.labelled.label[learned.rows] != IMMATURE).all()


def test_a_history_that_is_too_short_is_not_checked() -> None:
    policy = _policy()
    moment = (HORIZON_DAYS + 10) * DAY_US
    checked = policy.checked(_everyone(policy), moment)
    assert checked.check is None
    assert checked.treatment is CensoringTreatment.EXPECTED


def test_other_treatments_are_not_checked() -> None:
    policy = _policy(treatment="mature_only")
    assert policy.checked(_everyone(policy), UNTIL_DAYS * DAY_US) is policy


def test_a_number_that_grows_with_the_calendar_is_not_extrapolated() -> None:
    policy = _policy()
    days = policy.labelled.as_of_us / DAY_US
    policy.matrix[:, 1] = days
    inside = policy._within(
        LabelPolicy(
            policy.labelled, policy.matrix, policy.age_us, CensoringTreatment.MATURE, 0
        ).rows_at(_everyone(policy), UNTIL_DAYS * DAY_US)
    )
    assert inside[:, 1].max() <= UNTIL_DAYS - HORIZON_DAYS


def test_small_sets_are_chosen_on_grouped_folds_and_large_ones_in_time() -> None:
    for n, by_time in ((900, False), (4000, True)):
        policy = _policy(n=n, treatment="mature_only")
        plan = prepare_folds(
            policy.labelled, policy.matrix, _everyone(policy), UNTIL_DAYS * DAY_US,
            policy.rows_at, np.random.default_rng(0),
        )  # fmt: skip
        assert plan.by_time is by_time
        for fold in plan.folds:
            assert not set(fold.test) & set(fold.train.rows)
            if not by_time:  # no lead on both sides, and most of them to learn from
                assert len(fold.train.rows) > 3 * len(fold.test)
