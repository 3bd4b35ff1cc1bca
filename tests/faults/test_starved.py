"""Disk full, database locked, registry away: scoring goes on, writes say so, then recover."""

from __future__ import annotations

import resource
import socket
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

Start = Callable[..., Any]
LEAD = {"created_at": "2026-03-01T00:00:00Z"}


def event(i: int) -> dict[str, Any]:
    row = {"lead_id": "a", "kind": "page_view", "occurred_at": "2026-03-05T00:00:00Z"}
    return {"interactions": [{**row, "event_id": f"e-{i}"}]}


def test_disk_full(start: Start, lead: dict[str, Any]) -> None:
    """No file may grow any more, as on a full disk; then it may again, without a restart."""
    service = start()
    service.client.put("/v1/leads/a", json=LEAD)
    assert service.process is not None
    pid = service.process.pid
    _, most = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (10, most))
    refused = service.client.post("/v1/interactions", json=event(1))
    assert refused.status_code == 507
    assert refused.json()["type"] == "urn:leadscore:problem:storage-full"
    for _ in range(5):
        assert service.client.post("/v1/scores", json=lead).status_code == 200
    assert service.metric("leadscore_scores_unlogged_total") == 5
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (most, most))
    taken = service.client.post("/v1/interactions", json=event(1))
    assert taken.json() == {"taken": 1, "repeated": 0, "refused": []}
    assert service.client.post("/v1/scores", json=lead).status_code == 200
    assert service.metric("leadscore_scores_unlogged_total") == 5


def test_database_locked(start: Start, home: Path, lead: dict[str, Any]) -> None:
    service = start(database_wait_s=0.5)
    service.client.put("/v1/leads/a", json=LEAD)
    with closing(sqlite3.connect(home / "store.db", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        refused = service.client.post("/v1/interactions", json=event(1))
        assert refused.status_code == 503
        assert "retry-after" in refused.headers
        answered = [service.client.post("/v1/scores", json=lead) for _ in range(20)]
        assert {answer.status_code for answer in answered} == {200}
        assert service.client.get("/v1/leads/a/score").status_code == 200  # reading needs no lock
        other.execute("ROLLBACK")
    service.wait_for(
        lambda: service.client.post("/v1/interactions", json=event(1)).status_code == 200
    )
    last = answered[-1].json()["score_id"]
    url = f"/v1/leads/{lead['lead_id']}/history"
    service.wait_for(
        lambda: last in {s["score_id"] for s in service.client.get(url).json().get("scores", [])}
    )


@contextmanager
def hanging_registry() -> Iterator[str]:
    """A server that takes connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken: list[socket.socket] = []

        def accept() -> None:
            while True:
                try:
                    taken.append(server.accept()[0])
                except OSError:
                    return

        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        for connection in taken:
            connection.close()


def test_registry_hanging_from_the_start(start: Start, lead: dict[str, Any]) -> None:
    with hanging_registry() as uri:
        service = start(tracking_uri=uri, fetch_s=0.2, fetch_timeout_s=4)
        slowest = 0.0
        deadline = time.monotonic() + 60
        while service.metric("leadscore_fetches_failed_total") < 1:
            assert time.monotonic() < deadline
            begun = time.monotonic()
            assert service.client.post("/v1/scores", json=lead).status_code == 200
            slowest = max(slowest, time.monotonic() - begun)
            time.sleep(0.05)
        assert slowest < 2


def test_registry_down_from_the_start(start: Start, lead: dict[str, Any]) -> None:
    service = start(tracking_uri="http://127.0.0.1:9", fetch_s=0.2, fetch_timeout_s=60)
    service.wait_for(lambda: service.metric("leadscore_fetches_failed_total") >= 1, 90)
    assert service.client.post("/v1/scores", json=lead).json()["model"]["version"] == "1"


def test_store_unusable_at_start(start: Start, home: Path, lead: dict[str, Any]) -> None:
    (home / "store.db").write_bytes(b"this is no database" * 1000)
    service = start()
    assert service.client.post("/v1/scores", json=lead).status_code == 200
    assert service.client.put("/v1/leads/a", json=LEAD).status_code == 503
    (home / "store.db").unlink()
    service.wait_for(lambda: service.client.put("/v1/leads/a", json=LEAD).status_code == 201)
