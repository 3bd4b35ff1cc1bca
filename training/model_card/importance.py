"""Which features move the score most, which way, and in words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from features.compute.array_types import Float64
from features.language.current import current
from scoring.release.release import Release

MONOTONE = 0.7
"""From this correlation of value and effect on, the direction is reported without a caveat."""


@dataclass(frozen=True, slots=True)
class FeatureEffect:
    """A feature that moves the score.

    ``sentence``: a value on its high side, in words. ``effect``: log-odds there minus those at
    its middle, or at its low side where the middle is the high side. ``steady``: more of it always
    has the same sign. ``share``: of all that the features move between typical leads; the shares
    of all features sum to 1.
    """

    name: str
    sentence: str
    effect: float
    steady: bool
    share: float

    @property
    def direction(self) -> str:
        """What that value does to the score.

        >>> FeatureEffect("calls", "3 calls", 0.69, True, 0.5).direction
        'raises it (odds × 1.99)'
        """
        verb = "raises it" if self.effect > 0 else "lowers it"
        if abs(self.effect) < 5e-4:
            return "changes little there"
        caveat = "" if self.steady else ", others otherwise"
        return f"{verb} (odds × {math.exp(self.effect):.3g}{caveat})"


def feature_effects(release: Release) -> list[FeatureEffect]:
    """Every feature that moves the score, most first; empty if no statistics were recorded."""
    known = release.statistics.get("features", {})
    columns = [known.get(name, {}) for name in release.spec.names]
    if not columns:
        return []
    values, contributions, weight = _typical(release, columns)
    shares = _spread(contributions, weight)
    total = float(shares.sum())
    effects = []
    for column in np.argsort(-shares, kind="stable"):
        if not shares[column] > 0:
            break
        feature, at = release.spec.features[int(column)], _high(values[column])
        other = _other(values[column], columns[int(column)])
        effects.append(
            FeatureEffect(
                feature.name,
                feature.sentence(float(values[column, at]), current()),
                float(contributions[column, at] - contributions[column, other]),
                _steady(values[column], contributions[column]),
                float(shares[column] / total),
            )
        )
    return effects


def feature_shares(release: Release) -> Float64:
    """(F,) how far each feature moves the log-odds between typical leads.

    Each feature in turn takes the deciles it had in training (and unknown, as often as it was)
    while the others stay at their medians; the mean absolute distance of its contribution from
    its mean. 0 for one that never changes the score. A hint at importance, not a causal effect.
    """
    known = release.statistics.get("features", {})
    _, contributions, weight = _typical(
        release, [known.get(name, {}) for name in release.spec.names]
    )
    return _spread(contributions, weight)


def _typical(
    release: Release, columns: list[Mapping[str, Any]]
) -> tuple[Float64, Float64, Float64]:
    """(F, 12) each: eleven deciles and unknown, what they contribute, and how often they are."""
    values = np.array([_deciles(column) for column in columns]).reshape(len(columns), -1)
    middle = np.array([_middle(column) for column in columns])
    n_features, n_values = values.shape
    rows = np.repeat(middle[None, :], n_features * n_values, axis=0)
    at = np.repeat(np.arange(n_features), n_values)
    rows[np.arange(len(rows)), at] = values.reshape(-1)
    contributions = release.model.explain(rows).contributions[np.arange(len(rows)), at]
    weight = np.array([_weights(column) for column in columns]).reshape(values.shape)
    return values, contributions.reshape(values.shape), weight


def _spread(contributions: Float64, weight: Float64) -> Float64:
    mean = (contributions * weight).sum(axis=1, keepdims=True)
    return np.asarray((np.abs(contributions - mean) * weight).sum(axis=1), dtype=np.float64)


def _deciles(column: Mapping[str, Any]) -> list[float]:
    """Eleven quantiles and unknown."""
    deciles = column.get("deciles") or [math.nan] * 11
    return [*deciles, math.nan]


def _weights(column: Mapping[str, Any]) -> list[float]:
    """The share of leads of each of `_deciles`; sums to 1."""
    unknown = float(column.get("unknown", 1.0))
    inner = (1 - unknown) / 10
    return [inner / 2, *[inner] * 9, inner / 2, unknown]


def _middle(column: Mapping[str, Any]) -> float:
    unknown = float(column.get("unknown", 1.0)) > 0.5 or not column.get("deciles")
    return math.nan if unknown else float(column["deciles"][5])


def _other(values: Float64, column: Mapping[str, Any]) -> int:
    """Position of the value to compare `_high` with: the median, the smallest, or unknown."""
    if math.isnan(_middle(column)) or values[0] == values[10]:
        return 11
    return 5 if values[5] < values[10] else 0


def _high(values: Float64) -> int:
    """The ninth decile; the largest value where that is no more than the median."""
    return 9 if values[9] > values[5] else 10


def _steady(values: Float64, contributions: Float64) -> bool:
    """Whether effect follows value one way; True where there are two values or fewer."""
    known = ~np.isnan(values)
    levels, place = np.unique(values[known], return_inverse=True)
    if len(levels) < 3 or np.ptp(contributions[known]) == 0:
        return True
    return bool(abs(np.corrcoef(place, contributions[known])[0, 1]) >= MONOTONE)
