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
    ``hot_per_week``: how many leads the team can call in a week; None: one in ten. ``account``:
    as in ``LabelledReferences``.
    """

    label: Int8
    weight: Float64
    lead: Int64
    as_of_us: Int64
    has_time: bool = True
    hot_per_week: float | None = None
    account: Int64 | None = None

    def __len__(self) -> int:
        return len(self.label)

    @classmethod
    def of(
        cls, labelled: LabelledReferences, rows: Rows, hot_per_week: float | None = None
    ) -> EvaluationSet:
        """The references at ``rows``, all of them mature."""
        return cls(
            labelled.label[rows],
            labelled.weight[rows],
            labelled.lead[rows],
            labelled.as_of_us[rows],
            labelled.has_time,
            hot_per_week,
            None if labelled.account is None else labelled.account[rows],
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
    def n_leads(self) -> int:
        """Number of leads."""
        return int(self.member.max()) + 1

    @cached_property
    def weeks(self) -> npt.NDArray[np.intp]:
        """The working week of each row; the span is cut into equal parts of about 7 days."""
        if not self.has_time:
            return np.zeros(len(self), np.intp)
        since = self.as_of_us - self.as_of_us.min()
        parts = max(1, round(int(since.max() + 1) / WEEK_US))
        weeks: npt.NDArray[np.intp] = (since * parts // (since.max() + 1)).astype(np.intp)
        return weeks

    @cached_property
    def contacted(self) -> Rows:
        """Rows that can be on a week's list: the last reference of each lead in that week."""
        order = np.lexsort((self.as_of_us, self.member, self.weeks))
        week, member = self.weeks[order], self.member[order]
        last = np.append((week[1:] != week[:-1]) | (member[1:] != member[:-1]), True)
        return np.sort(order[last])

    @cached_property
    def capacity(self) -> float:
        """Leads called in one of :attr:`weeks`; at most all of them."""
        n_weeks = int(self.weeks.max()) + 1
        if self.hot_per_week is None or not self.has_time:
            return DEFAULT_CAPACITY_SHARE * len(self.contacted) / n_weeks
        span = float(self.as_of_us.max() + 1 - self.as_of_us.min())
        return self.hot_per_week * max(span / WEEK_US, 1.0) / n_weeks

    @property
    def capacity_words(self) -> str:
        """The capacity as a person says it."""
        if not self.has_time:
            return "the highest tenth"
        if self.hot_per_week is None:
            return f"one in ten, about {self.capacity:.0f} leads a week"
        return f"{self.hot_per_week:g} leads a week"

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
    _, first = np.unique(test_set.member, return_index=True)
    _, unit = np.unique(test_set.unit[first], return_inverse=True)
    n = int(unit.max()) + 1
    times = np.empty((resamples, n))
    for row in times:
        row[:] = np.bincount(rng.integers(0, n, n), minlength=n)
    return times if n == len(unit) else times[:, unit]


@dataclass(frozen=True)
class WeeklyList:
    """One score's ranking of every week's leads, ready to be recounted under any weights.

    Rows with the same score in the same week form a group and share what capacity is left.
    """

    rows: Rows
    week: npt.NDArray[np.intp]
    group: npt.NDArray[np.intp]
    group_week: npt.NDArray[np.intp]
    converted_in_horizon: Bools
    capacity: float

    @classmethod
    def of(cls, test_set: EvaluationSet, score: Float64) -> WeeklyList:
        """Rank the rows of :attr:`EvaluationSet.contacted` by ``score`` (n,), highest first."""
        rows = test_set.contacted
        order = np.lexsort((-score[rows], test_set.weeks[rows]))
        rows = rows[order]
        week, value = test_set.weeks[rows], score[rows]
        new = np.append(True, (week[1:] != week[:-1]) | (value[1:] != value[:-1]))
        group = np.cumsum(new) - 1
        return cls(rows, week, group, week[new], test_set.label[rows] == 1, test_set.capacity)

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

    def counts(self, times: Float64) -> tuple[float, float]:
        """Leads called and, of them, leads that convert (both may be fractions under ties)."""
        share = self.selected_share(times) * times
        return float(share.sum()), float(share @ self.converted_in_horizon)
