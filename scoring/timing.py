"""When conversions come: one curve per lead through the score, for any horizon.

A release is trained for one horizon H. For another horizon h the probability is

    P(h) = 1 - (1 - p) ** pace(h)

where p is the score, ``pace`` grows with h and is 1 at H. So P(H) is the score itself, and a longer
horizon never has a lower probability. (1 - p) ** pace is the survival function of proportional
hazards: Cox 1972, "Regression models and life-tables", J. R. Statist. Soc. B 34:187-220.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from features.compute.array_types import Float64
from features.errors import DataError, ReleaseError
from features.language.plural import plural
from scoring.model.component import number, numbers

MAX_AGE_CLASSES = 64
MAX_NUMBERS = 1_000


@dataclass(frozen=True, eq=False)
class AgeClass:
    """The pace of leads from ``from_days`` of age on, up to the next class.

    ``log_odds`` (k,) ascending: scores at which a curve is known; linear in between, constant
    outside. ``pace`` (k, m): of each curve on each of the days of :class:`TimingCurves`.
    """

    from_days: float
    log_odds: Float64
    pace: Float64


@dataclass(frozen=True, eq=False)
class TimingCurves:
    """The pace of conversions by age and score, and how far a period's level is off.

    ``days`` (m,): ascending from 0, the horizon of the release among them; a longer horizon than
    the last is not known. ``ages``: ascending, the first from 0. ``level`` (l, q): for periods as
    long as each of ``level_days`` (l,) quantiles, evenly spaced, of what a period's log-odds of
    converting are above those of the scores; all leads of a period share it. ``group_level``
    (l, q): the same for a part of the leads (a band, a source). ``last_period``: what was forecast
    for the last period of the training data, and what came; None where that cannot be told.
    """

    horizon_days: float
    days: Float64
    ages: tuple[AgeClass, ...]
    level_days: Float64
    level: Float64
    group_level: Float64
    last_period: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        if not len(self.days) or self.days[0] != 0 or (np.diff(self.days) <= 0).any():
            raise DataError("timing: the days do not ascend from 0")
        if self.horizon_days not in self.days:
            raise DataError("timing: the horizon of the release is not among the days")
        starts = [age.from_days for age in self.ages]
        if not starts or starts[0] != 0 or any(b <= a for a, b in pairwise(starts)):
            raise DataError("timing: the ages do not ascend from 0")
        for age in self.ages:
            self._check(age)
        if not len(self.level_days) or (np.diff(self.level_days) <= 0).any():
            raise DataError("timing: the days of the levels do not ascend")
        for level in (self.level, self.group_level):
            if level.shape != (len(self.level_days), level.shape[-1]) or not level.shape[-1]:
                raise DataError("timing: the quantiles of a level do not fit its days")
            if (np.diff(level, axis=-1) < 0).any():
                raise DataError("timing: the quantiles of a level do not ascend")

    def _check(self, age: AgeClass) -> None:
        if age.pace.shape != (len(age.log_odds), len(self.days)) or not len(age.log_odds):
            raise DataError("timing: the pace of an age does not fit its scores and the days")
        if (np.diff(age.log_odds) <= 0).any():
            raise DataError("timing: the scores of an age do not ascend")
        at_horizon = age.pace[:, int(np.searchsorted(self.days, self.horizon_days))]
        if (age.pace < 0).any() or (np.diff(age.pace, axis=1) < 0).any() or (at_horizon != 1).any():
            raise DataError("timing: a pace falls, is below 0 or is not 1 at the horizon")

    @property
    def longest_days(self) -> float:
        """The longest horizon for which conversions have been watched."""
        return float(self.days[-1])

    def level_of(self, horizon_days: float, *, part: bool = False) -> Float64:
        """The quantiles of the level of a period of this length, (q,); ``part``: of some leads.

        Linear between the days that are known, constant outside.
        """
        level = self.group_level if part else self.level
        return np.array([np.interp(horizon_days, self.level_days, one) for one in level.T])

    def pace(self, log_odds: Float64, age_days: Float64, horizon_days: float) -> Float64:
        """The pace of each lead for one horizon, (n,) → (n,).

        Raises DataError for a horizon of 0 or less, or beyond :attr:`longest_days`.
        """
        if not 0 < horizon_days <= self.longest_days:
            raise DataError(
                f"a horizon of {plural(horizon_days, '{n:g} day', '{n:g} days')} is not known: "
                "after a reference, leads were watched for at most "
                f"{plural(self.longest_days, '{n:.4g} day', '{n:.4g} days')}"
            )
        starts = np.array([age.from_days for age in self.ages])
        place = np.maximum(np.searchsorted(starts, age_days, side="right") - 1, 0)
        out = np.ones(len(log_odds))
        for number_, age in enumerate(self.ages):
            rows = place == number_
            at = [np.interp(horizon_days, self.days, curve) for curve in age.pace]
            out[rows] = np.interp(log_odds[rows], age.log_odds, at)
        return out

    def probability(
        self, log_odds: Float64, probability: Float64, age_days: Float64, horizon_days: float
    ) -> Float64:
        """The probability of converting within ``horizon_days``, (n,) each.

        At the horizon of the release it is ``probability``, to the bit; it never falls as the
        horizon grows. Raises DataError as :meth:`pace` does.

        >>> curves = TimingCurves(
        ...     30.0, np.array([0.0, 30.0, 60.0]),
        ...     (AgeClass(0.0, np.zeros(1), np.array([[0.0, 1.0, 1.5]])),),
        ...     np.array([30.0]), np.zeros((1, 1)), np.zeros((1, 1)),
        ... )
        >>> p = np.array([0.19])
        >>> [curves.probability(p, p, p, h).round(4).tolist() for h in (15.0, 30.0, 60.0)]
        [[0.1], [0.19], [0.271]]
        """
        if horizon_days == self.horizon_days:
            return probability
        pace = self.pace(log_odds, age_days, horizon_days)
        shifted = converting_within(probability, pace)
        # rounding may cross the score by one bit
        side = np.minimum if horizon_days < self.horizon_days else np.maximum
        return np.asarray(side(shifted, probability))

    def to_dict(self) -> dict[str, Any]:
        """Plain data for timing.json."""
        return {
            "horizon_days": float(self.horizon_days),
            "days": self.days.tolist(),
            "ages": [
                {
                    "from_days": float(age.from_days),
                    "log_odds": age.log_odds.tolist(),
                    "pace": age.pace.tolist(),
                }
                for age in self.ages
            ],
            "level_days": self.level_days.tolist(),
            "level": self.level.tolist(),
            "group_level": self.group_level.tolist(),
            "last_period": None if self.last_period is None else dict(self.last_period),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> TimingCurves:
        """Raises ReleaseError when a field is missing, too long or out of order."""
        ages, last = data.get("ages"), data.get("last_period")
        if not isinstance(ages, list) or not 0 < len(ages) <= MAX_AGE_CLASSES:
            raise ReleaseError("'ages' is missing, or not a list of a few ages")
        if last is not None and not isinstance(last, dict):
            raise ReleaseError("'last_period' is not a table")
        try:
            return cls(
                number(data, "horizon_days"),
                _short(data, "days"),
                tuple(_age_class(age) for age in ages),
                _short(data, "level_days"),
                _table(data, "level"),
                _table(data, "group_level"),
                last,
            )
        except DataError as problem:
            raise ReleaseError(str(problem)) from problem


def converting_within(probability: Float64, pace: Float64) -> Float64:
    """1 - (1 - probability) ** pace, elementwise; a pace of 0 gives 0 whatever the probability."""
    with np.errstate(divide="ignore", invalid="ignore"):
        hazard = pace * np.log1p(-probability)
    return np.asarray(-np.expm1(np.where(pace > 0, hazard, 0.0)))


def _short(data: Mapping[str, Any], name: str) -> Float64:
    values = numbers(data, name)
    if len(values) > MAX_NUMBERS:
        raise ReleaseError(f"{name!r} holds more than {MAX_NUMBERS} numbers")
    return values


def _age_class(data: object) -> AgeClass:
    if not isinstance(data, dict):
        raise ReleaseError("an age is not a table")
    return AgeClass(number(data, "from_days"), _short(data, "log_odds"), _table(data, "pace"))


def _table(data: Mapping[str, Any], name: str) -> Float64:
    lists = data.get(name)
    if not isinstance(lists, list) or not 0 < len(lists) <= MAX_NUMBERS:
        raise ReleaseError(f"{name!r} is missing, or not a list of lists")
    rows = [_short({name: one}, name) for one in lists]
    if len({len(row) for row in rows}) > 1:
        raise ReleaseError(f"{name!r}: the lists are not equally long")
    return np.array(rows).reshape(len(rows), -1)
