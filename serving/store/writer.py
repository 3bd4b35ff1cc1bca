"""The one thread that writes: jobs that wait together are committed together."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from features.errors import StorageBusy, StorageError
from serving.store.database import ANSWER_S, failure
from serving.store.readers import settle

log = logging.getLogger("leadscore.store")


T = TypeVar("T")


GROUP = 64


@dataclass(slots=True)
class _Job:
    work: Callable[[sa.Connection], Any]
    future: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop

    def done(self, result: Any, error: BaseException | None) -> None:
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(settle, self.future, result, error)


class Writer:
    """Runs jobs one after the other in one transaction per group; a job's failure is its own.

    A job is acknowledged after the commit, so what was acknowledged is on disk.
    """

    def __init__(self, engine: sa.Engine, most_waiting: int) -> None:
        self._engine = engine.execution_options(writes=True)
        self._jobs: queue.Queue[_Job | None] = queue.Queue(most_waiting)
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._began = float("inf")

    def start(self) -> None:
        """Begin to take jobs."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the jobs that wait, then end; not for longer than a request would wait."""
        if self._thread.is_alive():
            with contextlib.suppress(queue.Full):
                self._jobs.put(None, timeout=ANSWER_S)
            self._thread.join(ANSWER_S)

    @property
    def waiting(self) -> int:
        """How many jobs wait."""
        return self._jobs.qsize()

    async def write(self, work: Callable[[sa.Connection], T]) -> T:
        """Run ``work`` within a transaction; its result once that is committed.

        Raises StorageBusy at once when too much waits, or the database hangs, and StorageError if
        it cannot be done; then nothing of it was written. StorageBusy also when it takes too long:
        then it may have been, and doing it again does no harm.
        """
        if time.monotonic() - self._began > ANSWER_S:
            raise StorageBusy("the store hangs")
        loop = asyncio.get_running_loop()
        job = _Job(work, loop.create_future(), loop)
        try:
            self._jobs.put_nowait(job)
        except queue.Full:
            raise StorageBusy("too many writes wait for the store") from None
        try:
            async with asyncio.timeout(ANSWER_S):
                result: T = await job.future
        except TimeoutError:
            raise StorageBusy(f"the store did not answer within {ANSWER_S:g} s") from None
        return result

    def _run(self) -> None:
        while True:
            first = self._jobs.get()
            if first is None:
                return
            group, ended = [first], False
            while len(group) < GROUP:
                try:
                    more = self._jobs.get_nowait()
                except queue.Empty:
                    break
                if more is None:
                    ended = True
                    break
                group.append(more)
            self._began = time.monotonic()
            self._commit([job for job in group if not job.future.cancelled()])
            self._began = float("inf")
            if ended:
                return

    def _commit(self, group: list[_Job]) -> None:
        try:
            with self._engine.begin() as connection:
                settled = [(job, *_attempt(connection, job.work)) for job in group]
        except (SQLAlchemyError, OSError, StorageError) as error:
            if len(group) > 1 and not _concerns_all(
                error
            ):  # one of them may be to blame: each on its own
                for job in group:
                    self._commit([job])
                return
            trouble = error if isinstance(error, StorageError) else failure(error)
            log.error("the store failed", extra={"error": type(error).__name__})
            settled = [(job, None, trouble) for job in group]
        for job, result, refusal in settled:
            job.done(result, refusal)


DEADLOCK = "40P01"


def _concerns_all(error: Exception) -> bool:
    """Whether the database is locked, full or away, rather than one job to blame."""
    if isinstance(error, OperationalError):
        return getattr(error.orig, "sqlstate", None) != DEADLOCK
    return isinstance(error, OSError)


def _attempt(
    connection: sa.Connection, work: Callable[[sa.Connection], Any]
) -> tuple[Any, BaseException | None]:
    """Run one job in a savepoint. Trouble with the database itself fails the whole group."""
    try:
        with connection.begin_nested():
            return work(connection), None
    except (SQLAlchemyError, OSError):
        raise
    except Exception as error:
        return None, error
