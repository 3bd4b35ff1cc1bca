"""The store as the application holds it: one writer, a few readers, the journal, the upkeep."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from features.errors import StorageBusy, StorageError
from serving.journal.journal import Journal
from serving.journal.segments import used
from serving.outbox.deliveries import backlog
from serving.settings import Settings
from serving.store import refresh_queue
from serving.store.database import ANSWER_S, connect, failure, store_url
from serving.store.erasure_ledger import ErasureLedger
from serving.store.migrate import migrate
from serving.store.readers import Readers
from serving.store.restore import not_while_restoring
from serving.store.score_loader import JournalLoader
from serving.store.scores import ScoreRow, line_of
from serving.store.shared_keys import differ, share_keys
from serving.store.tombstones import Tombstones, load_tombstones, scrub, stored_tombstones
from serving.store.views import ViewRefresher
from serving.store.worklist_lines import chosen_of, prepare_worklist
from serving.store.writer import Writer
from serving.telemetry.metrics import Metrics

log = logging.getLogger("leadscore.store")


T = TypeVar("T")


LOOK_S = 0.25


KEYS_S = 5.0
"""How often the keys of tombstones, API keys and views are looked at: other machines change them.
"""


DRAIN_S = 10.0
"""How long an erasure waits for what the journals hold."""


STALE_S = 10.0
"""The store is down when scores wait longer than this for it."""


MEASURE_S = 5.0


RELAXED_S = 0.1
"""How long scores are gathered in memory where they need not be on disk before the answer."""


SWITCH_S = 0.0005
"""How long one thread may keep the interpreter while another waits: readers and the writer must
not wait 5 ms for each turn."""


class Store:
    """Everything durable. Its parts fail apart: without a database, scores still go on."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self.settings = settings
        self.metrics = metrics
        self.engine = connect(store_url(settings), settings.database_wait_s)
        self.writer = Writer(self.engine, settings.max_writes)
        gather_s = RELAXED_S if settings.score_log == "relaxed" else 0.0
        self.journal = Journal(settings.home / "journal", metrics.unlogged.inc, gather_s)
        self.mover = JournalLoader(self.engine, settings)
        self.tombstones = Tombstones([])
        self.views = ViewRefresher(self.engine)
        self.ledger = ErasureLedger(settings.home)
        self.migrated = False
        self.unscrubbed = self.engine.dialect.name == "sqlite"
        self._readers = Readers(3)
        self._refreshing = asyncio.Lock()
        self._looked = 0.0
        self._task: asyncio.Task[None] | None = None
        self._measured = float("-inf")

    async def start(self) -> None:
        """Open the store, or begin without it and go on trying."""
        sys.setswitchinterval(SWITCH_S)
        loop = asyncio.get_running_loop()
        self.writer.start()
        self._readers.start()
        self.journal.start(loop)
        try:
            await self._readers.run(self._migrate, ANSWER_S)
        except (StorageError, OSError) as error:
            log.error("the store is not available yet: %s", error)
        self._task = loop.create_task(self._upkeep(), name="store-upkeep")

    async def stop(self) -> None:
        """Write down what waits, then close."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        await self.journal.stop()
        with contextlib.suppress(StorageError, OSError):
            await self._move_unless_another_does()
        loop = asyncio.get_running_loop()
        await asyncio.gather(
            loop.run_in_executor(None, self.writer.stop),
            loop.run_in_executor(None, self._readers.stop, ANSWER_S),
        )
        self.engine.dispose()

    def _migrate(self) -> None:
        """Bring the schema up to date, and erase again what a restored database forgot."""
        if self.migrated:
            return
        with not_while_restoring(self.settings):
            migrate(self.engine)
            prepare_worklist(self.engine, chosen_of(self.settings))
        with self.engine.execution_options(writes=True).begin() as connection:
            self.tombstones = load_tombstones(connection, self.settings.home)
            self.ledger.agree(connection, self.tombstones)
            if differ(connection, self.settings.home):
                share_keys(connection, self.settings.home)
        self.views.refresh()
        self.migrated = True

    async def write(self, work: Callable[[sa.Connection], T]) -> T:
        """Run ``work`` in a transaction; its result once committed. StorageError otherwise."""
        if not self.migrated:
            raise StorageBusy("the store is not available yet")
        return await self.writer.write(work)

    async def read(self, work: Callable[[sa.Connection], T]) -> T:
        """Run ``work`` on a snapshot of the store. StorageError if that fails or takes too long."""
        if not self.migrated:
            raise StorageBusy("the store is not available yet")
        return await self._readers.run(partial(_read, self.engine, work), ANSWER_S)

    async def show_attributes(self, names: Iterable[str]) -> None:
        """Make these attributes columns of the views now, or as soon as nobody is in the way."""
        if self.views.lack(names):
            async with self._refreshing:
                if self.views.lack(names):
                    with contextlib.suppress(StorageError):
                        await self._readers.run(self.views.refresh, ANSWER_S)

    async def run(self, work: Callable[[], T]) -> T:
        """Run ``work``, which reads or writes files, in a thread. StorageError as it does."""
        try:
            return await self._readers.run(work, ANSWER_S)
        except OSError as error:
            raise failure(error) from error

    async def keep_erased(self, entries: list[tuple[str, int]]) -> None:
        """Note digests of erased leads on this machine's own disk as well."""
        await self.run(partial(self.ledger.add, entries))

    async def scrub(self) -> bool:
        """Leave no deleted byte in the write-ahead log; False if a reader is in the way: then it
        is done as soon as that ends."""
        self.unscrubbed = True
        with contextlib.suppress(StorageError):
            self.unscrubbed = not await self._readers.run(self._scrub, ANSWER_S)
        return not self.unscrubbed

    def _scrub(self) -> bool:
        try:
            return scrub(self.engine)
        except SQLAlchemyError as error:
            raise failure(error) from error

    async def log(self, row: ScoreRow) -> None:
        """Write a score down as the settings say; it never fails the answer."""
        mode = self.settings.score_log
        if mode == "durable":
            await self.journal.append_durably(line_of(row))
        elif mode == "relaxed":
            self.journal.append(line_of(row))

    def log_soon(self, row: ScoreRow) -> None:
        """Write a score down without waiting for it."""
        self.journal.append(line_of(row))

    async def settle(self) -> None:
        """Wait until all that was logged before is on disk, if the settings ask for that."""
        if self.settings.score_log == "durable":
            await self.journal.settle()

    async def drain(self) -> None:
        """Return when all that was answered before, by any worker, is in the store, but what
        lies in segments that cannot be read (:attr:`JournalLoader.unreadable`).

        StorageError when that takes too long.
        """
        await self.journal.close()
        paths, deadline = used(self.journal.folder), time.monotonic() + DRAIN_S
        while paths:
            await self._readers.run(partial(self.mover.move, paths), DRAIN_S)
            paths = [p for p in paths if p.exists() and p not in self.mover.unreadable]
            if paths and time.monotonic() > deadline:
                raise StorageBusy("a journal is in use and cannot be moved into the store")
            await asyncio.sleep(0.02 if paths else 0.0)

    async def _move_unless_another_does(self) -> None:
        if self.mover.hold():
            try:
                await self._readers.run(self.mover.run_once, ANSWER_S)
            finally:
                self.mover.release()

    async def _upkeep(self) -> None:
        """Migrate when the database comes; move scores in unless a process of its own does; finish
        what somebody was in the way of."""
        while True:
            await asyncio.sleep(LOOK_S)
            try:
                if not self.migrated:
                    await self._readers.run(self._migrate, ANSWER_S)
                await self._move_unless_another_does()
                if self.unscrubbed:
                    await self.scrub()
                if time.monotonic() - self._looked > KEYS_S:
                    self._looked = time.monotonic()
                    self.tombstones = await self.read(stored_tombstones)
                    await self._share_keys()
                    if self.views.due:
                        await self._readers.run(self.views.refresh, ANSWER_S)
                self._measure()
                await self._measure_background_work()
            except (StorageError, OSError) as error:
                self.metrics.store_up.set(0)
                log.warning("upkeep of the store failed", extra={"error": type(error).__name__})
                await asyncio.sleep(1.0)

    async def _share_keys(self) -> None:
        """Tell other machines of our API keys, and learn of theirs."""
        if await self.read(lambda c: differ(c, self.settings.home)):
            await self.write(lambda c: share_keys(c, self.settings.home))
            log.info("API keys are shared with other machines of this store")

    def _measure(self) -> None:
        age_s = self.mover.age_s()
        self.metrics.journal_age.set(age_s)
        self.metrics.store_up.set(age_s < STALE_S)
        self.metrics.queue.labels("writes").set(self.writer.waiting)
        self.metrics.queue.labels("journal").set(self.journal.waiting)

    async def _measure_background_work(self) -> None:
        """What waits for webhooks and for a new score, as far as the store knows."""
        if not self.migrated or time.monotonic() - self._measured < MEASURE_S:
            return
        self._measured = time.monotonic()
        metrics, now = self.metrics, time.time()
        messages = await self.read(backlog)
        metrics.webhook_pending.set(messages.pending)
        metrics.webhook_oldest.set(_age_s(messages.oldest_us, now))
        metrics.webhook_dead.set(messages.dead)
        if self.settings.refreshes:
            count, oldest_us = await self.read(refresh_queue.depth)
            metrics.refresh_waiting.set(count)
            metrics.refresh_oldest.set(_age_s(oldest_us, now))


def _age_s(at_us: int | None, now: float) -> float:
    return 0.0 if at_us is None else max(0.0, now - at_us / 1e6)


def _read(engine: sa.Engine, work: Callable[[sa.Connection], T]) -> T:
    try:
        with engine.begin() as connection:
            return work(connection)
    except (SQLAlchemyError, OSError) as error:
        raise failure(error) from error
