"""The Bayes limit of a simulated scenario: the performance of the true probabilities.

No model can be expected to beat them: their log loss is the minimum, and what a model has above it
is *excess log loss*.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.compute.array_types import Float64
from training.evaluation.metrics import auc
from training.simulator.simulation import Simulation


@dataclass(frozen=True)
class Limit:
    """Performance of the true probabilities on mature references of one age (None: all ages).

    ``base_log_loss``: of predicting the base rate; ``log_loss``: of the truth, in nats.
    """

    age_days: float | None
    references: int
    positives: int
    base_rate: float
    mean_truth: float
    base_log_loss: float
    log_loss: float
    auc: float


def mature_truth(simulation: Simulation) -> pd.DataFrame:
    """References whose horizon was observed: lead_id, as_of, age_days, probability, happened."""
    table = simulation.truth.merge(simulation.outcomes, on="lead_id", how="left")
    table = table.merge(simulation.leads[["lead_id", "created_at"]], on="lead_id")
    until = table["as_of"] + pd.Timedelta(days=simulation.world.horizon_days)
    won = (table["outcome"] == "converted") & (table["occurred_at"] <= until)
    age = (table["as_of"] - table["created_at"]).dt.total_seconds() / 86_400
    table = table.assign(age_days=age, happened=won)[until <= simulation.observed_until]
    return table[["lead_id", "as_of", "age_days", "probability", "happened"]]


def learnable(simulation: Simulation) -> list[Limit]:
    """The truth's figures for all ages together, then for each age of the references."""
    table = mature_truth(simulation)
    ages = simulation.world.reference_ages_days
    return [_limit(None, table), *(_limit(age, table[table["age_days"] == age]) for age in ages)]


def expected_log_loss(truth: Float64, predicted: Float64) -> float:
    """Mean log loss in nats to be expected of ``predicted`` where ``truth`` holds, without luck.

    Both (n,), strictly between 0 and 1. At its least, the truth's own, when they are equal.

    >>> one = expected_log_loss(np.array([0.5]), np.array([0.5]))
    >>> round(one, 4), round(expected_log_loss(np.array([0.5]), np.array([0.25])) - one, 4)
    (0.6931, 0.1438)
    """
    loss = truth * np.log(predicted) + (1 - truth) * np.log1p(-predicted)
    return float(-loss.mean())


def _limit(age: float | None, table: pd.DataFrame) -> Limit:
    p, y = table["probability"].to_numpy(), table["happened"].to_numpy()
    rate = float(y.mean()) if len(y) else float("nan")
    return Limit(
        age_days=age,
        references=len(table),
        positives=int(y.sum()),
        base_rate=rate,
        mean_truth=float(p.mean()),
        base_log_loss=expected_log_loss(y.astype(float), np.full(len(y), rate)),
        log_loss=float(-np.log(np.where(y, p, 1 - p)).mean()),
        auc=auc(y.astype(np.int8), p, np.ones(len(y))),
    )
