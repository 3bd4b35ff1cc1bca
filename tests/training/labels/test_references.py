"""References: asked at created_at + age, labelled only once their horizon has passed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from features.compute.array_types import DAY_US
from features.dataset import Dataset
from features.errors import DataError
from features.histories.build import histories_from_dataset
from training.labels.references import IMMATURE, LabelledReferences, labelled_references

Small = Callable[..., Dataset]

LEADS = """
    lead_id  created_at
    won      2026-01-01T00:00:00Z
    late     2026-01-01T00:00:00Z
    lost     2026-01-01T00:00:00Z
    open     2026-01-01T00:00:00Z
    young    2026-01-25T00:00:00Z
"""
OUTCOMES = """
    lead_id  outcome    occurred_at
    won      converted  2026-01-11T00:00:00Z
    late     converted  2026-01-20T00:00:00Z
    lost     lost       2026-01-03T00:00:00Z
    young    converted  2026-01-27T00:00:00Z
"""


def _labelled(dataset: Dataset) -> LabelledReferences:
    return labelled_references(dataset, histories_from_dataset(dataset))


def _drawn(dataset: Dataset, labelled: LabelledReferences) -> set[tuple[str, int, int]]:
    """(lead, day of January, label) of every reference."""
    day0 = pd.Timestamp("2026-01-01", tz="UTC").value // 1000
    ids = histories_from_dataset(dataset).lead_ids[labelled.lead]
    days = (labelled.as_of_us - day0) // DAY_US + 1
    return set(zip(ids, days.tolist(), labelled.label.tolist(), strict=True))


def _read(small_dataset: Small, **settings: object) -> Dataset:
    settings = {"horizon_days": 10, "reference_ages_days": [0, 5], **settings}
    return small_dataset(LEADS, OUTCOMES, observed_until="2026-02-01T00:00:00Z", **settings)


def test_each_lead_is_asked_about_at_every_age_while_it_is_open(small_dataset: Small) -> None:
    dataset = _read(small_dataset)
    assert _drawn(dataset, _labelled(dataset)) == {
        ("won", 1, 1),  # converts exactly at as_of + horizon: inside
        ("won", 6, 1),
        ("late", 1, 0),  # converts, but after the horizon
        ("late", 6, 0),
        ("lost", 1, 0),  # lost on the 3rd: not asked about on the 6th
        ("open", 1, 0),
        ("open", 6, 0),
        ("young", 25, IMMATURE),  # converted already, yet its horizon ends on February 4
    }


def test_a_lead_is_not_asked_about_at_the_moment_it_closes(small_dataset: Small) -> None:
    dataset = _read(small_dataset, reference_ages_days=[2])  # the moment `lost` is lost
    assert "lost" not in {lead for lead, _, _ in _drawn(dataset, _labelled(dataset))}


def test_nothing_is_known_before_its_horizon_has_passed(small_dataset: Small) -> None:
    labelled = _labelled(_read(small_dataset))
    for cutoff in np.unique(labelled.as_of_us):
        known = labelled.labels_as_of(int(cutoff)) != IMMATURE
        np.testing.assert_array_equal(known, labelled.as_of_us + labelled.horizon_us <= cutoff)


def test_a_mature_reference_keeps_its_label_for_ever(small_dataset: Small) -> None:
    labelled = _labelled(_read(small_dataset))
    early = labelled.labels_as_of(labelled.observed_until_us)
    late = labelled.labels_as_of(labelled.observed_until_us + 100 * DAY_US)
    np.testing.assert_array_equal(late[early != IMMATURE], early[early != IMMATURE])
    assert (late != IMMATURE).all()


def test_a_lead_asked_about_at_every_age_weighs_one(small_dataset: Small) -> None:
    dataset = _read(small_dataset)
    labelled = _labelled(dataset)
    ages = len(dataset.settings.reference_ages_days)
    asked = np.bincount(labelled.lead)
    weight = np.bincount(labelled.lead, weights=labelled.weight)
    assert asked.max() == ages
    np.testing.assert_allclose(weight[asked == ages], 1.0)


def test_a_weight_says_nothing_of_the_outcome(small_dataset: Small) -> None:
    assert len(set(_labelled(_read(small_dataset)).weight)) == 1


def test_references_stand_in_order_of_time(small_dataset: Small) -> None:
    labelled = _labelled(_read(small_dataset))
    assert (np.diff(labelled.as_of_us) >= 0).all()


def test_without_time_every_closed_lead_is_one_reference(small_dataset: Small) -> None:
    dataset = small_dataset(
        "lead_id  size\n a  1\n b  2\n c  3", "lead_id  outcome\n a  converted\n b  lost"
    )
    labelled = _labelled(dataset)
    assert labelled.label.tolist() == [1, 0, IMMATURE]
    assert labelled.weight.tolist() == [1.0, 1.0, 1.0]
    assert not labelled.has_time


def test_days_to_close_is_infinite_while_open(small_dataset: Small) -> None:
    dataset = _read(small_dataset, reference_ages_days=[0])
    labelled = _labelled(dataset)
    ids = histories_from_dataset(dataset).lead_ids[labelled.lead]
    days = dict(zip(ids, labelled.days_to_close().tolist(), strict=True))
    assert days == {"won": 10, "late": 19, "lost": 2, "open": np.inf, "young": 2}


def test_no_reference_at_all_is_an_error_that_names_the_setting(small_dataset: Small) -> None:
    dataset = _read(small_dataset, reference_ages_days=[400])
    with pytest.raises(DataError, match="reference_ages_days"):
        _labelled(dataset)
