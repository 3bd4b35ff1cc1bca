"""A registry of its own for each test, copied: MLflow takes two seconds to make its tables."""

from __future__ import annotations

import tempfile
from functools import cache
from pathlib import Path

from training.registry.mlflow_registry import mlflow_client
from training.settings import TrackingSettings

DATABASE = "mlflow.db"


@cache
def _empty() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        with mlflow_client(TrackingSettings(home=Path(folder))) as client:
            client.search_registered_models(max_results=1)
        return (Path(folder) / DATABASE).read_bytes()


def empty_registry(home: Path) -> TrackingSettings:
    """The settings of ``home``, in which a registry without versions is ready."""
    content = _empty()
    home.mkdir(parents=True, exist_ok=True)
    (home / DATABASE).write_bytes(content)
    return TrackingSettings(home=home)
