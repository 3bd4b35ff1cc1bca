"""Log a training to MLflow: metrics, charts, model card, release, and a version to promote."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from markupsafe import Markup

import features
import scoring
from features.language.current import use
from features.language.language import ENGLISH
from scoring.release.release import Release, load_release
from scoring.release.store import ReleaseStore
from training.backtest import BacktestResult
from training.calibration.report import diagram_of
from training.charts.reliability import reliability_chart
from training.evaluation.gains import gains_at
from training.model_card.card import card_of
from training.model_card.charts import gains_picture
from training.model_card.render import card_html, card_markdown
from training.registry.backtest_artifact import backtest_table, log_backtest
from training.registry.mlflow_registry import CHALLENGER, Registry, mlflow_client
from training.registry.previous_release import current_champion
from training.settings import RELEASE_ID_TAG, TrackingSettings
from training.train import TrainedModel

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.models import ModelSignature

CARD_FILE, CARD_PAGE = "model_card.md", "model_card.html"


PYFUNC_FILE = Path(__file__).with_name("pyfunc.py")


REQUIREMENTS = (
    "cryptography", "mlflow", "msgspec", "numba", "numpy", "pandas", "pyarrow", "pydantic"
)  # fmt: skip
"""What the model needs beside its own code, which is logged with it; pinned when logging."""


EXAMPLE: dict[str, str] = {
    "lead_id": "L-1",
    "as_of": "2026-03-20T08:00:00Z",
    "created_at": "2026-03-01T09:00:00Z",
    "attributes": "{}",
    "interactions": '[{"kind": "page_view", "occurred_at": "2026-03-18T10:00:00Z"}]',
    "answers": "[]",
}


@dataclass(frozen=True, slots=True)
class RegisteredVersion:
    """A version that is now the challenger in the registry."""

    version: str
    release_id: str
    run_id: str


def log_training(
    trained: TrainedModel,
    release_dir: Path,
    *,
    source: str,
    settings: TrackingSettings | None = None,
) -> RegisteredVersion:
    """Log one training and register it as the challenger; the champion stays what it is.

    ``release_dir``: the folder written from ``trained.contents``. ``source``: where the dataset
    was read from, so that the gate finds it again. A process killed on the way leaves at most a
    run that no version points to. Raises RegistryError when the registry is down (the release
    folder is unharmed: it can be scored with, and logged by training again).
    """
    settings = settings or TrackingSettings()
    release = load_release(release_dir)
    stored = ReleaseStore(settings.home).add(release_dir)
    with mlflow_client(settings) as client:
        run_id, model_uri, model_id = _log_run(client, settings, trained, release, stored, source)
        version = _register(client, settings, release, source, run_id, model_uri, model_id)
    Registry(settings).set_aliases({CHALLENGER: version})
    ReleaseStore(settings.home).record_version(settings.registry_key, version, release.release_id)
    return RegisteredVersion(version, release.release_id, run_id)


def _log_run(
    client: MlflowClient,
    settings: TrackingSettings,
    trained: TrainedModel,
    release: Release,
    stored: Path,
    source: str,
) -> tuple[str, str, str]:
    import mlflow

    with mlflow.start_run(
        experiment_id=_experiment(client, settings),
        run_name=f"{release.name} {release.release_id}",
        tags=_tags(release, source),
        log_system_metrics=False,
    ) as run:
        mlflow.log_params(parameters(release))
        mlflow.log_metrics(figures(release.metrics))
        with use(ENGLISH):  # cards of one registry are compared line by line
            for name, chart in _charts(trained.backtest).items():
                mlflow.log_text(str(chart), f"plots/{name}.svg")
            previous = current_champion(
                settings, partial(backtest_table, trained), release.thresholds
            )
            card = card_of(release, previous)
            mlflow.log_text(card_markdown(card), CARD_FILE)
            mlflow.log_text(card_html(card), CARD_PAGE)
        log_backtest(trained, settings.home)
        with copied_code() as code:
            info = mlflow.pyfunc.log_model(
                name="release",
                python_model=str(PYFUNC_FILE),
                artifacts={"release": str(stored), "code": code},
                signature=signature(),
                input_example=pd.DataFrame([EXAMPLE]),
                pip_requirements=[f"{name}=={metadata.version(name)}" for name in REQUIREMENTS],
            )
        return run.info.run_id, info.model_uri, info.model_id


def _charts(backtest: BacktestResult) -> dict[str, Markup]:
    gains = gains_at(backtest.label, backtest.probability, backtest.weight)
    return {
        "reliability": reliability_chart(diagram_of(backtest, seed=0)),
        "gains": gains_picture(gains),
    }


@contextmanager
def copied_code() -> Iterator[str]:
    """A folder with the source of the packages that a score needs, without caches."""
    with tempfile.TemporaryDirectory(prefix="leadscore-") as folder:
        for package in (features, scoring):
            source = Path(package.__path__[0])
            skip = shutil.ignore_patterns("__pycache__")
            shutil.copytree(source, Path(folder) / "code" / source.name, ignore=skip)
        yield str(Path(folder) / "code")


def _register(
    client: MlflowClient,
    settings: TrackingSettings,
    release: Release,
    source: str,
    run_id: str,
    model_uri: str,
    model_id: str,
) -> str:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(settings.model_name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    version = client.create_model_version(
        settings.model_name,
        model_uri,
        run_id,
        tags=_tags(release, source),
        description=str(release.metrics.get("verdict", "")),
        model_id=model_id,
    )
    return str(version.version)


def _experiment(client: MlflowClient, settings: TrackingSettings) -> str:
    experiment = client.get_experiment_by_name(settings.experiment)
    if experiment is not None:
        return str(experiment.experiment_id)
    location = None if settings.is_remote else settings.artifact_folder.as_uri()
    return str(client.create_experiment(settings.experiment, artifact_location=location))


def parameters(release: Release) -> dict[str, Any]:
    """The run's parameters: settings of the training, and what was chosen."""
    choice = release.metrics.get("choice", {})
    return {
        **{str(k): _short(v) for k, v in release.manifest.get("settings", {}).items()},
        "horizon_days": release.horizon_days,
        "has_time": release.has_time,
        "features": len(release.spec),
        "spec_digest": release.spec.digest,
        "recipe": _short(choice.get("recipe")),
        "cut_warm": release.thresholds.warm,
        "cut_hot": release.thresholds.hot,
        "scorecard": release.scorecard is not None,
    }


def figures(metrics: Mapping[str, Any], prefix: str = "") -> dict[str, float]:
    """Every number of the release's metrics under one flat name.

    >>> figures({"auc": {"value": 0.7, "low": 0.6}, "test": {"optimistic": False}})
    {'auc': 0.7, 'auc_low': 0.6}
    """
    flat: dict[str, float] = {}
    for name, value in metrics.items():
        key = prefix if name == "value" else f"{prefix}_{name}".lstrip("_")
        if isinstance(value, Mapping):
            flat |= figures(value, key)
        elif isinstance(value, int | float) and not isinstance(value, bool):
            flat[key] = float(value)
    return flat


def _tags(release: Release, source: str) -> dict[str, str]:
    """What a list of versions and the gate read, without downloading anything."""
    data = release.manifest.get("data", {})
    flat = figures(release.metrics)
    return {
        RELEASE_ID_TAG: release.release_id,
        "dataset": release.name,
        "dataset_fingerprint": str(data.get("fingerprint", "")),
        "dataset_source": source,
        "trained_until": str(data.get("observed_until") or ""),
        "references": str(data.get("references", "")),
        **{name: f"{flat[name]:.6g}" for name in _TAG_METRICS if name in flat},
    }


_TAG_METRICS = ("log_loss", "log_loss_low", "log_loss_high", "auc")


def signature() -> ModelSignature:
    """Columns of a request and of a prediction (docs/reference/models.md says what each holds)."""
    from mlflow.models import ModelSignature
    from mlflow.types import ColSpec, Schema

    optional = ("as_of", "created_at", "attributes", "interactions", "answers")
    numbers = ("probability", "low", "high")
    return ModelSignature(
        inputs=Schema(
            [ColSpec("string", "lead_id")]
            + [ColSpec("string", name, required=False) for name in optional]
        ),
        outputs=Schema(
            [ColSpec("string", "lead_id")]
            + [ColSpec("double", name) for name in numbers]
            + [ColSpec("string", name) for name in ("band", "reasons", "error")]
        ),
    )


def _short(value: Any) -> str:
    """A parameter as text; MLflow takes at most 6,000 characters."""
    return (value if isinstance(value, str) else json.dumps(value, sort_keys=True))[:2000]
