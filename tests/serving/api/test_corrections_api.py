"""What is stored is read, corrected, merged and erased; scores of the past stay as they were."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from serving.predictor.replay import replay
from serving.settings import Settings

Service = tuple[httpx.Client, Settings]


@pytest.fixture(scope="module")
def service(
    release_dir: Path,
    tmp_path_factory: pytest.TempPathFactory,
    running: Callable[[Settings], Any],
) -> Iterator[Service]:
    settings = Settings(release=release_dir, home=tmp_path_factory.mktemp("home"))
    with running(settings) as client:
        yield client, settings


def tell(client: httpx.Client, lead: dict[str, Any], lead_id: str) -> None:
    body = {"created_at": lead["created_at"], "attributes": lead["attributes"]}
    assert client.put(f"/v1/leads/{lead_id}", json=body).status_code == 201
    acts = [{"lead_id": lead_id, **row, "event_id": f"{lead_id}-{row['event_id']}"}
            for row in lead["interactions"]]  # fmt: skip
    answers = [{"lead_id": lead_id, **row} for row in lead["answers"]]
    assert client.post("/v1/interactions", json={"interactions": acts}).json()["refused"] == []
    if answers:
        assert client.post("/v1/answers", json={"answers": answers}).json()["refused"] == []


def score(client: httpx.Client, lead_id: str) -> dict[str, Any]:
    url = f"/v1/leads/{lead_id}/score?reasons=50&as_of=2026-03-20T08:00:00Z"
    return client.get(url).json()


def values(client: httpx.Client, lead_id: str) -> dict[str, Any]:
    return {reason["feature"]: reason["value"] for reason in score(client, lead_id)["reasons"]}


def replayed(service: Service, said: dict[str, Any]) -> bool:
    client, settings = service
    deadline = time.monotonic() + 60
    while said["score_id"] not in client.get(f"/v1/leads/{said['lead_id']}/history").text:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return replay(settings, said["score_id"]).identical


def test_every_correction_leaves_the_past_as_it_was(service: Service, lead: Any) -> None:
    client, _ = service
    tell(client, lead, "fix")
    past = [score(client, "fix")]

    def post(path: str, **body: Any) -> Any:
        past.append(score(client, "fix"))
        return client.post(path, json=body).json()

    assert post("/v1/interactions/withdraw",
                interactions=[{"event_id": "fix-e-0"}, {"event_id": "nobody"}]) == {
        "withdrawn": 1, "repeated": 0, "refused": [{"index": 1, "why": "unknown_event"}],
    }  # fmt: skip
    assert values(client, "fix")["page_view.count_all"] == 4
    budget = {"lead_id": "fix", "attribute": "budget", "answered_at": "2026-03-10T14:00:00Z"}
    assert post("/v1/answers/withdraw", answers=[budget])["withdrawn"] == 1
    assert post("/v1/answers", answers=[{**budget, "value": "approved"}])["refused"] == [
        {"index": 0, "why": "withdrawn"}
    ]
    assert post("/v1/answers", answers=[{**budget, "value": "planned"}])["taken"] == 1
    patched = client.patch(
        "/v1/leads/fix",
        json={"at_creation": {"employees": 7}, "created_at": "2026-02-01T09:00:00Z"},
    )
    assert patched.json() == {"lead_id": "fix", "became": "changed", "attributes_changed": 2}
    past.append(score(client, "fix"))
    now = values(client, "fix")
    (budget_now,) = [value for name, value in now.items() if name.startswith("budget")]
    assert (now["employees"], budget_now) == (7, 1)
    assert len({said["probability"] for said in past}) > 3
    assert [replayed(service, said) for said in past] == [True] * len(past)


def test_a_patch_of_now_is_an_answer_of_now(service: Service, lead: Any) -> None:
    client, _ = service
    tell(client, lead, "patched")
    before = score(client, "patched")["probability"]
    body = {"attributes": {"employees": 9}}
    assert client.patch("/v1/leads/patched", json=body).json()["attributes_changed"] == 1
    assert client.patch("/v1/leads/patched", json=body).json()["became"] == "unchanged"
    assert score(client, "patched")["probability"] == before
    assert client.get("/v1/leads/patched").json()["attributes"]["employees"] == "9"
    assert client.patch("/v1/leads/ghost", json=body).status_code == 404


def test_an_outcome_is_changed_and_taken_back(service: Service, lead: Any) -> None:
    client, _ = service
    tell(client, lead, "won")
    url = "/v1/leads/won/outcome"

    def put(outcome: str, at: str) -> httpx.Response:
        return client.put(url, json={"outcome": outcome, "occurred_at": at})

    assert put("converted", "2020-01-01T00:00:00Z").status_code == 422
    assert put("converted", "2026-03-25T00:00:00Z").json()["became"] == "changed"
    assert put("lost", "2026-03-26T00:00:00Z").json() == {
        "lead_id": "won", "became": "changed", "outcome": "lost",
    }  # fmt: skip
    assert client.delete(url).json()["outcome"] is None
    assert client.delete(url).json()["became"] == "unchanged"
    row = {"lead_id": "won", "outcome": "converted", "occurred_at": "2026-03-27T00:00:00Z"}
    assert client.post("/v1/outcomes", json={"outcomes": [row]}).json()["taken"] == 1


def test_two_leads_become_one(service: Service, lead: Any) -> None:
    client, _ = service
    tell(client, {**lead, "attributes": {"employees": 120}}, "dup")
    tell(client, {**lead, "attributes": {"sector": "software"}, "answers": []}, "kept")
    row = {"lead_id": "dup", "outcome": "converted", "occurred_at": "2026-03-25T00:00:00Z"}
    client.post("/v1/outcomes", json={"outcomes": [row]})
    past = [score(client, "dup"), score(client, "kept")]
    body = {"lead_id": "dup", "into": "kept"}
    assert client.post("/v1/leads/merge", json=body).json() == {
        "lead_id": "kept", "became": "merged", "interactions_moved": 5,
    }  # fmt: skip
    assert client.post("/v1/leads/merge", json=body).json()["became"] == "unchanged"
    assert (
        client.post("/v1/leads/merge", json={"lead_id": "dup", "into": "ghost"}).status_code == 404
    )
    assert values(client, "dup")["page_view.count_all"] == 10
    assert score(client, "dup")["lead_id"] == "kept"
    stored = client.get("/v1/leads/dup").json()
    assert stored["lead_id"] == "kept"
    assert stored["aliases"] == ["dup"]
    assert stored["attributes"]["employees"] == "120"
    assert stored["tables"]["outcome"][0]["outcome"] == "converted"
    assert len(stored["tables"]["interaction"]) == 10
    late = {"lead_id": "dup", "kind": "page_view", "occurred_at": "2026-03-19T00:00:00Z"}
    assert client.post("/v1/interactions", json={"interactions": [late]}).json()["taken"] == 1
    assert values(client, "kept")["page_view.count_all"] == 11
    assert [replayed(service, {**said, "lead_id": "kept"}) for said in past] == [True] * 2
    gone = client.delete("/v1/leads/kept").json()
    assert gone["complete"] is True
    for lead_id in ("dup", "kept"):
        assert client.get(f"/v1/leads/{lead_id}").status_code == 404
        again = client.put(f"/v1/leads/{lead_id}", json={"created_at": lead["created_at"]})
        assert again.status_code == 410


def test_all_that_is_stored_is_shown_page_by_page(service: Service, lead: Any) -> None:
    client, _ = service
    tell(client, lead, "shown")
    score(client, "shown")
    url, seen = "/v1/leads/shown?limit=2", []
    while url:
        page = client.get(url).json()
        seen += page["tables"].get("interaction", [])
        url = f"/v1/leads/shown?limit=2&cursor={page['next']}" if page["next"] else ""
    assert sorted(row["event_id"] for row in seen) == [f"shown-e-{i}" for i in range(5)]
    assert seen[0]["occurred_at"].startswith("2026-03-01T10:00:00")
    assert client.get("/v1/leads/shown?cursor=e30x").status_code == 404
    assert client.get("/v1/leads/shown?cursor=" + "eyJsZWFkIjpbMV19").status_code in (200, 404)


def test_many_people_are_erased_at_once(service: Service, lead: Any) -> None:
    client, settings = service
    names = [f"Petra-Beispiel-{i}" for i in range(3)]
    for name in names:
        tell(client, lead, name)
    client.post("/v1/leads/merge", json={"lead_id": names[0], "into": names[1]})
    done = client.post("/v1/leads/erase", json={"lead_ids": names}).json()
    assert (done["erased"], done["complete"], done["left"]) == (3, True, [])
    assert done["rows"]["interaction"] == 15
    for path in settings.home.rglob("*"):
        if path.is_file():
            assert b"Petra-Beispiel" not in path.read_bytes(), path
    assert json.loads((settings.home / "erased.jsonl").read_text().split("\n")[-2])["digest"]
