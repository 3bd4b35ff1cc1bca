"""The journal's files: filled with zeros ahead of time, so that a write only replaces bytes.

A file that grows makes the file system write down its new length before a synced write returns,
behind whatever else waits there; a write within the file does not. So a segment is made once, used
(``.jsonl``: lines up to the first zero), moved into the store, zeroed and laid aside (``.spare``).
A used segment is locked by its living writer. Whoever renames or zeroes one holds its lock.

After a power failure old lines may stand behind the new ones, as zeroing is not waited for. They
are moved in once more, which changes nothing.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from features.compute.atomic import lock_file, sync

SIZE = 4 << 20
"""A third of a second of full load. What does not fit is written all the same, only slower."""


MAX_SPARE_SEGMENTS = 16


ZEROS = bytes(1 << 18)


USED, SPARE = ".jsonl", ".spare"


_number = itertools.count(1)


_SYNCED = os.O_RDWR | os.O_CLOEXEC | os.O_DSYNC
"""A write returns once it is on disk."""


@dataclass(slots=True)
class Segment:
    """A locked file, empty and spare until :meth:`begin`; written from its start."""

    handle: int
    path: Path

    def begin(self) -> None:
        """Say by its name that it holds scores. Raises OSError when the file has gone.

        Should a power failure undo the name, its first byte still tells; see :func:`recover_used`.
        """
        self.path = self.path.rename(self.path.with_suffix(USED))

    def close(self) -> None:
        """Let go of it: from now on it may be moved in, or taken if it is still spare."""
        os.close(self.handle)


def ready(folder: Path) -> Segment:
    """A spare segment, or a new one; locked. Raises OSError when the disk has no room for one."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(folder.glob(f"*{SPARE}")):
        with claim(path, _SYNCED) as handle:
            if handle is not None and os.pread(handle, 1, 0) == b"\0":
                return Segment(os.dup(handle), path)
    return _made(folder)


def _made(folder: Path) -> Segment:
    path = folder / f"{os.getpid():010d}-{next(_number):08d}{SPARE}"
    coming = path.with_suffix(".coming")
    handle = os.open(coming, _SYNCED | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        lock_file(handle, wait=False)
        _fill_with_zeros(handle, SIZE)
        coming.rename(path)  # locked before others can see it
        sync(folder)
    except OSError:
        os.close(handle)
        coming.unlink(missing_ok=True)
        raise
    return Segment(handle, path)


def _fill_with_zeros(handle: int, size: int) -> None:
    zeros, at = memoryview(ZEROS), 0
    while at < size:
        at += os.pwrite(handle, zeros[: size - at], at)


def used(folder: Path) -> list[Path]:
    """Segments that hold scores, whether still written to or closed; those written first, first.

    By the time of the last write: a segment that was moved in is used again under its old name,
    so names are in no order. Were a lead's newer score moved in before an older one, the change
    that the older one was would never be reported.
    """
    return sorted(folder.glob(f"*{USED}"), key=_last_written)


def _last_written(path: Path) -> tuple[int, str]:
    try:
        return path.stat().st_mtime_ns, path.name
    except FileNotFoundError:  # it has just been moved in
        return 0, path.name


def recover_used(folder: Path) -> None:
    """Give spare segments that hold scores their name back, after a power failure undid it."""
    for path in folder.glob(f"*{SPARE}"):
        with claim(path) as handle:
            if handle is not None and os.pread(handle, 1, 0) not in (b"", b"\0"):
                path.rename(path.with_suffix(USED))


@contextmanager
def claim(path: Path, flags: int = os.O_RDWR | os.O_CLOEXEC) -> Iterator[int | None]:
    """The file's handle, locked; None if it is in use, or has gone or another name by now."""
    try:
        handle = os.open(path, flags)
    except FileNotFoundError:
        yield None
        return
    try:
        yield handle if lock_file(handle, wait=False) and _is_still(path, handle) else None
    finally:
        os.close(handle)


def _is_still(path: Path, handle: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(handle))
    except FileNotFoundError:
        return False


def content(handle: int) -> bytes:
    """What was written to a segment: all before the first zero byte."""
    whole = os.pread(handle, os.fstat(handle).st_size, 0)
    end = whole.find(b"\0")
    return whole if end < 0 else whole[:end]


def recycle(handle: int, path: Path, length: int) -> None:
    """Wipe the first ``length`` bytes of a claimed segment and keep it as a spare one.

    Files of another size, or too many, are removed.
    """
    full = os.fstat(handle).st_size == SIZE
    if not full or len(list(path.parent.glob(f"*{SPARE}"))) >= MAX_SPARE_SEGMENTS:
        path.unlink(missing_ok=True)
        return
    _fill_with_zeros(handle, length)
    path.rename(path.with_suffix(SPARE))
