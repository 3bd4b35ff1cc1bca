"""The calibration test, clustered by lead, and the log loss that recalibration would save."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.stats import chi2

from features.compute.array_types import Float64, Int8, Int64
from scoring.model.log_odds import sigmoid
from training.evaluation.metrics import log_loss
from training.model_selection.platt import platt


@dataclass(frozen=True, slots=True)
class Calibration:
    """Miscalibration: its p-value and its cost.

    ``p_value``: chance of a worse pattern if the probabilities were right. ``gain``: log loss that
    a straight line through the log-odds would save, in nats. ``bold_gain``: what a line of slope 1
    or less would save: a wrong mean and overconfidence count, underconfidence does not.
    """

    p_value: float
    gain: float
    bold_gain: float


def calibration_test(
    label: Int8, probability: Float64, weight: Float64, lead: Int64
) -> Calibration:
    """Score test of intercept 0 and slope 1 in the log-odds (Cox 1958), leads being the unit.

    The score's variance is summed over leads (sandwich), so several references of a lead are not
    several leads.
    """
    p = np.clip(probability, 1e-9, 1 - 1e-9)
    log_odds = np.log(p) - np.log1p(-p)
    residual = weight * (label - p)
    centred = log_odds - np.average(log_odds, weights=weight)
    _, member = np.unique(lead, return_inverse=True)
    by_lead = np.stack(
        [np.bincount(member, weights=residual), np.bincount(member, weights=residual * centred)]
    )
    total, variance = by_lead.sum(axis=1), by_lead @ by_lead.T
    rank = int(np.linalg.matrix_rank(variance, tol=1e-12))
    statistic = float(total @ np.linalg.pinv(variance, rcond=1e-10) @ total)
    gain, bold_gain = (
        log_loss(label, p, weight)
        - log_loss(label, _recalibrated(log_odds, label, weight, limit), weight)
        for limit in (np.inf, 1.0)
    )
    return Calibration(float(chi2.sf(statistic, max(rank, 1))), gain, bold_gain)


def _recalibrated(log_odds: Float64, label: Int8, weight: Float64, max_slope: float) -> Float64:
    """Probabilities on the best line through the log-odds that is not steeper than allowed."""
    slope, intercept = platt(log_odds, label.astype(np.float64), weight)
    if slope > max_slope:
        slope, rate = max_slope, float(np.average(label, weights=weight))

        def excess(shift: float) -> float:
            return float(np.average(sigmoid(max_slope * log_odds + shift), weights=weight)) - rate

        intercept = float(brentq(excess, -60, 60)) if 0 < rate < 1 else 0.0
    return sigmoid(slope * log_odds + intercept)
