"""A process beside the service, started again should it die; it ends when its input does."""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

log = logging.getLogger("leadscore.serving")


AGAIN_S = 1.0


END_S = 20.0


KEEP_MEMORY = {"MALLOC_TRIM_THRESHOLD_": "134217728", "MALLOC_MMAP_THRESHOLD_": "67108864"}
"""For glibc: it would give some megabytes back to the system after each segment of the journal or
batch of leads, and have every page of them made anew for the next."""


@contextmanager
def process_beside(module: str, name: str) -> Iterator[None]:
    """Keep ``python -m module`` running meanwhile. At the end its input is closed, also if this
    process is killed; then it has twenty seconds."""
    keeper = _Supervisor(module, name)
    keeper.start()
    try:
        yield
    finally:
        keeper.stop()


class _Supervisor(threading.Thread):
    """Starts the process, and restarts it when it ends before :meth:`stop`."""

    def __init__(self, module: str, name: str) -> None:
        super().__init__(name=name, daemon=True)
        self._module = module
        self._ending = threading.Event()
        self._process = self._begun()

    def _begun(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-P", "-m", self._module]
        environment = {**KEEP_MEMORY, **os.environ}
        return subprocess.Popen(command, stdin=subprocess.PIPE, env=environment)  # noqa: S603  (a module of ours)

    def run(self) -> None:
        while True:
            code = self._process.wait()
            if self._ending.wait(AGAIN_S):
                return
            log.error("the %s ended; it is started again", self.name, extra={"error": str(code)})
            self._process = self._begun()

    def stop(self) -> None:
        """Let it finish: it ends when its input does, also if this process is killed."""
        self._ending.set()
        process = self._process
        assert process.stdin is not None  # noqa: S101
        process.stdin.close()
        try:
            process.wait(END_S)
        except subprocess.TimeoutExpired:
            process.kill()
