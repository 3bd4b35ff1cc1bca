"""How good each score is on the same ground, with intervals over leads, alone and in pairs."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
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
    ``probability`` (n): what its user is given as a probability; None where it gives none.
    """

    name: str
    title: str
    about: str
    score: Float64
    band: np.ndarray[Any, np.dtype[np.object_]] | None = None
    probability: Float64 | None = None


@dataclass(frozen=True)
class LossByLead:
    """Log losses (sums) and weights by lead, (leads,): what bootstraps need of probabilities."""

    loss: Float64
    mass: Float64

    @classmethod
    def of(cls, test_set: EvaluationSet, probability: Float64) -> LossByLead:
        """Of the probabilities (n) of an evaluation set's references."""
        loss = test_set.weight * log_losses(test_set.label, probability)
        return cls(
            np.bincount(test_set.member, weights=loss).astype(np.float64),
            np.bincount(test_set.member, weights=test_set.weight).astype(np.float64),
        )

    def log_loss(self, times: Float64) -> Float64:
        """Log loss under (…, leads) multiplicities."""
        return np.asarray((times @ self.loss) / (times @ self.mass))


@dataclass(frozen=True)
class EvaluatedScore:
    """One score with what its figures are made from.

    ``probability`` (n): as a user gets it, and ``recalibrated`` where the score gives none.
    ``recalibrated`` (n): refitted on other leads of the test (:func:`calibrated`).
    """

    column: ScoreColumn
    probability: Float64
    recalibrated: Float64
    given_losses: LossByLead
    recalibrated_losses: LossByLead
    area: AucResult
    weekly: WeeklyList


@dataclass(frozen=True)
class ScoreMetrics:
    """One row of the main table. Differences are this one minus ``learned``.

    ``log_loss``, ``calibration_error``, ``log_loss_difference``: of the probabilities that a user
    gets; of recalibrated ones where a score gives none (``gives_probabilities`` false).
    ``recalibrated_…``: every score refitted alike on other leads of the test.

    ``called``: leads on the list of any week, each once; ``found``: conversions among them, each
    once. ``converted_of_called``: found / called. ``captured``: found / all conversions.
    ``lift``: ``converted_of_called`` over the share of all leads that convert.
    """

    name: str
    title: str
    about: str
    gives_probabilities: bool
    log_loss: Estimate
    auc: Estimate
    called: float
    found: float
    converted_of_called: Estimate
    captured: float
    lift: float
    calibration_error: float
    recalibrated_log_loss: Estimate
    recalibrated_calibration_error: float
    log_loss_difference: Estimate | None = None
    recalibrated_difference: Estimate | None = None
    auc_difference: Estimate | None = None
    auc_p_value: float | None = None
    converted_difference: Estimate | None = None

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def evaluate_score(
    test_set: EvaluationSet, column: ScoreColumn, folds: np.ndarray
) -> EvaluatedScore:
    """Recalibrate one score and prepare its figures."""
    recalibrated = calibrated(test_set, column.score, folds)
    given = recalibrated if column.probability is None else column.probability
    return EvaluatedScore(
        column,
        given,
        recalibrated,
        LossByLead.of(test_set, given),
        LossByLead.of(test_set, recalibrated),
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
    """The main table: every score, and its paired difference to ``against``."""
    drawn = {m.column.name: _contacted_rates(m, times) for m in evaluated}
    rival = next((m for m in evaluated if m.column.name == against), None)
    rows = []
    for m in evaluated:
        row = _row(test_set, m, times, drawn[m.column.name])
        if rival is not None and rival is not m:
            gaps = drawn[m.column.name] - drawn[against]
            row = _with_differences(row, m, rival, times, gaps)
        rows.append(row)
    return rows


def _row(
    test_set: EvaluationSet, m: EvaluatedScore, times: Float64, rates: Float64
) -> ScoreMetrics:
    called, found = m.weekly.counts(np.ones(test_set.n_leads))
    rate = found / called if called else float("nan")
    label, weight = test_set.label, test_set.weight
    return ScoreMetrics(
        name=m.column.name,
        title=m.column.title,
        about=m.column.about,
        gives_probabilities=m.column.probability is not None,
        log_loss=_loss(m.given_losses, times),
        auc=m.area.interval,
        called=called,
        found=found,
        converted_of_called=quantiles(rate, rates),
        captured=found / float(test_set.converted.sum()),
        lift=rate / test_set.rate,
        calibration_error=calibration_error(label, m.probability, weight),
        recalibrated_log_loss=_loss(m.recalibrated_losses, times),
        recalibrated_calibration_error=calibration_error(label, m.recalibrated, weight),
    )


def _loss(losses: LossByLead, times: Float64) -> Estimate:
    return quantiles(float(losses.log_loss(np.ones(times.shape[1]))), losses.log_loss(times))


def _contacted_rates(m: EvaluatedScore, times: Float64) -> Float64:
    """Conversion among the called under each resample, (resamples,)."""
    counts = [m.weekly.counts(drawn) for drawn in times]
    return np.array([found / n if n else np.nan for n, found in counts])


def _with_differences(
    row: ScoreMetrics, m: EvaluatedScore, rival: EvaluatedScore, times: Float64, rates: Float64
) -> ScoreMetrics:
    area, p = auc_difference(m.area, rival.area)
    called, found = rival.weekly.counts(np.ones(times.shape[1]))
    theirs = found / called if called else float("nan")
    return replace(
        row,
        log_loss_difference=_loss_gap(m.given_losses, rival.given_losses, times),
        recalibrated_difference=_loss_gap(m.recalibrated_losses, rival.recalibrated_losses, times),
        auc_difference=area,
        auc_p_value=p,
        converted_difference=quantiles(row.converted_of_called.value - theirs, rates),
    )


def _loss_gap(first: LossByLead, second: LossByLead, times: Float64) -> Estimate:
    once = np.ones(times.shape[1])
    gap = float(first.log_loss(once) - second.log_loss(once))
    return quantiles(gap, first.log_loss(times) - second.log_loss(times))


def best_of_lead(test_set: EvaluationSet, score: Float64) -> Float64:
    """Per lead: the highest score (n) of its references, (leads,)."""
    best = np.full(test_set.n_leads, -np.inf)
    np.maximum.at(best, test_set.member, score)
    return best


def gains(test_set: EvaluationSet, score: Float64) -> Float64:
    """Share of all conversions found when the best-scored share of leads is called.

    (CURVE_POINTS,) at shares 0, 0.01 … 1. Each lead counts once, with its highest score, and each
    conversion once; leads with equal scores are called in random order.
    """
    _, place = np.unique(-best_of_lead(test_set, score), return_inverse=True)
    mass = np.append(0.0, np.cumsum(np.bincount(place)))
    won = np.append(0.0, np.cumsum(np.bincount(place, weights=test_set.converted)))
    at = np.linspace(0.0, 1.0, CURVE_POINTS)
    return np.asarray(np.interp(at, mass / mass[-1], won / won[-1] if won[-1] else won))
