"""Scores are moved into the store by one process; it may die at any moment, and nothing is lost."""

from __future__ import annotations

import os
import signal
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

Start = Callable[..., Any]


def movers_of(leader: int) -> list[int]:
    """The movers among the processes that a service started."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes().split(b"\0")
            if (
                os.getpgid(int(folder.name)) == leader
                and b"serving.store.score_loader_process" in command
            ):
                found.append(int(folder.name))
        except (FileNotFoundError, ProcessLookupError):
            continue
    return found


def stored(home: Path) -> list[str]:
    with closing(sqlite3.connect(home / "store.db")) as connection:
        return [score_id for (score_id,) in connection.execute("SELECT score_id FROM score")]


@pytest.mark.parametrize("workers", [1, 2])
def test_kill_9_of_the_mover_loses_nothing(
    start: Start, home: Path, lead: dict[str, Any], workers: int
) -> None:
    service = start(workers=workers)
    answered: list[str] = []
    ending = threading.Event()

    def ask() -> None:
        with httpx.Client(base_url=service.client.base_url, timeout=30) as client:
            while not ending.is_set():
                answered.append(client.post("/v1/scores", json=lead).json()["score_id"])

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for thread in threads:
        thread.start()
    killed: set[int] = set()
    while len(killed) < 3:
        service.wait_for(lambda: len(set(movers_of(service.process.pid)) - killed) == 1)
        (mover,) = set(movers_of(service.process.pid)) - killed
        seen = len(answered)
        service.wait_for(lambda seen=seen: len(answered) > seen + 30)
        os.kill(mover, signal.SIGKILL)
        killed.add(mover)
    ending.set()
    for thread in threads:
        thread.join()
    service.wait_for(lambda: not list((home / "journal").glob("*.jsonl")))
    assert sorted(stored(home)) == sorted(answered)


def test_the_mover_ends_after_a_service_that_was_killed_and_moves_in_what_it_left(
    start: Start, home: Path, lead: dict[str, Any]
) -> None:
    service = start()
    pid = service.process.pid
    service.wait_for(lambda: len(movers_of(pid)) == 1)
    answered = [service.client.post("/v1/scores", json=lead).json()["score_id"] for _ in range(20)]
    service.kill()
    service.wait_for(lambda: not movers_of(pid))
    assert sorted(stored(home)) == sorted(answered)


def test_signals_to_the_whole_group_let_the_mover_finish(
    start: Start, home: Path, lead: dict[str, Any]
) -> None:
    service = start()
    service.wait_for(lambda: len(movers_of(service.process.pid)) == 1)
    answered = [service.client.post("/v1/scores", json=lead).json()["score_id"] for _ in range(20)]
    os.killpg(service.process.pid, signal.SIGTERM)
    assert service.process.wait(60) == 0
    assert sorted(stored(home)) == sorted(answered)


def test_a_score_is_in_the_history_a_moment_later(
    start: Start, home: Path, lead: dict[str, Any]
) -> None:
    service = start()
    service.client.put("/v1/leads/L-1", json={"created_at": lead["created_at"]})
    service.wait_for(lambda: len(movers_of(service.process.pid)) == 1)
    took = []
    for _ in range(5):
        score_id = service.client.post("/v1/scores", json=lead).json()["score_id"]
        begun = time.monotonic()
        while score_id not in service.client.get("/v1/leads/L-1/history").text:
            assert time.monotonic() - begun < 60
        took.append(time.monotonic() - begun)
    assert min(took) < 5.0, took  # a quarter of a second on an idle machine
    assert service.metric("leadscore_store_up") == 1


def test_erasure_with_two_workers_waits_for_every_journal(
    start: Start, home: Path, lead: dict[str, Any]
) -> None:
    service = start(workers=2)
    service.client.put("/v1/leads/L-1", json={"created_at": lead["created_at"]})
    for _ in range(10):  # a connection each, so that both workers answer
        with httpx.Client(base_url=service.client.base_url) as client:
            assert client.post("/v1/scores", json=lead).status_code == 200
    gone = service.client.delete("/v1/leads/L-1").json()
    assert gone["rows"]["score"] == 10
    assert stored(home) == []
