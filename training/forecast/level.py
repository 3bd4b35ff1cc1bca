"""How far the level of a period may be off: all its leads share it, so it does not average out.

The out-of-fold scores of every period (as long as the horizon) have a level: the log-odds by which
their conversions were above the scores. Their standard deviation between periods is estimated
beyond chance, with its own uncertainty where there are few periods, and what a next period's level
may be is kept as quantiles. A random effect of the period: DerSimonian and Laird 1986,
"Meta-analysis in clinical trials", Control. Clin. Trials 7:177-188; integrated over the deviation:
Gelman 2006, "Prior distributions for variance parameters in hierarchical models", Bayesian Anal.
1:515-534.
"""

from __future__ import annotations

import numpy as np
from scipy.special import ndtr

from features.compute.array_types import Float64, Int64
from scoring.model.log_odds import sigmoid
from training.model_selection.cross_validation import OutOfFoldRows
from training.model_selection.recalibration import fit_levels

QUANTILES = np.linspace(0.005, 0.995, 100)
"""Evenly spaced: each stands for a hundredth."""
TYPICAL_SD = 0.2
"""Scale of the prior (half-Cauchy) of the standard deviation, in log-odds: as measured on the real
sets and the simulated worlds of benchmarks/forecast.py."""
N_GROUPS = 3
MAX_SD = 2.0


def level_quantiles(
    as_of_us: Int64, length_us: int, rows: OutOfFoldRows, log_odds: Float64
) -> tuple[Float64, Float64]:
    """(quantiles of the level of a next period, of a third of its leads by score), (100,) each.

    ``log_odds`` (m): of converting within ``length_us`` of ``as_of_us`` (m); ``rows`` (m) say
    whether they did. Periods are as long.
    """
    period = (as_of_us.max() - as_of_us) // max(length_us, 1)
    whole = _quantiles(*period_levels(rows, log_odds, period))
    edges = np.quantile(log_odds, np.arange(1, N_GROUPS) / N_GROUPS)
    third = np.searchsorted(edges, log_odds)
    part = _quantiles(*period_levels(rows, log_odds, period * N_GROUPS + third))
    return whole, np.where(np.abs(part) > np.abs(whole), part, whole)


def period_levels(rows: OutOfFoldRows, log_odds: Float64, period: Int64) -> tuple[Float64, Float64]:
    """(level, its standard error over leads) of each ``period`` (m), in log-odds."""
    number = np.unique(period, return_inverse=True)[1]
    line = fit_levels(
        log_odds, log_odds, rows.label, rows.weight, number.astype(np.intp), fixed_slope=True
    )
    p = sigmoid(log_odds + line.level[number])
    information = np.bincount(number, rows.weight * p * (1 - p))
    units, unit = np.unique(rows.unit, return_inverse=True)
    cells, cell = np.unique(number * len(units) + unit, return_inverse=True)
    residual = np.bincount(cell, rows.weight * (rows.label - p))
    spread = np.bincount(cells // len(units), residual**2)
    # a period with few conversions says little: no less than its information allows
    variance = np.maximum(spread / np.maximum(information, 1e-9) ** 2, 1 / (information + 1))
    return line.level, np.sqrt(variance)


def _quantiles(level: Float64, error: Float64) -> Float64:
    """Quantiles of a next level, around 0, over what its standard deviation may be."""
    sd = np.linspace(0.0, MAX_SD, 201)
    variance = sd[:, None] ** 2 + error**2
    log_likelihood = -(level**2 / variance + np.log(variance)).sum(axis=1) / 2
    log_posterior = log_likelihood - np.log1p((sd / TYPICAL_SD) ** 2)
    weight = np.exp(log_posterior - log_posterior.max())
    at = np.linspace(-4 * MAX_SD, 4 * MAX_SD, 1601)
    with np.errstate(divide="ignore", invalid="ignore"):
        below = ndtr(at[:, None] / sd)
    below[:, 0] = np.where(at < 0, 0.0, np.where(at > 0, 1.0, 0.5))
    reached = below @ (weight / weight.sum())
    return np.asarray(np.interp(QUANTILES, reached, at))
