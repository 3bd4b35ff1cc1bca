"""Erased leads, remembered by a keyed hash alone, so that replayed events stay out.

The keys lie in the database, so that every machine on it knows what any of them erased, and a
restored backup knows it too. A home that had a key of its own (``tombstone.key``, as written
before the keys were shared) adds it to them.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterable, Sequence
from pathlib import Path

import sqlalchemy as sa

from features.errors import StorageError
from serving.store import page_tables  # noqa: F401  (their rows are a person's as well)
from serving.store.bulk import insert_new, lookup
from serving.store.tables import metadata, tombstone, tombstone_key

KEY_FILE = "tombstone.key"

ORDER_OF_SCORES = 0x6C65616473636F72
"""PostgreSQL's advisory lock that scores are moved in under, see ``serving.outbox.changes``."""


class Tombstones:
    """Digests of erased lead ids under some keys; without a key they say nothing of anybody.

    ``keys``: new tombstones are made with the first; those of the others are known as well.
    """

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = tuple(keys)

    def digest(self, lead_id: str) -> str:
        """HMAC-SHA256 of the id under the first key, in hexadecimal."""
        return _digest(self._keys[0], lead_id)

    def digests(self, lead_id: str) -> list[str]:
        """The digests under every key."""
        return [_digest(key, lead_id) for key in self._keys]

    def held(self, connection: sa.Connection, lead_ids: Iterable[str]) -> set[str]:
        """Which of these leads were erased."""
        if connection.scalar(sa.select(tombstone.c.digest).limit(1)) is None:
            return set()
        of = {digest: lead_id for lead_id in lead_ids for digest in self.digests(lead_id)}
        rows = lookup(connection, tombstone, ["digest"], [(digest,) for digest in of])
        return {of[row["digest"]] for row in rows}


def _digest(key: bytes, lead_id: str) -> str:
    return hmac.new(key, lead_id.encode(), hashlib.sha256).hexdigest()


def load_tombstones(connection: sa.Connection, home: Path | None = None) -> Tombstones:
    """The keys in the database, one made if there is none; within a writing transaction.

    ``home``: its own key of before, if any, is added. StorageError if that cannot be read.
    """
    if connection.dialect.name == "postgresql":  # two machines may start at the same time
        connection.execute(sa.text("LOCK TABLE tombstone_key IN EXCLUSIVE MODE"))
    keys = list(connection.scalars(sa.select(tombstone_key.c.key).order_by("id")))
    own = None if home is None else _key_of_home(home)
    for key in [own] if own else [] if keys else [secrets.token_hex(32)]:
        if key not in keys:
            connection.execute(sa.insert(tombstone_key).values(key=key))
            keys.append(key)
    return Tombstones([bytes.fromhex(key) for key in keys])


def stored_tombstones(connection: sa.Connection) -> Tombstones:
    """The keys in the database, read only; a server made them when it started."""
    keys = connection.scalars(sa.select(tombstone_key.c.key).order_by("id"))
    return Tombstones([bytes.fromhex(key) for key in keys])


def _key_of_home(home: Path) -> str | None:
    path = home / KEY_FILE
    try:
        return bytes.fromhex(path.read_text("ascii").strip()).hex()
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise StorageError(f"cannot read the key in {path} ({type(error).__name__})") from error


def tables_of_a_lead() -> list[sa.Table]:
    """Every table with rows of a lead, those that refer to others last."""
    return [table for table in metadata.sorted_tables if "lead_id" in table.columns]


def erase(
    connection: sa.Connection, lead_ids: Sequence[str], now_us: int, tombstones: Tombstones
) -> dict[str, int]:
    """Delete every row of one person's ids and put up their tombstones; rows deleted by table."""
    if connection.dialect.name == "postgresql":
        # scores that another machine is moving in are committed before, or see the tombstone
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(ORDER_OF_SCORES)))
    insert_new(
        connection,
        tombstone,
        [{"digest": tombstones.digest(lead_id), "erased_us": now_us} for lead_id in lead_ids],
    )
    return {
        table.name: connection.execute(
            sa.delete(table).where(table.c.lead_id.in_(lead_ids))
        ).rowcount
        for table in reversed(tables_of_a_lead())
    }


SCRUB_WAIT_MS = 100
"""How long a reader is waited for; no writer gets its turn meanwhile."""


def scrub(engine: sa.Engine) -> bool:
    """Empty SQLite's write-ahead log, so that no deleted byte is left in a file of the store.

    False while somebody still reads an older state: then it has to be done again.
    """
    if engine.dialect.name != "sqlite":
        return True
    connection = engine.raw_connection()
    try:
        cursor = connection.cursor()
        waits_ms = cursor.execute("PRAGMA busy_timeout").fetchone()[0]
        cursor.execute(f"PRAGMA busy_timeout = {SCRUB_WAIT_MS}")
        busy = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
        cursor.execute(f"PRAGMA busy_timeout = {waits_ms}")
        cursor.close()
        return not busy
    finally:
        connection.close()
