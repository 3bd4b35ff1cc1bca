"""Scores, written down before they are answered: all that wait in one synced write.

The journal needs no database, so scoring goes on when the store is locked, slow or away. What
it holds is moved into the store a moment later (see ``mover``). A process that dies leaves its
segment behind, unlocked, for the mover to find.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
from collections.abc import Callable
from pathlib import Path

from serving.journal.disk_writer import DiskWriter
from serving.journal.segments import SIZE, Segment, ready

log = logging.getLogger("leadscore.store")


CLOSE_S = 0.15
"""A segment is closed, to be moved in, so long after its first line."""


class Journal:
    """One process's journal in ``folder``. ``lost(n)`` is called for scores it could not write.

    ``gather_s``: how long lines are gathered before they are written; 0: no longer than the write
    before them takes.
    """

    def __init__(self, folder: Path, lost: Callable[[int], None], gather_s: float = 0.0) -> None:
        self.folder = folder
        self._lost = lost
        self._gather_s = gather_s
        self._lines: list[bytes] = []
        self._waiters: list[asyncio.Future[None]] = []
        self._more = asyncio.Event()
        self._hurry = asyncio.Event()
        self._disk = DiskWriter()
        self._segment: Segment | None = None
        self._following: asyncio.Future[Segment] | None = None
        self._written = 0
        self._busy = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to write."""
        self._disk.start(loop)
        self._prepare(loop)
        self._task = loop.create_task(self._run(), name="journal")

    async def stop(self) -> None:
        """Write what waits, then end."""
        if self._task is None:
            return
        await self.settle()
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task
        await self.close()
        if self._following is not None:
            with contextlib.suppress(OSError):
                (await self._following).close()
        self._disk.stop()

    @property
    def waiting(self) -> int:
        """How many lines wait to be written."""
        return len(self._lines)

    def append(self, line: bytes) -> None:
        """Write this line soon; ``line`` ends with its only newline."""
        self._lines.append(line)
        self._more.set()

    def append_durably(self, line: bytes) -> asyncio.Future[None]:
        """Write this line; done once it is on disk, or known to be lost (and counted)."""
        self._lines.append(line)
        return self.settle()

    def settle(self) -> asyncio.Future[None]:
        """Done once every line appended before is on disk, or known to be lost."""
        written = asyncio.get_running_loop().create_future()
        self._waiters.append(written)
        self._more.set()
        self._hurry.set()
        return written

    async def close(self) -> None:
        """Close the segment in use, if any, so that it can be moved in."""
        async with self._busy:
            self._close()

    async def _run(self) -> None:
        while True:
            await self._more.wait()
            if self._gather_s:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._hurry.wait(), self._gather_s)
            self._more.clear()
            self._hurry.clear()
            lines, self._lines = self._lines, []
            waiters, self._waiters = self._waiters, []
            if lines:
                async with self._busy:
                    await self._write(lines)
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(None)

    async def _write(self, lines: list[bytes]) -> None:
        content = b"".join(lines)
        try:
            segment = await self._segment_for(len(content))
            left = await self._disk.write(segment.handle, content)
            if left:
                await asyncio.to_thread(_write_rest, segment.handle, content[-left:])
            self._written += len(content)
        except OSError as error:
            self._lost(len(lines))
            log.error(
                "scores not written down", extra={"count": len(lines), "error": error.strerror}
            )
            self._close()

    async def _segment_for(self, length: int) -> Segment:
        """The segment in use, or the next one if that is full; it is closed a moment later."""
        loop = asyncio.get_running_loop()
        if self._written + length > SIZE and self._following is not None and self._following.done():
            self._close()
        if self._segment is None:
            segment = await self._next(loop)
            self._segment, self._written = segment, 0
            loop.call_later(CLOSE_S, self._close_soon, segment)
            self._prepare(loop)
        return self._segment

    async def _next(self, loop: asyncio.AbstractEventLoop) -> Segment:
        following, self._following = self._following or self._prepare(loop), None
        segment = await following
        try:
            segment.begin()
        except FileNotFoundError:  # somebody emptied the folder
            segment.close()
            segment = await loop.run_in_executor(None, ready, self.folder)
            segment.begin()
        return segment

    def _prepare(self, loop: asyncio.AbstractEventLoop) -> asyncio.Future[Segment]:
        """Have the next segment ready by the time it is needed."""
        self._following = loop.run_in_executor(None, ready, self.folder)
        self._following.add_done_callback(_seen)
        return self._following

    def _close_soon(self, segment: Segment) -> None:
        if self._segment is not segment:
            return
        if self._busy.locked():
            asyncio.get_running_loop().call_later(0.002, self._close_soon, segment)
        else:
            self._close()

    def _close(self) -> None:
        if self._segment is not None:
            self._segment.close()
            self._segment = None


def _seen(prepared: asyncio.Future[Segment]) -> None:
    """Look at the outcome: an error is raised when the segment is next needed, if it persists."""
    if not prepared.cancelled():
        prepared.exception()


def _write_rest(handle: int, rest: bytes) -> None:
    """Try once more, to learn what is wrong. OSError says it."""
    view = memoryview(rest)
    while view:
        view = view[os.write(handle, view) :]
