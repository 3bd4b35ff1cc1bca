"""Immature leads: who teaches what under each treatment, and which treatment is unbiased."""

from __future__ import annotations

import numpy as np
import pytest

from features.compute.array_types import DAY_US
from features.histories.arrays import References
from training.labels.censoring import CensoringTreatment, training_rows, treatment_at
from training.labels.references import OPEN, LabelledReferences

CUTOFF = 100 * DAY_US
HORIZON_DAYS = 30


def _drawn(rows: list[tuple[int, float, bool]]) -> LabelledReferences:
    """(day asked, day closed or infinity, converted)."""
    as_of = np.array([row[0] * DAY_US for row in rows], np.int64)
    closed = np.array([OPEN if np.isinf(r[1]) else int(r[1] * DAY_US) for r in rows], np.int64)
    won = np.array([row[2] for row in rows])
    lead = np.arange(len(rows), dtype=np.int64)
    return LabelledReferences(
        References(lead, as_of), closed, won, np.ones(len(rows)), HORIZON_DAYS * DAY_US,
        CUTOFF, True,
    )  # fmt: skip


FOREVER = float("inf")
ROWS = [
    (50, 60, True),  # 0 mature, won in time
    (50, 95, True),  # 1 mature, won too late
    (50, FOREVER, False),  # 2 mature, still open
    (90, 95, True),  # 3 young, already won
    (90, 95, False),  # 4 young, already lost
    (90, FOREVER, False),  # 5 young, open
    (90, 105, True),  # 6 young, will be won after the cutoff: nobody may know
    (110, 115, True),  # 7 asked after the cutoff
]


@pytest.mark.parametrize(
    ("treatment", "expected"),
    [
        (CensoringTreatment.MATURE, {0: 1, 1: 0, 2: 0}),
        (CensoringTreatment.CLOSED, {0: 1, 1: 1, 3: 1, 4: 0}),
        (CensoringTreatment.NEGATIVE, {0: 1, 1: 0, 2: 0, 3: 1, 4: 0, 5: 0, 6: 0}),
        (CensoringTreatment.WEIGHTED, {0: 1, 1: 0, 2: 0, 3: 1, 4: 0}),
        (CensoringTreatment.ADAPTIVE, {0: 1, 1: 0, 2: 0, 3: 1, 4: 0}),
    ],
)
def test_who_teaches_what(treatment: CensoringTreatment, expected: dict[int, int]) -> None:
    labelled = _drawn(ROWS)
    learned = training_rows(labelled, np.ones(len(labelled), bool), CUTOFF, treatment)
    assert dict(zip(learned.rows.tolist(), learned.label.tolist(), strict=True)) == expected


@pytest.mark.parametrize("treatment", list(CensoringTreatment))
def test_nothing_after_the_cutoff_changes_the_training_rows(treatment: CensoringTreatment) -> None:
    labelled = _drawn(ROWS)
    other = _drawn([*ROWS[:5], (90, 101, False), (90, FOREVER, False), (120, 130, False)])
    everyone = np.ones(len(labelled), bool)
    one, two = (training_rows(d, everyone, CUTOFF, treatment) for d in (labelled, other))
    np.testing.assert_array_equal(one.rows, two.rows)
    np.testing.assert_array_equal(one.label, two.label)
    np.testing.assert_array_equal(one.weight, two.weight)


def test_leads_that_are_not_allowed_teach_nothing() -> None:
    labelled = _drawn(ROWS)
    allowed = np.arange(len(labelled)) > 2
    for treatment in CensoringTreatment:
        assert (training_rows(labelled, allowed, CUTOFF, treatment).rows > 2).all()


def test_weights_stand_for_everyone_who_was_asked() -> None:
    labelled = _drawn(ROWS)
    learned = training_rows(
        labelled, np.ones(len(labelled), bool), CUTOFF, CensoringTreatment.WEIGHTED
    )
    assert learned.weight.sum() == pytest.approx(7.0)  # all but the one asked after the cutoff
    weight = dict(zip(learned.rows.tolist(), learned.weight.tolist(), strict=True))
    assert weight[2] > weight[3]  # few had thirty days to stay open, all had five to close


def test_censoring_weights_find_the_rate_where_the_baselines_do_not() -> None:
    """A third converts within the horizon, slowly; the lost close at once."""
    rng = np.random.default_rng(0)
    n = 40_000
    asked = rng.uniform(0, 100, n)
    won = rng.random(n) < 1 / 3
    took = np.where(won, rng.uniform(5, 30, n), rng.uniform(0, 3, n))
    labelled = LabelledReferences(
        References(np.arange(n), (asked * DAY_US).astype(np.int64)),
        ((asked + took) * DAY_US).astype(np.int64),
        won,
        np.ones(n),
        HORIZON_DAYS * DAY_US,
        CUTOFF,
        True,
    )
    rate = {}
    for treatment in CensoringTreatment:
        learned = training_rows(labelled, np.ones(n, bool), CUTOFF, treatment)
        rate[treatment] = np.average(learned.label, weights=learned.weight)
    assert rate[CensoringTreatment.MATURE] == pytest.approx(1 / 3, abs=0.01)
    assert rate[CensoringTreatment.WEIGHTED] == pytest.approx(1 / 3, abs=0.01)
    assert rate[CensoringTreatment.CLOSED] < 0.31
    assert rate[CensoringTreatment.NEGATIVE] < 0.29


def test_few_immature_references_are_waited_for() -> None:
    """Of 100 mature references and m young ones that closed, m teach from 5 in 100 on."""
    for young, taught in ((4, 0), (40, 40)):
        labelled = _drawn([(50, 60, True)] * 100 + [(90, 95, True)] * young)
        everyone = np.ones(len(labelled), bool)
        learned = training_rows(labelled, everyone, CUTOFF, CensoringTreatment.ADAPTIVE)
        assert len(learned.rows) == 100 + taught
        expected = CensoringTreatment.WEIGHTED if taught else CensoringTreatment.MATURE
        assert treatment_at(labelled, CUTOFF, CensoringTreatment.ADAPTIVE) is expected
        assert (
            treatment_at(labelled, CUTOFF, CensoringTreatment.CLOSED) is CensoringTreatment.CLOSED
        )
