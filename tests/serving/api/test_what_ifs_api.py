"""Scores that are not written down, and requests that are sent again."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest


def scores_of(client: httpx.Client, lead_id: str) -> list[Any]:
    answer = client.get(f"/v1/leads/{lead_id}/history")
    return answer.json()["scores"] if answer.status_code == 200 else []


def wait_for_one_score(client: httpx.Client, lead_id: str) -> list[Any]:
    deadline = time.monotonic() + 60
    while not (found := scores_of(client, lead_id)):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def test_a_what_if_is_scored_alike_and_written_down_nowhere(
    client: httpx.Client, lead: dict[str, Any]
) -> None:
    body = {**lead, "lead_id": "what-if"}
    kept = client.post("/v1/scores", json={**body, "lead_id": "kept"}).json()
    said = client.post("/v1/scores", json={**body, "record": False}).json()
    assert said["probability"] == kept["probability"]
    whole = client.post("/v1/scores/batch", json={"leads": [body], "record": False}).json()
    alone = client.post("/v1/scores/batch", json={"leads": [{**body, "record": False}]}).json()
    assert whole["scored"] == alone["scored"] == 1
    client.put("/v1/leads/what-if", json={"created_at": lead["created_at"]})
    assert client.get("/v1/leads/what-if/score?record=false").status_code == 200
    assert client.get("/v1/leads/what-if/score?record=no").status_code == 422
    wait_for_one_score(client, "kept")
    assert scores_of(client, "what-if") == []


def test_a_score_asked_for_again_is_the_first_one(
    client: httpx.Client, lead: dict[str, Any]
) -> None:
    headers = {"idempotency-key": f"k-{time.monotonic_ns()}"}
    body = {**lead, "lead_id": "again"}
    del body["as_of"]
    first = client.post("/v1/scores", json=body, headers=headers)
    second = client.post("/v1/scores", json=body, headers=headers)
    assert first.json() == second.json()
    assert second.headers["idempotency-replayed"] == "true"
    other = client.post("/v1/scores", json={**body, "lead_id": "other"}, headers=headers)
    assert (other.status_code, other.json()["type"].rpartition(":")[2]) == (
        422, "idempotency-key-reused",
    )  # fmt: skip
    assert len(wait_for_one_score(client, "again")) == 1


@pytest.mark.parametrize("key", ["", "a" * 256, "a b", "é".encode()])
def test_a_key_that_cannot_be_is_refused(
    client: httpx.Client, lead: dict[str, Any], key: str | bytes
) -> None:
    headers = {b"idempotency-key": key if isinstance(key, bytes) else key.encode()}
    assert client.post("/v1/scores", json=lead, headers=headers).status_code == 400
