"""Every change reaches a receiver that fails half of the time, once and in order for each lead,
while the process that sends is killed and the receiver goes away and comes back."""

from __future__ import annotations

import os
import signal
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from service_process import free_port
from webhook_receiver import Receiver

Start = Callable[..., Any]
LEADS = 12
SCORES = 8


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    made = Receiver(tmp_path / "receiver", free_port(), fail_share=0.5)
    yield made
    made.stop()


def loader_of(leader: int) -> int:
    """The process that loads scores and sends messages, among those that a service started."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            command = (folder / "cmdline").read_bytes()
            if os.getpgid(int(folder.name)) == leader and b"score_loader_process" in command:
                return int(folder.name)
        except (FileNotFoundError, ProcessLookupError):
            continue
    return 0


def tell_scores(client: Any, round_: int) -> None:
    """Each lead is scored once more, with more or fewer interactions than the time before."""
    leads = [
        {
            "lead_id": f"L-{i:02}",
            "created_at": "2026-03-01T00:00:00Z",
            "as_of": f"2026-03-20T{round_:02}:00:00Z",
            "interactions": [
                {"kind": "page_view", "occurred_at": f"2026-03-19T10:{n:02}:00Z"}
                for n in range(40 * ((round_ + i) % 2))
            ],
        }
        for i in range(LEADS)
    ]
    assert client.post("/v1/scores/batch", json={"leads": leads}).json()["failed"] == 0


def outbox(client: Any) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    after, more = "0", True
    while more:
        page = client.get("/v1/changes", params={"after": after, "limit": 50}).json()
        found += page["changes"]
        after, more = page["next"], page["more"]
    return found


def by_lead(messages: list[dict[str, Any]]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for one in messages:
        found[one["data"]["lead_id"]].append(one["id"])
    return found


def test_every_change_arrives_once_in_order(start: Start, home: Path, receiver: Receiver) -> None:
    service = start(
        webhook_private=True, webhook_retry_s=0.02, webhook_hold_s=0.5, webhook_rate_per_s=400,
        change_probability=1e-6,
    )  # fmt: skip
    client = service.client
    added = client.post("/v1/webhooks", json={"url": receiver.url})
    assert added.status_code == 201, added.text
    webhook = added.json()["webhook"]["id"]
    path = f"/v1/webhooks/{webhook}"
    receiver.start(added.json()["secret"])

    assert client.post(f"{path}/test", json={}).status_code == 202
    service.wait_for(lambda: client.get(path).json()["last_at"] is not None)

    for round_ in range(SCORES):
        tell_scores(client, round_)
        if round_ in (2, 5):
            half = LEADS * round_ // 2
            service.wait_for(lambda half=half: len(receiver.taken) > half)
            loader = loader_of(service.process.pid)
            os.kill(loader, signal.SIGKILL)
            service.wait_for(lambda dead=loader: loader_of(service.process.pid) not in (0, dead))
        if round_ == 3:
            receiver.stop()
        if round_ == 4:
            service.wait_for(lambda: client.get(path).json()["failures"] > 0)
            receiver.start(added.json()["secret"])

    service.wait_for(lambda: len(outbox(client)) == LEADS * SCORES)
    service.wait_for(lambda: len(receiver.taken) >= LEADS * SCORES + 1)
    changes = outbox(client)
    taken = [one for one in receiver.taken if one["type"] != "webhook.test"]
    assert len(changes) == LEADS * SCORES
    assert by_lead(taken) == by_lead(changes)
    assert "forged" not in {call["what"] for call in receiver.calls}
    assert {"refused", "taken, but not said"} <= {call["what"] for call in receiver.calls}
    assert client.get(f"{path}/dead").json()["dead"] == []
    service.wait_for(lambda: service.metric("leadscore_webhook_oldest_seconds") == 0)
