"""Labelled references: what became of each, and when that could be known.

A reference is positive if its lead converts in (as_of, as_of + horizon]. It is *mature*
at a moment once as_of + horizon is not after it; before that its label is unknown (``IMMATURE``),
never negative. Leads closed at or before as_of have no reference.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.accounts import account_numbers, accounts_of
from features.compute.array_types import DAY_US, Bools, Float64, Int8, Int64
from features.contract import Outcome
from features.dataset import Dataset
from features.errors import DataError
from features.histories.arrays import NO_TIME, Histories, References


def label_counts(label: Int8) -> tuple[int, int]:
    """(positives, negatives)."""
    return int((label == 1).sum()), int((label == 0).sum())


EPOCH = pd.Timestamp(0, tz="UTC")


OPEN: int = int(np.iinfo(np.int64).max)
"""``closed_us`` of a lead that is still open."""


IMMATURE = -1
"""Label of a reference whose horizon has not been observed."""


@dataclass(frozen=True, slots=True)
class LabelledReferences:
    """References in order of (as_of, lead row), with what became of their leads.

    ``closed_us`` (n): when the lead closed, ``OPEN`` if it has not. ``converted`` (n): it closed
    as converted, however late. ``weight`` (n): 1 / number of reference ages, the same for
    all, so that a lead with a reference at every age counts once. (One over the references that a
    lead *has* would favour leads that closed early, the quick buyers most of all: probabilities
    would be too high.) ``has_time`` false: as_of is 0 for all and a label is
    the lead's outcome, whenever it came. ``account`` (n): number of the lead's account, its own
    row in the histories where it has none; None: no lead has one.
    """

    references: References
    closed_us: Int64
    converted: Bools
    weight: Float64
    horizon_us: int
    observed_until_us: int
    has_time: bool
    account: Int64 | None = None

    def __len__(self) -> int:
        return len(self.references)

    @property
    def lead(self) -> Int64:
        """Row of each reference's lead in the histories."""
        return self.references.lead

    @property
    def unit(self) -> Int64:
        """(n) what is one observation in folds and standard errors: the account, else the lead."""
        return self.lead if self.account is None else self.account

    @property
    def as_of_us(self) -> Int64:
        """Moment of each reference, microseconds since 1970 UTC."""
        return self.references.as_of_us

    @property
    def label(self) -> Int8:
        """1 converted within the horizon, 0 not, ``IMMATURE`` not yet known at observed_until."""
        return self.labels_as_of(self.observed_until_us)

    @property
    def mature(self) -> Bools:
        """Whether the horizon has been observed to its end."""
        mature: Bools = self.label != IMMATURE
        return mature

    def converted_in_horizon(self) -> Bools:
        """Closed as converted in (as_of, as_of + horizon]; meaningless before maturity."""
        if not self.has_time:
            return self.converted
        return self.converted & (self.closed_us - self.horizon_us <= self.as_of_us)

    def labels_as_of(self, cutoff_us: int) -> Int8:
        """Labels as they were known at ``cutoff_us``: only mature ones, others ``IMMATURE``."""
        if not self.has_time:
            known = self.closed_us != OPEN
        else:
            known = self.as_of_us <= cutoff_us - self.horizon_us
        return np.where(known, self.converted_in_horizon(), IMMATURE).astype(np.int8)

    def days_to_close(self) -> Float64:
        """Days from as_of until the lead closed; infinity while it is open."""
        days = (self.closed_us.astype(np.float64) - self.as_of_us) / DAY_US
        return np.where(self.closed_us == OPEN, np.inf, days)

    def take(self, rows: npt.NDArray[np.intp] | Bools) -> LabelledReferences:
        """The references at ``rows``; weights are those of the whole set."""
        return LabelledReferences(
            References(self.lead[rows], self.as_of_us[rows]),
            self.closed_us[rows],
            self.converted[rows],
            self.weight[rows],
            self.horizon_us,
            self.observed_until_us,
            self.has_time,
            None if self.account is None else self.account[rows],
        )


def labelled_references(dataset: Dataset, histories: Histories) -> LabelledReferences:
    """Every reference of ``dataset`` at created_at + each age, with its outcome.

    Left out: references after ``observed_until`` and those of leads closed at or before as_of.
    Without time: one reference per lead.

    Raises:
        DataError: no reference remains.
    """
    closed_us, converted = closings(dataset, histories)
    if not dataset.has_time:
        lead = np.arange(len(histories), dtype=np.int64)
        return _labelled(lead, np.zeros(len(lead), np.int64), closed_us, converted, dataset, 0)
    until = observed_until_us(dataset)
    ages = np.array([round(a * DAY_US) for a in dataset.settings.reference_ages_days], np.int64)
    lead = np.repeat(np.arange(len(histories), dtype=np.int64), len(ages))
    as_of = histories.created_at_us[lead] + np.tile(np.unique(ages), len(histories))
    usable = (as_of <= until) & (closed_us[lead] > as_of)
    lead, as_of = lead[usable], as_of[usable]
    if not len(lead):
        raise DataError(
            "there is no reference: every lead is closed at created_at + each age in "
            "reference_ages_days, or created after observed_until; check both in dataset.toml"
        )
    order = np.lexsort((lead, as_of))
    return _labelled(lead[order], as_of[order], closed_us, converted, dataset, until)


def observed_until_us(dataset: Dataset) -> int:
    """The last moment that the data cover, microseconds since 1970 UTC."""
    until = dataset.settings.observed_until
    if until is None:
        columns = (dataset.leads["created_at"], dataset.outcomes["occurred_at"])
        until = max(column.max() for column in columns if column.notna().any())
    return int((pd.Timestamp(until) - EPOCH) // pd.Timedelta(1, "us"))


def _labelled(
    lead: Int64, as_of: Int64, closed: Int64, converted: Bools, dataset: Dataset, until: int
) -> LabelledReferences:
    ages = len(set(dataset.settings.reference_ages_days)) if dataset.has_time else 1
    names = accounts_of(dataset)
    return LabelledReferences(
        References(lead, as_of),
        closed[lead],
        converted[lead],
        np.full(len(lead), 1.0 / ages),
        round(dataset.settings.horizon_days * DAY_US),
        until,
        dataset.has_time,
        None if names is None else account_numbers(names, len(dataset.leads))[lead],
    )


def closings(dataset: Dataset, histories: Histories) -> tuple[Int64, Bools]:
    """Per lead of the histories: when it closed (``OPEN`` if not) and whether it converted."""
    closed = np.full(len(histories), OPEN, np.int64)
    converted = np.zeros(len(histories), bool)
    rows = pd.Index(histories.lead_ids).get_indexer(pd.Index(dataset.outcomes["lead_id"]))
    known = rows >= 0
    if dataset.has_time:
        at = dataset.outcomes["occurred_at"].dt.tz_convert("UTC").dt.tz_localize(None)
        moments = at.to_numpy().astype("datetime64[us]").astype(np.int64)
    else:
        moments = np.full(len(rows), NO_TIME, np.int64)
    closed[rows[known]] = moments[known]
    words = dataset.outcomes["outcome"].astype(str).to_numpy()
    converted[rows[known]] = (words == Outcome.CONVERTED.value)[known]
    return closed, converted
