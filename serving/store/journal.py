"""Scores, written down before they are answered: an append-only file, synced once per group.

The journal needs no database, so scoring goes on when the store is locked, slow or away. What
it holds is moved into the store a moment later (see ``drain``) and its file removed. A process
that dies leaves its file behind; the next one that starts takes it over.
"""

from __future__ import annotations

import asyncio
import fcntl
import itertools
import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

log = logging.getLogger("leadscore.store")
_number = itertools.count(1)
_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_TRUNC | os.O_CLOEXEC | os.O_DSYNC
"""With O_DSYNC a write returns once it is on disk: one call, so that the thread asks for Python's
lock once. Each time it does, the event loop has to give it up."""


class Journal:
    """One process's journal in ``folder``. ``lost(n)`` is called for scores it could not write."""

    def __init__(self, folder: Path, lost: Callable[[int], None]) -> None:
        self.folder = folder
        self._lost = lost
        self._coming: list[bytes] = []  # of the event loop
        self._coming_waiters: list[asyncio.Future[None]] = []
        self._scheduled = False
        self._lines: list[bytes] = []  # shared with the thread, under ``_more``
        self._waiters: list[asyncio.Future[None]] = []
        self._loop: asyncio.AbstractEventLoop | None = None
        self._more = threading.Condition()
        self._handle, self._size = -1, 0
        self._stopping = False
        self._rotation = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)

    def start(self, loop: asyncio.AbstractEventLoop) -> None:
        """Begin to write."""
        self._loop = loop
        self._thread.start()

    def stop(self) -> None:
        """Write what waits, then end."""
        self._hand_over()
        with self._more:
            self._stopping = True
            self._more.notify()
        if self._thread.is_alive():
            self._thread.join()

    @property
    def waiting(self) -> int:
        """How many lines wait to be written."""
        return len(self._coming) + len(self._lines)

    def append(self, line: bytes) -> None:
        """Write this line soon; ``line`` ends with its only newline."""
        self._coming.append(line)
        self._hand_over_soon()

    async def append_durably(self, line: bytes) -> None:
        """Write this line and return once it is on disk, or known to be lost (and counted)."""
        self._coming.append(line)
        await self.settle()

    async def settle(self) -> None:
        """Return once every line appended before is on disk, or known to be lost."""
        assert self._loop is not None  # noqa: S101  (started with the application)
        written = self._loop.create_future()
        self._coming_waiters.append(written)
        self._hand_over_soon()
        await written

    def _hand_over_soon(self) -> None:
        """Wake the writing thread once for all that this turn of the event loop appends."""
        if not self._scheduled and self._loop is not None:
            self._scheduled = True
            self._loop.call_soon(self._hand_over)

    def _hand_over(self) -> None:
        self._scheduled = False
        with self._more:
            self._lines += self._coming
            self._waiters += self._coming_waiters
            self._more.notify()
        self._coming, self._coming_waiters = [], []

    def rotate(self) -> list[Path]:
        """Close the file in use; every closed file that is nobody's any more, oldest first."""
        with self._rotation:
            self._close()
        return [path for path in sorted(self.folder.glob("*.jsonl")) if not _in_use(path)]

    def _run(self) -> None:
        while True:
            with self._more:
                while not self._lines and not self._waiters and not self._stopping:
                    self._more.wait()
                lines, waiters = self._lines, self._waiters
                self._lines, self._waiters = [], []
                if not lines and not waiters:
                    break
            if lines:
                self._write(lines)
            if waiters and self._loop is not None and not self._loop.is_closed():
                self._loop.call_soon_threadsafe(_release, waiters)
        with self._rotation:
            self._close()

    def _write(self, lines: list[bytes]) -> None:
        try:
            with self._rotation:
                self._open()
                try:
                    self._size += _write_all(self._handle, b"".join(lines))
                except OSError:
                    os.ftruncate(self._handle, self._size)
                    raise
        except OSError as error:
            self._lost(len(lines))
            log.error(
                "scores not written down", extra={"count": len(lines), "error": error.strerror}
            )
            with self._rotation:
                self._close()

    def _open(self) -> None:
        if self._handle >= 0:
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{os.getpid():010d}-{next(_number):08d}.jsonl"
        coming = path.with_suffix(".coming")
        self._handle = os.open(coming, _FLAGS, 0o600)
        self._size = 0
        fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.rename(coming, path)  # locked before others can see it
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def _close(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


@contextmanager
def claimed(path: Path) -> Iterator[bool]:
    """Keep the other workers off a closed journal; False if one of them has or had it."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        yield False
        return
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            mine = os.fstat(handle).st_nlink > 0
        except BlockingIOError:
            mine = False
        yield mine
    finally:
        os.close(handle)


def _release(waiters: list[asyncio.Future[None]]) -> None:
    for waiter in waiters:
        if not waiter.done():
            waiter.set_result(None)


def _write_all(handle: int, content: bytes) -> int:
    """Write all of it; how many bytes."""
    view = memoryview(content)
    while view:
        view = view[os.write(handle, view) :]
    return len(content)


def _in_use(path: Path) -> bool:
    """Whether a living process still writes to this file."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except FileNotFoundError:
        return True  # another process has just taken it
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return False
    except OSError:
        return True
    finally:
        os.close(handle)
