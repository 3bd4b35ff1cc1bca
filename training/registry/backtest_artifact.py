"""The backtest of a training, logged row by row with its run, so that the gate can pair it."""

from __future__ import annotations

import hashlib
import json
import tempfile
from pathlib import Path

import pandas as pd

from training.registry.mlflow_registry import Version, mlflow_client
from training.settings import TrackingSettings
from training.train import TrainedModel

FOLDER = "evaluation"


TABLE_FILE = "out_of_time.parquet"


ABOUT_FILE = "out_of_time.json"


COLUMNS = ("lead", "as_of_us", "label", "weight", "probability", "base_rate")


def backtest_table(trained: TrainedModel) -> pd.DataFrame:
    """The backtest row by row, for the gate: nothing of a lead but a hash of its id."""
    result = trained.backtest
    lead_ids = trained.data.histories.lead_ids[result.lead]
    return pd.DataFrame(
        {
            "lead": [hashed_lead_id(str(lead_id)) for lead_id in lead_ids],
            "as_of_us": result.as_of_us,
            "label": result.label,
            "weight": result.weight,
            "probability": result.probability,
            "base_rate": result.base_rate,
        }
    )


def hashed_lead_id(lead_id: str) -> str:
    """A lead's name in the registry: 16 hex digits that identify rows, not people.

    >>> hashed_lead_id("L-1")
    '4e1c1fb9b021e585'
    """
    return hashlib.sha256(f"leadscore lead {lead_id}".encode()).hexdigest()[:16]


def log_backtest(trained: TrainedModel) -> None:
    """Write the table and what it is about to the active run."""
    import mlflow

    with tempfile.TemporaryDirectory(prefix="leadscore-") as folder:
        file = Path(folder) / TABLE_FILE
        backtest_table(trained).to_parquet(file, index=False)
        mlflow.log_artifact(str(file), FOLDER)
        about = {"cutoff_us": trained.backtest.cutoff_us, "recipe": trained.backtest.ensemble}
        mlflow.log_text(json.dumps(about, sort_keys=True), f"{FOLDER}/{ABOUT_FILE}")


def recorded_backtest(settings: TrackingSettings, version: Version) -> pd.DataFrame:
    """The table that was logged with a version; empty if its run holds none.

    Raises RegistryError when the registry is down.
    """
    with mlflow_client(settings) as client, tempfile.TemporaryDirectory() as folder:
        files = client.list_artifacts(version.run_id, FOLDER) if version.run_id else []
        if f"{FOLDER}/{TABLE_FILE}" not in {file.path for file in files}:
            return pd.DataFrame({name: [] for name in COLUMNS})
        path = client.download_artifacts(version.run_id, f"{FOLDER}/{TABLE_FILE}", folder)
        return pd.read_parquet(path)
