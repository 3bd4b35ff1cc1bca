"""How far levels that share one column differ from each other: a variance no model can see.

A category has columns for its frequent levels; all others share one, so to every model they are the
same. Their outcomes say whether they are: the estimate is that of DerSimonian and Laird (1986), the
variance between groups beyond what chance within them explains.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.compute.array_types import Float64, Int64
from features.contract import AttributeType
from features.histories.arrays import Histories
from features.vectors.spec import FeatureSpec

STANDARD_ERRORS = 2.0
"""How far beyond chance the levels must differ before anything is added."""


def lumped_variance(
    spec: FeatureSpec,
    histories: Histories,
    lead: Int64,
    probability: Float64,
    label: Float64,
    weight: Float64,
) -> float:
    """Variance in log-odds between lumped levels, averaged over all references.

    ``lead`` (m): rows of the histories; ``probability`` (m): predicted out of fold; ``label`` (m):
    0 or 1; ``weight`` (m): a lead's references sum to at most 1. Levels as known at creation.
    """
    total = 0.0
    for attribute in spec.attributes:
        if attribute.type != AttributeType.CATEGORY or attribute.ordered:
            continue
        known = histories.attributes.get(attribute.name)
        if known is None:
            continue
        codes, words = pd.factorize(known)
        hidden = np.append(~np.isin(words.astype(str), attribute.levels), False)  # -1: unknown
        level = codes[lead]
        lumped = hidden[level]
        if not lumped.any():
            continue
        of_levels = variance_between(
            level[lumped], probability[lumped], label[lumped], weight[lumped]
        )
        total += of_levels * float(weight[lumped].sum() / weight.sum())
    return total


def variance_between(level: Int64, probability: Float64, label: Float64, weight: Float64) -> float:
    """Variance (log-odds, squared) of levels 0 … L - 1 around their common mean, beyond chance.

    0 with fewer than three levels, and where they differ by no more than chance would make them
    once in forty times.

    >>> level = np.repeat(np.arange(100), 50)
    >>> half = np.full(5_000, 0.5)
    >>> round(variance_between(level, half, (level % 2).astype(float), half * 2), 2)
    3.96
    """
    off = np.bincount(level, weight * (label - probability))
    known = np.bincount(level, weight * probability * (1 - probability))
    off, known = off[known > 0], known[known > 0]
    if len(known) < 3:
        return 0.0
    # of small levels off / known would be far out: one step of Newton's from no difference at all
    off = off - known * off.sum() / known.sum()
    beyond_chance = float((off**2 / known).sum()) - (len(known) - 1)
    if beyond_chance < STANDARD_ERRORS * np.sqrt(2.0 * (len(known) - 1)):
        return 0.0
    return beyond_chance / float(known.sum() - (known**2).sum() / known.sum())
