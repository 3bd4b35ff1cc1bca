"""A release's folder of plain files: written in one step, and read without following a link."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import stat
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from features.compute.atomic import sync, write_atomically, write_synced
from features.errors import ReleaseError, StorageError

MAX_FILE_BYTES = 64 * 2**20


MAX_FILES = 64


_NAME = re.compile(r"[a-z][a-z0-9_-]{0,60}\.(json|txt|md|html|svg|toml|csv)")


_FLAGS = ("O_NOFOLLOW", "O_NONBLOCK", "O_BINARY")  # of these Windows has the last one only
_READ_ONLY = sum((getattr(os, flag, 0) for flag in _FLAGS), start=os.O_RDONLY)


_RENAME_EXCHANGE = 2
_AT_FDCWD = -100
"""Constants of Linux's renameat2: swap the two; paths are relative to the working folder."""


def check_name(name: str) -> str:
    """``name`` if a release may hold a file of that name: flat, lower case, a data suffix."""
    if not _NAME.fullmatch(name):
        raise ReleaseError(
            f"{name[:80]!r}: a release holds only .json, .txt, .md, .html, .svg, .toml and .csv "
            "files with plain lower-case names"
        )
    return name


def read_file(folder: Path, name: str, max_bytes: int = MAX_FILE_BYTES) -> bytes:
    """The content of a regular file directly in ``folder``; links and devices are refused.

    Raises ReleaseError naming the file when it is missing, a link, no file or above ``max_bytes``.
    """
    try:
        handle = os.open(folder / check_name(name), _READ_ONLY)
    except FileNotFoundError:
        raise ReleaseError(f"{folder}: {name} is missing") from None
    except OSError as problem:
        raise ReleaseError(
            f"{folder}: {name} cannot be opened ({problem.strerror}); links are not followed"
        ) from problem
    with os.fdopen(handle, "rb") as file:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            raise ReleaseError(f"{folder}: {name} is not a regular file")
        if status.st_size > max_bytes:
            raise ReleaseError(f"{folder}: {name} is larger than {max_bytes} bytes")
        content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise ReleaseError(f"{folder}: {name} is larger than {max_bytes} bytes")
    return content


def file_names(folder: Path) -> set[str]:
    """Every name in ``folder``. Raises ReleaseError when it is no folder or holds too many."""
    try:
        names = set(os.listdir(folder))
    except OSError as problem:
        raise ReleaseError(f"{folder}: no release folder here ({problem.strerror})") from problem
    if len(names) > MAX_FILES:
        raise ReleaseError(f"{folder}: more than {MAX_FILES} files; this is no release")
    return names


def write_folder(path: Path, files: Mapping[str, bytes]) -> None:
    """Write ``files`` as the folder ``path``: complete and on disk, or not there at all.

    They are written beside it, synced, and moved into place in one step; a release that is
    there already is exchanged. A killed writer leaves ``.NAME.PID.partial``, never half a
    release. Raises StorageError when ``path`` holds something that is not a
    release, or the disk refuses.
    """
    path = path.absolute()
    if path.exists() and not (path / "manifest.json").is_file() and not _is_empty(path):
        raise StorageError(f"{path} exists and is not a release; choose another folder")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        beside = path.with_name(f".{path.name}.{os.getpid()}.partial")
        shutil.rmtree(beside, ignore_errors=True)
        beside.mkdir()
        try:
            for name in sorted(files):
                write_synced(beside / check_name(name), files[name])
            sync(beside)
            _move(beside, path)
            sync(path.parent)
        finally:
            shutil.rmtree(beside, ignore_errors=True)
    except OSError as problem:
        raise StorageError(f"cannot write {path}: {problem.strerror}") from problem


def replace_file(path: Path, content: bytes, beside: Path | None = None) -> None:
    """Write one file in one step: the old content or the new one, never half.

    It is written ``beside`` first (in the same folder, if not given) and then moved.
    """
    try:
        write_atomically(path, content, beside=beside)
    except OSError as problem:
        raise StorageError(f"cannot write {path}: {problem.strerror}") from problem


def _is_empty(path: Path) -> bool:
    return path.is_dir() and not any(path.iterdir())


def _move(beside: Path, path: Path) -> None:
    if not path.exists() or _is_empty(path):
        os.rename(beside, path)
    elif not _exchange(beside, path):
        # without an atomic exchange the old release is set aside for a moment, never altered
        aside = Path(tempfile.mkdtemp(prefix=f".{path.name}.old-", dir=path.parent))
        os.rename(path, aside / "release")
        os.rename(beside, path)
        shutil.rmtree(aside, ignore_errors=True)


def _exchange(one: Path, other: Path) -> bool:
    """Swap two folders in one step (Linux renameat2); False where that does not exist."""
    if not sys.platform.startswith("linux"):
        return False
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    return bool(
        rename(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(other), _RENAME_EXCHANGE) == 0
    )
