"""What no honest caller sends is answered with a 4xx problem that repeats none of it.

All of it goes to one real ``leadscore serve``, which must be alive and no larger afterwards.
"""

from __future__ import annotations

import gzip
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

Post = Callable[..., Any]
SECRET = "Jean-Secret"
LEAD = f'"lead_id":"{SECRET}","created_at":"2026-03-01T00:00:00Z"'


@dataclass
class Service:
    """A running ``leadscore serve`` and where its log goes."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + 60
        while True:
            assert self.process.poll() is None, self.log.read_text()
            assert time.monotonic() < deadline, self.log.read_text()
            try:
                if httpx.get(f"{self.url}/health/ready").status_code == 200:
                    return
            except httpx.TransportError:
                time.sleep(0.05)

    def memory_mb(self) -> float:
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        line = next(line for line in text.splitlines() if line.startswith("VmRSS"))
        return int(line.split()[1]) / 1024


@pytest.fixture(scope="module")
def service(release_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    home = tmp_path_factory.mktemp("hostile")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "leadscore", "serve", "--port", str(port)]
    environment = {**os.environ, "LEADSCORE_HOME": str(home), "OMP_NUM_THREADS": "1"}
    with (home / "serve.log").open("wb") as log:
        process = subprocess.Popen(
            [*command, "--release", str(release_dir)], env=environment,
            stdin=subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
    service = Service(process, f"http://127.0.0.1:{port}", home / "serve.log")
    try:
        service.wait_until_ready()
        yield service
        assert process.poll() is None, "it must survive all of this"
    finally:
        process.terminate()
        process.wait(60)


@pytest.fixture(scope="module")
def client(service: Service) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=service.url, timeout=30) as client:
        yield client


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
    is_problem(post(bomb, **{"content-encoding": "gzip"}), 413)


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


def test_memory_stays_flat_and_the_log_tells_nothing(
    service: Service, client: httpx.Client, post: Post, lead: dict[str, Any]
) -> None:
    def attack() -> None:
        for body in HOSTILE.values():
            assert 400 <= post(body).status_code < 500

    for _ in range(5):
        attack()
    before = service.memory_mb()
    for _ in range(25):
        attack()
    assert service.memory_mb() < before + 10
    assert client.post("/v1/scores", json=lead).status_code == 200
    said = service.log.read_text()
    assert SECRET not in said
    assert "unexpected" not in said
