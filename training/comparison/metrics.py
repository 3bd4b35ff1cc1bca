"""How good each score is on the same ground, with intervals over leads, alone and in pairs."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from features.compute.array_types import Float64
from training.comparison.test_set import EvaluationSet, WeeklyList, calibrated
from training.evaluation.confidence import AucResult, auc_difference, delong
from training.evaluation.metrics import Estimate, calibration_error, log_losses

CURVE_POINTS = 101


@dataclass(frozen=True)
class ScoreColumn:
    """A score to compare. ``score`` (n): higher is better, on any scale, never NaN.

    ``band`` (n of cold, warm, hot), if it has its own. ``about``: one line for the report.
    """

    name: str
    title: str
    about: str
    score: Float64
    band: np.ndarray[Any, np.dtype[np.object_]] | None = None


@dataclass(frozen=True)
class EvaluatedScore:
    """A contestant, calibrated like all others, with what bootstraps need of it."""

    column: ScoreColumn
    probability: Float64
    loss_by_lead: Float64
    mass_by_lead: Float64
    area: AucResult
    weekly: WeeklyList

    def log_loss(self, times: Float64) -> Float64:
        """Log loss under (…, leads) multiplicities."""
        return np.asarray((times @ self.loss_by_lead) / (times @ self.mass_by_lead))


@dataclass(frozen=True)
class ScoreMetrics:
    """One row of the main table. Differences are this one minus ``learned``.

    ``converted_of_called``: conversion of the leads that the capacity reaches.
    ``captured``: share of all conversions among them.
    """

    name: str
    title: str
    about: str
    log_loss: Estimate
    auc: Estimate
    converted_of_called: Estimate
    captured: float
    lift: float
    calibration_error: float
    log_loss_difference: Estimate | None = None
    auc_difference: Estimate | None = None
    auc_p_value: float | None = None
    converted_difference: Estimate | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def evaluate_score(
    test_set: EvaluationSet, column: ScoreColumn, folds: np.ndarray
) -> EvaluatedScore:
    """Calibrate one contestant and prepare its figures."""
    probability = calibrated(test_set, column.score, folds)
    loss = test_set.weight * log_losses(test_set.label, probability)
    return EvaluatedScore(
        column,
        probability,
        np.bincount(test_set.member, weights=loss).astype(np.float64),
        np.bincount(test_set.member, weights=test_set.weight).astype(np.float64),
        delong(test_set.label, column.score, test_set.weight, test_set.unit),
        WeeklyList.of(test_set, column.score),
    )


def quantiles(value: float, values: Float64) -> Estimate:
    """A figure with the 2.5 % and 97.5 % points of its bootstrap; NaN draws are left out."""
    usable = values[np.isfinite(values)]
    if not len(usable):
        return Estimate(value, float("nan"), float("nan"))
    low, high = np.quantile(usable, (0.025, 0.975))
    return Estimate(value, float(low), float(high))


def score_table(
    test_set: EvaluationSet, evaluated: list[EvaluatedScore], times: Float64, against: str
) -> list[ScoreMetrics]:
    """The main table: every contestant, and its paired difference to ``against``."""
    once = np.ones(test_set.n_leads)
    drawn = {m.column.name: _contacted_rates(test_set, m, times) for m in evaluated}
    rival = next((m for m in evaluated if m.column.name == against), None)
    rows = []
    for m in evaluated:
        called, converted = m.weekly.counts(np.ones(len(m.weekly.rows)))
        rate = converted / called if called else float("nan")
        positives = float(m.weekly.converted_in_horizon.sum())
        base = positives / len(m.weekly.rows)
        row = ScoreMetrics(
            m.column.name,
            m.column.title,
            m.column.about,
            quantiles(float(m.log_loss(once)), m.log_loss(times)),
            m.area.interval,
            quantiles(rate, drawn[m.column.name]),
            converted / positives if positives else float("nan"),
            rate / base if base else float("nan"),
            calibration_error(test_set.label, m.probability, test_set.weight),
        )
        if rival is not None and rival is not m:
            theirs = _contacted_rate(rival)
            row = _with_differences(
                row, m, rival, times, drawn[m.column.name] - drawn[against], rate - theirs
            )
        rows.append(row)
    return rows


def _contacted_rate(m: EvaluatedScore) -> float:
    called, converted = m.weekly.counts(np.ones(len(m.weekly.rows)))
    return converted / called if called else float("nan")


def _contacted_rates(test_set: EvaluationSet, m: EvaluatedScore, times: Float64) -> Float64:
    """Conversion among the called under each resample, (resamples,)."""
    place = test_set.member[m.weekly.rows]
    counts = [m.weekly.counts(drawn[place]) for drawn in times]
    return np.array([c / n if n else np.nan for n, c in counts])


def _with_differences(
    row: ScoreMetrics,
    m: EvaluatedScore,
    rival: EvaluatedScore,
    times: Float64,
    rates: Float64,
    rate_gap: float,
) -> ScoreMetrics:
    once = np.ones(times.shape[1])
    gap = float(m.log_loss(once) - rival.log_loss(once))
    area, p = auc_difference(m.area, rival.area)
    return ScoreMetrics(
        **{
            **{name: getattr(row, name) for name in row.__dataclass_fields__},
            "log_loss_difference": quantiles(gap, m.log_loss(times) - rival.log_loss(times)),
            "auc_difference": area,
            "auc_p_value": p,
            "converted_difference": quantiles(rate_gap, rates),
        }
    )


def gains(test_set: EvaluationSet, score: Float64) -> Float64:
    """Share of all conversions found when the best-scored share of leads is called.

    (CURVE_POINTS,) at shares 0, 0.01 … 1; leads with equal scores are called in random order.
    """
    _, place = np.unique(-score, return_inverse=True)
    mass = np.append(0.0, np.cumsum(np.bincount(place, weights=test_set.weight)))
    won = np.append(0.0, np.cumsum(np.bincount(place, weights=test_set.weight * test_set.label)))
    at = np.linspace(0.0, 1.0, CURVE_POINTS)
    return np.asarray(np.interp(at, mass / mass[-1], won / won[-1] if won[-1] else won))
