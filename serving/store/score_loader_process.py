"""The journal loader as a child process, restarted if it dies; it also sends to webhooks."""

from __future__ import annotations

import logging
import logging.config
import select
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from features.errors import StorageError
from serving.child_process import process_beside
from serving.outbox.sender import WebhookSender
from serving.settings import Settings
from serving.store.database import connect, store_url
from serving.store.score_loader import JournalLoader
from serving.telemetry.logs import logging_config

log = logging.getLogger("leadscore.store")


LOOK_S = 0.05


AGAIN_S = 1.0


@contextmanager
def loader_beside(settings: Settings) -> Iterator[None]:
    """Keep a mover running meanwhile; at the end it moves in what is left. The settings must be in
    the environment."""
    if settings.score_log == "off":
        yield
        return
    with process_beside("serving.store.score_loader_process", "mover"):
        yield


def main() -> None:
    """Move until the service has ended, then once more. Signals are for the service to heed."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    settings = Settings()
    logging.config.dictConfig(logging_config(settings.log_level))
    engine = connect(store_url(settings), settings.database_wait_s)
    mover = JournalLoader(engine, settings)
    webhooks = WebhookSender(engine, settings)
    webhooks.start()
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
    webhooks.stop()
    mover.release()
    engine.dispose()


if __name__ == "__main__":
    main()
