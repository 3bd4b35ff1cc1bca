"""One process at a time does a piece of background work, over all that share the store."""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from features.compute.atomic import lock_file


class Leader:
    """Holds the right to do what ``name`` says: a lock on a file beside SQLite, an advisory lock
    of a connection of its own on PostgreSQL. Both end with the process that holds them."""

    def __init__(self, engine: sa.Engine, home: Path, name: str) -> None:
        self._engine = engine
        self._path = home / f".{name}.lock"
        self._key = int.from_bytes(
            hashlib.blake2b(f"leadscore {name}".encode(), digest_size=8).digest(), signed=True
        )
        self._handle = -1
        self._connection: sa.Connection | None = None

    def hold(self) -> bool:
        """Take the right, or make sure that it is still ours; False while another has it.

        Raises OSError or SQLAlchemyError when that cannot be found out; then it is not ours.
        """
        if self._engine.dialect.name == "sqlite":
            return self._hold_file()
        return self._hold_connection()

    def release(self) -> None:
        """Give the right back."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
        if self._connection is not None:
            with contextlib.suppress(SQLAlchemyError):
                self._connection.invalidate()  # closes it, and the lock ends with it
                self._connection.close()
            self._connection = None

    def _hold_file(self) -> bool:
        if self._handle < 0:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            if not lock_file(handle, wait=False):
                os.close(handle)
                return False
            self._handle = handle
        return True

    def _hold_connection(self) -> bool:
        try:
            if self._connection is not None:
                self._connection.execute(sa.text("SELECT 1"))
                self._connection.commit()
                return True
            connection = self._engine.connect()
            self._connection = connection
            held = connection.scalar(sa.select(sa.func.pg_try_advisory_lock(self._key)))
            connection.commit()
        except SQLAlchemyError:
            self.release()
            raise
        if not held:
            self._connection = None
            connection.close()
        return bool(held)
