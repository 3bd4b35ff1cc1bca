"""What a model's figures should be if its probabilities are true: no outcome needed."""

from __future__ import annotations

import numpy as np

from features.histories import Float64


def expected_performance(probability: Float64, weight: Float64) -> dict[str, float]:
    """Expected ``log_loss`` (nats), ``brier``, ``auc`` and ``rate`` of (n,) probabilities.

    Confidence-based performance estimation (CBPE): each reference converts with its own
    probability. That is an assumption: a change of *who* the leads are is seen, a change of how
    leads like these *behave* is not. AUC is NaN when all probabilities are equal to 0 or 1.

    >>> expected_performance(np.array([0.5, 0.5]), np.ones(2))["auc"]
    0.5
    """
    p, w = np.clip(probability, 1e-12, 1 - 1e-12), weight / weight.sum()
    return {
        "log_loss": float(-(w @ (p * np.log(p) + (1 - p) * np.log1p(-p)))),
        "brier": float(w @ (p * (1 - p))),
        "auc": _expected_auc(p, w),
        "rate": float(w @ p),
    }


def _expected_auc(p: Float64, w: Float64) -> float:
    """Share of (converting, not converting) pairs in order; ties count half."""
    _, place = np.unique(p, return_inverse=True)
    wins = np.bincount(place, weights=w * p)
    losses = np.bincount(place, weights=w * (1 - p))
    before = np.cumsum(losses) - losses
    pairs = wins.sum() * losses.sum()
    return float((wins @ (before + losses / 2)) / pairs) if pairs > 0 else float("nan")
