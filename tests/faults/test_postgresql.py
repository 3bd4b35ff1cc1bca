"""The store on PostgreSQL: the same behaviour, and a restart of the database under the service."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from features.histories.build import histories_from_dataset
from features.reading.read import read_dataset

Start = Callable[..., Any]
LEAD = {"created_at": "2026-03-01T00:00:00Z", "attributes": {"sector": "software", "vip": True}}


def test_the_store_on_postgresql(postgresql: Any, start: Start, lead: dict[str, Any]) -> None:
    service = start(database_url=postgresql.url, database_wait_s=1)
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
    service.wait_for(
        lambda: bool(client.get("/v1/leads", params={"status": "all"}).json()["leads"])
    )
    assert client.get("/v1/leads/a/history").json()["scores"][0]["score_id"] == asked["score_id"]

    histories = histories_from_dataset(read_dataset(postgresql.url, max_bad_fraction=0.0))
    assert histories.lead_ids.tolist() == ["a"]
    assert len(histories.interactions.at_us) == 50
    assert histories.attributes["sector"][0] == "software", histories.attributes

    postgresql.stop()
    assert client.post("/v1/scores", json=lead).status_code == 200
    assert client.post("/v1/interactions", json={"interactions": acts[:1]}).status_code == 503
    kept = client.post("/v1/scores", json=lead).json()["score_id"]
    postgresql.start()
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
