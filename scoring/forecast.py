"""Conversions, and value, to expect from open leads: sums of probabilities with their intervals.

Two things make a sum uncertain. Chance: each lead converts or not. And the level: all leads of a
period share what makes it better or worse than the scores say (a season, a price, a competitor), so
that it does not average out, however many the leads are. Both are in the interval: for each of the
levels that :class:`scoring.timing.TimingCurves` holds, conversions are drawn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from features.compute.array_types import Float64, Object, Rows
from features.errors import DataError
from scoring.model.log_odds import sigmoid
from scoring.timing import TimingCurves, converting_within

COVERAGE = 0.9
"""An interval is to hold in so many of a hundred forecasts."""
DRAWS_PER_LEVEL = 20
MAX_LEADS_DRAWN = 10_000
"""Up to so many leads every one is drawn; above, counts are binomial with the same mean and
variance (Ehm 1991, Statist. Probab. Lett. 11:7-16), and values are normal."""
STEPS_PER_UNIT = 200
"""Above that many leads, those whose log-odds (and log pace) agree to a two-hundredth count as one
score: the sum of their probabilities moves by less than a thousandth."""
DEFAULT_HORIZONS = (30.0, 60.0, 90.0)
ALL = "all"


@dataclass(frozen=True, eq=False)
class ForecastLeads:
    """Leads that are open at one moment, (n) each.

    ``probability``: the scores, with their ``log_odds``. ``age_days``: since creation. ``value``:
    what a conversion of each is worth; None where that is not asked.
    """

    log_odds: Float64
    probability: Float64
    age_days: Float64
    value: Float64 | None = None

    def __len__(self) -> int:
        return len(self.probability)

    def take(self, rows: Rows) -> ForecastLeads:
        """The leads at ``rows``."""
        value = None if self.value is None else self.value[rows]
        return ForecastLeads(
            self.log_odds[rows], self.probability[rows], self.age_days[rows], value
        )


@dataclass(frozen=True, slots=True)
class ForecastRow:
    """What to expect of ``leads`` leads within ``horizon_days``.

    ``by`` and ``group``: which leads; ``all`` and ``all`` for every one; the group is empty where
    the word is unknown. ``expected``: conversions, the sum of the probabilities, with their
    interval ``low`` … ``high``; ``value``, ``value_low`` and ``value_high`` likewise, null where
    none is asked.
    """

    by: str
    group: str
    horizon_days: float
    leads: int
    expected: float
    low: float
    high: float
    value: float | None = None
    value_low: float | None = None
    value_high: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


@dataclass(frozen=True)
class PeriodCheck:
    """A forecast of a period that has passed, and what came.

    ``leads``: open at ``start_us``. ``by``: which model made it.
    """

    start_us: int
    horizon_days: float
    leads: int
    expected: float
    low: float
    high: float
    converted: int
    by: str

    @property
    def held(self) -> bool:
        """Whether what came is within the interval."""
        return self.low <= self.converted <= self.high

    @classmethod
    def recorded(cls, record: Mapping[str, Any], by: str) -> PeriodCheck:
        """The one that a training recorded: :attr:`scoring.timing.TimingCurves.last_period`."""
        return cls(
            int(record["start_us"]),
            float(record["horizon_days"]),
            int(record["leads"]),
            float(record["expected"]),
            float(record["low"]),
            float(record["high"]),
            int(record["converted"]),
            by,
        )


def known_horizons(timing: TimingCurves) -> tuple[float, ...]:
    """Those of 30, 60 and 90 days that leads were watched for, and the release's own; ascending."""
    known = {days for days in DEFAULT_HORIZONS if days <= timing.longest_days}
    return tuple(sorted({*known, timing.horizon_days}))


def forecast_rows(
    leads: ForecastLeads,
    timing: TimingCurves,
    horizons: Sequence[float],
    groups: Mapping[str, Object] | None = None,
    *,
    coverage: float = COVERAGE,
    seed: int = 0,
    max_drawn: int = MAX_LEADS_DRAWN,
) -> list[ForecastRow]:
    """All leads first, then every group, each for every horizon, shortest first.

    ``groups``: name of a dimension (band, source …) → the word of each lead (n). A row depends on
    its own leads alone. ``max_drawn``: up to so many leads of a row each is drawn, which takes
    longest. Raises DataError for a horizon that the curves do not know.
    """
    everyone = np.arange(len(leads))
    parts = [(ALL, ALL, everyone)]
    for by, words in (groups or {}).items():
        parts += [(by, str(word), np.flatnonzero(words == word)) for word in _in_order(words)]
    rows = []
    for by, group, members in parts:
        for horizon in sorted(set(horizons)):
            level = timing.level_of(horizon, part=by != ALL)
            part = leads.take(members)
            rows.append(
                _row(by, group, part, timing, float(horizon), level, coverage, seed, max_drawn)
            )
    return rows


def _in_order(words: Object) -> list[str]:
    """Hot before warm before cold; other words by name."""
    place = {"hot": "0", "warm": "1", "cold": "2"}
    return sorted({str(word) for word in words}, key=lambda word: (place.get(word, "3"), word))


def _row(
    by: str,
    group: str,
    leads: ForecastLeads,
    timing: TimingCurves,
    horizon: float,
    level: Float64,
    coverage: float,
    seed: int,
    max_drawn: int,
) -> ForecastRow:
    p = timing.probability(leads.log_odds, leads.probability, leads.age_days, horizon)
    pace = timing.pace(leads.log_odds, leads.age_days, horizon)
    counts, values = drawn_totals(leads.log_odds, pace, leads.value, level, seed, max_drawn)
    low, high = interval_of(counts, coverage)
    row = ForecastRow(by, group, horizon, len(leads), float(p.sum()), low, high)
    if leads.value is None or values is None:
        return row
    low, high = interval_of(values, coverage)
    return replace(row, value=float(p @ leads.value), value_low=low, value_high=high)


def interval_of(totals: Float64, coverage: float) -> tuple[float, float]:
    """The narrowest pair of drawn totals that leaves at most half of the rest out on each side.

    >>> interval_of(np.arange(101.0), 0.9)
    (5.0, 95.0)
    """
    tail = (1 - coverage) / 2
    low = np.quantile(totals, tail, method="inverted_cdf" if tail else "linear")
    high = np.quantile(totals, 1 - tail, method="inverted_cdf")
    return float(low), float(high)


def drawn_totals(
    log_odds: Float64,
    pace: Float64,
    value: Float64 | None,
    level: Float64,
    seed: int,
    max_drawn: int = MAX_LEADS_DRAWN,
) -> tuple[Float64, Float64 | None]:
    """(conversions, their value) in each of 20 draws for each level; leads (n), levels (q,).

    Without ``value`` the second is None. The same arguments give the same draws. Of more than
    ``max_drawn`` leads the totals are drawn from their mean and variance.
    """
    if value is not None and not np.isfinite(value).all():
        raise DataError("a value of a conversion is unknown; fill it in before the forecast")
    rng = np.random.default_rng(seed)
    if len(log_odds) > max_drawn:
        return _totals_by_moments(log_odds, pace, value, level, rng)
    counts, values = [], []
    for shift in level:
        p = converting_within(sigmoid(log_odds + shift), pace)
        wins = rng.random((DRAWS_PER_LEVEL, len(p))) < p
        counts.append(wins.sum(axis=1).astype(np.float64))
        if value is not None:
            values.append(wins @ value)
    return np.concatenate(counts), None if value is None else np.concatenate(values)


def _totals_by_moments(
    log_odds: Float64,
    pace: Float64,
    value: Float64 | None,
    level: Float64,
    rng: np.random.Generator,
) -> tuple[Float64, Float64 | None]:
    """As :func:`drawn_totals`, of leads grouped by what their probability depends on."""
    group = _alike(log_odds, pace)
    n = np.bincount(group).astype(np.float64)
    log_odds, pace = (np.bincount(group, of) / n for of in (log_odds, pace))
    worth = None if value is None else np.bincount(group, value)
    worth2 = None if value is None else np.bincount(group, value**2)
    counts, values = [], []
    for shift in level:
        p = converting_within(sigmoid(log_odds + shift), pace)
        counts.append(_binomial(float(n @ p), float(n @ (p * p)), rng))
        if worth is not None and worth2 is not None:
            sd = float(np.sqrt((p * (1 - p)) @ worth2))
            values.append(float(p @ worth) + sd * rng.standard_normal(DRAWS_PER_LEVEL))
    return np.concatenate(counts), None if value is None else np.concatenate(values)


def _alike(log_odds: Float64, pace: Float64) -> Rows:
    """The number of the group of each lead, (n,): those with nearly the same score and pace."""
    with np.errstate(divide="ignore"):
        log_pace = np.maximum(np.log(pace), -50.0)
    cells = np.rint(np.stack([log_odds, log_pace]) * STEPS_PER_UNIT).astype(np.int64)
    return np.unique(cells[0] * 2**32 + cells[1], return_inverse=True)[1].astype(np.intp)


def _binomial(mean: float, squares: float, rng: np.random.Generator) -> Float64:
    """Binomial counts with the mean and the variance of the sum of many trials.

    ``mean`` and ``squares``: the sums of their probabilities, and of the squares of these.
    """
    if squares <= 0:
        return np.zeros(DRAWS_PER_LEVEL)
    trials = max(round(mean * mean / squares), 1)
    return rng.binomial(trials, min(mean / trials, 1.0), DRAWS_PER_LEVEL).astype(np.float64)
