"""``make soak``: ten minutes at half load; fails if memory grows or any request does.

Scores with 50 interactions, events, and scores from the store, in turn, on this machine's
loopback. Half load: half of what the service answered in five seconds without pause.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path
from typing import Any

from serving_lead import a_lead, made_release
from serving_load import BUILD, free_port, load, memory_mb, wait_for_answer

CALLERS = 4
GROWTH_MB = 30.0
WARM_S = 30


class Soak:
    """A steady stream of requests and what went wrong with them."""

    def __init__(self, url: str, lead: dict[str, Any]) -> None:
        self.url, self.lead = url, lead
        self.asked = 0
        self.failed: list[str] = []
        self.slowest_s = 0.0

    def ask(self, number: int) -> None:
        lead_id = f"soak-{number % 50}"
        if number % 10 == 8:
            row = {"lead_id": lead_id, "kind": "page_view", "occurred_at": "2026-03-05T00:00:00Z"}
            self.send("POST", "/v1/interactions", {"interactions": [row]})
        elif number % 10 == 9:
            self.send("GET", f"/v1/leads/{lead_id}/score", None)
        else:
            self.send("POST", "/v1/scores", {**self.lead, "lead_id": lead_id})

    def send(self, method: str, path: str, body: Any) -> None:
        begun = time.monotonic()
        content = None if body is None else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, content, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                answer.read()
        except OSError as error:
            self.failed.append(f"{method} {path}: {error}")
        self.slowest_s = max(self.slowest_s, time.monotonic() - begun)
        self.asked += 1

    def run(self, seconds: float, per_second: float) -> None:
        """Ask from several threads at this rate in all."""
        ending = time.monotonic() + seconds
        numbers = itertools.count()
        pause = CALLERS / per_second

        def work() -> None:
            due = time.monotonic()
            while time.monotonic() < ending:
                self.ask(next(numbers))
                due += pause
                time.sleep(max(0.0, due - time.monotonic()))

        threads = [threading.Thread(target=work) for _ in range(CALLERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()


def main() -> None:
    """Soak, print what was seen, exit 1 if it was not good."""
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--seconds", type=int, default=600)
    asked.add_argument("--release", type=Path)
    given = asked.parse_args()
    release = given.release or made_release()
    lead = a_lead(release)
    BUILD.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=BUILD) as home:
        port = free_port()
        command = [sys.executable, "-m", "leadscore", "serve", "--port", str(port)]
        environment = {**os.environ, "LEADSCORE_HOME": home, "OMP_NUM_THREADS": "1"}
        with (BUILD / "soak.log").open("w") as log:
            process = subprocess.Popen(
                [*command, "--release", str(release)], env=environment, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        try:
            good = soak(f"http://127.0.0.1:{port}", lead, process, given.seconds)
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)
    sys.exit(0 if good else 1)


def soak(url: str, lead: dict[str, Any], process: subprocess.Popen[bytes], seconds: int) -> bool:
    """Run against a started service; whether all was well."""
    wait_for_answer(f"{url}/health/ready", (), process, time.perf_counter())
    stream = Soak(url, lead)
    for i in range(50):
        body = {"created_at": "2026-02-28T09:00:00Z", "attributes": {}}
        stream.send("PUT", f"/v1/leads/soak-{i}", body)
    most = load(f"{url}/v1/scores", [json.dumps(lead).encode()], 8, 5).per_second
    stream.run(min(WARM_S, seconds / 4), most / 2)
    before = memory_mb(process.pid)
    stream.run(seconds, most / 2)
    grown = memory_mb(process.pid) - before
    print(f"{stream.asked:,} requests in {seconds} s at {most / 2:,.0f}/s asked for")
    print(f"failed: {len(stream.failed)}  {stream.failed[:3]}")
    print(f"memory: {before:.0f} MB, grown by {grown:+.1f} MB; slowest: {stream.slowest_s:.3f} s")
    return not stream.failed and grown < GROWTH_MB


if __name__ == "__main__":
    main()
