"""A score over HTTP: what is in it, that it adds up, and that it is the batch's own."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from features.histories.arrays import References
from features.histories.from_records import LeadRecord, RecordColumns, histories_from_records
from scoring.release.release import load_release
from scoring.scores import score

Post = Callable[..., Any]


def at_us(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1e6)


def test_a_whole_answer(post: Post, lead: dict[str, Any]) -> None:
    answer = post(lead)
    assert answer.status_code == 200, answer.text
    said = answer.json()
    assert said["lead_id"] == "L-1"
    assert said["as_of"] == "2026-03-20T08:00:00Z"
    assert 0 < said["interval"]["low"] <= said["probability"] <= said["interval"]["high"] < 1
    assert said["band"] == said["label"]
    assert said["band"] in ("cold", "warm", "hot")
    assert len(said["reasons"]) == 3
    assert all(r["text"] for r in said["reasons"])
    assert said["rules"]["band"] in ("cold", "warm", "hot")
    assert said["model"]["name"] == "hand_made"
    assert len(said["model"]["release_id"]) == 12
    assert re.fullmatch(r"[0-9a-f]{32}", said["score_id"])


@pytest.mark.parametrize("n_reasons", [0, 1, 3, 50])
def test_base_and_reasons_sum_to_the_log_odds(
    client: httpx.Client, lead: dict[str, Any], n_reasons: int
) -> None:
    said = client.post(f"/v1/scores?reasons={n_reasons}", json=lead).json()
    total = said["base"] + sum(r["contribution"] for r in said["reasons"]) + said["other_reasons"]
    p = said["probability"]
    assert abs(total - math.log(p / (1 - p))) < 1e-9
    assert len(said["reasons"]) <= n_reasons


def test_the_same_bits_as_the_batch_engine(
    post: Post, lead: dict[str, Any], release_dir: Path
) -> None:
    acts, told = lead["interactions"], lead["answers"]
    lists = RecordColumns(
        kinds=[a["kind"] for a in acts],
        at_us=[at_us(a["occurred_at"]) for a in acts],
        durations_s=[a["duration_s"] for a in acts],
        event_ids=[a["event_id"] for a in acts],
        attributes=[a["attribute"] for a in told],
        answered_us=[at_us(a["answered_at"]) for a in told],
        answers=[a["value"] for a in told],
    )
    record = LeadRecord("L-1", at_us(lead["created_at"]), lead["attributes"], lists)
    references = References(
        np.zeros(1, dtype=np.int64), np.array([at_us(lead["as_of"])], dtype=np.int64)
    )
    batch = score(load_release(release_dir), histories_from_records([record]), references)
    said = post(lead).json()
    assert said["probability"] == batch.probability[0]
    assert said["log_odds"] == batch.log_odds[0]
    assert said["interval"] == {"low": batch.low[0], "high": batch.high[0]}


def test_nothing_at_or_after_as_of_is_seen(post: Post, lead: dict[str, Any]) -> None:
    before = post(lead).json()
    later = [
        {"kind": "inbound_call", "occurred_at": moment}
        for moment in ("2026-03-20T08:00:00Z", "2026-04-01T00:00:00Z")
    ]
    answers = [{"attribute": "budget", "answered_at": "2026-03-20T08:00:00Z", "value": "none"}]
    lead["interactions"] += later
    lead["answers"] += answers
    after = post(lead).json()
    before["score_id"] = after["score_id"]
    assert before == after


def test_order_and_repeats_leave_no_trace(post: Post, lead: dict[str, Any]) -> None:
    before = post(lead).json()
    lead["interactions"] = lead["interactions"][::-1] * 2
    after = post(lead).json()
    assert before["probability"] == after["probability"]


def test_the_label_speaks_the_caller_s_language(post: Post, lead: dict[str, Any]) -> None:
    french = post(lead, **{"accept-language": "fr-FR,fr;q=0.9,en;q=0.8"}).json()
    names = {"cold": "froid", "warm": "tiède", "hot": "chaud"}
    assert french["label"] == names[french["band"]]


def test_now_is_the_default_and_the_clock_may_differ_a_little(
    post: Post, lead: dict[str, Any]
) -> None:
    del lead["as_of"]
    said = post(lead).json()
    asked = datetime.fromisoformat(said["as_of"])
    assert abs(asked - datetime.now(UTC)) < timedelta(seconds=10)
    lead["created_at"] = (datetime.now(UTC) + timedelta(seconds=60)).isoformat()
    lead["interactions"], lead["answers"] = [], []
    assert post(lead).status_code == 200


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({"interactions": []}, "no interaction"),
        (
            {"interactions": [{"kind": "seance", "occurred_at": "2026-03-02T00:00:00Z"}]},
            "unknown to the model",
        ),
        ({"attributes": {"sector": "alchemy", "employees": 3}}, "seldom or never seen: sector"),
        ({"attributes": {}, "answers": []}, "4 of 4 attributes"),
    ],
)
def test_little_evidence_is_answered_and_said(
    post: Post, lead: dict[str, Any], changes: dict[str, Any], note: str
) -> None:
    said = post({**lead, **changes}).json()
    assert said["low_evidence"] is True
    assert any(note in line for line in said["notes"])


def test_enough_evidence_is_not_low(post: Post, lead: dict[str, Any]) -> None:
    lead["attributes"]["decision_maker"] = True
    said = post(lead).json()
    assert said["low_evidence"] is False
    assert said["notes"] == []


def test_a_batch_answers_each_lead_on_its_own(post: Post, lead: dict[str, Any]) -> None:
    leads = [
        lead,
        {**lead, "lead_id": 7},
        {**lead, "as_of": "2020-01-01T00:00:00Z"},
        {**lead, "attributes": {"employees": "many"}},
        "not a lead",
        lead,
    ]
    answer = post({"leads": leads}, "/v1/scores/batch")
    assert answer.status_code == 200
    said = answer.json()
    assert [item["index"] for item in said["items"]] == list(range(6))
    assert [item["error"] is None for item in said["items"]] == [True, *[False] * 4, True]
    assert (said["scored"], said["failed"]) == (2, 4)
    assert said["items"][0]["score"]["probability"] == post(lead).json()["probability"]
    assert said["items"][3]["error"]["errors"][0]["at"] == "$.attributes.employees"
    assert {item["error"]["status"] for item in said["items"] if item["error"]} == {422}


def test_a_repeated_key_spoils_its_own_lead_only(post: Post) -> None:
    good = b'{"lead_id":"a","created_at":"2026-03-01T00:00:00Z"}'
    bad = b'{"lead_id":"a","lead_id":"b","created_at":"2026-03-01T00:00:00Z"}'
    said = post(b'{"leads":[%s,%s]}' % (good, bad), "/v1/scores/batch").json()
    assert [item["error"] and item["error"]["status"] for item in said["items"]] == [None, 400]
    assert (
        post(b'{"leads":[%s],"leads":[%s]}' % (good, good), "/v1/scores/batch").status_code == 400
    )


@pytest.mark.parametrize("n", [0, 1001])
def test_a_batch_has_a_size(post: Post, n: int) -> None:
    answer = post({"leads": [{}] * n}, "/v1/scores/batch")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["at"] == "$.leads"


def test_a_thousand_leads(post: Post, lead: dict[str, Any]) -> None:
    said = post({"leads": [lead] * 1000}, "/v1/scores/batch").json()
    assert said["scored"] == 1000


def test_a_hundred_thousand_interactions(post: Post, lead: dict[str, Any]) -> None:
    one = {"kind": "page_view", "occurred_at": "2026-03-02T00:00:00Z"}
    answer = post({**lead, "interactions": [one] * 100_000})
    assert answer.status_code == 200


def test_the_model_says_what_it_wants(client: httpx.Client) -> None:
    said = client.get("/v1/model").json()
    assert {a["name"] for a in said["attributes"]} == {
        "employees", "sector", "budget", "decision_maker",
    }  # fmt: skip
    assert "page_view" in said["kinds"]
    assert said["horizon_days"] == 30.0
    assert said["cuts"] == {"warm": 0.2, "hot": 0.5}
