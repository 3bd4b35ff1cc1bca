"""Are probabilities true? A test that counts leads, and what mending them would be worth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit
from scipy.stats import chi2

from features.compute.array_types import Float64, Int8, Int64
from training.evaluation.metrics import log_loss
from training.model_selection.platt import platt


@dataclass(frozen=True, slots=True)
class Calibration:
    """How far probabilities are from their rates.

    ``p_value``: chance of a worse pattern if they were right. ``gain``: log loss that a straight
    line through the log-odds would save, in nats. ``bold_gain``: what a line of slope 1 or less
    would save: being off on average and being too sure count, being too timid does not.
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
        log_loss(label, p, weight) - log_loss(label, _mended(log_odds, label, weight, most), weight)
        for most in (np.inf, 1.0)
    )
    return Calibration(float(chi2.sf(statistic, max(rank, 1))), gain, bold_gain)


def _mended(log_odds: Float64, label: Int8, weight: Float64, steepest: float) -> Float64:
    """Probabilities on the best line through the log-odds that is not steeper than allowed."""
    slope, intercept = platt(log_odds, label.astype(np.float64), weight)
    if slope > steepest:
        slope, rate = steepest, float(np.average(label, weights=weight))

        def excess(shift: float) -> float:
            return float(np.average(expit(steepest * log_odds + shift), weights=weight)) - rate

        intercept = float(brentq(excess, -60, 60)) if 0 < rate < 1 else 0.0
    return np.asarray(expit(slope * log_odds + intercept), dtype=np.float64)
