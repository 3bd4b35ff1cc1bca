"""Reasons: the features that moved a score most, in words a sales person understands."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from features.histories import Float64
from features.spec import FeatureSpec


@dataclass(frozen=True, slots=True)
class Reason:
    """One feature's share of the log-odds of one score.

    ``value`` is the feature's (NaN unknown) and ``text`` says it in words; ``contribution`` > 0
    speaks for the conversion, < 0 against it.
    """

    feature: str
    text: str
    value: float
    contribution: float


def strongest(contributions: Float64, k: int) -> list[int]:
    """Columns of the k largest shares by size, the first of equals first; zeros never count.

    >>> strongest(np.array([0.1, -0.7, 0.0, 0.7]), k=3)
    [1, 3, 0]
    """
    order = np.argsort(-np.abs(contributions), kind="stable")[: max(k, 0)]
    return [int(column) for column in order if contributions[column] != 0.0]


def top_reasons(
    spec: FeatureSpec, vector: Float64, contributions: Float64, k: int = 3
) -> list[Reason]:
    """The k features with the largest shares of one score, (F,) vectors and shares.

    Fewer when fewer features have a share. The others are not lost: base + all shares is the
    score, see :class:`scoring.model.Explained`.
    """
    return [
        Reason(
            feature=spec.features[column].name,
            text=spec.features[column].sentence(float(vector[column])),
            value=float(vector[column]),
            contribution=float(contributions[column]),
        )
        for column in strongest(contributions, k)
    ]
