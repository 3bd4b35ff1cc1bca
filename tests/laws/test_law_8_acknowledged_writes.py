"""Law 8: what was acknowledged is there after ``kill -9`` and is there once."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx

Start = Callable[..., Any]
LEAD = {"created_at": "2026-03-01T00:00:00Z"}


def rows(home: Path, query: str) -> list[Any]:
    with closing(sqlite3.connect(home / "store.db")) as connection, connection:
        return connection.execute(query).fetchall()


def test_kill_9_during_ingestion_loses_and_doubles_nothing(start: Start, home: Path) -> None:
    service = start()
    service.client.put("/v1/leads/a", json=LEAD)
    acknowledged: set[str] = set()
    sent: list[dict[str, Any]] = []

    def ingest(who: int) -> None:
        with httpx.Client(base_url=service.client.base_url, timeout=10) as client:
            for i in range(10_000):
                row = {
                    "lead_id": "a",
                    "kind": "page_view",
                    "occurred_at": "2026-03-05T00:00:00Z",
                    "event_id": f"{who}-{i}",
                }
                sent.append(row)
                try:
                    answer = client.post("/v1/interactions", json={"interactions": [row]})
                except httpx.TransportError:
                    return
                if answer.status_code == 200:
                    acknowledged.add(f"{who}-{i}")

    threads = [threading.Thread(target=ingest, args=(who,)) for who in range(4)]
    for thread in threads:
        thread.start()
    service.wait_for(lambda: len(acknowledged) > 50)
    service.kill()
    for thread in threads:
        thread.join()
    service.start()
    stored = [event for (event,) in rows(home, "SELECT event_id FROM interaction")]
    assert len(stored) == len(set(stored))
    assert acknowledged <= set(stored)
    # the CRM sends everything again: each event is there once
    for first in range(0, len(sent), 1000):
        service.client.post("/v1/interactions", json={"interactions": sent[first : first + 1000]})
    stored = [event for (event,) in rows(home, "SELECT event_id FROM interaction")]
    assert sorted(stored) == sorted({row["event_id"] for row in sent})


def test_kill_9_while_scoring_keeps_every_score_that_was_answered(
    start: Start, home: Path, lead: dict[str, Any]
) -> None:
    service = start()
    answered: set[str] = set()

    def ask() -> None:
        with httpx.Client(base_url=service.client.base_url, timeout=10) as client:
            while True:
                try:
                    answer = client.post("/v1/scores", json=lead)
                except httpx.TransportError:
                    return
                answered.add(answer.json()["score_id"])

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    service.wait_for(lambda: len(answered) > 50)
    service.kill()
    for thread in threads:
        thread.join()
    service.start()
    service.wait_for(lambda: not list((home / "journal").glob("*.jsonl")))
    stored = {score_id for (score_id,) in rows(home, "SELECT score_id FROM score")}
    assert answered <= stored
