"""Bounds on heads, connections and bodies: what one caller sends keeps nobody else waiting."""

from __future__ import annotations

import contextlib
import gzip
import json
import socket
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from serving.http.bodies import unpacked, zstd  # zstd: of the library from Python 3.14 on
from serving.problems import Problem
from serving.settings import Settings

JSON = {"content-type": "application/json"}


@pytest.fixture(scope="module")
def client(
    release_dir: Path, tmp_path_factory: pytest.TempPathFactory, running: Callable[[Settings], Any]
) -> Iterator[httpx.Client]:
    settings = Settings(
        release=release_dir,
        home=tmp_path_factory.mktemp("home"),
        max_connections=20,
        head_timeout_s=0.6,
        max_body_bytes=1_000_000,
        max_bodies_bytes=2_500_000,
        body_timeout_s=5.0,
    )
    with running(settings) as client:
        yield client


def connect(client: httpx.Client) -> socket.socket:
    return socket.create_connection((client.base_url.host, client.base_url.port or 0), timeout=10)


def everything(connection: socket.socket) -> bytes:
    parts = []
    while part := connection.recv(1 << 16):
        parts.append(part)
    return b"".join(parts)


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


@pytest.mark.parametrize(
    "head",
    [
        b"X-Long: " + b"a" * 60_000,
        b"\r\n".join(b"X-%d: 1" % i for i in range(150)),
        b"\r\n".join(b"X-%d: %s" % (i, b"a" * 900) for i in range(90)),
    ],
    ids=["one long header", "many headers", "many long headers"],
)
def test_large_heads_are_refused(client: httpx.Client, head: bytes) -> None:
    with connect(client) as connection:
        connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n" + head + b"\r\n\r\n")
        said = everything(connection)
    assert status_of(said) == 431
    assert b"application/problem+json" in said


def test_a_head_without_end_is_cut_off(client: httpx.Client) -> None:
    """60 MB of headers took 10 s of the event loop, and 400 MB were accepted."""
    with connect(client) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n")
        sent = 0
        while sent < 50_000_000:
            try:
                sent += connection.send(b"X-A: b\r\n" * 1000)
            except OSError:  # reset, or a broken pipe
                break
    assert sent < 10_000_000


@pytest.mark.parametrize("endless", [b"X-A: ", b"1;"], ids=["trailer", "chunk extension"])
def test_a_chunked_body_has_no_endless_rest(client: httpx.Client, endless: bytes) -> None:
    head = b"POST /v1/scores HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    with connect(client) as connection:
        connection.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n1\r\n{\r\n")
        connection.sendall((b"0\r\n" if endless == b"X-A: " else b"") + endless)
        sent = 0
        while sent < 20_000_000:
            try:
                sent += connection.send(b"a" * 10_000)
            except OSError:
                break
    assert sent < 8_000_000


def test_a_slow_head_is_refused(client: httpx.Client) -> None:
    with connect(client) as connection:
        connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: loc")
        assert status_of(everything(connection)) == 408


def test_what_is_not_http_gets_a_problem(client: httpx.Client) -> None:
    with connect(client) as connection:
        connection.sendall(b"\x16\x03\x01 what\r\n\r\n")
        said = everything(connection)
    assert status_of(said) == 400
    assert b"application/problem+json" in said


def test_idle_connections_make_room(client: httpx.Client) -> None:
    """1,010 connections that said nothing locked everybody else out."""
    idle = [connect(client) for _ in range(60)]
    try:
        with connect(client) as connection:
            connection.sendall(
                b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
            )
            assert status_of(everything(connection)) == 200
        assert idle[0].recv(1) == b"", "the one that was idle longest is closed"
    finally:
        for connection in idle:
            connection.close()


def test_pipelined_requests_are_all_answered_in_order(client: httpx.Client) -> None:
    one = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nX-Request-Id: request-%05d\r\n\r\n"
    last = one.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    with connect(client) as connection:
        connection.sendall(b"".join(one % i for i in range(1000)) + last % 1000)
        said = everything(connection)
    seen = [int(part[:5]) for part in said.split(b"x-request-id: request-")[1:]]
    assert seen == list(range(1001))


def post_head(length: int) -> bytes:
    return (
        b"POST /v1/scores HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        b"Content-Length: %d\r\n\r\n" % length
    )


def test_half_sent_bodies_take_a_bounded_memory(client: httpx.Client, lead: dict[str, Any]) -> None:
    """60 half-sent bodies of 16 MB held 1.15 GB; small bodies are answered meanwhile."""
    half = [connect(client) for _ in range(8)]
    try:
        for connection in half:
            connection.sendall(post_head(1_000_000) + b" " * 900_000)
        assert client.post("/v1/scores", json=lead).status_code == 200
        refused: set[socket.socket] = set()
        deadline = time.monotonic() + 60
        while len(refused) < 5 and time.monotonic() < deadline:
            for connection in half:
                connection.settimeout(0.2)
                with contextlib.suppress(TimeoutError):
                    if connection not in refused and status_of(connection.recv(1000)) == 503:
                        refused.add(connection)
        assert 5 <= len(refused) <= 7, "two or so fit into 2.5 MB"
    finally:
        for connection in half:
            connection.close()


@pytest.mark.parametrize("size", [1, 50], ids=["small", "large"])
def test_packed_bodies_score_as_they_are(
    client: httpx.Client, lead: dict[str, Any], size: int
) -> None:
    lead["interactions"] = [
        {**row, "event_id": f"{row['event_id']}-{i}-{time.monotonic_ns()}"}
        for i in range(size) for row in lead["interactions"]
    ]  # fmt: skip
    body = json.dumps(lead).encode()
    plain = client.post("/v1/scores", content=body, headers=JSON).json()
    half = len(body) // 2
    zip_ = gzip.compress
    for coding, packed in (
        ("gzip", zip_(body)),
        ("GZip", zip_(body[:half]) + zip_(body[half:])),
        ("zstd", zstd.compress(body)),
        ("zstd", zstd.compress(body[:half]) + zstd.compress(body[half:])),
    ):
        said = client.post(
            "/v1/scores", content=packed, headers={**JSON, "content-encoding": coding}
        ).json()
        assert said["probability"] == plain["probability"]
        assert said["reasons"] == plain["reasons"]


def test_members_of_packed_bodies_are_put_together() -> None:
    parts = [bytes(range(256)) * n for n in (0, 1, 700, 2)]
    for coding, pack in (("gzip", gzip.compress), ("zstd", zstd.compress)):
        body, whole = b"".join(map(pack, parts)), b"".join(parts)
        assert unpacked(body, coding, len(whole)) == whole
        with pytest.raises(Problem, match="larger"):
            unpacked(body, coding, len(whole) - 1)


BOMB = b" " * 100_000_000


@pytest.mark.parametrize(
    ("coding", "body", "status"),
    [
        ("gzip", gzip.compress(BOMB[:1_000_001], 1, mtime=0), 413),
        (
            "gzip",
            gzip.compress(b"", mtime=0) * 20 + gzip.compress(BOMB[:5_000_000], 1, mtime=0),
            413,
        ),
        ("zstd", zstd.compress(BOMB), 413),
        ("gzip", gzip.compress(b"{}", mtime=0)[:-1], 400),
        ("gzip", gzip.compress(b"{}", mtime=0) + b"more", 400),
        ("gzip", zlib.compress(b"{}"), 400),
        ("gzip", b"", 400),
        ("zstd", zstd.compress(b"{}")[:-1], 400),
        ("zstd", zstd.compress(b"{}") + b"more", 400),
        ("zstd", b"{}", 400),
        ("zstd", b"", 400),
        # very many members, each of which takes time though it holds nothing
        ("gzip", gzip.compress(b"", mtime=0) * 40_000 + gzip.compress(b"{}", mtime=0), 400),
        ("zstd", zstd.compress(b"") * 40_000 + zstd.compress(b"{}"), 400),
        ("zstd", b"\x50\x2a\x4d\x18\0\0\0\0" * 40_000 + zstd.compress(b"{}"), 400),
        ("br", b"{}", 415),
        ("gzip, gzip", gzip.compress(gzip.compress(b"{}", mtime=0), mtime=0), 415),
    ],
)
def test_packed_bodies_have_the_same_bounds(
    client: httpx.Client, coding: str, body: bytes, status: int
) -> None:
    headers = {**JSON, "content-encoding": coding}
    answer = client.post("/v1/scores", content=body, headers=headers)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
