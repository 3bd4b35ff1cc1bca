"""The profit of calling leads, given the value of a conversion and the cost of a contact."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from training.comparison.metrics import CURVE_POINTS, EvaluatedScore, gains
from training.comparison.test_set import EvaluationSet


@dataclass(frozen=True)
class Profit:
    """What one score earns per 100 leads that come in.

    ``at_capacity``: calling what the team can call. ``best`` at ``best_share``: calling that
    share of leads. ``curve``: at shares 0, 0.01 … 1.
    """

    at_capacity: float
    best: float
    best_share: float
    curve: list[float]


@dataclass(frozen=True)
class ProfitView:
    """Value by score; every figure in the currency given, per 100 leads."""

    value_per_conversion: float
    cost_per_contact: float
    by_score: dict[str, Profit]


def profit_view(
    test_set: EvaluationSet, evaluated: Mapping[str, EvaluatedScore], value: float, cost: float
) -> ProfitView:
    """Profit of each score: conversions found times ``value`` less leads called times ``cost``.

    Each lead and each conversion counts once, and every figure is for 100 leads of the test.
    A contact is assumed to reach the lead and to change nothing: the value is that of having
    spent the team's time on those who convert.
    """
    return ProfitView(
        value,
        cost,
        {name: _profit(test_set, m, value, cost) for name, m in evaluated.items()},
    )


def _profit(test_set: EvaluationSet, m: EvaluatedScore, value: float, cost: float) -> Profit:
    called, found = m.weekly.counts(np.ones(test_set.n_leads))
    share = np.linspace(0.0, 1.0, CURVE_POINTS)
    curve = 100 * (gains(test_set, m.column.score) * test_set.rate * value - share * cost)
    best = int(np.argmax(curve))
    return Profit(
        100 * (found * value - called * cost) / test_set.n_leads,
        float(curve[best]),
        float(share[best]),
        curve.tolist(),
    )
