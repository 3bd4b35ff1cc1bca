"""An import job on disk: the rows as they were sent, how far it came, what became of each row.

A job is a folder of the home, ``imports/ID``: ``rows`` (the body as sent, gone once it is loaded),
``job.json`` (its state, replaced in one step after every slice) and ``report.jsonl``. A server that
is killed goes on where the state says; rows are idempotent, so a slice loaded twice counts once.
"""

from __future__ import annotations

import contextlib
import gzip
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Literal

import msgspec

from features.compute.atomic import write_atomically
from features.errors import DataError, StorageError
from serving.http.bodies import zstd_reader

FOLDER = "imports"


MAX_LINE_BYTES = 1 << 20


READ_BYTES = 1 << 18


class ImportJob(msgspec.Struct, frozen=True):
    """``status``: waiting, running, done, failed or cancelled. ``rows``: read so far; ``taken`` +
    ``repeated`` + ``refused`` = ``rows``. ``share``: of the bytes received that were read, 0 to 1.
    ``error``: why it failed; the rows before stay loaded."""

    job_id: str
    status: Literal["waiting", "running", "done", "failed", "cancelled"]
    created_at: str
    actor: str
    coding: str
    bytes_received: int
    rows: int = 0
    taken: int = 0
    repeated: int = 0
    refused: int = 0
    share: float = 0.0
    reported_bytes: int = 0
    finished_at: str | None = None
    error: str | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing more happens to it."""
        return self.status in ("done", "failed", "cancelled")


_decoder = msgspec.json.Decoder(ImportJob)


class JobFolder:
    """The files of one job."""

    def __init__(self, home: Path, job_id: str) -> None:
        self.path = home / FOLDER / job_id
        self.rows = self.path / "rows"
        self.report = self.path / "report.jsonl"
        self.lock = self.path / ".lock"

    def state(self) -> ImportJob | None:
        """How far it came; None if there is no such job. StorageError if its state is damaged."""
        try:
            return _decoder.decode((self.path / "job.json").read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, msgspec.DecodeError) as error:
            raise StorageError(
                f"the state of an import is damaged ({type(error).__name__})"
            ) from error

    def save(self, job: ImportJob) -> None:
        """Replace the state in one step; it is on disk then."""
        write_atomically(self.path / "job.json", msgspec.json.encode(job), mode=0o600)

    def append_report(self, job: ImportJob, lines: list[dict[str, Any]]) -> int:
        """Write report lines after those that the state knows; how long the report is then."""
        handle = os.open(self.report, os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(handle, "r+b") as file:
            file.truncate(job.reported_bytes)
            file.seek(job.reported_bytes)
            file.writelines(msgspec.json.encode(line) + b"\n" for line in lines)
            file.flush()
            os.fsync(file.fileno())
            return file.tell()

    def remove(self) -> None:
        """Delete every file of the job."""
        shutil.rmtree(self.path, ignore_errors=True)

    def cancel(self) -> None:
        """Ask whoever carries the job out to end it; a mark of its own, so that no state that is
        written meanwhile undoes it."""
        (self.path / "cancel").touch(mode=0o600)

    @property
    def is_cancelled(self) -> bool:
        """Whether it is to be ended, or was deleted."""
        return (self.path / "cancel").exists() or not self.path.exists()

    def forget_rows(self) -> None:
        """Delete what was sent: people are in it."""
        with contextlib.suppress(FileNotFoundError):
            self.rows.unlink()


class Lines:
    """The lines of what was sent, unpacked piece by piece.

    Raises DataError for a line, or a whole, that is longer than allowed, and for damaged packing.
    """

    def __init__(self, path: Path, coding: str, limit: int) -> None:
        self._path, self._coding, self._limit = path, coding, limit
        self._packed: BinaryIO | None = None

    @property
    def bytes_read(self) -> int:
        """Of the file as it was sent."""
        return 0 if self._packed is None or self._packed.closed else self._packed.tell()

    def __iter__(self) -> Iterator[bytes]:
        with self._path.open("rb") as self._packed, self._unpacked(self._packed) as stream:
            size, rest = 0, b""
            while piece := self._read(stream):
                size += len(piece)
                if size > self._limit:
                    raise DataError(f"it unpacks to more than {self._limit} bytes")
                *lines, rest = (rest + piece).split(b"\n")
                if len(rest) > MAX_LINE_BYTES:
                    raise DataError(f"a line is longer than {MAX_LINE_BYTES} bytes")
                yield from lines
            if rest:
                yield rest

    def _unpacked(self, packed: BinaryIO) -> contextlib.AbstractContextManager[Any]:
        if self._coding == "gzip":
            return gzip.GzipFile(fileobj=packed)
        if self._coding == "zstd":
            return zstd_reader(packed)
        return contextlib.nullcontext(packed)

    def _read(self, stream: Any) -> bytes:
        try:
            piece: bytes = stream.read(READ_BYTES)
        except Exception as error:
            raise DataError(
                f"it is not {self._coding}, or cut off ({type(error).__name__})"
            ) from None
        return piece
