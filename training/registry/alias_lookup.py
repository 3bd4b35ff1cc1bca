"""Look up the release of an alias or version without MLflow's client, which takes seconds.

A server's child process looks every few seconds, and ``score --release champion`` each time. Two
registries can be queried cheaply: a server by its documented REST call, and an SQLite file. All
else out of the ordinary (a password, TLS settings, another schema) is left to the client.
"""

from __future__ import annotations

import json
import os
import sqlite3
import urllib.error
import urllib.parse
import urllib.request
from contextlib import closing
from pathlib import Path

from features.errors import RegistryError
from scoring.release.store import RELEASE_ID
from training.settings import RELEASE_ID_TAG, TrackingSettings

_CLIENT_ONLY = ("MLFLOW_TRACKING_", "DATABRICKS_")


_UNASKED = ("MLFLOW_TRACKING_URI",)


def lookup_alias(settings: TrackingSettings, ref: str) -> tuple[str, str] | None:
    """(version number, release_id) of an alias or a number; ``None`` if only the client can do it.

    Raises RegistryError when a server refuses the connection or does not answer in time.
    """
    if settings.uri.startswith("sqlite:///"):
        return _of_file(Path(settings.uri.removeprefix("sqlite:///")), settings.model_name, ref)
    if settings.is_remote and not _special():
        return _of_server(settings, ref)
    return None


_BY = {
    True: "JOIN registered_model_aliases a ON a.name = v.name AND a.version = v.version "
    "WHERE a.alias = :ref",
    False: "WHERE v.version = :ref",
}


_QUERY = (
    "SELECT v.version, t.value FROM model_versions v JOIN model_version_tags t "
    "ON t.name = v.name AND t.version = v.version AND t.key = :key {by} "
    "AND v.name = :model AND v.current_stage <> 'Deleted_Internal'"
)


def _of_file(file: Path, model: str, ref: str) -> tuple[str, str] | None:
    if not file.is_file():
        return None
    query = _QUERY.format(by=_BY[not ref.isdecimal()])
    parameters = {"ref": ref, "model": model, "key": RELEASE_ID_TAG}
    try:
        with closing(sqlite3.connect(f"{file.absolute().as_uri()}?mode=ro", uri=True)) as database:
            rows = database.execute(query, parameters).fetchall()
    except sqlite3.Error:
        return None
    return _checked(*rows[0]) if len(rows) == 1 else None


def _of_server(settings: TrackingSettings, ref: str) -> tuple[str, str] | None:
    path, key = ("model-versions/get", "version") if ref.isdecimal() else _ALIAS
    query = urllib.parse.urlencode({"name": settings.model_name, key: ref})
    url = f"{settings.uri.rstrip('/')}/api/2.0/mlflow/{path}?{query}"
    try:
        with urllib.request.urlopen(url, timeout=settings.registry_timeout_s) as answer:  # noqa: S310
            version = json.load(answer)["model_version"]
        tags = {tag["key"]: tag["value"] for tag in version.get("tags", [])}
        return _checked(version["version"], tags.get(RELEASE_ID_TAG))
    except (urllib.error.HTTPError, ValueError, KeyError, TypeError, AttributeError):
        return None
    except OSError as error:
        raise RegistryError(
            f"the model registry {settings.shown_uri} failed: {getattr(error, 'reason', error)}; "
            "is it running, and is LEADSCORE_TRACKING_URI right?"
        ) from error


_ALIAS = ("registered-models/alias", "alias")


def _checked(version: object, release_id: object) -> tuple[str, str] | None:
    number, name = str(version), str(release_id)
    return (number, name) if number.isdecimal() and RELEASE_ID.fullmatch(name) else None


def _special() -> bool:
    return any(
        name.startswith(_CLIENT_ONLY) and name not in _UNASKED and value
        for name, value in os.environ.items()
    )
