"""Like ages with like: what training recorded, mixed as the ages of later references are.

An export of new leads has no old references, so every count of interactions and every probability
has another distribution, though nothing has changed. A release therefore records the shares at its
deciles for each reference age too, and monitoring mixes them by the ages that it sees.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from features.compute.array_types import DAY_US, Float64, Int64
from training.evaluation.confidence import Z95, delong
from training.evaluation.metrics import Estimate
from training.labels.references import LabelledReferences

SMALL_AGE_DIFFERENCE = 0.05
"""Ages whose shares differ by no more than this in all (total variation) are taken as the same."""


def ages_in_days(labelled: LabelledReferences, created_at_us: Int64) -> Float64:
    """(n) as_of minus creation in days, to the microsecond; zeros without time.

    ``created_at_us`` (n_leads): of the histories.
    """
    if not labelled.has_time:
        return np.zeros(len(labelled))
    return np.round((labelled.as_of_us - created_at_us[labelled.lead]) / DAY_US, 9)


def shares_of_ages(age_days: Float64, weight: Float64) -> dict[float, float]:
    """Weight of each age over the whole.

    >>> shares_of_ages(np.array([0.0, 7.0, 7.0, 7.0]), np.ones(4))
    {0.0: 0.25, 7.0: 0.75}
    """
    ages, place = np.unique(age_days, return_inverse=True)
    mass = np.bincount(place, weights=weight)
    return {float(a): float(m / mass.sum()) for a, m in zip(ages, mass, strict=True)}


def column_by_age(column: Float64, age_days: Float64, deciles: Sequence[float]) -> dict[str, Any]:
    """Per age (its days as the key): share ``unknown``, and of the known ``upto`` each decile."""
    found = {}
    for age in np.unique(age_days):
        own = column[age_days == age]
        known = np.sort(own[~np.isnan(own)])
        upto = np.searchsorted(known, np.asarray(deciles), side="right") / max(len(known), 1)
        found[f"{age:g}"] = {"unknown": 1.0 - len(known) / len(own), "upto": upto.round(6).tolist()}
    return found


def auc_by_age(
    label: np.ndarray, score: Float64, weight: Float64, unit: Int64, age_days: Float64
) -> dict[str, dict[str, float]]:
    """Per age with both outcomes: its share of the weight, AUC and standard error."""
    found = {}
    for age in np.unique(age_days):
        rows = age_days == age
        if len(np.unique(label[rows])) < 2:
            continue
        area = delong(label[rows], score[rows], weight[rows], unit[rows])
        found[f"{age:g}"] = {
            "share": float(weight[rows].sum() / weight.sum()),
            "auc": float(area.value),
            "error": float(area.standard_error),
        }
    return found


def areas_at_same_ages(
    then: Mapping[str, Mapping[str, float]], now: Mapping[str, Mapping[str, float]]
) -> tuple[Estimate, Estimate] | None:
    """(AUC now, AUC then), each the mean within the ages of both, mixed as they are now.

    None where the ages are mixed as they were, or none is in both. Errors add up, for the ages'
    references are of the same leads.
    """
    ages = [age for age in now if age in then]
    total = sum(now[age]["share"] for age in ages)
    keys = {*now, *then}
    moved = sum(abs(_share(now, age) - _share(then, age)) for age in keys) / 2
    if not ages or total <= 0 or moved <= SMALL_AGE_DIFFERENCE:
        return None

    def mixed(side: Mapping[str, Mapping[str, float]]) -> Estimate:
        shares = [now[age]["share"] / total for age in ages]
        value = sum(s * side[age]["auc"] for s, age in zip(shares, ages, strict=True))
        error = sum(s * side[age]["error"] for s, age in zip(shares, ages, strict=True))
        return Estimate(value, value - Z95 * error, value + Z95 * error)

    return mixed(now), mixed(then)


def _share(side: Mapping[str, Mapping[str, float]], age: str) -> float:
    return float(side[age]["share"]) if age in side else 0.0
