"""Two workers are one service: the same keys, store, metrics and release; one signal ends both."""

from __future__ import annotations

import os
import re
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx

from scoring.release.store import ChampionPointer, ReleaseStore

Start = Callable[..., Any]


def test_two_workers(
    start: Start, home: Path, lead: dict[str, Any], make: Callable[..., None], tmp_path: Path
) -> None:
    service = start(workers=2, watch_s=0.2)
    url = service.client.base_url
    ids = set()
    for _ in range(20):  # a connection each, so that both workers answer
        with httpx.Client(base_url=url) as client:
            ids.add(client.post("/v1/scores", json=lead).json()["score_id"])
    service.wait_for(lambda: not list((home / "journal").glob("*.jsonl")))
    with closing(sqlite3.connect(home / "store.db")) as connection:
        stored = {found for (found,) in connection.execute("SELECT score_id FROM score")}
    assert stored == ids

    counted = 0.0
    for line in service.client.get("/metrics").text.splitlines():
        if line.startswith("leadscore_scores_total{"):
            counted += float(line.rsplit(" ", 1)[1])
    assert counted == 20

    make(tmp_path / "second", seed=2)
    path = ReleaseStore(home).add(tmp_path / "second")
    ReleaseStore(home).set_champion(ChampionPointer(path.name, "2", str(path)))

    def both_changed() -> bool:
        seen = set()
        for _ in range(10):
            with httpx.Client(base_url=url) as client:
                seen.add(client.get("/v1/model").json()["model"]["version"])
        return seen == {"2"}

    service.wait_for(both_changed)
    text = service.client.get("/metrics").text
    assert re.search(r'leadscore_release_info\{.*version="2"\} 1.0', text)

    assert service.process is not None
    group = service.process.pid
    service.kill(signal.SIGTERM)
    service.wait_for(lambda: gone(group))


def gone(group: int) -> bool:
    """Whether no process of the group lives."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return True
    return False


def test_workers_end_when_their_parent_is_killed(
    start: Start, home: Path, lead: dict[str, Any]
) -> None:
    service = start(workers=2)
    told = service.client.post("/v1/scores", json=lead).json()
    assert service.process is not None
    group = service.process.pid
    service.kill(signal.SIGKILL)
    service.wait_for(lambda: gone(group))
    with closing(sqlite3.connect(home / "store.db")) as connection:
        stored = [found for (found,) in connection.execute("SELECT score_id FROM score")]
    assert stored == [told["score_id"]]
