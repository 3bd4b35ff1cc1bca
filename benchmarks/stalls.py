"""How long one request keeps all others waiting: the worst stall of the event loop, by request.

``make bench-stalls``. The service runs in this process with a probe on its event loop; the requests
come from another process. A stall is the processor time that this process spends between two
turns of the probe, whichever thread spends it: work beside which the loop goes on does not count,
work that holds the loop or the interpreter does, and other programs of the machine do not.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
import uvloop

ROOT = Path(__file__).resolve().parents[1]
# beside this script lies serving.py, which is not the package
sys.path[:] = [path for path in sys.path if Path(path).resolve() != ROOT / "benchmarks"]
sys.path[:0] = [str(ROOT / "tests" / "support"), str(ROOT)]

from small_release import small_release  # noqa: E402

from serving.app import create_app  # noqa: E402
from serving.http.protocol import CoalescingProtocol  # noqa: E402
from serving.settings import Settings  # noqa: E402

TICK_S = 0.001
AIM_MS = 50.0

SENDER = """
import socket, sys
port, path, count = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])
data = open(path, "rb").read()
idle = []
for _ in range(count):
    connection = socket.create_connection(("127.0.0.1", port), timeout=90)
    idle.append(connection)
    try:
        connection.sendall(data)
        if count == 1:
            answer = b""
            while part := connection.recv(1 << 16):
                answer = answer or part
            print(answer[9:12].decode())
    except OSError as error:
        print(type(error).__name__)
"""
"""Sends a file and prints the status of the answer; ``count`` times without waiting if not once."""


@dataclass
class Probe:
    """The longest stall since it was read last, in milliseconds of processor time."""

    worst_ms: float = 0.0
    running: bool = True
    _last: float = field(default_factory=time.process_time)

    async def run(self) -> None:
        """Tick for as long as the service runs."""
        while self.running:
            await asyncio.sleep(TICK_S)
            now = time.process_time()
            self.worst_ms = max(self.worst_ms, (now - self._last) * 1e3)
            self._last = now

    def read(self) -> float:
        """The longest stall; the next one is measured from here."""
        worst, self.worst_ms = self.worst_ms, 0.0
        return worst


@contextmanager
def probed_service(settings: Settings) -> Iterator[tuple[int, Probe]]:
    """The service in a thread, with a probe on its loop: its port and the probe."""
    config = uvicorn.Config(
        create_app(settings), port=0, log_level="critical", lifespan="on", ws="none",
        http=CoalescingProtocol,
    )  # fmt: skip
    server, probe = uvicorn.Server(config), Probe()

    async def both() -> None:
        task = asyncio.create_task(probe.run())
        await server.serve()
        probe.running = False
        await task

    def run() -> None:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            runner.run(both())

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    while not server.started:
        if not thread.is_alive():
            raise SystemExit("the service did not start")
        time.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1], probe
    finally:
        server.should_exit = True
        thread.join(20)


def post(path: str, body: bytes) -> bytes:
    """A whole request."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    return head.encode() + body


LEAD = '"lead_id":"L-1","created_at":"2026-03-01T00:00:00Z","as_of":"2026-03-20T00:00:00Z"'


def keys_alike(objects: int) -> bytes:
    """Leads whose attributes begin with the same 180 letters, 1,990 of them each."""
    names = ",".join(f'"{"a" * 180}{i:04d}":1' for i in range(1990))
    leads = ",".join(f'{{{LEAD},"attributes":{{{names}}}}}' for _ in range(objects))
    return post("/v1/scores/batch", f'{{"leads":[{leads}]}}'.encode())


def interactions(count: int, extra: str = "") -> bytes:
    """One lead with so many interactions; ``extra`` of each, such as an unusual field."""
    acts = ",".join(
        f'{{"kind":"page_view","occurred_at":"2026-03-{1 + i % 19:02d}T10:{i % 60:02d}:'
        f'{i // 60 % 60:02d}Z","event_id":"e-{i}"{extra}}}'
        for i in range(count)
    )
    return post("/v1/scores", f'{{{LEAD},"interactions":[{acts}]}}'.encode())


def rows(count: int) -> bytes:
    """Rows of interactions of leads that are not there."""
    acts = ",".join(
        f'{{"lead_id":"L-{i}","kind":"page_view","occurred_at":"2026-03-05T10:00:00Z",'
        f'"channel":"{"x" * 100}"}}'
        for i in range(count)
    )
    return post("/v1/interactions", f'{{"interactions":[{acts}]}}'.encode())


def batch(count: int) -> bytes:
    """A batch of usual leads."""
    acts = ",".join(
        f'{{"kind":"page_view","occurred_at":"2026-03-{1 + i % 19:02d}T10:00:{i % 60:02d}Z"}}'
        for i in range(50)
    )
    leads = ",".join(f'{{{LEAD},"interactions":[{acts}]}}' for _ in range(count))
    return post("/v1/scores/batch", f'{{"leads":[{leads}]}}'.encode())


def own_kinds(count: int) -> bytes:
    """One lead with so many interactions, each of a kind of its own."""
    acts = ",".join(
        f'{{"kind":"k{i}","occurred_at":"2026-03-05T10:00:{i % 60:02d}Z"}}' for i in range(count)
    )
    return post("/v1/scores", f'{{{LEAD},"interactions":[{acts}]}}'.encode())


def own_attributes(count: int) -> bytes:
    """One lead with so many answers, each about an attribute of its own."""
    answers = ",".join(
        f'{{"attribute":"a{i}","answered_at":"2026-03-05T10:00:00Z","value":"v{i}"}}'
        for i in range(count)
    )
    return post("/v1/scores", f'{{{LEAD},"answers":[{answers}]}}'.encode())


def stored(bodies: int) -> bytes:
    """A lead is stored with 10,000 interactions of kinds of their own, and as many answers about
    attributes of their own, in each body; then it is scored and all that is stored of it read."""
    kept = "\r\nConnection: close", ""
    lead = post("/v1/leads", b'{"leads":[{"lead_id":"S","created_at":"2026-03-01T00:00:00Z"}]}')
    sent = [lead.decode().replace(*kept)]
    for body in range(bodies):
        at = range(10_000 * body, 10_000 * body + 10_000)
        acts = ",".join(
            f'{{"lead_id":"S","kind":"k{i}","occurred_at":"2026-03-05T10:00:{i % 60:02d}Z"}}'
            for i in at
        )
        answers = ",".join(
            f'{{"lead_id":"S","attribute":"a{i}","answered_at":"2026-03-05T10:00:00Z","value":"v"}}'
            for i in at
        )
        for name, rows_ in (("interactions", acts), ("answers", answers)):
            request = post(f"/v1/{name}", f'{{"{name}":[{rows_}]}}'.encode())
            sent.append(request.decode().replace(*kept))
    sent.append("GET /v1/leads/S/score HTTP/1.1\r\nHost: localhost\r\n\r\n")
    sent.append("GET /v1/leads/S HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
    return "".join(sent).encode()


CASES: dict[str, Callable[[], bytes]] = {
    "a usual lead": lambda: interactions(50),
    "0.4 MB: 1,990 keys that begin alike": lambda: keys_alike(1),
    "15 MB: 40 times 1,990 keys that begin alike": lambda: keys_alike(40),
    "15 MB: 190,000 interactions as usual": lambda: interactions(190_000),
    "15 MB: 150,000 interactions, decoded": lambda: interactions(150_000, ',"valu\\u0065":1'),
    "2 MB: 10,000 rows of interactions": lambda: rows(10_000),
    "15 MB: 75,000 rows of interactions": lambda: rows(75_000),
    "a batch of 1,000 leads": lambda: batch(1000),
    "5 MB: 100,000 interactions of own kinds": lambda: own_kinds(100_000),
    "5 MB: 60,000 answers about own attributes": lambda: own_attributes(60_000),
    "a stored lead of 40,000 own kinds and attributes": lambda: stored(4),
    "15 MB of opening brackets": lambda: post("/v1/scores", b'{"a":[' + b"[" * 15_000_000),
    "15 MB of numbers": lambda: post("/v1/scores", b'{"a":[' + b"1," * 7_500_000 + b"1]}"),
    "60 MB of headers": lambda: (
        b"GET / HTTP/1.1\r\n" + b"X-A: bbbbbbbbbb\r\n" * 3_750_000 + b"\r\n"
    ),
    "one header of 60 MB": lambda: b"GET / HTTP/1.1\r\nX-A: " + b"b" * 60_000_000 + b"\r\n\r\n",
    "20,000 requests in one go": lambda: (
        b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20_000
        + b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    ),
}


def measure(port: int, probe: Probe, request: bytes, folder: Path) -> tuple[float, str]:
    """The worst stall while this request is answered, and the status of the answer."""
    path = folder / "request"
    path.write_bytes(request)
    time.sleep(0.05)
    probe.read()
    command = [sys.executable, "-S", "-c", SENDER, str(port), str(path), "1"]
    status = subprocess.run(command, check=True, capture_output=True, timeout=120).stdout
    time.sleep(0.05)
    return probe.read(), status.decode().strip() or "closed"


def answers(port: int) -> bool:
    """Whether a new caller is answered within ten seconds."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
            connection.sendall(b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
            return connection.recv(100).startswith(b"HTTP/1.1 200")
    except OSError:
        return False


def main() -> None:
    """Measure every request and print one line each."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--only", default="", help="only requests whose name holds this")
    asked.add_argument("--json", action="store_true")
    given = asked.parse_args()
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        small_release(folder / "release")
        settings = Settings(release=folder / "release", home=folder / "home", rate_burst=10**6)
        with probed_service(settings) as (port, probe):
            measure(port, probe, interactions(5), folder)
            for case, make in CASES.items():
                if given.only in case:
                    stall_ms, status = measure(port, probe, make(), folder)
                    found[case] = {"stall_ms": round(stall_ms, 1), "answer": status}
                    if not given.json:
                        print(f"{stall_ms:9.1f} ms  {status:>6}  {case}", flush=True)
            found["answers afterwards"] = answers(port)
    if given.json:
        print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
