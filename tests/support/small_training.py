"""A training that took no time: the small release, and a backtest of made-up outcomes."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from small_release import small_release

from features.compute.array_types import DAY_US
from training.backtest import BacktestResult
from training.registry.log_run import RegisteredVersion, log_training
from training.settings import TrackingSettings

METRICS: dict[str, Any] = {
    "log_loss": {"value": 0.41, "low": 0.38, "high": 0.44},
    "auc": {"value": 0.71, "low": 0.68, "high": 0.74},
    "verdict": "better than the base rate",
    "test": {"references": 40, "optimistic": False},
}
DATA: dict[str, Any] = {
    "fingerprint": "f" * 64,
    "observed_until": "2026-06-01T00:00:00Z",
    "references": 40,
    "immature": 4,
}


def small_training(seed: int = 0, n: int = 40) -> Any:
    """What `log_training` reads of a training: the backtest and the ids of its leads."""
    rng = np.random.default_rng(seed)
    probability = rng.uniform(0.05, 0.9, n)
    backtest = BacktestResult(
        rows=np.arange(n),
        label=(rng.uniform(size=n) < probability).astype(np.int8),
        weight=np.ones(n),
        lead=np.arange(n),
        as_of_us=np.arange(n) * DAY_US,
        probability=probability,
        base_rate=np.full(n, 0.4),
        cutoff_us=0,
        ensemble="linear",
    )
    ids = np.array([f"L-{i}" for i in range(n)], dtype=object)
    return SimpleNamespace(
        backtest=backtest, data=SimpleNamespace(histories=SimpleNamespace(lead_ids=ids))
    )


def registered(settings: TrackingSettings, folder: Path, coefficient: float) -> RegisteredVersion:
    """Log and register a small release whose name follows from ``coefficient``."""
    small_release(folder, coefficient=coefficient, metrics=METRICS, data=DATA)
    return log_training(small_training(), folder, source="/data/small", settings=settings)
