"""Threads that read the store. A thread that hangs with the database holds up neither the event
loop nor the end of the process."""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from features.errors import StorageBusy

T = TypeVar("T")


@dataclass(slots=True)
class _Task:
    work: Callable[[], Any]
    future: asyncio.Future[Any]
    loop: asyncio.AbstractEventLoop


class Readers:
    """A few daemon threads that run functions for the event loop."""

    def __init__(self, threads: int) -> None:
        self._tasks: queue.SimpleQueue[_Task | None] = queue.SimpleQueue()
        self._began: dict[int, float] = {}
        self._number = threads
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Start the threads, once."""
        if not self._threads:
            self._threads = [
                threading.Thread(
                    target=self._run, args=(number,), name=f"store-reader-{number}", daemon=True
                )
                for number in range(self._number)
            ]
            for thread in self._threads:
                thread.start()

    def stop(self, within_s: float) -> None:
        """Let the threads end after what they do now, so that none is left with a connection.

        Those that hang with the database are left behind after ``within_s`` seconds.
        """
        for _ in self._threads:
            self._tasks.put(None)
        patience = time.monotonic() + within_s
        for thread in self._threads:
            thread.join(max(0.0, patience - time.monotonic()))
        self._threads = []

    async def run(self, work: Callable[[], T], within_s: float) -> T:
        """The result of ``work``. StorageBusy when it takes longer; at once when all threads have
        been at work for longer already: then the database hangs."""
        now = time.monotonic()
        if sum(now - begun > within_s for begun in list(self._began.values())) == self._number:
            raise StorageBusy("the store hangs")
        loop = asyncio.get_running_loop()
        task = _Task(work, loop.create_future(), loop)
        self._tasks.put(task)
        try:
            async with asyncio.timeout(within_s):  # wait_for may swallow a cancellation
                result: T = await task.future
        except TimeoutError:
            raise StorageBusy(f"the store did not answer within {within_s:g} s") from None
        return result

    def _run(self, number: int) -> None:
        while True:
            task = self._tasks.get()
            if task is None:
                return
            if task.future.cancelled():  # the caller went away meanwhile
                continue
            self._began[number] = time.monotonic()
            result, error = None, None
            try:
                result = task.work()
            except BaseException as raised:
                error = raised
            del self._began[number]
            if not task.loop.is_closed():
                task.loop.call_soon_threadsafe(settle, task.future, result, error)


def settle(future: asyncio.Future[Any], result: Any, error: BaseException | None) -> None:
    """Give the caller the result or the error, unless it went away."""
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)
