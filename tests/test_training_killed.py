"""A worker process of ``leadscore train`` is killed: one clear line, exit code 5, nothing left."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from training.simulator import simulate, write_simulation

ROOT = Path(__file__).resolve().parents[1]
TRAIN = """
import sys
from training.model_selection import worker_pool
worker_pool.WorkerPool.__init__.__kwdefaults__["start_seconds"] = 0.0
from commands.cli import main
main()
"""


def children(pid: int) -> list[int]:
    """Process ids of the workers that ``pid`` has started."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in found if "worker_process" in command_line(int(child))]


def command_line(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""


def test_a_killed_worker_ends_the_command_with_a_clear_line(tmp_path: Path) -> None:
    leads, out, scratch = tmp_path / "leads", tmp_path / "release", tmp_path / "scratch"
    write_simulation(simulate(300, seed=1), leads)
    scratch.mkdir()
    arguments = ["train", str(leads), "--out", str(out), "--no-register", "--jobs", "2"]
    with subprocess.Popen(
        [sys.executable, "-c", TRAIN, *arguments],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(scratch)},
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as command:
        workers: list[int] = []
        while not workers and command.poll() is None:
            time.sleep(0.05)
            workers = children(command.pid)
        if workers:
            os.kill(workers[0], signal.SIGKILL)
        stdout, stderr = command.communicate(timeout=120)
    assert command.returncode == 5
    assert "a worker process that fits candidates was ended by SIGKILL" in stderr
    assert "nothing was written" in stderr
    assert "Traceback" not in stderr
    assert stdout == ""
    assert not out.exists()
    assert list(scratch.iterdir()) == []
    assert not any(command_line(worker) for worker in workers)
