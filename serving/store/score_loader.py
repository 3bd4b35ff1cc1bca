"""Closed journal segments are loaded into the store, by one process at a time.

``leadscore serve`` hosts it in a process of its own (:mod:`serving.store.score_loader_process`),
so that requests do
not share an interpreter with it; an application that is served in another way does it by itself.
"""

from __future__ import annotations

import errno
import logging
import os
import time
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import OperationalError, SQLAlchemyError

from features.compute.atomic import lock_file
from serving.journal import segments
from serving.outbox.changes import ChangePolicy, forget_changes_before
from serving.settings import Settings
from serving.store import refresh_queue
from serving.store.database import failure
from serving.store.migrate import HEAD, schema_version
from serving.store.refused_scores import set_aside
from serving.store.scores import ScoreRow, forget_before, move_in, rows_of
from serving.store.tombstones import stored_tombstones

log = logging.getLogger("leadscore.store")

PRUNE_S = 3600.0


class JournalLoader:
    """Moves the closed segments of ``home/journal`` into the store and lays them aside."""

    def __init__(self, engine: sa.Engine, settings: Settings) -> None:
        self.home = home = settings.home
        self.folder = home / "journal"
        self._engine = engine
        self._writing = engine.execution_options(writes=True)
        self._keep_days, self._keep_changes_days = (
            settings.keep_scores_days, settings.keep_changes_days,
        )  # fmt: skip
        self._policy = ChangePolicy.of(settings)
        self._refreshes = settings.refreshes
        self._pruned = 0.0
        self._lock = -1
        self._ready = False
        self.unreadable: set[Path] = set()
        """Segments that cannot be read."""

    def hold(self) -> bool:
        """Take the loader's lock until :meth:`release`; False while another process holds it."""
        if self._lock < 0:
            self.folder.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.folder / ".mover", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            if not lock_file(handle, wait=False):
                os.close(handle)
                return False
            self._lock = handle
            segments.recover_used(self.folder)
        return True

    def release(self) -> None:
        """Give the lock back."""
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def run_once(self) -> int:
        """Move in what is closed, and now and then forget old scores; how many scores moved.

        StorageError when the store does not take them; then they stay in the journal.
        """
        moved = self.move(segments.used(self.folder))
        if time.time() - self._pruned > PRUNE_S:
            self._forget(time.time())
        return moved

    def move(self, paths: list[Path]) -> int:
        """Move these segments in, but those that are in use; safe beside another process.

        What cannot be read, or what the database refuses, is set aside and named in the log; what
        comes after it is moved in all the same. StorageError when the database is away or full.
        """
        if not paths or not self._store_is_ready():
            return 0
        return sum(self._move_one(path) for path in paths)

    def _move_one(self, path: Path) -> int:
        try:
            with segments.claim(path) as handle:
                if handle is None:
                    return 0
                content = segments.content(handle)
                rows = rows_of(content)
                self._insert(path, rows)
                segments.recycle(handle, path, len(content))
                self.unreadable.discard(path)
                return len(rows)
        except OSError as error:
            if error.errno == errno.ENOSPC:
                raise failure(error) from error
            if path not in self.unreadable:
                log.error(
                    "a segment of the journal cannot be read; the others go on: %s", path.name,
                    extra={"error": error.strerror},
                )  # fmt: skip
            self.unreadable.add(path)
            return 0

    def _insert(self, path: Path, rows: list[ScoreRow]) -> None:
        """Insert the rows together; one by one if the database refuses one of them."""
        if not rows:
            return
        try:
            with self._writing.begin() as connection:
                move_in(connection, rows, stored_tombstones(connection), self._policy)
        except OperationalError as error:  # locked, full or away: again later
            raise failure(error) from error
        except (SQLAlchemyError, ValueError, OverflowError):
            refused = [row for row in rows if not self._insert_one(row)]
            set_aside(self.folder, path, refused)
            log.error(
                "scores that the database refuses were set aside in journal/refused: %s",
                path.name, extra={"count": len(refused)},
            )  # fmt: skip

    def _insert_one(self, row: ScoreRow) -> bool:
        try:
            with self._writing.begin() as connection:
                move_in(connection, [row], stored_tombstones(connection), self._policy)
        except OperationalError as error:
            raise failure(error) from error
        except (SQLAlchemyError, ValueError, OverflowError):
            return False
        return True

    def _store_is_ready(self) -> bool:
        """Whether a server has brought the schema up to date; it is not done here."""
        self._ready = self._ready or schema_version(self._engine) == HEAD
        return self._ready

    def _forget(self, now: float) -> None:
        if self._store_is_ready():
            oldest = round((now - self._keep_days * 86400) * 1e6)
            oldest_change = round((now - self._keep_changes_days * 86400) * 1e6)
            try:
                with self._writing.begin() as connection:
                    forget_before(connection, oldest)
                    forget_changes_before(connection, oldest_change)
                    if not self._refreshes:
                        refresh_queue.clear(connection)
            except (SQLAlchemyError, OSError) as error:
                raise failure(error) from error
            self._pruned = now

    def age_s(self) -> float:
        """Seconds since the last score that is still in a journal was written; 0 for none."""
        oldest = time.time()
        for path in segments.used(self.folder):
            try:
                oldest = min(oldest, path.stat().st_mtime)
            except FileNotFoundError:  # it has just been moved in
                continue
        return max(0.0, time.time() - oldest)
