"""Load from wrk on one URL, and what the process that answers it costs."""

from __future__ import annotations

import os
import re
import resource
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

BUILD = Path(__file__).resolve().parent.parent / "build" / "bench-serving"
MEGABYTE = 1024.0


@dataclass(frozen=True)
class Row:
    """What was measured at one number of connections; ``client_us`` and ``service_us``: processor
    time a request of wrk, and of all processes of the service."""

    per_second: float
    p50_ms: float
    p99_ms: float
    failed: int
    requests: int
    client_us: float
    service_us: float = 0.0


SCRIPT = """
local requests, turn = {{}}, 0
function init(args)
  wrk.method = "POST"
  wrk.headers["Content-Type"] = "application/json"
  for body in io.lines("{file}") do table.insert(requests, wrk.format(nil, nil, nil, body)) end
end
function request()
  turn = turn % #requests + 1
  return requests[turn]
end
"""


def load(url: str, bodies: Sequence[bytes], connections: int, seconds: int) -> Row:
    """wrk against one URL, the bodies in turn; without a body it asks with GET."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "--timeout", "10s"]
    if bodies:
        file = BUILD / "bodies.jsonl"
        file.write_bytes(b"\n".join(bodies) + b"\n")
        script = BUILD / "post.lua"
        script.write_text(SCRIPT.format(file=file))
        command += ["-s", str(script)]
    before = _children_s()
    said = subprocess.run([*command, url], capture_output=True, text=True, check=True).stdout
    used, requests = _children_s() - before, int(_found(r"(\d+) requests in", said))
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", said)
    return Row(
        float(_found(r"Requests/sec:\s+([\d.]+)", said)),
        milliseconds(_found(r"50%\s+([\d.]+\w+)", said)),
        milliseconds(_found(r"99%\s+([\d.]+\w+)", said)),
        int(failed.group(1)) if failed else 0,
        requests,
        used / max(1, requests) * 1e6,
    )


def load_on(leader: int, url: str, bodies: Sequence[bytes], connections: int, seconds: int) -> Row:
    """:func:`load`, with what it cost the service whose first process is ``leader``."""
    before = cpu_s(leader)
    row = load(url, bodies, connections, seconds)
    return replace(row, service_us=(cpu_s(leader) - before) / max(1, row.requests) * 1e6)


def _children_s() -> float:
    """Processor time of the children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _found(pattern: str, text: str) -> str:
    match = re.search(pattern, text)
    if match is None:
        sys.exit(f"wrk said something unexpected:\n{text}")
    return match.group(1)


def milliseconds(word: str) -> float:
    """wrk's 1.23ms, 45us or 1.02s in milliseconds."""
    number, unit = re.fullmatch(r"([\d.]+)(us|ms|s)", word).groups()  # type: ignore[union-attr]
    return float(number) * {"us": 0.001, "ms": 1.0, "s": 1000.0}[unit]


def wait_for_answer(
    url: str, bodies: Sequence[bytes], process: subprocess.Popen[bytes], started: float
) -> float:
    """Seconds from the start to the first good answer."""
    headers = {"Content-Type": "application/json"}
    while time.perf_counter() - started < 120:
        if process.poll() is not None:
            raise RuntimeError("it ended at once: see last-server.log")
        try:
            data = bodies[0] if bodies else None
            request = urllib.request.Request(url, data=data, headers=headers)
            with urllib.request.urlopen(request, timeout=10):
                return time.perf_counter() - started
        except (urllib.error.URLError, ConnectionError, TimeoutError):
            time.sleep(0.02)
    raise RuntimeError("no answer within two minutes")


def memory_mb(leader: int) -> float:
    """Resident memory of a process and of all it started, in MB."""
    total = 0.0
    for process in family(leader):
        try:
            found = re.search(r"VmRSS:\s+(\d+)", Path(f"/proc/{process}/status").read_text())
        except (FileNotFoundError, ProcessLookupError):
            continue
        total += int(found.group(1)) / MEGABYTE if found else 0.0
    return total


def cpu_s(leader: int) -> float:
    """Processor time of a process and of all it started so far, in seconds: it tells what an
    answer costs even while other work keeps the machine busy."""
    ticks = 0
    for process in family(leader):
        fields = _stat(process)
        ticks += int(fields[11]) + int(fields[12]) if fields else 0
    return ticks / os.sysconf("SC_CLK_TCK")


def family(leader: int) -> set[int]:
    """The process, and all that descend from it, whatever groups they have made."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        fields = _stat(int(folder.name))
        if fields:
            parents[int(folder.name)] = int(fields[1])
    found = {leader}
    while more := {one for one, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def _stat(process: int) -> list[str]:
    """What stands in the process's stat after its name; nothing when it has ended."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def free_port() -> int:
    """A port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
