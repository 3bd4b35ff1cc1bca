"""Two servers on one PostgreSQL, each with a home of its own, under load; one dies and comes back.

What was acknowledged by either is in the store, once; keys, revocations and erasures of one hold on
the other.
"""

from __future__ import annotations

import os
import shutil
import signal
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import sqlalchemy as sa
from service_process import Service

from serving.http.api_keys import create_key, list_keys, revoke_key
from serving.store import tables
from serving.store.database import connect
from serving.store.shared_keys import merged, read_keys

Start = Callable[..., Service]
LEADS, TURNS = 12, 25
CREATED = datetime.now(UTC) - timedelta(days=10)


@pytest.fixture
def machines(start: Start, home: Path, tmp_path: Path, postgresql: Any) -> Iterator[list[Service]]:
    """Two servers with the same release; the first one's home has a key, the other's has none."""
    shutil.copytree(home, tmp_path / "other")
    settings = {"database_url": postgresql.url, "rate_per_s": 100_000, "rate_burst": 100_000}
    _, secret = create_key(home, "crm", ["admin"])
    first, second = start(**settings), Service(tmp_path / "other", **settings)
    for one in (first, second):
        one.client.headers["authorization"] = f"Bearer {secret}"
    yield [first, second.start()]
    second.stop()


class Crm(threading.Thread):
    """Sends one lead's events and asks for its score, at whichever machine answers."""

    def __init__(self, lead_id: str, urls: list[str], headers: httpx.Headers) -> None:
        super().__init__()
        self.lead_id, self.urls = lead_id, urls
        self.headers = headers
        self.events, self.scores = set[str](), set[str]()
        self.unanswered = 0

    def ask(self, turn: int, method: str, path: str, body: Any = None) -> dict[str, Any]:
        """Ask one machine, and the other if that one is away; again until somebody answers."""
        for attempt in range(400):
            url = self.urls[(turn + attempt) % len(self.urls)]
            try:
                answer = httpx.request(
                    method, url + path, json=body, headers=self.headers, timeout=10
                )
                if answer.status_code < 300:
                    return dict(answer.json())
                assert answer.status_code in (429, 503), answer.text
            except httpx.TransportError:
                self.unanswered += 1
            threading.Event().wait(0.02)
        raise AssertionError("nobody answers")

    def run(self) -> None:
        body = {"created_at": CREATED.isoformat(), "attributes": {"employees": 9}}
        self.ask(0, "PUT", f"/v1/leads/{self.lead_id}", body)
        for turn in range(TURNS):
            at = CREATED + timedelta(hours=turn)
            row = {"lead_id": self.lead_id, "kind": "page_view", "occurred_at": at.isoformat()}
            sent = {"interactions": [{**row, "event_id": f"{self.lead_id}-{turn}"}]}
            took = self.ask(turn, "POST", "/v1/interactions", sent)
            assert took["taken"] + took["repeated"] == 1
            self.events.add(f"{self.lead_id}-{turn}")
            score = self.ask(turn, "GET", f"/v1/leads/{self.lead_id}/score")
            self.scores.add(score["score_id"])


def column(engine: sa.Engine, of: sa.Column[Any]) -> list[str]:
    with engine.begin() as connection:
        return list(connection.scalars(sa.select(of)))


def test_two_servers_on_one_postgresql(machines: list[Service], postgresql: Any) -> None:
    first, second = machines
    model = f"{second.client.base_url}/v1/model"
    second.wait_for(lambda: httpx.get(model).status_code == 401)
    assert second.client.get("/v1/model").status_code == 200  # by the key of the first

    urls = [str(one.client.base_url).rstrip("/") for one in machines]
    crm = [Crm(f"M-{i}", urls, first.client.headers) for i in range(LEADS)]
    for one in crm:
        one.start()
    first.wait_for(lambda: sum(len(one.scores) for one in crm) > LEADS * TURNS // 3)
    assert second.process is not None
    os.killpg(second.process.pid, signal.SIGKILL)  # the machine: every process of it
    second.process.wait(60)
    for one in crm:
        one.join(120)
    assert sum(one.unanswered for one in crm) > 0

    # nothing is lost: events at once, scores when the machine that wrote them down is back
    engine = connect(postgresql.url)
    events = column(engine, tables.interaction.c.event_id)
    assert sorted(events) == sorted(event for one in crm for event in one.events)
    second.start()
    answered = {score for one in crm for score in one.scores}
    assert len(answered) == LEADS * TURNS
    second.wait_for(lambda: answered <= set(column(engine, tables.score.c.score_id)))

    # who is erased on one stays out on the other
    assert first.client.delete("/v1/leads/M-3").json()["erased"]
    row = {"lead_id": "M-3", "kind": "page_view", "occurred_at": CREATED.isoformat()}
    again = second.client.post("/v1/interactions", json={"interactions": [row]}).json()
    assert [refused["why"] for refused in again["refused"]] == ["erased"]

    # a key that is revoked on one is revoked on the other
    (key,) = list_keys(second.home)
    revoke_key(second.home, key["id"])
    first.wait_for(lambda: first.client.get("/v1/model").status_code == 401)
    assert merged(read_keys(first.home / "keys.json"), []) == read_keys(second.home / "keys.json")
    engine.dispose()
