"""The one thread that writes: jobs that wait together are committed together."""

from __future__ import annotations

import asyncio
import logging
import queue
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from features.errors import StorageBusy, StorageError
from serving.store.database import failure

log = logging.getLogger("leadscore.store")


T = TypeVar("T")


GROUP = 64


@dataclass(slots=True)
class _Job:
    work: Callable[[sa.Connection], Any]
    done: Callable[[Any, BaseException | None], None]


class Writer:
    """Runs jobs one after the other in one transaction per group; a job's failure is its own.

    A job is acknowledged after the commit, so what was acknowledged is on disk.
    """

    def __init__(self, engine: sa.Engine, most_waiting: int) -> None:
        self._engine = engine.execution_options(writes=True)
        self._jobs: queue.Queue[_Job | None] = queue.Queue(most_waiting)
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)

    def start(self) -> None:
        """Begin to take jobs."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the jobs that wait, then end."""
        if self._thread.is_alive():
            self._jobs.put(None)
            self._thread.join()

    @property
    def waiting(self) -> int:
        """How many jobs wait."""
        return self._jobs.qsize()

    async def write(self, work: Callable[[sa.Connection], T]) -> T:
        """Run ``work`` within a transaction; its result once that is committed.

        Raises StorageBusy at once when too much waits, and StorageError if it cannot be done;
        then nothing of it was written.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[T] = loop.create_future()

        def done(result: T, error: BaseException | None) -> None:
            loop.call_soon_threadsafe(_settle, future, result, error)

        try:
            self._jobs.put_nowait(_Job(work, done))
        except queue.Full:
            raise StorageBusy("too many writes wait for the store") from None
        return await future

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
            self._commit(group)
            if ended:
                return

    def _commit(self, group: list[_Job]) -> None:
        try:
            with self._engine.begin() as connection:
                settled = [(job, *_attempt(connection, job.work)) for job in group]
        except (SQLAlchemyError, OSError, StorageError) as error:
            if len(group) > 1:  # one of them may be to blame: each on its own
                for job in group:
                    self._commit([job])
                return
            trouble = error if isinstance(error, StorageError) else failure(error)
            log.error("the store failed", extra={"error": type(error).__name__})
            settled = [(group[0], None, trouble)]
        for job, result, refusal in settled:
            job.done(result, refusal)


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


def _settle(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    if future.done():  # the caller went away
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
