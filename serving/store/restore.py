"""A backup put in the place of the store, in one step that a crash cannot cut in half.

The new file is made ready beside the old one: verified, brought to this schema, and with every
erasure since then done again. From the moment it has its name, the restore is decided: whoever
opens the store next finishes it. The old write-ahead log is removed first, for laid over another
database it would destroy it.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from features.compute.atomic import locked_file, sync
from features.errors import DataError, StorageBusy, StorageError
from serving.settings import Settings
from serving.store.backup import check_whole, sqlite_file
from serving.store.database import connect, failure
from serving.store.erasure_ledger import ErasureLedger, erase_by_digest
from serving.store.migrate import migrate
from serving.store.tables import tombstone, tombstone_key
from serving.store.tombstones import load_tombstones

READY = ".restored"
"""Ending of a backup that is ready to take the store's place."""

PREPARING = ".restoring"

RESTORE_WAIT_S = 5.0
"""How long a service that starts waits for a restore."""


@dataclass(frozen=True)
class Restored:
    """``erased_again``: leads in the backup that were erased since it was made."""

    path: Path
    leads: int
    erased_again: int


def restore(settings: Settings, source: Path) -> Restored:
    """Put the backup ``source`` in the place of the store; no service may be running.

    What the store knows that the backup does not is lost, but the erasures. Raises DataError for a
    file that is no backup, StorageError while the store is in use or when the disk fails.
    """
    store = sqlite_file(settings)
    if not source.is_file():
        raise DataError(f"{source} is not a file; expected one that `leadscore backup` made")
    check_whole(source)
    try:
        store.parent.mkdir(parents=True, exist_ok=True)
        with locked_file(_lock_of(store), wait=False, mode=0o600) as alone:
            if not alone:
                raise StorageError("another restore is under way")
            finish_restore(store)
            keys, erased = _of_old_store(store)
            ready = store.with_name(store.name + PREPARING)
            _remove_database(ready)
            shutil.copyfile(source, ready)
            os.chmod(ready, 0o600)
            leads, again = _prepare(ready, settings.home, keys, erased)
            _require_unused(store)
            sync(ready)
            os.replace(ready, store.with_name(store.name + READY))
            sync(store.parent)
            finish_restore(store)
    except OSError as error:
        raise StorageError(f"the restore failed ({error.strerror}); the store is as it was") from (
            error
        )
    return Restored(store, leads, again)


@contextmanager
def not_while_restoring(settings: Settings) -> Iterator[None]:
    """Open the store within: no restore is under way, and one that was cut off is finished.

    StorageBusy after a few seconds if one is.
    """
    if settings.database_url and not settings.database_url.startswith("sqlite"):
        yield
        return
    store, deadline = sqlite_file(settings), time.monotonic() + RESTORE_WAIT_S
    store.parent.mkdir(parents=True, exist_ok=True)
    while True:
        with locked_file(_lock_of(store), wait=False, mode=0o600) as alone:
            if alone:
                finish_restore(store)
                yield
                return
        if time.monotonic() > deadline:
            raise StorageBusy("a backup is being restored")
        time.sleep(0.05)


def _lock_of(store: Path) -> Path:
    return store.with_name(f"{store.name}.lock")


def finish_restore(store: Path) -> bool:
    """Finish a restore of this file that was cut off after it was decided; True if one was."""
    ready = store.with_name(store.name + READY)
    if not ready.is_file():
        return False
    for end in ("-wal", "-shm", "-journal"):
        store.with_name(store.name + end).unlink(missing_ok=True)
    sync(store.parent)
    try:
        os.replace(ready, store)
    except FileNotFoundError:  # another process was as quick
        return False
    sync(store.parent)
    return True


def _remove_database(path: Path) -> None:
    for end in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + end).unlink(missing_ok=True)


def _of_old_store(store: Path) -> tuple[list[str], dict[str, int]]:
    """The keys and digests of the store that is replaced; none if it cannot be read any more."""
    if not store.is_file():
        return [], {}
    try:
        with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as old:
            keys = old.execute("SELECT key FROM tombstone_key ORDER BY id").fetchall()
            erased = old.execute("SELECT digest, erased_us FROM tombstone").fetchall()
    except sqlite3.Error:  # damaged, or from before; the file beside it knows the erasures
        return [], {}
    return [key for (key,) in keys], dict(erased)


def _prepare(ready: Path, home: Path, keys: list[str], erased: dict[str, int]) -> tuple[int, int]:
    """Bring the copy to this schema and erase again; (leads in it, leads erased)."""
    engine = connect(f"sqlite:///{ready}")
    try:
        migrate(engine)
        with engine.execution_options(writes=True).begin() as connection:
            there = set(connection.scalars(sa.select(tombstone_key.c.key)))
            for key in keys:
                if key not in there:
                    connection.execute(sa.insert(tombstone_key).values(key=key))
            tombstones = load_tombstones(connection, home)
            known = set(connection.scalars(sa.select(tombstone.c.digest)))
            missing = {**ErasureLedger(home).read(), **erased}
            missing = {digest: us for digest, us in missing.items() if digest not in known}
            again = erase_by_digest(connection, missing, tombstones) if missing else 0
            leads = connection.scalar(sa.text("SELECT count(*) FROM lead")) or 0
    except SQLAlchemyError as error:
        raise failure(error) from error
    finally:
        engine.dispose()
    with closing(sqlite3.connect(ready)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")  # everything in the one file
    return int(leads), again


def _require_unused(store: Path) -> None:
    """StorageError while any process has the store open."""
    if not store.is_file():
        return
    try:
        with closing(sqlite3.connect(store, timeout=0.5)) as connection:
            # only who is alone with the database may leave the write-ahead log
            mode = connection.execute("PRAGMA journal_mode = DELETE").fetchone()[0]
    except sqlite3.OperationalError:
        mode = "in use"
    except sqlite3.DatabaseError:  # damaged: that is what a restore is for
        return
    if mode != "delete":
        raise StorageError(
            "the store is in use: stop `leadscore serve` (and whoever reads it), then restore"
        )
