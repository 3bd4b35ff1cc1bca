"""A program that is killed again and again: it imports once, and works in a child for each kill."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

FORK = """
import os, sys
for _ in sys.stdin:
    child = os.fork()
    if child == 0:
        break
    print(child, flush=True)
    os.waitpid(child, 0)
    print("dead", flush=True)
else:
    sys.exit()
"""


class Parent:
    """The process that has imported everything, and whose children do the work."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        assert process.stdin is not None
        assert process.stdout is not None
        self._commands, self._answers = process.stdin, process.stdout

    def begin(self) -> int:
        """Start a child at the work; its process id."""
        self._commands.write("begin\n")
        return int(self._answers.readline())

    def kill(self, child: int) -> None:
        """``kill -9``, and wait until the child has ended."""
        os.kill(child, signal.SIGKILL)
        assert self._answers.readline() == "dead\n"


@contextmanager
def killable(imports: str, work: str, *arguments: str) -> Iterator[Parent]:
    """Run ``imports`` once and ``work``, which must not end, in every child."""
    paths = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "support")])
    with subprocess.Popen(
        [sys.executable, "-c", imports + FORK + work, *arguments],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
        env={**os.environ, "PYTHONPATH": paths}, start_new_session=True,
    ) as process:  # fmt: skip
        try:
            yield Parent(process)
        finally:
            os.killpg(process.pid, signal.SIGKILL)
