"""The backtest of a training, logged row by row with its run, so that the gate can pair it.

Leads are named by a hash under a key that stays in the home: whoever reads the registry cannot
tell who they are, even with a list of all ids.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import tempfile
from pathlib import Path

import pandas as pd

from features.compute.atomic import create_once
from features.errors import StorageError
from scoring.model.log_odds import sigmoid
from training.registry.mlflow_registry import Version, mlflow_client
from training.settings import TrackingSettings
from training.train import TrainedModel

FOLDER = "evaluation"


TABLE_FILE = "out_of_time.parquet"


ABOUT_FILE = "out_of_time.json"


OUT_OF_FOLD_FILE = "out_of_fold.parquet"
"""What was predicted out of fold when the release itself was chosen: the gate's evidence where the
backtest's model had too little to find a signal."""


COLUMNS = ("lead", "as_of_us", "label", "weight", "probability", "base_rate")


KEY_FILE = "lead_hash.key"
"""In the home: the key that lead ids are hashed with. Machines that train share it."""


def lead_hash_key(home: Path) -> bytes:
    """The key in the home, made at the first training. StorageError if it cannot be read."""
    path = home / KEY_FILE
    try:
        home.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            create_once(path, secrets.token_hex(32).encode("ascii"), mode=0o600)
        return bytes.fromhex(path.read_text("ascii").strip())
    except (OSError, ValueError) as error:
        raise StorageError(f"cannot read the key in {path} ({type(error).__name__})") from error


def backtest_table(trained: TrainedModel, key: bytes) -> pd.DataFrame:
    """The backtest row by row, for the gate: nothing of a lead but a keyed hash of its id."""
    result = trained.backtest
    lead_ids = trained.data.histories.lead_ids[result.lead]
    return pd.DataFrame(
        {
            "lead": [hashed_lead_id(str(lead_id), key) for lead_id in lead_ids],
            "as_of_us": result.as_of_us,
            "label": result.label,
            "weight": result.weight,
            "probability": result.probability,
            "base_rate": result.base_rate,
        }
    )


def out_of_fold_table(trained: TrainedModel, key: bytes) -> pd.DataFrame:
    """The same columns of the references predicted out of fold by the release's own choice.

    A reference that was predicted several times has the mean of its log-odds.
    """
    fitted, data = trained.fitted, trained.data
    rows = fitted.out_of_fold
    center = fitted.candidate_results[0].log_odds  # of the base rate, the first of them
    frame = pd.DataFrame({"row": rows.rows, "log_odds": fitted.log_odds, "center": center})
    mean = frame.groupby("row").mean()
    row = mean.index.to_numpy()
    labelled = data.labelled
    return pd.DataFrame(
        {
            "lead": [
                hashed_lead_id(str(lead_id), key)
                for lead_id in data.histories.lead_ids[labelled.lead[row]]
            ],
            "as_of_us": labelled.as_of_us[row],
            "label": pd.Series(rows.label).groupby(rows.rows).first().to_numpy(),
            "weight": labelled.weight[row],
            "probability": sigmoid(mean["log_odds"].to_numpy()),
            "base_rate": sigmoid(mean["center"].to_numpy()),
        }
    )


def hashed_lead_id(lead_id: str, key: bytes) -> str:
    """A lead's name in the registry: 16 hex digits that identify rows, and nobody without the key.

    With no key (``b""``), as it was before there were keys: whoever has a list of ids can tell.

    >>> hashed_lead_id("L-1", b""), hashed_lead_id("L-1", b"secret")
    ('4e1c1fb9b021e585', '551ef6f98c33f4b5')
    """
    text = f"leadscore lead {lead_id}".encode()
    digest = hmac.new(key, text, hashlib.sha256) if key else hashlib.sha256(text)
    return digest.hexdigest()[:16]


def key_name(key: bytes) -> str:
    """What a key is called in the registry: tells it from others and says nothing of it."""
    return hashlib.sha256(b"leadscore key " + key).hexdigest()[:16] if key else ""


def log_backtest(trained: TrainedModel, home: Path) -> None:
    """Write the table and what it is about to the active run; the key stays in ``home``."""
    import mlflow

    key = lead_hash_key(home)
    with tempfile.TemporaryDirectory(prefix="leadscore-") as folder:
        file = Path(folder) / TABLE_FILE
        table = backtest_table(trained, key)
        table.to_parquet(file, index=False)
        mlflow.log_artifact(str(file), FOLDER)
        if not any_signal(table) and trained.signal:
            file = Path(folder) / OUT_OF_FOLD_FILE
            out_of_fold_table(trained, key).to_parquet(file, index=False)
            mlflow.log_artifact(str(file), FOLDER)
        about = {
            "cutoff_us": trained.backtest.cutoff_us,
            "recipe": trained.backtest.ensemble,
            "lead_hash_key": key_name(key),
        }
        mlflow.log_text(json.dumps(about, sort_keys=True), f"{FOLDER}/{ABOUT_FILE}")


def any_signal(table: pd.DataFrame) -> bool:
    """Whether a recorded table says anything but the base rate.

    >>> any_signal(pd.DataFrame({"probability": [0.2, 0.2], "base_rate": [0.2, 0.2]}))
    False
    """
    return bool((table["probability"] - table["base_rate"]).abs().gt(1e-9).any())


def recorded_backtest(settings: TrackingSettings, version: Version) -> pd.DataFrame:
    """The table that was logged with a version; empty if its run holds none.

    Raises RegistryError when the registry is down.
    """
    return _recorded_table(settings, version, TABLE_FILE)


def recorded_out_of_fold(settings: TrackingSettings, version: Version) -> pd.DataFrame:
    """The out-of-fold table that was logged with a version; empty if its run holds none.

    It is logged where the release has a signal and its backtest has none.
    """
    return _recorded_table(settings, version, OUT_OF_FOLD_FILE)


def _recorded_table(settings: TrackingSettings, version: Version, name: str) -> pd.DataFrame:
    with mlflow_client(settings) as client, tempfile.TemporaryDirectory() as folder:
        files = client.list_artifacts(version.run_id, FOLDER) if version.run_id else []
        if f"{FOLDER}/{name}" not in {file.path for file in files}:
            return pd.DataFrame({column: [] for column in COLUMNS})
        path = client.download_artifacts(version.run_id, f"{FOLDER}/{name}", folder)
        return pd.read_parquet(path)


def recorded_key(settings: TrackingSettings, version: Version) -> bytes | None:
    """The key that a version's backtest names its leads with; ``b""`` for one without a key.

    None if it is not this home's: then its rows are nobody's here. Copy ``lead_hash.key`` from the
    home that trained it. Raises RegistryError when the registry is down.
    """
    with mlflow_client(settings) as client, tempfile.TemporaryDirectory() as folder:
        files = client.list_artifacts(version.run_id, FOLDER) if version.run_id else []
        if f"{FOLDER}/{ABOUT_FILE}" not in {file.path for file in files}:
            return b""
        path = client.download_artifacts(version.run_id, f"{FOLDER}/{ABOUT_FILE}", folder)
        name = json.loads(Path(path).read_text("utf-8")).get("lead_hash_key", "")
    keys = (b"", lead_hash_key(settings.home))
    return next((key for key in keys if key_name(key) == name), None)
