"""How much of a score is learned, and how much is rule."""

from __future__ import annotations

from typing import Any

import numpy as np

from features.histories import Float64
from scoring.model import Model
from scoring.scorecard_part import ScorecardPart

MOST_ROWS = 5_000


def rule_share(model: Model, vectors: Float64) -> dict[str, float]:
    """``weight`` of the rules in the average, and the ``share`` of the scores that they make.

    The share is the covariance of the rules' log-odds with the whole score over the variance of
    the score, on ``vectors`` (n, F; at most 5,000 rows spread evenly): rules and learned parts sum
    to 1. Both 0 without a scorecard among the parts.
    """
    parts = list(zip(model.parts, model.weights, strict=True))
    rules = [(part, weight) for part, weight in parts if isinstance(part, ScorecardPart)]
    if not rules:
        return {"weight": 0.0, "share": 0.0}
    rows = vectors[np.linspace(0, len(vectors) - 1, min(len(vectors), MOST_ROWS)).astype(np.intp)]
    moved = np.zeros(rows.shape)
    for part, weight in rules:
        part.add_contributions(rows, model.slope * weight, moved)
    by_rule, whole = moved.sum(axis=1), model.log_odds(rows)
    spread = float(np.var(whole))
    share = float(np.cov(by_rule, whole, ddof=0)[0, 1]) / spread if spread > 0 else 0.0
    return {"weight": float(sum(weight for _, weight in rules)), "share": min(max(share, 0.0), 1.0)}


def in_words(shares: dict[str, Any]) -> str:
    """One sentence for a person.

    >>> in_words({"weight": 0.2, "share": 0.124})
    '12 % of the score is rule, 88 % is learned'
    >>> in_words({"weight": 0.0, "share": 0.0})
    'all of the score is learned'
    """
    if not shares["weight"]:
        return "all of the score is learned"
    rule = round(100 * float(shares["share"]))
    return f"{rule} % of the score is rule, {100 - rule} % is learned"
