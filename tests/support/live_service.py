"""The service on a socket of the loopback, for tests that speak HTTP to it."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import uvicorn

from serving.app import create_app
from serving.http.protocol import CoalescingProtocol
from serving.settings import Settings


@contextmanager
def served(settings: Settings) -> Iterator[httpx.Client]:
    """The service on a real socket of the loopback, in a thread of this process."""
    config = uvicorn.Config(
        create_app(settings),
        port=0,
        log_level="error",
        lifespan="on",
        ws="none",
        http=CoalescingProtocol,
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 300
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        assert time.monotonic() < deadline, "the server took too long to start"
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=60) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join(60)
        assert not thread.is_alive(), "the server did not end"
