"""A system's API on loopback: JSON in and out, with faults that a test orders beforehand."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit


class FakeService:
    """Base of the fakes: ``answer`` is the system; ``faults`` are taken before it, each once.

    A fault is (text in the path, status, headers); status 0 closes the connection without an
    answer. ``calls`` has the method, path and status of every request.
    """

    tokens: set[str]

    def __init__(self) -> None:
        self.faults: list[tuple[str, int, dict[str, str]]] = []
        self.calls: list[tuple[str, str, int]] = []
        self.url = ""
        self.headers: dict[str, str] = {}
        self.victim: Future[subprocess.Popen[bytes]] = Future()
        self._kill_at = 0

    def kill_at(self, request: int) -> None:
        """Kill ``victim`` (to be set) in place of an answer to this request, counted from now."""
        self.victim, self._kill_at = Future(), len(self.calls) + request

    def place(self, path: str, raw: bytes) -> str:
        """Where a fault is taken."""
        del raw
        return path

    def error(self, message: str) -> Any:
        """The body of an error, in the system's shape."""
        return {"message": message}

    def answer(self, method: str, path: str, query: dict[str, str], body: Any) -> tuple[int, Any]:
        """Status and body of one request that carries a good token."""
        raise NotImplementedError

    def open_path(self, path: str, form: dict[str, str]) -> tuple[int, Any] | None:
        """The answer where no token is needed; None elsewhere."""
        del path, form
        return None

    def respond(
        self, method: str, url: str, token: str, raw: bytes
    ) -> tuple[int, dict[str, str], Any]:
        """What one request gets, and note it."""
        parts = urlsplit(url)
        status, headers, body = self._respond(method, parts.path, parts.query, token, raw)
        if len(self.calls) + 1 == self._kill_at:
            self.victim.result(60).kill()
        self.calls.append((method, parts.path, status))
        return status, headers, body

    def _respond(
        self, method: str, path: str, query: str, token: str, raw: bytes
    ) -> tuple[int, dict[str, str], Any]:
        for fault in self.faults:
            if fault[0] in self.place(path, raw):
                self.faults.remove(fault)
                return fault[1], fault[2], self.error("ordered by the test")
        opened = self.open_path(path, {k: v[0] for k, v in parse_qs(raw.decode()).items()})
        if opened is not None:
            return opened[0], {}, opened[1]
        if token not in self.tokens:
            return 401, {}, self.error("expired or unknown")
        one = {k: v[0] for k, v in parse_qs(query).items()}
        status, body = self.answer(method, path, one, json.loads(raw) if raw else None)
        return status, {}, body


@contextmanager
def served(service: FakeService) -> Iterator[FakeService]:
    """The service on a free port of 127.0.0.1; ``url`` says where."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one packet
        disable_nagle_algorithm = True

        def respond(self) -> None:
            raw = self.rfile.read(int(self.headers.get("content-length", 0)))
            service.headers = {name.lower(): value for name, value in self.headers.items()}
            key = self.headers.get("x-api-token")
            token = key or self.headers.get("authorization", "").partition(" ")[2]
            status, headers, body = service.respond(self.command, self.path, token, raw)
            if status == 0:
                self.close_connection = True
                return
            content = json.dumps(body).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = do_PUT = respond

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request: Any, client_address: Any) -> None:
            """Print what is wrong, but for a caller that was killed."""
            if not isinstance(sys.exception(), ConnectionError):
                super().handle_error(request, client_address)

    with Server(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        service.url = f"http://127.0.0.1:{server.server_port}"
        try:
            yield service
        finally:
            server.shutdown()
            thread.join()
