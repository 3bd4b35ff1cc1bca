"""Against real processes: an MLflow server that works, hangs and dies; MLflow's model server."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from empty_registry import DATABASE, empty_registry
from small_training import registered

from features.errors import RegistryError
from scoring.release.store import ReleaseStore
from training.registry.alias_lookup import lookup_alias
from training.registry.gate_criteria import GateReport
from training.registry.log_run import EXAMPLE, RegisteredVersion
from training.registry.promote import promote
from training.registry.resolve import fetch, models, resolve
from training.settings import TrackingSettings

pytestmark = pytest.mark.slow
WHO = {"who": "ada", "now": "2026-06-02T09:00:00Z"}
START_S = 150
"""Generous: the machine may be busy; the servers start in a few seconds."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


@contextmanager
def running(arguments: list[str], health: str, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A server process group that is up; killed at the end, whatever its state."""
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
    found = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}
    with open(log, "wb") as output:
        server = subprocess.Popen(
            [sys.executable, "-m", "mlflow", *arguments],
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=log.parent,
            env=os.environ | quiet | found,
            start_new_session=True,
        )
    try:
        end = time.monotonic() + START_S
        while not answers(health):
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.2)
        yield server
    finally:
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()


@contextmanager
def registry_server(folder: Path) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    url = f"http://127.0.0.1:{free_port()}"
    empty_registry(folder)
    arguments = [
        "server",
        *("--backend-store-uri", f"sqlite:///{folder / DATABASE}"),
        *("--artifacts-destination", str(folder / "artifacts")),
        *("--host", "127.0.0.1", "--port", url.rpartition(":")[2], "--workers", "1"),
    ]
    with running(arguments, f"{url}/health", folder / "server.log") as server:
        yield server, url


def test_a_server_is_used_by_two_machines_then_hangs_then_dies(tmp_path: Path) -> None:
    with registry_server(tmp_path) as (server, url):
        here = TrackingSettings(home=tmp_path / "here", tracking_uri=url, registry_timeout_s=30)
        there = here.model_copy(update={"home": tmp_path / "there"})
        made = registered(here, tmp_path / "R", 0.5)
        promote(made.version, here, **WHO, gate=lambda *_: GateReport((), {}))
        assert [row.aliases for row in models(there)] == [("champion",)]
        path = resolve("champion", there)
        assert path == there.home / "releases" / made.release_id
        assert fetch("champion", there, **WHO).release_id == made.release_id
        assert lookup_alias(there, "champion") == lookup_alias(there, "1") == ("1", made.release_id)
        assert lookup_alias(there, "challenger") is lookup_alias(there, "9") is None
        assert not (here.home / "mlartifacts").exists()  # the server keeps what was logged
        assert not (here.home / "mlflow.db").exists()

        os.killpg(server.pid, signal.SIGSTOP)
        hasty = there.model_copy(update={"registry_timeout_s": 1})
        told: list[str] = []
        os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] = "1"
        started = time.monotonic()
        assert resolve("champion", hasty, warn=told.append) == path
        assert time.monotonic() - started < 20
        assert "timed out" in told[0]
        with pytest.raises(RegistryError, match="timed out"):
            models(hasty)
    with pytest.raises(RegistryError, match="Connection refused"):
        models(hasty)
    assert resolve("champion", hasty, warn=told.append) == path
    pointer = ReleaseStore(there.home).pointer()
    assert pointer is not None
    assert pointer.release_id == made.release_id


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> tuple[TrackingSettings, RegisteredVersion]:
    folder = tmp_path_factory.mktemp("logged")
    settings = empty_registry(folder / "home")
    return settings, registered(settings, folder / "R", 0.5)


def test_mlflow_models_serve_answers_invocations(
    logged: tuple[TrackingSettings, RegisteredVersion],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings, made = logged
    monkeypatch.setenv("MLFLOW_TRACKING_URI", settings.uri)
    port = str(free_port())
    arguments = [
        *("models", "serve", "-m", f"models:/leadscore/{made.version}"),
        *("--env-manager", "local", "--host", "127.0.0.1", "--port", port),
    ]
    url = f"http://127.0.0.1:{port}"
    with running(arguments, f"{url}/ping", tmp_path / "serve.log"):
        rows = [EXAMPLE, EXAMPLE | {"lead_id": "L-2", "as_of": "never"}]
        request = urllib.request.Request(
            f"{url}/invocations",
            json.dumps({"dataframe_records": rows}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as response:
            good, bad = json.load(response)["predictions"]
    assert good["lead_id"] == "L-1"
    assert good["low"] <= good["probability"] <= good["high"]
    assert good["band"] in ("cold", "warm", "hot")
    assert json.loads(good["reasons"])[0]["text"] == "1 page view in the last 7 days"
    assert "as_of is not a moment" in bad["error"]
