"""Law 6: any score can be given again, bit for bit, whatever came in since."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from features.errors import DataError, LeadscoreError
from serving.predictor.replay import replay
from serving.settings import Settings


def test_scores_from_body_and_store_are_given_again(
    release_dir: Path, tmp_path: Path, running: Callable[[Settings], Any], lead: dict[str, Any]
) -> None:
    settings = Settings(release=release_dir, home=tmp_path)
    with running(settings) as client:
        ids = []
        french = {"accept-language": "fr"}
        ids.append(client.post("/v1/scores?reasons=7", json=lead, headers=french).json())
        del lead["as_of"]
        ids.append(client.post("/v1/scores", json=lead).json())
        batch = {"leads": [lead], "as_of": "2026-03-15T00:00:00Z"}
        ids.append(client.post("/v1/scores/batch", json=batch).json()["items"][0]["score"])
        body = {"created_at": lead["created_at"], "attributes": lead["attributes"]}
        client.put("/v1/leads/L-1", json=body)
        row = {"lead_id": "L-1", "kind": "page_view", "occurred_at": "2026-03-05T00:00:00Z"}
        client.post("/v1/interactions", json={"interactions": [row]})
        ids.append(client.get("/v1/leads/L-1/score").json())
        ids.append(client.get("/v1/leads/L-1/score?as_of=2026-03-06T00:00:00Z").json())
        # what comes late, or is learned later, does not change what was said
        late = {**row, "kind": "inbound_call"}
        client.post("/v1/interactions", json={"interactions": [late]})
        client.put("/v1/leads/L-1", json={**body, "attributes": {"employees": 1}})
        now = client.get("/v1/leads/L-1/score?as_of=2026-03-06T00:00:00Z").json()
        assert now["probability"] != ids[-1]["probability"]
        time.sleep(1)
    for said in ids:
        again = replay(settings, said["score_id"])
        assert again.differences == ()
        assert again.identical
        assert again.now == said


def test_a_changed_record_is_noticed(
    release_dir: Path, tmp_path: Path, running: Callable[[Settings], Any], lead: dict[str, Any]
) -> None:
    settings = Settings(release=release_dir, home=tmp_path)
    with running(settings) as client:
        score_id = client.post("/v1/scores", json=lead).json()["score_id"]
    with closing(sqlite3.connect(tmp_path / "store.db")) as connection, connection:
        (text,) = connection.execute("SELECT answer FROM score").fetchone()
        answer = json.loads(text) | {"probability": 0.5}
        connection.execute("UPDATE score SET answer = ?", [json.dumps(answer)])
    connection.close()
    again = replay(settings, score_id)
    assert again.differences == ("probability",)
    assert not again.identical


def test_no_such_score_and_no_such_release(
    release_dir: Path, tmp_path: Path, running: Callable[[Settings], Any], lead: dict[str, Any]
) -> None:
    settings = Settings(release=release_dir, home=tmp_path)
    with running(settings) as client:
        score_id = client.post("/v1/scores", json=lead).json()["score_id"]
    with pytest.raises(DataError, match="no such score"):
        replay(settings, "0" * 32)
    with pytest.raises(LeadscoreError, match="not on this machine"):
        replay(Settings(home=tmp_path), score_id)
