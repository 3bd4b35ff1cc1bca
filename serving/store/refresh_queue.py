"""Leads whose history changed: each write leaves a row, the refresher takes the rows it read.

Rows are only added here, never merged: a row that the refresher has read says nothing of what is
written while it scores.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import sqlalchemy as sa

from serving.store.bulk import insert_new
from serving.store.database import AT_ONCE
from serving.store.tables import refresh_queue


def mark_changed(connection: sa.Connection, seen_from_us: Mapping[str, int]) -> None:
    """Have these leads scored anew soon. In the transaction that changes what is known of them.

    ``seen_from_us``: by lead, the moment from which a score sees the change; it may lie a little
    ahead of our clock, as the caller's may.
    """
    rows = [{"lead_id": lead_id, "at_us": at_us} for lead_id, at_us in sorted(seen_from_us.items())]
    if rows:
        insert_new(connection, refresh_queue, rows)


def waiting(connection: sa.Connection, now_us: int, limit: int) -> tuple[list[str], list[int]]:
    """(leads that changed, the first first; the rows that say so)."""
    query = sa.select(refresh_queue.c.id, refresh_queue.c.lead_id)
    query = query.where(refresh_queue.c.at_us <= now_us).order_by(refresh_queue.c.id).limit(limit)
    rows = list(connection.execute(query))
    return list(dict.fromkeys(row.lead_id for row in rows)), [row.id for row in rows]


def done(connection: sa.Connection, row_ids: Sequence[int]) -> None:
    """Take these rows off the queue."""
    for start in range(0, len(row_ids), AT_ONCE):
        part = row_ids[start : start + AT_ONCE]
        connection.execute(sa.delete(refresh_queue).where(refresh_queue.c.id.in_(part)))


def clear(connection: sa.Connection) -> None:
    """Forget all of it, where nothing is ever scored anew."""
    connection.execute(sa.delete(refresh_queue))


def depth(connection: sa.Connection) -> tuple[int, int | None]:
    """(rows that wait, when the oldest was written)."""
    query = sa.select(sa.func.count(), sa.func.min(refresh_queue.c.id))
    count, first = connection.execute(query).one()
    at = sa.select(refresh_queue.c.at_us).where(refresh_queue.c.id == first)
    return count, connection.scalar(at)
