"""The refresher as a process beside the service, with the lowest priority and a budget."""

from __future__ import annotations

import contextlib
import logging
import logging.config
import os
import select
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from features.errors import LeadscoreError
from serving.child_process import process_beside
from serving.settings import Settings
from serving.store.database import connect, store_url
from serving.store.leader import Leader
from serving.store.migrate import HEAD, schema_version
from serving.store.tables import lead
from serving.store.tombstones import stored_tombstones
from serving.telemetry.logs import logging_config

if TYPE_CHECKING:
    from serving.predictor.active_release import ActiveRelease
    from serving.predictor.refresh import Refresher

log = logging.getLogger("leadscore.refresh")

IDLE_S = 0.5

AGAIN_S = 2.0

NICE = 10

BATCH = 128
"""Leads scored between two transactions."""


@contextmanager
def refresher_beside(settings: Settings) -> Iterator[None]:
    """Keep a refresher running meanwhile, where scores are written down and refreshed at all."""
    if not settings.refreshes:
        yield
        return
    with process_beside("serving.predictor.refresh_process", "refresher"):
        yield


def main() -> None:
    """Refresh until the service has ended."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_IGN)
    with contextlib.suppress(OSError):
        os.nice(NICE)
    settings = Settings()
    logging.config.dictConfig(logging_config(settings.log_level))
    engine = connect(store_url(settings), settings.database_wait_s)
    work = _Work(engine, settings)
    wait_s = 0.0
    while not select.select([sys.stdin], [], [], wait_s)[0]:
        try:
            wait_s = work.turn()
        except (LeadscoreError, SQLAlchemyError, OSError) as error:
            wait_s = AGAIN_S
            log.warning("the refresh waits", extra={"error": type(error).__name__})
    work.leader.release()
    engine.dispose()


class _Work:
    """What the process keeps between two turns. The engine is loaded when there is a lead."""

    def __init__(self, engine: sa.Engine, settings: Settings) -> None:
        self.leader = Leader(engine, settings.home, "refresh")
        self._engine, self._settings = engine, settings
        self._per_s = settings.refresh_per_s
        self._loaded: tuple[ActiveRelease, Refresher] | None = None
        self._ready = False

    def turn(self) -> float:
        """One batch; how many seconds to wait before the next."""
        self._ready = self._ready or schema_version(self._engine) == HEAD
        if not self._ready or not self.leader.hold() or not self._has_leads():
            return IDLE_S
        live, refresher = self._loaded = self._loaded or self._load()
        live.refresh()
        if not live.loaded:
            return IDLE_S
        begun = time.monotonic()
        count = refresher.run_once(live.current(), datetime.now(UTC), self._batch)
        if count == 0:
            return IDLE_S
        return max(0.0, count / self._per_s - (time.monotonic() - begun))

    @property
    def _batch(self) -> int:
        return max(1, min(BATCH, round(self._per_s / 2)))

    def _has_leads(self) -> bool:
        if self._loaded is not None:
            return True
        with self._engine.begin() as connection:
            return connection.scalar(sa.select(lead.c.lead_id).limit(1)) is not None

    def _load(self) -> tuple[ActiveRelease, Refresher]:
        from serving.predictor.active_release import ActiveRelease
        from serving.predictor.refresh import Refresher
        from serving.telemetry.metrics import Metrics

        with self._engine.begin() as connection:
            tombstones = stored_tombstones(connection)
        refresher = Refresher(self._engine, self._settings, tombstones)
        return ActiveRelease(self._settings, Metrics()), refresher


if __name__ == "__main__":
    main()
