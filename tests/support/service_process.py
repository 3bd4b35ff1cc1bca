"""The service as real processes on the loopback, to be killed, starved and flooded."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from features.contract import AttributeType, Group
from features.vectors.spec import AttributeSpec, Feature, FeatureSpec
from scoring.bands import BandThresholds
from scoring.intervals import IntervalTable
from scoring.model.linear import LinearComponent
from scoring.model.model import Model
from scoring.release.release import ReleaseContents, write_release
from scoring.release.store import ChampionPointer, ReleaseStore

WAIT_S = float(os.environ.get("LEADSCORE_TEST_WAIT_S", "60"))
"""How long something may take to become true; more on a machine that is busy with other work."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Service:
    """One ``leadscore serve`` on a home; may be started again after it died."""

    def __init__(self, home: Path, **settings: Any) -> None:
        self.home = home
        self.port = free_port()
        settings = {"refresh_per_s": 0, **settings}  # scores that nobody asked for would disturb
        self.settings = {f"LEADSCORE_{name.upper()}": str(v) for name, v in settings.items()}
        self.process: subprocess.Popen[bytes] | None = None
        self.client = httpx.Client(base_url=f"http://127.0.0.1:{self.port}", timeout=30)

    def start(self, *, ready: bool = True) -> Service:
        environment = {
            **os.environ,
            "LEADSCORE_HOME": str(self.home),
            "LEADSCORE_PORT": str(self.port),
            "OMP_NUM_THREADS": "1",
            **self.settings,
        }
        with (self.home / "serve.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "leadscore", "serve"],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.wait_for(lambda: self.answers("/health/ready" if ready else "/health/live"))
        return self

    def answers(self, path: str) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.home / "serve.log").read_text()
        try:
            return self.client.get(path).status_code == 200
        except httpx.TransportError:
            return False

    def wait_for(self, what: Callable[[], bool], seconds: float = WAIT_S) -> None:
        deadline = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < deadline, (self.home / "serve.log").read_text()[-3000:]
            time.sleep(0.05)

    def kill(self, number: int = signal.SIGKILL) -> int:
        """Send a signal and wait; the exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(60)

    def memory_mb(self) -> float:
        assert self.process is not None
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        kilobytes = next(line for line in text.splitlines() if line.startswith("VmRSS")).split()[1]
        return int(kilobytes) / 1024

    def metric(self, name: str) -> float:
        for line in self.client.get("/metrics").text.splitlines():
            if line.startswith((name + " ", name + "{")):
                return float(line.rsplit(" ", 1)[1])
        raise AssertionError(f"no metric {name}")

    def stop(self) -> None:
        self.client.close()
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(60)


def make_release(folder: Path, seed: int = 1) -> None:
    counted = [
        Feature("interactions", "any", "count", window_days=days) for days in (1.0, 7.0, 30.0, None)
    ]
    spec = FeatureSpec(
        (
            *counted,
            Feature("interactions", "any", "days_since_last"),
            Feature("attribute", "employees", "value"),
            Feature("attribute", "sector", "level", level="software"),
        ),
        (
            AttributeSpec("employees", AttributeType.NUMBER, Group.FIT),
            AttributeSpec("sector", AttributeType.CATEGORY, Group.FIT, levels=("software",)),
        ),
    )
    n = len(spec)
    rng = np.random.default_rng(seed)
    part = LinearComponent(
        ("log1p",) * n, np.zeros(n), np.zeros(n), np.ones(n), rng.normal(0, 0.2, n),
        np.zeros(n), -1.0,
    )  # fmt: skip
    write_release(
        folder,
        ReleaseContents(
            name="survivor",
            spec=spec,
            model=Model((part,), (1.0,), 1.0, 0.0, n),
            intervals=IntervalTable(np.zeros(1), np.array([0.1, 0.5]), np.array([0.5, 0.9])),
            thresholds=BandThresholds(0.2, 0.5),
            horizon_days=30.0,
        ),
    )


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with a champion."""
    make_release(tmp_path / "release")
    home = tmp_path / "home"
    path = ReleaseStore(home).add(tmp_path / "release")
    ReleaseStore(home).set_champion(ChampionPointer(path.name, "1", str(path)))
    return home


@pytest.fixture
def start(home: Path) -> Iterator[Callable[..., Service]]:
    """Starts services on the home; all end with the test."""
    begun: list[Service] = []

    def begin(*, ready: bool = True, **settings: Any) -> Service:
        service = Service(home, **settings)
        begun.append(service)
        return service.start(ready=ready)

    yield begin
    for service in begun:
        service.stop()


@pytest.fixture
def lead() -> dict[str, Any]:
    return {
        "lead_id": "L-1",
        "created_at": "2026-03-01T09:00:00Z",
        "as_of": "2026-03-20T08:00:00Z",
        "attributes": {"employees": 120, "sector": "software"},
        "interactions": [
            {"kind": "page_view", "occurred_at": f"2026-03-{1 + i % 19:02d}T10:{i:02d}:00Z"}
            for i in range(50)
        ],
    }


@pytest.fixture
def make() -> Callable[..., None]:
    return make_release


class Server:
    """A PostgreSQL of our own in a folder, on a socket in that folder alone."""

    def __init__(self, folder: Path, programs: Path) -> None:
        self.folder, self.programs = folder, programs
        self.url = f"postgresql://postgres@/postgres?host={folder}"

    def run(self, program: str, *arguments: str) -> None:
        user = "postgres" if os.geteuid() == 0 else None
        subprocess.run(
            [str(self.programs / program), "-D", str(self.folder / "data"), *arguments],
            check=True, user=user, cwd=self.folder, timeout=60,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def start(self) -> None:
        options = f"-c listen_addresses= -c unix_socket_directories={self.folder}"
        self.run("pg_ctl", "-w", "-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self) -> None:
        self.run("pg_ctl", "-w", "-m", "immediate", "stop")

    def processes(self) -> list[int]:
        """The server's processes: the first one and those that it started."""
        first = int((self.folder / "data" / "postmaster.pid").read_text().split()[0])
        children = Path(f"/proc/{first}/task/{first}/children").read_text().split()
        return [first, *map(int, children)]


def programs() -> Path | None:
    """The folder of PostgreSQL's server programs; distributions keep them off the path."""
    found = shutil.which("initdb") or shutil.which("postgres")
    if found is not None:
        return Path(found).resolve().parent
    return next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)


@contextmanager
def server_of_postgresql() -> Iterator[Server]:
    """A PostgreSQL that runs meanwhile; the test is skipped where there is none."""
    where = programs()
    if where is None or not (where / "initdb").exists():
        pytest.skip("no PostgreSQL on this machine")
    # short, for the socket in it; a name of its own, for an earlier server may leave files behind
    folder = Path(tempfile.mkdtemp(prefix="leadscore-pg-", dir="/tmp"))
    try:
        if os.geteuid() == 0:
            try:
                owner = pwd.getpwnam("postgres")
            except KeyError:
                pytest.skip("PostgreSQL does not run as root, and there is no user postgres")
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        made = Server(folder, where)
        made.run("initdb", "-U", "postgres", "-A", "trust", "--no-sync")
        made.start()
        yield made
        made.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgresql() -> Iterator[Server]:
    """A PostgreSQL that runs for one test; skipped where there is none."""
    with server_of_postgresql() as running:
        yield running
