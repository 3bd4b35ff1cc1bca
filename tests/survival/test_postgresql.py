"""The store on PostgreSQL: the same behaviour, and a restart of the database under the service."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from features.building import histories_of
from features.reading import read_dataset

Start = Callable[..., Any]
LEAD = {"created_at": "2026-03-01T00:00:00Z", "attributes": {"sector": "software", "vip": True}}


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


def programs() -> Path | None:
    found = shutil.which("initdb") or shutil.which("postgres")
    return None if found is None else Path(found).resolve().parent


@pytest.fixture
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    where = programs()
    if where is None or not (where / "initdb").exists():
        pytest.skip("no PostgreSQL on this machine")
    folder = Path("/tmp") / f"leadscore-pg-{os.getpid()}"
    folder.mkdir()
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


def test_the_store_on_postgresql(server: Server, start: Start, lead: dict[str, Any]) -> None:
    service = start(database_url=server.url, database_wait_s=1)
    client = service.client
    assert client.put("/v1/leads/a", json=LEAD).status_code == 201
    acts = [{"lead_id": "a", **row} for row in lead["interactions"]]
    for expected in ((50, 0), (0, 50)):
        said = client.post("/v1/interactions", json={"interactions": acts}).json()
        assert (said["taken"], said["repeated"]) == expected
    told = {"lead_id": "a", "attribute": "sector", "answered_at": "2026-03-10T00:00:00Z"}
    client.post("/v1/answers", json={"answers": [{**told, "value": "retail"}]})
    end = {"lead_id": "a", "outcome": "converted", "occurred_at": "2026-03-25T00:00:00Z"}
    assert client.post("/v1/outcomes", json={"outcomes": [end]}).json()["taken"] == 1
    asked = client.get("/v1/leads/a/score", params={"as_of": lead["as_of"]}).json()
    assert asked["probability"] > 0
    service.wait_for(lambda: bool(client.get("/v1/leads").json()["leads"]))
    assert client.get("/v1/leads/a/history").json()["scores"][0]["score_id"] == asked["score_id"]

    histories = histories_of(read_dataset(server.url, max_bad_fraction=0.0))
    assert histories.lead_ids.tolist() == ["a"]
    assert len(histories.interactions.at_us) == 50
    assert histories.attributes["sector"][0] == "software", histories.attributes

    server.stop()
    assert client.post("/v1/scores", json=lead).status_code == 200
    assert client.post("/v1/interactions", json={"interactions": acts[:1]}).status_code == 503
    kept = client.post("/v1/scores", json=lead).json()["score_id"]
    server.start()
    service.wait_for(
        lambda: client.post("/v1/interactions", json={"interactions": acts}).status_code == 200
    )
    service.wait_for(
        lambda: (
            kept
            in {s["score_id"] for s in client.get("/v1/leads/L-1/history").json().get("scores", [])}
        )
    )
    gone = client.delete("/v1/leads/a").json()
    assert gone["rows"]["interaction"] == 50
    assert client.put("/v1/leads/a", json=LEAD).status_code == 410
