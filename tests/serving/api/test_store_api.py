"""What the CRM tells is kept once, scored by the same engine, ranked, and erased for good."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from features.histories.build import histories_from_dataset
from features.reading.read import read_dataset
from serving import services
from serving.settings import Settings
from serving.store import histories

Store = tuple[httpx.Client, Path]


@pytest.fixture(scope="module")
def store(
    release_dir: Path,
    tmp_path_factory: pytest.TempPathFactory,
    running: Callable[[Settings], Any],
) -> Iterator[Store]:
    home = tmp_path_factory.mktemp("home")
    with running(Settings(release=release_dir, home=home)) as client:
        yield client, home


def tell(client: httpx.Client, lead: dict[str, Any], lead_id: str) -> None:
    """Send a lead of the scoring endpoint through the store's endpoints."""
    body = {"created_at": lead["created_at"], "attributes": lead["attributes"]}
    assert client.put(f"/v1/leads/{lead_id}", json=body).status_code == 201
    for name in ("interactions", "answers"):
        rows = [{"lead_id": lead_id, **row} for row in lead[name]]
        if not rows:
            continue
        for row in rows:
            if "event_id" in row:
                row["event_id"] = f"{lead_id}-{row['event_id']}"
        answer = client.post(f"/v1/{name}", json={name: rows})
        assert answer.json() == {"taken": len(rows), "repeated": 0, "refused": []}


def test_the_stored_history_scores_as_the_body_does(store: Store, lead: dict[str, Any]) -> None:
    client, _ = store
    tell(client, lead, "same")
    stored = client.get("/v1/leads/same/score", params={"as_of": lead["as_of"]}).json()
    sent = client.post("/v1/scores", json={**lead, "lead_id": "same"}).json()
    for said in (stored, sent):
        said["score_id"] = ""
    assert stored == sent


def test_a_long_history_is_scored_apart_and_read_in_slices_with_the_same_bits(
    store: Store, lead: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, _ = store
    tell(client, lead, "long")
    path = "/v1/leads/long/score"
    query = {"as_of": lead["as_of"], "record": "false"}
    usual = client.get(path, params=query).json()
    monkeypatch.setattr(services, "LARGE_HISTORY_ROWS", 1)
    monkeypatch.setattr(histories, "ROWS_A_STEP", 2)
    answer = client.get(path, params=query).json()
    assert {**answer, "score_id": ""} == {**usual, "score_id": ""}


def test_an_event_counts_once_however_often_it_comes(store: Store, lead: dict[str, Any]) -> None:
    client, _ = store
    tell(client, {**lead, "interactions": [], "answers": []}, "once")
    rows = [
        {"lead_id": "once", "kind": "page_view", "occurred_at": f"2026-03-05T00:00:{i:02d}Z",
         **({"event_id": f"once-{i}"} if i % 2 else {})}
        for i in range(40)
    ]  # fmt: skip

    def send(seed: int) -> dict[str, Any]:
        shuffled = random.Random(seed).sample(rows, len(rows))
        return client.post("/v1/interactions", json={"interactions": shuffled}).json()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(send, range(16)))
    assert sum(answer["taken"] for answer in answers) == 40
    assert all(answer["taken"] + answer["repeated"] == 40 for answer in answers)
    said = client.get("/v1/leads/once/score?reasons=50&as_of=2026-03-06T00:00:00Z").json()
    counts = {r["feature"]: r["value"] for r in said["reasons"]}
    assert counts["page_view.count_all"] == 40


def test_rows_of_unknown_leads_are_refused_one_by_one(store: Store, lead: dict[str, Any]) -> None:
    client, _ = store
    tell(client, {**lead, "interactions": [], "answers": []}, "known")
    row = {"kind": "page_view", "occurred_at": "2026-03-05T00:00:00Z"}
    rows = [{"lead_id": "nobody", **row}, {"lead_id": "known", **row}]
    answer = client.post("/v1/interactions", json={"interactions": rows})
    assert answer.json() == {
        "taken": 1, "repeated": 0, "refused": [{"index": 0, "why": "unknown_lead"}],
    }  # fmt: skip


def test_a_later_put_is_knowledge_of_later(store: Store, lead: dict[str, Any]) -> None:
    client, _ = store
    tell(client, lead, "later")
    url, past = "/v1/leads/later/score", {"as_of": lead["as_of"]}
    before = client.get(url, params=past).json()["probability"]
    body = {"created_at": lead["created_at"], "attributes": {"employees": 9, "sector": "software"}}
    changed = client.put("/v1/leads/later", json=body)
    assert changed.json() == {"lead_id": "later", "became": "changed", "attributes_changed": 1}
    assert client.put("/v1/leads/later", json=body).json()["became"] == "unchanged"
    assert client.get(url, params=past).json()["probability"] == before
    now = client.get(f"{url}?reasons=50").json()["reasons"]
    assert {r["feature"]: r["value"] for r in now}["employees"] == 9


def test_a_lead_is_created_once(store: Store, lead: dict[str, Any]) -> None:
    client, _ = store
    tell(client, lead, "twice")
    body = {"created_at": "2026-01-01T00:00:00Z"}
    assert client.put("/v1/leads/twice", json=body).status_code == 409


def test_outcomes_are_reported_once_and_not_before_creation(store: Store, lead: Any) -> None:
    client, _ = store
    tell(client, lead, "ended")

    def end(outcome: str, at: str) -> dict[str, Any]:
        row = {"lead_id": "ended", "outcome": outcome, "occurred_at": at}
        return client.post("/v1/outcomes", json={"outcomes": [row]}).json()

    assert end("lost", "2020-01-01T00:00:00Z")["refused"] == [
        {"index": 0, "why": "before_creation"}
    ]
    assert end("converted", "2026-03-21T00:00:00Z")["taken"] == 1
    assert end("converted", "2026-03-22T00:00:00Z")["repeated"] == 1
    assert end("lost", "2026-03-22T00:00:00Z")["refused"] == [{"index": 0, "why": "conflict"}]


def test_training_reads_the_store_as_a_dataset(store: Store, lead: dict[str, Any]) -> None:
    client, home = store
    tell(client, lead, "train")
    row = {"lead_id": "train", "outcome": "converted", "occurred_at": "2026-03-25T00:00:00Z"}
    client.post("/v1/outcomes", json={"outcomes": [row]})
    dataset = read_dataset(f"sqlite:///{home / 'store.db'}", max_bad_fraction=0.0)
    histories = histories_from_dataset(dataset)
    i = histories.lead_ids.tolist().index("train")
    assert histories.attributes["sector"][i] == "software"
    assert histories.attributes["employees"][i] == 120.0
    rows = histories.interactions
    assert rows.offsets[i + 1] - rows.offsets[i] == len(lead["interactions"])
    assert histories.answers.values[histories.answers.value[histories.answers.offsets[i]]] == (
        "approved"
    )
    assert dict(zip(dataset.outcomes["lead_id"], dataset.outcomes["outcome"], strict=True))[
        "train"
    ] == "converted"  # fmt: skip


def wait_for(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not what():
        assert time.monotonic() < deadline, "waited a minute in vain"
        time.sleep(0.05)


def test_past_scores_tell_what_moved(store: Store, lead: dict[str, Any]) -> None:
    client, _ = store
    tell(client, lead, "moved")
    for day in ("05", "10", "15", "20"):
        client.get(f"/v1/leads/moved/score?as_of=2026-03-{day}T08:00:00Z")
    wait_for(lambda: len(client.get("/v1/leads/moved/history").json()["scores"]) == 4)
    first = client.get("/v1/leads/moved/history?limit=3").json()
    rest = client.get(f"/v1/leads/moved/history?limit=3&cursor={first['next']}").json()
    scores = first["scores"] + rest["scores"]
    assert [s["as_of"][8:10] for s in scores] == ["20", "15", "10", "05"]
    assert all(s["changes"] for s in scores[:2])
    assert scores[3]["changes"] == []
    assert rest["next"] is None


def test_leads_are_ranked_page_by_page(store: Store, lead: dict[str, Any]) -> None:
    client, _ = store
    for i in range(7):
        client.post("/v1/scores", json={**lead, "lead_id": f"rank-{i}", "interactions": []})
    wait_for(lambda: len(client.get("/v1/leads?limit=200").json()["leads"]) >= 7)
    seen: list[dict[str, Any]] = []
    url = "/v1/leads?limit=3"
    while url:
        page = client.get(url, headers={"accept-language": "fr"}).json()
        seen += page["leads"]
        url = f"/v1/leads?limit=3&cursor={page['next']}" if page["next"] else ""
    keys = [(-row["probability"], row["lead_id"]) for row in seen]
    assert keys == sorted(set(keys))
    assert {row["label"] for row in seen} <= {"froid", "tiède", "chaud"}
    for band in ("cold", "warm", "hot"):
        rows = client.get(f"/v1/leads?band={band}&limit=200").json()["leads"]
        assert {row["band"] for row in rows} <= {band}


@pytest.mark.parametrize(
    "path",
    ["/v1/leads?band=tepid", "/v1/leads?limit=0", "/v1/leads?cursor=%FF", "/v1/leads?cursor=WzFd",
     "/v1/leads/known/score?as_of=2026-03-01", "/v1/leads/known/score?as_of=2999-01-01T00:00:00Z",
     "/v1/leads?x=1"],
)  # fmt: skip
def test_hostile_queries(store: Store, path: str) -> None:
    answer = store[0].get(path)
    assert answer.status_code == (404 if "cursor=W" in path else 422)
    assert answer.headers["content-type"] == "application/problem+json"


def test_no_such_lead(store: Store) -> None:
    assert store[0].get("/v1/leads/ghost/score").status_code == 404


def test_erasure_leaves_nothing_and_stays(store: Store, lead: dict[str, Any]) -> None:
    client, home = store
    person = "Erika-Mustermann-4711"
    tell(client, lead, person)
    client.get(f"/v1/leads/{person}/score")
    client.post("/v1/scores", json={**lead, "lead_id": person})
    gone = client.delete(f"/v1/leads/{person}").json()
    assert gone["erased"] is True
    assert gone["rows"]["lead"] == 1
    assert gone["rows"]["interaction"] == 5
    assert gone["rows"]["score"] == 2
    row = {"lead_id": person, "kind": "page_view", "occurred_at": "2026-03-05T00:00:00Z"}
    again = client.post("/v1/interactions", json={"interactions": [row]}).json()
    assert again["refused"] == [{"index": 0, "why": "erased"}]
    body = {"created_at": lead["created_at"]}
    assert client.put(f"/v1/leads/{person}", json=body).status_code == 410
    assert client.get(f"/v1/leads/{person}/score").status_code == 404
    client.post("/v1/scores", json={**lead, "lead_id": person})  # answered, not kept
    wait_for(lambda: not list((home / "journal").glob("*.jsonl")))
    for path in home.rglob("*"):
        if path.is_file():
            assert person.encode() not in path.read_bytes(), path


def test_the_audit_trail_names_deeds_and_no_lead(store: Store, lead: dict[str, Any]) -> None:
    client, home = store
    tell(client, lead, "audited")
    client.delete("/v1/leads/audited")
    with closing(sqlite3.connect(home / "store.db")) as connection, connection:
        rows = connection.execute("SELECT actor, action, subject FROM audit").fetchall()
    assert {"put lead", "add interaction", "erase"} <= {action for _, action, _ in rows}
    assert not any("audited" in subject for _, _, subject in rows)
