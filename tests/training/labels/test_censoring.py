"""Immature leads: who teaches what under each treatment, and which treatment is unbiased."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from features.compute.array_types import DAY_US
from features.histories.arrays import References
from training.labels.censoring import (
    CensoringTreatment,
    TrainingRows,
    expected_training_rows,
    training_rows,
    treatment_at,
)
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
        (CensoringTreatment.EXPECTED, {0: 1, 1: 0, 2: 0}),
        (CensoringTreatment.ADAPTIVE, {0: 1, 1: 0, 2: 0}),
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
    """Of 100 mature references and m young ones, m teach from 15 in 100 on."""
    adaptive = CensoringTreatment.ADAPTIVE
    for young, expected in ((15, CensoringTreatment.MATURE), (40, CensoringTreatment.EXPECTED)):
        mature = [(50, 60, True)] * 50 + [(50, FOREVER, False)] * 50
        labelled = _drawn([*mature, *[(90, 95, True)] * young])
        assert treatment_at(labelled, CUTOFF, adaptive) is expected
        assert treatment_at(labelled, CUTOFF, CensoringTreatment.CLOSED).value == "closed_only"
    few = _drawn([(50, 60, True)] * 24 + [(50, FOREVER, False)] * 24 + [(90, FOREVER, False)] * 48)
    assert treatment_at(few, CUTOFF, adaptive) is CensoringTreatment.MATURE


def _stream(seed: int = 0, n: int = 20_000) -> tuple[LabelledReferences, NDArray[np.bool_]]:
    """A quarter converts within the horizon of 30 days, at any day of it; nothing is ever lost.

    A source opens on day 80 of 100 and converts as any other. Returns (references, from it).
    """
    rng = np.random.default_rng(seed)
    asked = np.sort(rng.uniform(0, 100, n))
    won = rng.random(n) < 0.25
    closed = np.where(won, asked + rng.uniform(0, 30, n), np.inf)
    late = (asked > 80) & (rng.random(n) < 0.5)
    rows = list(zip(asked.tolist(), closed.tolist(), won.tolist(), strict=True))
    return _drawn([(day, float(end), ended) for day, end, ended in rows]), late


def _rate(learned: TrainingRows, of: NDArray[np.bool_]) -> float:
    mine = of[learned.rows]
    return float(np.average(learned.label[mine], weights=learned.weight[mine]))


def test_a_source_that_opened_late_is_not_seen_through_its_winners() -> None:
    labelled, late = _stream()
    everyone = np.ones(len(labelled), bool)
    weighted = training_rows(labelled, everyone, CUTOFF, CensoringTreatment.WEIGHTED)
    assert _rate(weighted, late) == 1.0  # only those that converted are there
    age = np.zeros(len(labelled), np.int64)
    expected = expected_training_rows(labelled, everyone, CUTOFF, age, np.full(len(labelled), 0.25))
    assert _rate(expected, late) == pytest.approx(0.25, abs=0.02)
    assert _rate(expected, ~late) == pytest.approx(0.25, abs=0.01)


def test_days_without_a_conversion_teach_too() -> None:
    """The late source hardly converts: its silence lowers what is expected of it."""
    labelled, late = _stream()
    rng = np.random.default_rng(1)
    closed = np.where(late & (rng.random(len(late)) < 0.9), OPEN, labelled.closed_us)
    poor = replace(labelled, closed_us=closed, converted=labelled.converted & (closed != OPEN))
    everyone, age = np.ones(len(labelled), bool), np.zeros(len(labelled), np.int64)
    chance = np.full(len(labelled), 0.25)
    learned = expected_training_rows(poor, everyone, CUTOFF, age, chance)
    assert _rate(learned, late) < 0.21


def test_an_expected_label_weighs_as_much_as_a_known_one() -> None:
    labelled, _ = _stream(n=2000)
    age = np.zeros(len(labelled), np.int64)
    everyone, chance = np.ones(len(labelled), bool), np.full(len(labelled), 0.25)
    learned = expected_training_rows(labelled, everyone, CUTOFF, age, chance)
    total = np.bincount(learned.rows, learned.weight, len(labelled))
    np.testing.assert_allclose(total, 1.0)


def test_expected_labels_know_nothing_after_the_cutoff() -> None:
    labelled, _ = _stream(n=2000)
    later = labelled.closed_us > CUTOFF
    other = replace(
        labelled,
        closed_us=np.where(later, OPEN, labelled.closed_us),
        converted=labelled.converted & ~later,
    )
    everyone, age = np.ones(len(labelled), bool), np.zeros(len(labelled), np.int64)
    chance = np.full(len(labelled), 0.25)
    one, two = (expected_training_rows(d, everyone, CUTOFF, age, chance) for d in (labelled, other))
    np.testing.assert_array_equal(one.rows, two.rows)
    np.testing.assert_array_equal(one.label, two.label)
    np.testing.assert_array_equal(one.weight, two.weight)


def test_an_age_of_which_nothing_is_mature_is_left_out() -> None:
    labelled, _ = _stream(n=2000)
    young = labelled.as_of_us > CUTOFF - HORIZON_DAYS * DAY_US
    everyone, chance = np.ones(len(labelled), bool), np.full(len(labelled), 0.25)
    learned = expected_training_rows(labelled, everyone, CUTOFF, young.astype(np.int64), chance)
    # nor those of it that closed: they are its winners
    assert not young[learned.rows].any()
