"""Erasure: everything of a person leaves every table; a keyed hash stays to keep it out."""

from __future__ import annotations

import sqlalchemy as sa

from serving.store import tables
from serving.store.ingest import insert_new
from serving.store.tombstones import Tombstones

OF_A_LEAD = (
    tables.interaction, tables.answer, tables.outcome, tables.score, tables.standing, tables.lead,
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
