"""The MLflow registry behind a few plain calls: the one place where its client is made.

MLflow is imported inside functions (it takes 1.5 s). Its logs and telemetry are off, nothing but
the tracking URI is contacted, and a registry that is down is an error after seconds, not minutes.
"""

from __future__ import annotations

import logging
import os
import socket
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from features.errors import LeadscoreError, RegistryError
from scoring.release.store import RELEASE_ID
from training.settings import RELEASE_ID_TAG, TrackingSettings

if TYPE_CHECKING:
    from mlflow import MlflowClient


CHAMPION, CHALLENGER, PREVIOUS = "champion", "challenger", "previous"


ALIASES = (CHAMPION, CHALLENGER, PREVIOUS)


_MISSING = ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE")


@dataclass(frozen=True, slots=True)
class Version:
    """One registered version. ``tags`` hold what a list of models shows."""

    number: str
    release_id: str
    aliases: tuple[str, ...]
    run_id: str
    tags: Mapping[str, str]


class Registry:
    """The versions and aliases of ``settings.model_name``; connects at the first call.

    Every method raises RegistryError when the registry cannot be reached or does not answer in
    time, and when a requested version is not there.
    """

    def __init__(self, settings: TrackingSettings) -> None:
        self.settings = settings

    def versions(self) -> list[Version]:
        """All versions, newest first; empty if nothing was registered."""
        if self.settings.is_empty:
            return []
        with mlflow_client(self.settings) as client:
            if (aliases := self._aliases(client)) is None:
                return []
            entries: list[Any] = []
            token: str | None = None
            while True:
                page = client.search_model_versions(
                    f"name='{self.settings.model_name}'", max_results=200, page_token=token
                )
                entries.extend(page)
                token = page.token
                if not token:
                    break
            rows = [_version(entry, aliases) for entry in entries]
        return sorted(rows, key=lambda row: int(row.number), reverse=True)

    def version(self, number: str) -> Version:
        """The version of this number."""
        if not number.isdecimal():
            raise RegistryError(
                f"{number!r} is not a version number; `leadscore models` lists them"
            )
        missing = RegistryError(
            f"no version {number} of {self.settings.model_name} in "
            f"{self.settings.shown_uri}; `leadscore models` lists them"
        )
        if self.settings.is_empty:
            raise missing
        with mlflow_client(self.settings) as client:
            try:
                entry = client.get_model_version(self.settings.model_name, number)
            except Exception as error:
                if _code(error) in _MISSING:
                    raise missing from error
                raise
            return _version(entry, self._aliases(client) or {})

    def aliased(self, alias: str) -> Version | None:
        """The version that carries ``alias``; ``None`` if nobody does."""
        number = self.aliases().get(alias)
        return None if number is None else self.version(number)

    def aliases(self) -> dict[str, str]:
        """Alias → version number."""
        if self.settings.is_empty:
            return {}
        with mlflow_client(self.settings) as client:
            return self._aliases(client) or {}

    def set_aliases(self, wanted: Mapping[str, str | None]) -> None:
        """Point each alias to a version, or take it away (``None``); does nothing twice."""
        with mlflow_client(self.settings) as client:
            now = self._aliases(client) or {}
            for alias, number in wanted.items():
                if number is None and alias in now:
                    client.delete_registered_model_alias(self.settings.model_name, alias)
                elif number is not None and now.get(alias) != number:
                    client.set_registered_model_alias(self.settings.model_name, alias, number)

    def download(self, version: Version, into: Path) -> Path:
        """Fetch the version's release folder; unverified: `ReleaseStore.add` verifies it."""
        name = self.settings.model_name
        uri = f"models:/{name}/{version.number}/artifacts/{version.release_id}"
        with mlflow_client(self.settings):
            import mlflow.artifacts

            return Path(
                mlflow.artifacts.download_artifacts(
                    artifact_uri=uri,
                    dst_path=str(into),
                    tracking_uri=self.settings.uri,
                )
            )

    def _aliases(self, client: MlflowClient) -> dict[str, str] | None:
        """``None`` if the model was never registered."""
        try:
            model = client.get_registered_model(self.settings.model_name)
        except Exception as error:
            if _code(error) == "RESOURCE_DOES_NOT_EXIST":
                return None
            raise
        return {alias: str(number) for alias, number in model.aliases.items()}


def _version(entry: Any, aliases: Mapping[str, str]) -> Version:
    number = str(entry.version)
    release_id = entry.tags.get(RELEASE_ID_TAG, "")
    if not RELEASE_ID.fullmatch(release_id):
        release_id = ""  # registered by something else; it cannot be resolved
    return Version(
        number=number,
        release_id=release_id,
        aliases=tuple(sorted(alias for alias, at in aliases.items() if at == number)),
        run_id=entry.run_id or "",
        tags=dict(entry.tags),
    )


@contextmanager
def mlflow_client(settings: TrackingSettings) -> Iterator[MlflowClient]:
    """A quiet client of ``settings.uri``; whatever it raises becomes a RegistryError.

    The fluent interface (``mlflow.start_run``) uses the same URI inside the block.
    """
    _prepare_environment(settings)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own deprecations, about which a user can do nothing
        try:
            _check_port_open(settings)
            import mlflow

            _silence_logs()
            with _pointed_to(settings.uri):
                yield mlflow.MlflowClient(settings.uri, settings.uri)
        except LeadscoreError:
            raise
        except Exception as error:
            raise RegistryError(
                f"the model registry {settings.shown_uri} failed: {_root_cause(error)}; "
                "is it running, and is LEADSCORE_TRACKING_URI right?"
            ) from error


@contextmanager
def _pointed_to(uri: str) -> Iterator[None]:
    """The fluent interface on ``uri``; afterwards, and for child processes, all is as before.

    MLflow exports what it is set to, so the environment says what a notebook had chosen.
    """
    import mlflow

    before = {name: os.environ.get(name) for name in _EXPORTED}
    mlflow.set_tracking_uri(uri)
    mlflow.set_registry_uri(uri)
    try:
        yield
    finally:
        mlflow.set_tracking_uri(before[_EXPORTED[0]])
        mlflow.set_registry_uri(before[_EXPORTED[1]])
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


_EXPORTED = ("MLFLOW_TRACKING_URI", "MLFLOW_REGISTRY_URI")


def _root_cause(error: BaseException) -> str:
    """The innermost error: of a refused connection that says so, MLflow's own says a page."""
    while (inner := error.__cause__ or error.__context__) is not None:
        error = inner
    return f"{type(error).__name__}: {str(error).partition(chr(10))[0][:200]}"


def _check_port_open(settings: TrackingSettings) -> None:
    """Fail at once where a database does not listen: MLflow would try for 100 seconds."""
    address = urlsplit(settings.uri)
    port = _DATABASE_PORTS.get(address.scheme.partition("+")[0])
    if port is None or not address.hostname:
        return
    where = address.hostname, address.port or port
    socket.create_connection(where, timeout=settings.registry_timeout_s).close()


_DATABASE_PORTS = {"postgresql": 5432, "postgres": 5432, "mysql": 3306, "mssql": 1433}


def _prepare_environment(settings: TrackingSettings) -> None:
    """MLflow reads these at import or at each call; what the user has set stays."""
    settings.home.mkdir(parents=True, exist_ok=True)
    for name, value in {
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "DO_NOT_TRACK": "true",
        "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
        "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "0",
        "MLFLOW_HTTP_REQUEST_BACKOFF_JITTER": "0",
        "MLFLOW_HTTP_REQUEST_TIMEOUT": str(settings.registry_timeout_s),
        "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
        "MLFLOW_UV_AUTO_DETECT": "false",
        "GIT_PYTHON_REFRESH": "quiet",
    }.items():
        os.environ.setdefault(name, value)


def _silence_logs() -> None:
    for name in ("mlflow", "alembic", "git"):
        logging.getLogger(name).setLevel(logging.ERROR)


def _code(error: Exception) -> str:
    """MLflow's error code; empty for other errors."""
    return str(getattr(error, "error_code", ""))
