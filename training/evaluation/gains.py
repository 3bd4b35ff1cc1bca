"""Gains and lift: what calling the best-scored leads first brings."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from features.compute.array_types import Float64, Int8

CONTACTED_SHARES = tuple(i / 20 for i in range(21))
"""Shares of leads called at which a release records its gains."""


def gains_curve(label: Int8, probability: Float64, weight: Float64) -> tuple[Float64, Float64]:
    """Share of all conversions found by calling the best share of leads; from (0, 0) to (1, 1).

    Leads with equal scores are called together. All zero where nobody converted.

    >>> y, p = np.array([0, 1, 0, 1], np.int8), np.array([0.1, 0.9, 0.2, 0.3])
    >>> [axis.tolist() for axis in gains_curve(y, p, np.ones(4))]
    [[0.0, 0.25, 0.5, 0.75, 1.0], [0.0, 0.5, 1.0, 1.0, 1.0]]
    """
    order = np.argsort(-probability, kind="stable")
    ends = np.append(np.flatnonzero(np.diff(probability[order])), len(order) - 1)
    contacted = np.cumsum(weight[order])[ends]
    converted = np.cumsum((weight * label)[order])[ends]
    return np.append(0.0, contacted / contacted[-1]), np.append(
        0.0, converted / max(converted[-1], 1e-300)
    )


def gains_at(
    label: Int8, probability: Float64, weight: Float64, shares: tuple[float, ...] = CONTACTED_SHARES
) -> list[float]:
    """Share of the conversions found at each share of leads called; equal scores share alike.

    >>> y, p = np.array([0, 1, 0, 1], np.int8), np.array([0.1, 0.9, 0.2, 0.3])
    >>> gains_at(y, p, np.ones(4), (0.0, 0.125, 0.5))
    [0.0, 0.25, 1.0]
    """
    contacted, converted = gains_curve(label, probability, weight)
    return [float(np.interp(share, contacted, converted)) for share in shares]


def lift_by_tenth(label: Int8, probability: Float64, weight: Float64) -> list[float]:
    """Rate of conversions in each tenth of the leads, best first, over the rate of all; (10,).

    >>> y = np.array([1, 1, 0, 1, 0, 0, 0, 1, 0, 0], np.int8)
    >>> [round(v, 9) for v in lift_by_tenth(y, np.linspace(1, 0, 10), np.ones(10))][:4]
    [2.5, 2.5, 0.0, 2.5]
    """
    converted = gains_at(label, probability, weight, tuple(d / 10 for d in range(11)))
    return [10 * (after - before) for before, after in pairwise(converted)]
