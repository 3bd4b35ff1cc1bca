"""Fit the timing curves of a release on out-of-fold scores, with leads that are still open.

Per age and score: the share that converts by each day is the Aalen-Johansen estimate (open leads
count as long as they were watched, lost ones stay lost), and the pace is what turns the scores into
that share, relative to the share at the horizon. So a wrong level is not learned as a timing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from features.compute.array_types import DAY_US, Bools, Float64, Int64, Rows
from scoring.model.log_odds import logit, sigmoid
from scoring.timing import AgeClass, TimingCurves, converting_within
from training.forecast.last_period import last_period
from training.forecast.level import level_quantiles
from training.labels.delays import cumulative_incidence
from training.labels.references import OPEN, LabelledReferences
from training.labels.training_data import TrainingData
from training.model_selection.cross_validation import OutOfFoldRows
from training.model_selection.fit import FittedModel
from training.model_selection.worker_pool import WorkerPool

STEPS_TO_HORIZON = 24
STEPS_BEYOND = 24
"""Days on which a curve is known: so many up to the horizon and beyond it, denser at the start."""
MIN_WATCHED = 100
"""So many references must have been watched for a horizon to be known."""
MIN_CONVERSIONS_PER_AGE = 50
CONVERSIONS_PER_CURVE = 100
MAX_CURVES_PER_AGE = 4
POOLED_CONVERSIONS = 20.0
"""A curve is drawn towards the one of all leads as if that had so many conversions."""
MAX_BINS = 50
MAX_PACE = 1_000.0
PERIODS = (0.25, 0.5, 1.0, 2.0, 3.0)
"""Lengths of periods of which the level is measured, as shares of the horizon: a short one moves
more, with weekdays and single days."""


@dataclass(frozen=True)
class SeenReferences:
    """Out-of-fold rows: scores, and how long each took to close and was watched, (m) each."""

    log_odds: Float64
    age_days: Float64
    took_us: Int64
    watched_us: Int64
    converted: Bools

    def take(self, rows: Rows) -> SeenReferences:
        return SeenReferences(
            self.log_odds[rows],
            self.age_days[rows],
            self.took_us[rows],
            self.watched_us[rows],
            self.converted[rows],
        )

    @property
    def wins(self) -> Bools:
        """Rows that were seen to convert."""
        return np.asarray(self.converted & (self.took_us <= self.watched_us))


def fit_timing(
    fitted: FittedModel, data: TrainingData, *, pool: WorkerPool | None = None
) -> TimingCurves | None:
    """The timing curves of a fitted model; None without time or without a conversion."""
    labelled, rows = data.labelled, fitted.out_of_fold
    if not labelled.has_time or not rows.label.any():
        return None
    created = data.histories.created_at_us[labelled.lead]
    seen = _seen(labelled, rows.rows, fitted.log_odds, created)
    horizon = data.settings.horizon_days
    days = days_of(horizon, seen.watched_us)
    curves = timing_of(seen, days, horizon)
    none = np.zeros((1, 1))
    timing = TimingCurves(horizon, days, curves, np.array([horizon]), none, none)
    timing = _with_levels(timing, seen, labelled, rows)
    period = last_period(fitted, data, timing.level_of(horizon), pool=pool)
    return replace(timing, last_period=period)


def _with_levels(
    timing: TimingCurves, seen: SeenReferences, labelled: LabelledReferences, rows: OutOfFoldRows
) -> TimingCurves:
    """With the levels of periods of several lengths, where enough references were watched."""
    p = sigmoid(seen.log_odds)
    at, whole, part = [], [], []
    for share in PERIODS:
        days = timing.horizon_days * share
        length = round(days * DAY_US)
        watched = np.flatnonzero(seen.watched_us >= length)
        label = seen.wins & (seen.took_us <= length)
        if days > timing.longest_days or (
            share != 1 and label[watched].sum() < MIN_CONVERSIONS_PER_AGE
        ):
            continue
        chance = timing.probability(seen.log_odds, p, seen.age_days, days)[watched]
        one = OutOfFoldRows(
            rows.rows[watched],
            rows.fold[watched],
            label[watched].astype(np.int8),
            rows.weight[watched],
            rows.unit[watched],
        )
        as_of = labelled.as_of_us[one.rows]
        level, group = level_quantiles(as_of, length, one, logit(np.clip(chance, 1e-9, 1 - 1e-9)))
        at.append(days)
        whole.append(level)
        part.append(group)
    return replace(
        timing, level_days=np.array(at), level=np.array(whole), group_level=np.array(part)
    )


def _seen(
    labelled: LabelledReferences, rows: Rows, log_odds: Float64, created_us: Int64
) -> SeenReferences:
    as_of, closed = labelled.as_of_us[rows], labelled.closed_us[rows]
    took = np.where(closed == OPEN, OPEN, closed - as_of)
    watched = labelled.observed_until_us - as_of
    age = (as_of - created_us[rows]) / DAY_US
    return SeenReferences(log_odds, age, took, watched, labelled.converted[rows])


def days_of(horizon_days: float, watched_us: Int64) -> Float64:
    """0, days up to the horizon, and days to the longest time that enough were watched for."""
    enough = min(MIN_WATCHED, len(watched_us))
    longest = float(np.partition(watched_us, -enough)[-enough]) / DAY_US
    share = np.linspace(0, 1, STEPS_TO_HORIZON + 1)
    near = horizon_days * share * (1 + share) / 2
    near[-1] = horizon_days
    if longest <= horizon_days:
        return near
    far = horizon_days + (longest - horizon_days) * np.linspace(0, 1, STEPS_BEYOND + 1)[1:] ** 2
    return np.concatenate([near, far])


def timing_of(seen: SeenReferences, days: Float64, horizon_days: float) -> tuple[AgeClass, ...]:
    """One class per age that has conversions enough, each with a curve per group of scores."""
    pooled = _pace(seen, days, horizon_days)
    classes = []
    for start, rows in _by_age(seen):
        of_age = seen.take(rows)
        own = _towards(pooled, _pace(of_age, days, horizon_days), int(of_age.wins.sum()))
        centers, curves = [], []
        for group in _by_score(of_age):
            part = of_age.take(group)
            centers.append(float(np.sort(part.log_odds).mean()))
            pace = _pace(part, days, horizon_days)
            curves.append(_towards(own, pace, int(part.wins.sum())))
        at, first = np.unique(np.array(centers), return_index=True)
        classes.append(AgeClass(start, at, np.array(curves)[first]))
    return tuple(classes)


def _by_age(seen: SeenReferences) -> list[tuple[float, Rows]]:
    """(age from which on, rows), oldest last; neighbouring ages are joined until they suffice."""
    order = np.unique(seen.age_days)
    found: list[tuple[float, Rows]] = []
    start, held = 0.0, np.zeros(0, np.intp)
    for place, age in enumerate(order):
        held = np.concatenate([held, np.flatnonzero(seen.age_days == age)])
        if seen.wins[held].sum() >= MIN_CONVERSIONS_PER_AGE:
            found.append((start, held))
            start = float(order[place + 1]) if place + 1 < len(order) else 0.0
            held = np.zeros(0, np.intp)
    if len(held) and found:
        found[-1] = (found[-1][0], np.concatenate([found[-1][1], held]))
    return found or [(0.0, held)]


def _by_score(seen: SeenReferences) -> list[Rows]:
    """Rows in groups of ascending scores with equally many conversions."""
    wins = seen.wins
    groups = int(np.clip(wins.sum() // CONVERSIONS_PER_CURVE, 1, MAX_CURVES_PER_AGE))
    order = np.argsort(seen.log_odds, kind="stable")
    reached = np.cumsum(wins[order])
    shares = reached[-1] * np.arange(1, groups) / groups
    # equal scores stay together: a cut between them would be a cut by outcome
    edges = seen.log_odds[order][np.searchsorted(reached, shares)]
    group = np.searchsorted(np.unique(edges), seen.log_odds, side="left")
    return [np.flatnonzero(group == number) for number in np.unique(group)]


def _towards(pooled: Float64, own: Float64, conversions: int) -> Float64:
    share = conversions / (conversions + POOLED_CONVERSIONS)
    return np.asarray(pooled + share * (own - pooled))


def _pace(seen: SeenReferences, days: Float64, horizon_days: float) -> Float64:
    """The pace on each day that turns the scores into the share that converted, (m,)."""
    curve = cumulative_incidence(seen.took_us, seen.watched_us, seen.converted)
    day_us = np.round(days * DAY_US).astype(np.int64)
    share = curve.converted[np.searchsorted(curve.at_us, day_us, side="right") - 1]
    at = int(np.searchsorted(days, horizon_days))
    probability = _binned(sigmoid(seen.log_odds))
    mean = float(probability.mean())
    if share[at] <= 0 or share[at] >= 1:
        return _exact(days / horizon_days, at)  # nothing is known: as many each day
    target = np.where(
        np.arange(len(days)) <= at,
        mean * share / share[at],
        1 - (1 - mean) * (1 - share) / (1 - share[at]),
    )
    return _exact(_solved(probability, target), at)


def _exact(pace: Float64, at: int) -> Float64:
    """Never falling, 0 at the start and 1 at the horizon."""
    pace = np.maximum.accumulate(pace)
    pace = np.where(np.arange(len(pace)) < at, np.minimum(pace, 1.0), np.maximum(pace, 1.0))
    pace[0], pace[at] = 0.0, 1.0
    return pace


def _binned(probability: Float64) -> Float64:
    """Equally many in a bin, each at its mean: the sum stays, and solving costs nothing."""
    parts = np.array_split(np.sort(probability), min(MAX_BINS, len(probability)))
    return np.concatenate([np.full(1, part.mean()) for part in parts])


def _solved(probability: Float64, target: Float64) -> Float64:
    """The pace at which the mean of 1 - (1 - p) ** pace is each target, by bisection on its log."""
    low, high = np.full(len(target), 1e-9), np.full(len(target), MAX_PACE)
    for _ in range(60):
        middle = np.sqrt(low * high)
        mean = converting_within(probability[:, None], middle).mean(axis=0)
        low, high = np.where(mean < target, middle, low), np.where(mean < target, high, middle)
    return np.where(target > 0, np.sqrt(low * high), 0.0)
