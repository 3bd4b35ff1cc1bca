"""Files that appear whole or not at all, and locks that end with the process that holds them.

A file is written beside its place under ``.NAME.PID``, synced, and renamed: a reader, or a machine
that lost its power, sees the old content or the new one and nothing between. Locks are the
kernel's: ``flock`` where there is one, ``msvcrt.locking`` on Windows.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any


def _module_or_none(name: str) -> Any:
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


_FCNTL = _module_or_none("fcntl")  # not on Windows
_MSVCRT: Any = None if _FCNTL else _module_or_none("msvcrt")  # only on Windows


def sync(path: Path) -> None:
    """Wait until a file, or a folder's list of names, is on disk (Windows has none to wait for)."""
    if os.name == "nt" and path.is_dir():
        return
    handle = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def atomic_path(path: Path, beside: Path | None = None) -> Iterator[Path]:
    """A name to write to; synced and renamed to ``path`` when the block ends well.

    ``beside``: that name, on the same disk, if not the usual one. When the block fails nothing is
    left behind and the old file stays. Raises OSError as the disk does.
    """
    beside = beside or path.with_name(f".{path.name}.{os.getpid()}")
    try:
        yield beside
        sync(beside)
        os.replace(beside, path)
        sync(path.parent)
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def write_atomically(
    path: Path, content: bytes, *, mode: int = 0o666, beside: Path | None = None
) -> None:
    """Replace ``path`` by ``content`` in one step, on disk when this returns.

    The folder is made if it is missing; ``mode``: who may read a new file, less the umask.
    Raises OSError as the disk does.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_path(path, beside) as target:
        write_synced(target, content, mode=mode)


def create_once(path: Path, content: bytes, *, mode: int = 0o666) -> bool:
    """Write a file that is not there yet, whole; False if another process made it first."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        write_synced(beside, content, mode=mode)
        os.link(beside, path)
    except FileExistsError:
        return False
    finally:
        beside.unlink(missing_ok=True)
    sync(path.parent)
    return True


def write_synced(path: Path, content: bytes, *, mode: int = 0o666) -> None:
    """Write a file where nobody reads yet; it is on disk when this returns."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0)
    with os.fdopen(os.open(path, flags, mode), "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def lock_file(handle: int, *, wait: bool) -> bool:
    """Take the one lock of an open file; False, without ``wait``, if another holder has it.

    It is freed when the handle is closed or the process dies. Raises OSError where the file system
    has no locks.
    """
    if _FCNTL is not None:
        try:
            _FCNTL.flock(handle, _FCNTL.LOCK_EX | (0 if wait else _FCNTL.LOCK_NB))
        except BlockingIOError:
            return False
        return True
    while True:  # Windows locks bytes: the first one stands for the file
        os.lseek(handle, 0, os.SEEK_SET)
        try:
            _MSVCRT.locking(handle, _MSVCRT.LK_LOCK if wait else _MSVCRT.LK_NBLCK, 1)
        except OSError:
            if not wait:
                return False
            continue  # LK_LOCK gives up after ten seconds; ask again
        return True


@contextmanager
def locked_file(path: Path, *, wait: bool, mode: int = 0o644) -> Iterator[bool]:
    """Hold the lock of the file ``path``, made if it is missing; False if another process has it.

    Raises OSError when the file cannot be opened.
    """
    handle = os.open(path, os.O_RDWR | os.O_CREAT | getattr(os, "O_CLOEXEC", 0), mode)
    try:
        yield lock_file(handle, wait=wait)
    finally:
        os.close(handle)


def process_is_alive(process_id: int) -> bool:
    """Whether a process of this number runs here; on Windows, where one cannot ask, always True."""
    if os.name == "nt":
        return True  # there os.kill(…, 0) would end the process
    try:
        os.kill(process_id, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True
