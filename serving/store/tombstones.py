"""Erased leads, remembered by a keyed hash alone, so that replayed events stay out."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from pathlib import Path

import sqlalchemy as sa

from features.compute.atomic import create_once
from features.errors import StorageError
from serving.store import tables
from serving.store.database import insert_new
from serving.store.page_tables import band_move, override, worklist
from serving.store.tables import tombstone

KEY_FILE = "tombstone.key"


class Tombstones:
    """Digests of erased lead ids under a key; without the key they say nothing of anybody."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def digest(self, lead_id: str) -> str:
        """HMAC-SHA256 of the id, in hexadecimal."""
        return hmac.new(self._key, lead_id.encode(), hashlib.sha256).hexdigest()

    def holds(self, connection: sa.Connection, lead_id: str) -> bool:
        """Whether this lead was erased."""
        query = sa.select(tombstone.c.digest).where(tombstone.c.digest == self.digest(lead_id))
        return connection.scalar(query) is not None


def load_tombstones(home: Path) -> Tombstones:
    """Read the key from ``tombstone.key`` in the home, made at the first start. Back it up."""
    path = home / KEY_FILE
    try:
        home.mkdir(parents=True, exist_ok=True)
        if not path.exists():  # the first of several processes wins: its key counts
            create_once(path, secrets.token_hex(32).encode("ascii"), mode=0o600)
        return Tombstones(bytes.fromhex(path.read_text("ascii").strip()))
    except (OSError, ValueError) as error:
        raise StorageError(f"cannot read the key in {path} ({type(error).__name__})") from error


OF_A_LEAD = (
    tables.interaction, tables.answer, tables.outcome, tables.score, tables.standing, tables.lead,
    tables.refresh_queue, tables.reported, tables.change, tables.delivery, worklist, override,
    band_move,
)  # fmt: skip


def erase(
    connection: sa.Connection, lead_id: str, now_us: int, tombstones: Tombstones
) -> dict[str, int]:
    """Delete every row of the lead and put up its tombstone; rows deleted by table."""
    insert_new(
        connection,
        tables.tombstone,
        [{"digest": tombstones.digest(lead_id), "erased_us": now_us}],
    )
    return {
        table.name: connection.execute(sa.delete(table).where(table.c.lead_id == lead_id)).rowcount
        for table in OF_A_LEAD
    }


def scrub(engine: sa.Engine) -> None:
    """Empty SQLite's write-ahead log, so that no deleted byte is left in a file of the store."""
    if engine.dialect.name == "sqlite":
        connection = engine.raw_connection()
        try:
            connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)")
        finally:
            connection.close()
