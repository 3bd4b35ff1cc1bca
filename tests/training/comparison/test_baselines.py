"""The field's other ways to rank leads, made from the past alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from features.dataset import Dataset
from training.comparison.baselines import newest_first, odoo_scores, percentile_tiers
from training.labels.splits import Fold, time_fold
from training.labels.training_data import load_training_data

DAY_US = 86_400_000_000
LEADS = """
lead_id created_at           country staff
A       2026-01-01T00:00:00Z fr      10
B       2026-01-02T00:00:00Z fr      20
C       2026-01-03T00:00:00Z de      30
D       2026-01-04T00:00:00Z de      40
E       2026-02-20T00:00:00Z fr      10
F       2026-02-21T00:00:00Z de      40
G       2026-02-22T00:00:00Z se      25
"""
OUTCOMES = """
lead_id outcome   occurred_at
A       converted 2026-01-10T00:00:00Z
B       converted 2026-01-10T00:00:00Z
C       lost      2026-01-10T00:00:00Z
D       lost      2026-01-10T00:00:00Z
E       converted 2026-02-25T00:00:00Z
F       lost      2026-02-25T00:00:00Z
"""
READ = {"observed_until": "2026-06-01T00:00:00Z", "horizon_days": 10}


def test_tiers_are_fifths_of_the_training_scores() -> None:
    training = np.arange(100.0)
    tiers = percentile_tiers(np.array([-1.0, 10, 30, 50, 70, 90, 500]), np.ones(100), training)
    assert tiers.tolist() == [0, 0, 1, 2, 3, 4, 4]
    heavy = percentile_tiers(np.array([50.0]), np.where(training < 10, 100.0, 1.0), training)
    assert heavy.tolist() == [4]  # by weight, most leads lie below 10


def test_newest_first_ranks_by_age(small_dataset: Callable[..., Dataset]) -> None:
    source = load_training_data(small_dataset(LEADS, OUTCOMES, **READ, reference_ages_days=[0, 3]))
    rows = np.arange(len(source.labelled))
    ages = newest_first(source, rows)
    created = source.histories.created_at_us[source.labelled.lead]
    assert ages.tolist() == (-(source.labelled.as_of_us - created) / DAY_US).tolist()
    assert set(ages.tolist()) == {0.0, -3.0}


def scored(source: object, fold: Fold) -> dict[str, float]:
    found = odoo_scores(source, fold, source.labelled.observed_until_us)  # type: ignore[arg-type, attr-defined]
    ids = source.histories.lead_ids[source.labelled.lead[fold.test]]  # type: ignore[attr-defined]
    return dict(zip(ids.tolist(), found.tolist(), strict=True))


def test_odoo_learns_from_what_was_closed_at_the_cutoff(
    small_dataset: Callable[..., Dataset],
) -> None:
    source = load_training_data(small_dataset(LEADS, OUTCOMES, **READ, reference_ages_days=[0]))
    test = np.flatnonzero(source.labelled.lead >= 4)
    cutoff = int(source.labelled.as_of_us[test].min())
    found = scored(source, time_fold(source.labelled, test, cutoff))
    # country: fr (2.1 won, 0.1 lost), de (0.1, 2.1); two of each closed
    prior = 2.1 / 4.2
    won, lost = prior * 2.1 / 2.2, (1 - prior) * 0.1 / 2.2
    assert found["E"] > 100 * won / (won + lost) - 10
    assert found["E"] > 50 > found["F"]
    assert found["G"] == pytest.approx(50.0)  # neither se nor its decile was seen
    future = OUTCOMES.replace("E       converted", "E       lost     ")
    turned = load_training_data(small_dataset(LEADS, future, **READ, reference_ages_days=[0]))
    assert scored(turned, time_fold(turned.labelled, test, cutoff)) == found


def test_odoo_without_closed_leads_says_nothing(small_dataset: Callable[..., Dataset]) -> None:
    source = load_training_data(small_dataset(LEADS, OUTCOMES, **READ, reference_ages_days=[0]))
    rows = np.arange(len(source.labelled))
    assert set(scored(source, Fold(rows[:0], rows, 0)).values()) == {0.0}
