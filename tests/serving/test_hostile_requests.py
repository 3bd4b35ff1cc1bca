"""What no honest caller sends is answered with a 4xx problem that repeats none of it."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

Post = Callable[..., Any]
SECRET = "Jean-Secret"
LEAD = f'"lead_id":"{SECRET}","created_at":"2026-03-01T00:00:00Z"'


def with_value(value: str) -> bytes:
    return (f'{{{LEAD},"attributes":{{"employees":{value}}}}}').encode()


def with_moment(moment: str) -> bytes:
    act = f'{{"kind":"page_view","occurred_at":"{moment}"}}'
    return (f'{{{LEAD},"interactions":[{act}]}}').encode()


HOSTILE = {
    "NaN": with_value("NaN"),
    "Infinity": with_value("Infinity"),
    "minus Infinity": with_value("-Infinity"),
    "1e999": with_value("1e999"),
    "5,000 digits": with_value("9" * 5000),
    "5,000 digits after the point": with_value("0." + "9" * 5000),
    "lone high surrogate": with_value('"\\ud800"'),
    "lone low surrogate": with_value('"\\udc00"'),
    "surrogates the wrong way round": with_value('"\\udc00\\ud800"'),
    "NUL": with_value('"a\\u0000b"'),
    "raw control character": with_value('"a\x01b"'),
    "bad UTF-8": b'{"lead_id":"\xff\xfe"}',
    "UTF-16": (f"{{{LEAD}}}").encode("utf-16"),
    "byte order mark": b"\xef\xbb\xbf" + (f"{{{LEAD}}}").encode(),
    "deep nesting of lists": b"[" * 100_000,
    "deep nesting of objects": b'{"a":' * 100_000,
    "deep nesting in an attribute": with_value("[" * 100_000 + "]" * 100_000),
    "repeated key": (f'{{{LEAD},"lead_id":"b"}}').encode(),
    "repeated key within": with_value('1,"employees":2'),
    "repeated key, escaped": (f'{{{LEAD},"lead\\u005fid":"b"}}').encode(),
    "unknown field": (f'{{{LEAD},"{SECRET}":1}}').encode(),
    "naive time": with_moment("2026-03-01T00:00:00"),
    "future time": with_moment("2999-01-01T00:00:00Z"),
    "time before 1900": with_moment("0001-01-01T00:00:00Z"),
    "year 10000": with_moment("10000-01-01T00:00:00Z"),
    "a number for a time": (b'{"lead_id":"a","created_at":1772323200}'),
    "future as_of": (f'{{{LEAD},"as_of":"2999-01-01T00:00:00Z"}}').encode(),
    "as_of before creation": (f'{{{LEAD},"as_of":"2020-01-01T00:00:00Z"}}').encode(),
    "no creation": b'{"lead_id":"a"}',
    "true as a number": with_value("true"),
    "a word as a number": with_value(f'"{SECRET}"'),
    "a list as an attribute": with_value("[1]"),
    "negative duration": (
        f'{{{LEAD},"interactions":[{{"kind":"a","occurred_at":"2026-03-01T00:00:00Z","duration_s":-1}}]}}'
    ).encode(),
    "empty kind": with_moment("2026-03-01T00:00:00Z").replace(b"page_view", b""),
    "too long an id": ('{"lead_id":"%s"}' % (SECRET * 100)).encode(),
    "empty body": b"",
    "a list": b"[]",
    "null": b"null",
    "cut off": with_value("1")[:-5],
    "two documents": with_value("1") * 2,
    "single quotes": b"{'lead_id': 'a'}",
    "comment": b'{"lead_id":"a"/* x */}',
    "trailing comma": b'{"lead_id":"a",}',
}


def is_problem(answer: Any, *statuses: int) -> None:
    assert answer.status_code in statuses, (answer.status_code, answer.text[:200])
    assert answer.headers["content-type"] == "application/problem+json"
    said = answer.json()
    assert said["status"] == answer.status_code
    assert said["title"]
    assert said["detail"]
    assert said["type"].startswith("urn:leadscore:problem:")
    assert said["request_id"] == answer.headers["x-request-id"]
    assert SECRET not in answer.text


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_body(post: Post, name: str) -> None:
    is_problem(post(HOSTILE[name]), 400, 422)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_body_in_a_batch(post: Post, name: str) -> None:
    answer = post(b'{"leads":[' + HOSTILE[name] + b"]}", "/v1/scores/batch")
    if answer.status_code == 200:
        (item,) = answer.json()["items"]
        assert item["score"] is None
        assert item["error"]["status"] in (400, 422)
        assert SECRET not in answer.text
    else:
        is_problem(answer, 400, 422)


def test_too_large(client: httpx.Client, post: Post) -> None:
    is_problem(post(b" " * (17 * 1024 * 1024)), 413)


def test_too_large_in_chunks(client: httpx.Client) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(50):
            yield b" " * 1024 * 1024

    headers = {"content-type": "application/json"}
    is_problem(client.post("/v1/scores", content=chunks(), headers=headers), 413)


def test_compressed(post: Post) -> None:
    bomb = gzip.compress(b" " * 50_000_000)
    is_problem(post(bomb, **{"content-encoding": "gzip"}), 415)


@pytest.mark.parametrize("media_type", ["text/plain", "", "application/x-www-form-urlencoded"])
def test_other_media_types(post: Post, media_type: str) -> None:
    is_problem(post(b"{}", **{"content-type": media_type}), 415)


@pytest.mark.parametrize(
    "query", ["reasons=51", "reasons=x", "reasons=", "x=1", "reasons=1&reasons=1"]
)
def test_hostile_query(client: httpx.Client, lead: dict[str, Any], query: str) -> None:
    is_problem(client.post(f"/v1/scores?{query}", json=lead), 400, 422)


def test_nothing_here(client: httpx.Client) -> None:
    is_problem(client.get(f"/{SECRET}"), 404)
    is_problem(client.put("/v1/scores", json={}), 405)


def test_request_ids_come_back_if_they_are_ids(client: httpx.Client) -> None:
    assert client.get("/health/live").headers["x-request-id"]
    given = {"x-request-id": "crm-12345678"}
    assert client.get("/health/live", headers=given).headers["x-request-id"] == "crm-12345678"
    for bad in ("a b", "x" * 100, "ab"):
        headers = {"x-request-id": bad}
        assert client.get("/health/live", headers=headers).headers["x-request-id"] != bad


def test_every_answer_carries_the_security_headers(client: httpx.Client, post: Post) -> None:
    for answer in (client.get("/health/live"), post(b"{"), client.get("/nowhere")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"


def test_metrics_hold_nothing_of_a_lead(client: httpx.Client, post: Post, lead: Any) -> None:
    post({**lead, "lead_id": SECRET})
    post(json.dumps({**lead, "lead_id": SECRET, "x": SECRET}).encode())
    text = client.get("/metrics").text
    assert SECRET not in text
    assert 'leadscore_requests_total{method="POST",route="/v1/scores",status="200"}' in text
    assert "leadscore_release_info{" in text
