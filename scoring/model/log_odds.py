"""Log-odds and probabilities: the logistic function for kernels and for arrays, and its inverse."""

from __future__ import annotations

import math

import numpy as np

from features.compute.array_types import Float64
from features.compute.jit import kernel


@kernel
def probability_of(log_odds: float) -> float:
    """The logistic function of one number, without overflow; kernels call it."""
    if log_odds >= 0.0:
        return 1.0 / (1.0 + math.exp(-log_odds))
    odds = math.exp(log_odds)
    return odds / (1.0 + odds)


def sigmoid(log_odds: Float64) -> Float64:
    """The logistic function, (n,) → (n,), without overflow; NaN stays NaN.

    It may differ from :func:`probability_of` in the last bit: what a release serves comes from
    that one.

    >>> sigmoid(np.array([0.0, -1000.0, 1000.0])).tolist()
    [0.5, 0.0, 1.0]
    """
    with np.errstate(invalid="ignore"):  # numpy warns of a NaN on some processors
        return np.exp(-np.logaddexp(0.0, -log_odds))


def logit(probability: Float64) -> Float64:
    """The log-odds of probabilities strictly between 0 and 1, (n,) → (n,).

    >>> logit(np.array([0.5, 0.75])).round(4).tolist()
    [0.0, 1.0986]
    """
    return np.log(probability) - np.log1p(-probability)
