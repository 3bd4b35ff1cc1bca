"""The journal loader as a child process, restarted if it dies."""

from __future__ import annotations

import logging
import logging.config
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from features.errors import StorageError
from serving.settings import Settings
from serving.store.database import connect, store_url
from serving.store.score_loader import JournalLoader
from serving.telemetry.logs import logging_config

log = logging.getLogger("leadscore.store")


LOOK_S = 0.05


AGAIN_S = 1.0


END_S = 20.0


@contextmanager
def loader_beside(settings: Settings) -> Iterator[None]:
    """Keep a mover running meanwhile; at the end it moves in what is left. The settings must be in
    the environment."""
    if settings.score_log == "off":
        yield
        return
    keeper = _Supervisor()
    keeper.start()
    try:
        yield
    finally:
        keeper.stop()


class _Supervisor(threading.Thread):
    """Starts the process, and restarts it when it ends before :meth:`stop`."""

    def __init__(self) -> None:
        super().__init__(name="mover", daemon=True)
        self._ending = threading.Event()
        self._process = self._begun()

    def _begun(self) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "serving.store.score_loader_process"],
            stdin=subprocess.PIPE,
        )

    def run(self) -> None:
        while True:
            code = self._process.wait()
            if self._ending.wait(AGAIN_S):
                return
            log.error("the mover ended; it is started again", extra={"error": str(code)})
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


def main() -> None:
    """Move until the service has ended, then once more. Signals are for the service to heed."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    settings = Settings()
    logging.config.dictConfig(logging_config(settings.log_level))
    engine = connect(store_url(settings), settings.database_wait_s)
    mover = JournalLoader(engine, settings.home, settings.keep_scores_days)
    wait_s, ended = LOOK_S, False
    while not ended:
        ended = bool(select.select([sys.stdin], [], [], wait_s)[0])
        try:
            wait_s = LOOK_S
            if mover.hold():
                mover.run_once()
        except (StorageError, OSError) as error:
            wait_s = AGAIN_S
            log.warning("scores stay in the journal", extra={"error": type(error).__name__})
    mover.release()
    engine.dispose()


if __name__ == "__main__":
    main()
