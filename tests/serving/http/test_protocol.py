"""What reaches the network: whole answers, in order, each in one write."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from serving.http.protocol import CoalescingTransport
from serving.settings import Settings


class Transport:
    """Notes what is asked of it."""

    def __init__(self) -> None:
        self.seen: list[bytes | str] = []
        self.closed = False

    def is_closing(self) -> bool:
        return self.closed

    def write(self, data: bytes) -> None:
        self.seen.append(data)

    def close(self) -> None:
        self.seen.append("close")

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_: None


def test_writes_of_one_turn_leave_together_and_before_the_end() -> None:
    async def talk() -> list[bytes | str]:
        transport: Any = Transport()
        gathering = CoalescingTransport(transport, asyncio.get_running_loop())
        gathering.write(b"head ")
        gathering.write(b"body")
        assert transport.seen == []
        await asyncio.sleep(0)
        gathering.write(b"last")
        gathering.close()
        gathering.write(b"to nobody")
        transport.closed = True
        await asyncio.sleep(0)
        return list(transport.seen)

    assert asyncio.run(talk()) == [b"head body", b"last", "close"]


@pytest.fixture
def client(
    release_dir: Path, tmp_path: Path, running: Callable[[Settings], Any]
) -> Iterator[httpx.Client]:
    with running(Settings(release=release_dir, home=tmp_path)) as client:
        yield client


def request(body: bytes, *headers: str) -> bytes:
    lines = ["POST /v1/scores HTTP/1.1", "Host: localhost", "Content-Type: application/json"]
    lines += [f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def everything(connection: socket.socket) -> bytes:
    parts = []
    while part := connection.recv(1 << 16):
        parts.append(part)
    return b"".join(parts)


def test_requests_sent_at_once_are_answered_in_order(
    client: httpx.Client, lead: dict[str, Any]
) -> None:
    bodies = [json.dumps({**lead, "lead_id": f"L-{i}"}).encode() for i in range(5)]
    sent = [request(body, f"X-Request-Id: request-{i}") for i, body in enumerate(bodies)]
    sent.append(request(b"{", "X-Request-Id: request-5", "Connection: close"))
    with socket.create_connection((client.base_url.host, client.base_url.port or 0)) as connection:
        connection.sendall(b"".join(sent))
        said = everything(connection)
    assert said.count(b"HTTP/1.1 200") == 5
    assert said.count(b"HTTP/1.1 400") == 1
    order = [said.index(f"x-request-id: request-{i}\r\n".encode()) for i in range(6)]
    assert order == sorted(order)


def test_a_body_that_comes_in_pieces_is_waited_for(
    client: httpx.Client, lead: dict[str, Any]
) -> None:
    whole = request(json.dumps(lead).encode(), "Connection: close")
    with socket.create_connection((client.base_url.host, client.base_url.port or 0)) as connection:
        for start in range(0, len(whole), 200):
            connection.sendall(whole[start : start + 200])
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        assert everything(connection).startswith(b"HTTP/1.1 200")
