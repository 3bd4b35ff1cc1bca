"""The ground on which scores are compared: the same references, the same leads, the same weeks."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from features.compute.array_types import DAY_US, Bools, Float64, Int8, Int64, Rows
from training.labels.references import LabelledReferences
from training.model_selection.platt import platt

CALIBRATION_FOLDS = 5


WEEK_US = 7 * DAY_US


DEFAULT_CAPACITY_SHARE = 0.1


@dataclass(frozen=True)
class EvaluationSet:
    """Labelled references that none of the compared scores was fitted on.

    ``label`` (n: 0/1), ``weight`` (n: see ``LabelledReferences``), ``lead`` (n),
    ``as_of_us`` (n). ``has_time`` false: there are no weeks, all leads compete at once.
    ``hot_per_week``: how many of the leads open in a week the team can call; None: one in ten.
    ``account``: as in ``LabelledReferences``. ``open_until_us`` (n): when the lead closed, or the
    horizon of the reference had passed; None: each reference counts in its own week alone.
    """

    label: Int8
    weight: Float64
    lead: Int64
    as_of_us: Int64
    has_time: bool = True
    hot_per_week: float | None = None
    account: Int64 | None = None
    open_until_us: Int64 | None = None

    def __len__(self) -> int:
        return len(self.label)

    @classmethod
    def of(
        cls, labelled: LabelledReferences, rows: Rows, hot_per_week: float | None = None
    ) -> EvaluationSet:
        """The references at ``rows``, all of them mature."""
        as_of = labelled.as_of_us[rows]
        return cls(
            labelled.label[rows],
            labelled.weight[rows],
            labelled.lead[rows],
            as_of,
            labelled.has_time,
            hot_per_week,
            None if labelled.account is None else labelled.account[rows],
            np.minimum(labelled.closed_us[rows], as_of + labelled.horizon_us),
        )

    @property
    def unit(self) -> Int64:
        """(n) what is one observation in intervals: the account, else the lead."""
        return self.lead if self.account is None else self.account

    @cached_property
    def member(self) -> npt.NDArray[np.intp]:
        """Number of each row's lead among the leads present, (n,)."""
        member: npt.NDArray[np.intp] = np.unique(self.lead, return_inverse=True)[1]
        return member

    @cached_property
    def unit_of_lead(self) -> Int64:
        """:attr:`unit` of each lead, (leads,)."""
        return self.unit[np.unique(self.member, return_index=True)[1]]

    @cached_property
    def n_leads(self) -> int:
        """Number of leads."""
        return int(self.member.max()) + 1

    @cached_property
    def converted(self) -> Bools:
        """Per lead: whether it converted within the horizon of one of its references, (leads,)."""
        converted: Bools = np.bincount(self.member, weights=self.label) > 0
        return converted

    @property
    def rate(self) -> float:
        """Share of the leads that converted: each lead and each conversion counts once."""
        return float(self.converted.mean())

    @cached_property
    def weeks(self) -> npt.NDArray[np.intp]:
        """The working week of each row; the span is cut into equal parts of about 7 days."""
        return self._week_of(self.as_of_us)

    @cached_property
    def n_weeks(self) -> int:
        """Number of :attr:`weeks`."""
        return 1 if not self.has_time else max(1, round(self._span_us / WEEK_US))

    @property
    def _span_us(self) -> int:
        return int(self.as_of_us.max() - self.as_of_us.min()) + 1

    def _week_of(self, moment_us: Int64) -> npt.NDArray[np.intp]:
        """The week of moments at or after the first reference; the last one for later moments."""
        if not self.has_time:
            return np.zeros(len(moment_us), np.intp)
        since = np.minimum(moment_us - self.as_of_us.min(), self._span_us - 1)
        weeks: npt.NDArray[np.intp] = (since * self.n_weeks // self._span_us).astype(np.intp)
        return weeks

    @cached_property
    def open_in_week(self) -> tuple[Rows, npt.NDArray[np.intp]]:
        """Who is open in which week: (row, week), (m,) each; a lead has one row in a week.

        The row is the lead's last reference in that week, else its last one before, as long as the
        lead has not closed when the week begins and the reference's horizon has not passed.
        """
        order = np.lexsort((self.as_of_us, self.member))
        week, member = self.weeks[order], self.member[order]
        following = np.append(week[1:], self.n_weeks)
        following[np.append(member[1:] != member[:-1], True)] = self.n_weeks
        last = week
        if self.open_until_us is not None and self.has_time:
            last = np.maximum(self._week_of(self.open_until_us[order] - 1), week)
        n = np.maximum(np.minimum(following - 1, last) - week + 1, 0)
        rows = np.repeat(order, n)
        weeks = np.arange(n.sum()) - np.repeat(np.cumsum(n) - n, n) + np.repeat(week, n)
        return rows, weeks.astype(np.intp)

    @cached_property
    def capacity(self) -> float:
        """Leads called in one of :attr:`weeks`; at most all of them."""
        if self.hot_per_week is None or not self.has_time:
            return DEFAULT_CAPACITY_SHARE * len(self.open_in_week[0]) / self.n_weeks
        return self.hot_per_week * max(self._span_us / WEEK_US, 1.0) / self.n_weeks

    @property
    def capacity_words(self) -> str:
        """The capacity as a person says it."""
        if not self.has_time:
            return "the highest tenth"
        open_leads = len(self.open_in_week[0]) / self.n_weeks
        if self.hot_per_week is None:
            return f"one in ten of the {open_leads:.0f} leads open in a week"
        return f"{self.hot_per_week:g} of the {open_leads:.0f} leads open in a week"

    def folds(self, rng: np.random.Generator) -> npt.NDArray[np.intp]:
        """A calibration fold per row; the rows of a lead stay together."""
        n = min(CALIBRATION_FOLDS, self.n_leads)
        assigned: npt.NDArray[np.intp] = rng.permutation(np.arange(self.n_leads) % n)
        return assigned[self.member]


def calibrated(test_set: EvaluationSet, score: Float64, folds: npt.NDArray[np.intp]) -> Float64:
    """Probabilities from any score, made the same way for all: cross-fitted Platt.

    A line in log-odds is fitted on the leads of the other folds, so no lead is calibrated by
    its own outcome. A score without spread, or pointing the wrong way, becomes the base rate.
    """
    spread = float(score.std())
    standard = (score - score.mean()) / spread if spread > 0 else np.zeros(len(score))
    out = np.empty(len(score))
    for fold in np.unique(folds):
        train, test = folds != fold, folds == fold
        if not train.any():
            train = test
        slope, intercept = platt(
            standard[train], test_set.label[train] * 1.0, test_set.weight[train]
        )
        out[test] = -np.logaddexp(0.0, -(slope * standard[test] + intercept))
    return np.exp(out)


def bootstrap_weights(
    test_set: EvaluationSet, rng: np.random.Generator, resamples: int
) -> npt.NDArray[np.float64]:
    """How often each lead is drawn in each resample, (resamples, leads).

    Leads of one account are drawn together; without accounts every row has the same sum.
    """
    _, unit = np.unique(test_set.unit_of_lead, return_inverse=True)
    n = int(unit.max()) + 1
    times = np.empty((resamples, n))
    for row in times:
        row[:] = np.bincount(rng.integers(0, n, n), minlength=n)
    return times if n == len(unit) else times[:, unit]


@dataclass(frozen=True)
class WeeklyList:
    """One score's ranking of every week's open leads, ready to be recounted under any weights.

    Rows with the same score in the same week form a group and share what capacity is left.
    ``rows`` (m): of the evaluation set; ``member`` (m): number of each row's lead.
    """

    rows: Rows
    week: npt.NDArray[np.intp]
    member: npt.NDArray[np.intp]
    group: npt.NDArray[np.intp]
    group_week: npt.NDArray[np.intp]
    converted_in_horizon: Bools
    capacity: float

    @classmethod
    def of(
        cls, test_set: EvaluationSet, score: Float64, capacity: float | None = None
    ) -> WeeklyList:
        """Rank the leads open in each week by ``score`` (n,), highest first.

        ``capacity``: leads called in a week; None: that of the evaluation set.
        """
        rows, week = test_set.open_in_week
        order = np.lexsort((-score[rows], week))
        rows, week = rows[order], week[order]
        value = score[rows]
        new = np.append(True, (week[1:] != week[:-1]) | (value[1:] != value[:-1]))
        return cls(
            rows,
            week,
            test_set.member[rows],
            np.cumsum(new) - 1,
            week[new],
            test_set.label[rows] == 1,
            test_set.capacity if capacity is None else capacity,
        )

    def selected_share(self, times: Float64) -> Float64:
        """Share of each row's group that is called, (rows,), when row i counts ``times[i]``."""
        mass = np.bincount(self.group, weights=times)
        until = np.cumsum(mass)
        week_start = np.zeros(int(self.group_week.max()) + 1)
        first = np.append(True, self.group_week[1:] != self.group_week[:-1])
        week_start[self.group_week[first]] = (until - mass)[first]
        before = until - mass - week_start[self.group_week]
        share = np.clip(self.capacity - before, 0.0, mass) / np.where(mass > 0, mass, 1.0)
        return share[self.group]

    @cached_property
    def _by_lead(self) -> tuple[Rows, Rows, npt.NDArray[np.intp]]:
        """The rows in order of their leads, where each lead begins, and which leads there are."""
        order = np.argsort(self.member, kind="stable")
        members, starts = np.unique(self.member[order], return_index=True)
        return order, starts, members

    def called(self, times: Float64) -> tuple[Float64, Float64]:
        """Per lead, (leads,): whether it is called, and whether it is and then converts.

        A lead on the list of several weeks is called once. Between 0 and 1 where leads with equal
        scores share what capacity is left. ``times`` (leads,): how often each lead counts.
        """
        share = self.selected_share(times[self.member])
        order, starts, members = self._by_lead
        called, found = np.zeros(len(times)), np.zeros(len(times))
        called[members] = np.maximum.reduceat(share[order], starts)
        found[members] = np.maximum.reduceat((share * self.converted_in_horizon)[order], starts)
        return called, found

    def counts(self, times: Float64) -> tuple[float, float]:
        """Leads called and conversions found (both may be fractions under ties)."""
        called, found = self.called(times)
        return float(called @ times), float(found @ times)
