"""Bad rows are refused one by one, with the field; nothing good is lost with them."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

GOOD = {"lead_id": "rows", "kind": "page_view", "occurred_at": "2026-03-05T00:00:00Z"}
BAD: list[tuple[dict[str, Any], str]] = [
    ({"occurred_at": "2999-01-01T00:00:00Z"}, ".occurred_at"),
    ({"occurred_at": "2026-03-05T00:00:00"}, ".occurred_at"),
    ({"duration_s": -1}, ".duration_s"),
    ({"kind": 5}, ".kind"),
    ({"channel": "a\x00b"}, ""),
    ({"lead_id": ""}, ".lead_id"),
    ({"secret": "word"}, ""),
]


@pytest.fixture(scope="module")
def known(client: httpx.Client) -> httpx.Client:
    body = {"created_at": "2026-03-01T00:00:00Z"}
    client.put("/v1/leads/rows", json=body)
    return client


def test_each_bad_row_is_named_and_the_good_ones_are_taken(known: httpx.Client) -> None:
    rows = [{**GOOD, "event_id": f"good-{i}"} for i in range(len(BAD))]
    rows += [{**GOOD, "event_id": f"bad-{i}", **bad} for i, (bad, _) in enumerate(BAD)]
    answer = known.post("/v1/interactions", json={"interactions": rows}).json()
    assert answer["taken"] == len(BAD)
    assert [one["index"] for one in answer["refused"]] == list(range(len(BAD), 2 * len(BAD)))
    for one, (_, field) in zip(answer["refused"], BAD, strict=True):
        assert one["why"] == "invalid"
        assert one["errors"][0]["at"] == f"$.interactions[{one['index']}]{field}"
        assert one["errors"][0]["message"]
    assert "word" not in json.dumps(answer)


def test_answers_about_an_attribute_in_other_letters_are_refused(known: httpx.Client) -> None:
    """They were taken as another attribute, of which no model knows."""
    made = {"created_at": "2026-03-01T00:00:00Z", "attributes": {"Lead Stage": "new"}}
    known.put("/v1/leads/spelled", json=made)
    row = {"lead_id": "spelled", "answered_at": "2026-03-05T00:00:00Z", "value": "met"}
    names = ["Lead Stage", "LEAD STAGE", "unheard of"]
    rows = [{**row, "attribute": name} for name in names]
    answer = known.post("/v1/answers", json={"answers": rows}).json()
    assert answer["taken"] == 2
    (refused,) = answer["refused"]
    assert (refused["index"], refused["why"]) == (1, "invalid")
    assert refused["errors"][0]["at"] == "$.answers[1].attribute"
    assert "Lead Stage" in refused["errors"][0]["message"]


def test_a_body_without_a_good_row_is_a_problem_that_names_them(known: httpx.Client) -> None:
    rows = [{**GOOD, **bad} for bad, _ in BAD[:2]]
    answer = known.post("/v1/interactions", json={"interactions": rows})
    assert answer.status_code == 422
    assert [error["at"] for error in answer.json()["errors"]] == [
        "$.interactions[0].occurred_at", "$.interactions[1].occurred_at",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [
        b'{"interactions": [%b], "interactions": [%b]}',
        b'{"interactions": [%b, %b], "more": 1}',
        b'{"interactions": [%b, %b}',
        b'{"interactions": [%b, %b]} x',
        b"[%b, %b]",
    ],
)
def test_a_bad_body_is_refused_as_a_whole(known: httpx.Client, body: bytes) -> None:
    good = json.dumps({**GOOD, "event_id": "whole"}).encode()
    bad = json.dumps({**GOOD, "kind": 5}).encode()
    answer = known.post(
        "/v1/interactions", content=body % (good, bad),
        headers={"content-type": "application/json"},
    )  # fmt: skip
    assert answer.status_code in (400, 422)
    again = known.post("/v1/interactions", json={"interactions": [{**GOOD, "event_id": "whole"}]})
    assert again.json()["repeated"] + again.json()["taken"] == 1


def test_many_leads_are_put_at_once(known: httpx.Client) -> None:
    created = "2026-03-01T00:00:00Z"
    leads = [{"lead_id": f"many-{i}", "created_at": created, "attributes": {"size": i}}
             for i in range(5)]  # fmt: skip
    bad = [
        {"lead_id": "many-9", "created_at": "1850-01-01T00:00:00Z"},
        {"lead_id": "many-8", "created_at": created, "attributes": {'a"b': 1}},
        {"lead_id": "many-0", "created_at": "2026-01-01T00:00:00Z"},
    ]
    first = known.post("/v1/leads", json={"leads": leads}).json()
    assert first == {"created": 5, "changed": 0, "unchanged": 0, "refused": []}
    leads[1]["attributes"] = {"size": 7}
    again = known.post("/v1/leads", json={"leads": leads + bad}).json()
    assert (again["created"], again["changed"], again["unchanged"]) == (0, 1, 4)
    assert [(one["index"], one["why"]) for one in again["refused"]] == [
        (5, "invalid"), (6, "invalid"), (7, "conflict"),
    ]  # fmt: skip
