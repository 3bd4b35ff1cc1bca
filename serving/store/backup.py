"""The store copied to one file while it is in use: SQLite's own online backup, synced and whole or
not there at all. What waits in the journal goes into the copy."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from features.compute.atomic import atomic_path
from features.errors import DataError, StorageError, StorageFull, UsageError
from serving.journal import segments
from serving.settings import Settings
from serving.store.database import connect, failure, note, store_url
from serving.store.migrate import HEAD, schema_version
from serving.store.scores import move_in, rows_of
from serving.store.tombstones import stored_tombstones

PARTIAL = ".partial"


@dataclass(frozen=True)
class Backup:
    """A backup that was made: its file, its size, and how many scores came from the journal."""

    path: Path
    size_bytes: int
    from_journal: int


def sqlite_file(settings: Settings) -> Path:
    """The file of the store. UsageError, with what to do, for a store on PostgreSQL."""
    url = sa.make_url(store_url(settings))
    if url.get_backend_name() != "sqlite" or not url.database:
        raise UsageError(
            "this store is on PostgreSQL: back it up with `pg_dump --format=custom --file=FILE "
            "DATABASE`, restore it with the services stopped by `pg_restore --clean --if-exists "
            "--single-transaction --dbname=DATABASE FILE`; erasures since then are done again when "
            "a service next starts on a home that knows of them"
        )
    return Path(url.database)


def backup(settings: Settings, target: Path, now_us: int) -> Backup:
    """Copy the store to ``target``, replacing it in one step; the service may run.

    Raises DataError when there is no store, StorageError when it cannot be read or written.
    """
    source = sqlite_file(settings)
    if not source.is_file():
        raise DataError(f"there is no store at {source}; it is made when `leadscore serve` runs")
    if target.resolve() == source.resolve():
        raise UsageError(f"{target} is the store itself; name another file")
    engine = connect(store_url(settings), settings.database_wait_s)
    try:
        if schema_version(engine) != HEAD:
            raise StorageError("start `leadscore serve` once: the store's schema is of another age")
        with engine.execution_options(writes=True).begin() as connection:
            note(connection, now_us, "command", "backup", "", 1)  # an erasure names the backups
    except SQLAlchemyError as error:
        raise failure(error) from error
    finally:
        engine.dispose()
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        remove_leftovers(target)
        with atomic_path(target, _partial(target)) as copy:
            os.close(os.open(copy, os.O_CREAT | os.O_WRONLY, 0o600))
            _copy_pages(source, copy)
            added = _add_journal(copy, settings.home)
            check_whole(copy)
        return Backup(target, target.stat().st_size, added)
    except OSError as error:
        if isinstance(failure(error), StorageFull):
            raise StorageError(f"no room for {target}; nothing was left there") from error
        raise StorageError(f"cannot write {target} ({type(error).__name__})") from error


def _partial(target: Path) -> Path:
    return target.with_name(f".{target.name}.{os.getpid()}{PARTIAL}")


def remove_leftovers(target: Path) -> None:
    """Remove what a backup that was killed left beside its target."""
    for path in target.parent.glob(f".{target.name}.*{PARTIAL}*"):
        path.unlink(missing_ok=True)


def _copy_pages(source: Path, copy: Path) -> None:
    try:
        with (
            closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as old,
            closing(sqlite3.connect(copy)) as new,
        ):
            old.backup(new)  # one read of one state: writers go on beside it
            new.execute("PRAGMA journal_mode = DELETE")  # one file, without a log beside it
    except sqlite3.Error as error:
        raise failure(error) from error  # type: ignore[arg-type]


def _add_journal(copy: Path, home: Path) -> int:
    """Move into the copy what the journal holds now; how many scores."""
    rows = []
    for path in segments.used(home / "journal"):
        try:
            handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except OSError:  # it has just been moved in, after the copy was made: the next one has it
            continue
        try:
            rows += rows_of(segments.content(handle))
        except OSError:
            continue
        finally:
            os.close(handle)
    with _plain_engine(copy) as engine, engine.begin() as connection:
        move_in(connection, rows, stored_tombstones(connection))
    return len(rows)


@contextmanager
def _plain_engine(path: Path) -> Iterator[sa.Engine]:
    """An engine on a file that nobody else uses, without a write-ahead log."""
    engine = sa.create_engine(f"sqlite:///{path}")
    try:
        yield engine
    except SQLAlchemyError as error:
        raise failure(error) from error
    finally:
        engine.dispose()


def check_whole(path: Path) -> None:
    """StorageError unless every page and index of this database is sound."""
    try:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
            found = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
    except sqlite3.Error as error:
        raise StorageError(f"{path} is no whole database ({type(error).__name__})") from error
    if found != "ok":
        raise StorageError(f"{path} is damaged: {found}")
