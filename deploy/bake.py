"""Compile the kernels of the service into ``NUMBA_CACHE_DIR``: start it, ask it, end it.

    NUMBA_CPU_NAME=generic NUMBA_CACHE_DIR=DIR python deploy/bake.py RELEASE_DIR

The real service is started on the loopback with a home that is thrown away, so what is compiled is
what a start compiles. Prints the seconds until it was ready: with a filled cache, a cold start.
Needs ``leadscore`` on the path and nothing beyond the standard library.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

READY_WITHIN_S = 600.0
BATCH = 200


def free_port() -> int:
    """A port of the loopback on which nobody listens."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def lead(number: int) -> dict[str, object]:
    """An invented lead."""
    events = [
        {"kind": "page_view", "occurred_at": f"2026-03-{day:02d}T10:00:00Z", "event_id": f"e{day}"}
        for day in range(3, 8)
    ]
    return {
        "lead_id": f"L-{number}", "created_at": "2026-03-02T09:12:00Z",
        "as_of": "2026-03-09T09:12:00Z", "interactions": events,
    }  # fmt: skip


def ask(address: str, path: str, body: object | None = None) -> int:
    """The status of one answer; OSError if there is none."""
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(address + path, data, headers)  # noqa: S310 (the loopback)
    with urllib.request.urlopen(request, timeout=600) as answer:  # noqa: S310
        return int(answer.status)


def wait_until_ready(address: str, process: subprocess.Popen[bytes]) -> float:
    """Seconds until the service was ready. SystemExit if it ended, or is not ready in time."""
    start = time.monotonic()
    while time.monotonic() - start < READY_WITHIN_S:
        if process.poll() is not None:
            raise SystemExit(f"the service ended with {process.returncode} before it was ready")
        try:
            ask(address, "/health/ready")
        except OSError:  # not listening yet, or 503
            time.sleep(0.05)
        else:
            return time.monotonic() - start
    raise SystemExit(f"the service was not ready within {READY_WITHIN_S:g} s")


def main(release: Path) -> None:
    """Start, ask every kind of question once, end; print how long the start took."""
    port = free_port()
    with tempfile.TemporaryDirectory() as home:
        settings = {
            **os.environ, "LEADSCORE_RELEASE": str(release.absolute()), "LEADSCORE_HOME": home,
            "LEADSCORE_HOST": "127.0.0.1", "LEADSCORE_PORT": str(port),
            "LEADSCORE_LOG_LEVEL": "warning", "LEADSCORE_PRODUCTION": "false",
        }  # fmt: skip
        process = subprocess.Popen(["leadscore", "serve"], env=settings)  # noqa: S607
        try:
            address = f"http://127.0.0.1:{port}"
            ready = wait_until_ready(address, process)
            ask(address, "/v1/scores", lead(0))
            ask(address, "/v1/scores/batch", {"leads": [lead(i) for i in range(BATCH)]})
        finally:
            process.terminate()
            process.wait(timeout=60)
    print(f"ready in {ready:.1f} s, answered one lead and a batch of {BATCH}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        raise SystemExit(__doc__)
    main(Path(sys.argv[1]))
