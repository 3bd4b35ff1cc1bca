"""The connection to the store: SQLite in WAL mode by default, PostgreSQL by URL."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError

from features.errors import StorageBusy, StorageError, StorageFull, UsageError
from features.reading.sources.database_url import refuse_unencoded
from serving.settings import Settings
from serving.store.tables import audit

STATEMENT_MS = 8_000
"""How long PostgreSQL may work at one statement."""

ANSWER_S = 10.0
"""How long a request waits for the store, whatever it does: a database may hang without a word."""


def store_url(settings: Settings) -> str:
    """The database's URL: as set, else the file ``store.db`` in the home."""
    return settings.database_url or f"sqlite:///{(settings.home / 'store.db').absolute()}"


def connect(url: str, wait_s: float = 5.0) -> sa.Engine:
    """An engine for the URL; opens no connection yet. UsageError if it cannot be one.

    ``wait_s``: how long a write waits for a lock that another process holds.
    """
    try:
        parsed = sa.make_url(url)
        refuse_unencoded(parsed)
        backend = parsed.get_backend_name()
        if backend == "sqlite":
            return _sqlite(parsed, wait_s)
        if backend in ("postgresql", "postgres"):
            return _postgresql(parsed, wait_s)
    except (ArgumentError, ModuleNotFoundError) as error:
        raise UsageError(f"the database URL is of no use ({type(error).__name__})") from None
    raise UsageError(f"a store on {backend} is not supported; use sqlite:/// or postgresql://")


def _sqlite(url: sa.URL, wait_s: float) -> sa.Engine:
    if url.database:
        _make_private(Path(url.database))
    engine = sa.create_engine(
        url, connect_args={"timeout": wait_s, "check_same_thread": False}, pool_size=4
    )

    @sa.event.listens_for(engine, "connect")
    def _pragmas(connection: Any, _: Any) -> None:
        connection.isolation_level = None  # BEGIN is ours, see below
        cursor = connection.cursor()
        for pragma in (
            "journal_mode = WAL", "synchronous = FULL", "secure_delete = ON",
            "foreign_keys = ON", "wal_autocheckpoint = 4000",
        ):  # fmt: skip
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _make_private(path: Path) -> None:
    """Let nobody but the owner read the file, and so the WAL beside it: people are in it."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StorageError(f"{path.parent} cannot be a folder ({type(error).__name__})") from error
    with contextlib.suppress(OSError):  # a file of another owner, or none: opening it says so
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            os.fchmod(handle, os.fstat(handle).st_mode & 0o700)
        finally:
            os.close(handle)


def _postgresql(url: sa.URL, wait_s: float) -> sa.Engine:
    options = f"-c statement_timeout={STATEMENT_MS} -c lock_timeout={round(wait_s * 1000)}"
    return sa.create_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_size=4,
        pool_pre_ping=True,
        pool_timeout=wait_s,
        connect_args={
            "connect_timeout": 5,
            "options": options,
            "tcp_user_timeout": STATEMENT_MS,
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 2,
        },
    )


def failure(error: SQLAlchemyError | OSError) -> StorageError:
    """What a database error means for the caller; its text is never passed on."""
    text = str(error.orig if isinstance(error, DBAPIError) else error).lower()
    if any(word in text for word in ("disk is full", "no space left", "disk i/o error")):
        return StorageFull("the disk of the store is full; nothing was written")
    if "unable to open database file" in text:
        return StorageBusy("the store's file cannot be opened: is it a file, and may we write it?")
    return StorageBusy(f"the store does not answer ({type(error).__name__})")


def note(
    connection: sa.Connection, at_us: int, actor: str, action: str, subject: str, count: int
) -> None:
    """Add a line to the audit trail, in the same transaction as the deed."""
    connection.execute(
        sa.insert(audit).values(
            at_us=at_us, actor=actor, action=action, subject=subject, count=count
        )
    )


AT_ONCE = 500
"""Rows in one statement."""
