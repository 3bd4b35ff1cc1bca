"""A receiver of webhooks as a process of its own, as a CRM's developer would write it.

It verifies each message, keeps what it has taken in a file (a line each, ids only once), and fails
as often as it is asked to: before it has kept the message, or after.
"""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Lock
from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError


class Receiver:
    """The process, and what it has taken. It may be stopped and started again on its port."""

    def __init__(self, folder: Path, port: int, fail_share: float = 0.0) -> None:
        self.folder, self.port, self.fail_share = folder, port, fail_share
        folder.mkdir(exist_ok=True)
        self.url = f"http://127.0.0.1:{port}/hook"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, secret: str) -> Receiver:
        self.process = subprocess.Popen(
            [sys.executable, __file__, str(self.folder), str(self.port), secret,
             str(self.fail_share)],
        )  # fmt: skip
        deadline = time.monotonic() + 30
        while not (self.folder / "ready").exists():
            assert time.monotonic() < deadline
            time.sleep(0.02)
        return self

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait(30)
        (self.folder / "ready").unlink(missing_ok=True)

    def lines(self, name: str) -> list[dict[str, Any]]:
        path = self.folder / f"{name}.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    @property
    def taken(self) -> list[dict[str, Any]]:
        """Every message once, in the order in which it was first taken."""
        return self.lines("taken")

    @property
    def calls(self) -> list[dict[str, Any]]:
        """Every call, with what became of it."""
        return self.lines("calls")


def serve(folder: Path, port: int, secret: str, fail_share: float) -> None:
    verifier, lock, chance = Webhook(secret), Lock(), random.Random(7)
    known = folder / "taken.jsonl"
    seen = (
        {json.loads(line)["id"] for line in known.read_text().splitlines()}
        if known.exists()
        else set()
    )

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            body = self.rfile.read(length)
            if len(body) < length:  # whoever sent it was killed meanwhile
                return
            with lock:
                self.answer(*self.take(body))

        def take(self, body: bytes) -> tuple[int, str]:
            try:
                message = verifier.verify(body, dict(self.headers))
            except WebhookVerificationError:
                return 401, "forged"
            message_id = self.headers["webhook-id"]
            luck = chance.random()
            if luck < fail_share / 2:
                return 500, "refused"
            if message_id not in seen:
                seen.add(message_id)
                self.note("taken", {"id": message_id, **message})
            return (500, "taken, but not said") if luck < fail_share else (204, "taken")

        def answer(self, status: int, what: str) -> None:
            note = {"id": self.headers["webhook-id"], "what": what, "at": time.time()}
            self.note("calls", note)
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def note(self, name: str, line: dict[str, Any]) -> None:
            with (folder / f"{name}.jsonl").open("a") as file:
                file.write(json.dumps(line) + "\n")

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
    (folder / "ready").touch()
    server.serve_forever()


if __name__ == "__main__":
    serve(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3], float(sys.argv[4]))
