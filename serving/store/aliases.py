"""Ids that a merged lead had: which lead they are now, and which leads one consisted of once."""

from __future__ import annotations

from collections.abc import Iterable

import sqlalchemy as sa

from serving.store.bulk import lookup
from serving.store.tables import alias


def current_ids(connection: sa.Connection, lead_ids: Iterable[str]) -> dict[str, str]:
    """Those of ``lead_ids`` that were merged into another lead, and that lead's id."""
    rows = lookup(connection, alias, ["alias_id"], [(lead_id,) for lead_id in lead_ids])
    return {row["alias_id"]: row["lead_id"] for row in rows}


def current_id(connection: sa.Connection, lead_id: str) -> str:
    """The id that this lead has now: its own unless it was merged."""
    return current_ids(connection, [lead_id]).get(lead_id, lead_id)


def merged_ids(connection: sa.Connection, lead_id: str, until: int | None = None) -> list[str]:
    """The lead and every id that was merged into it, in turn.

    ``until``: only by the corrections up to this one; None: by all.
    """
    found, coming = [lead_id], [lead_id]
    while coming:
        query = sa.select(alias.c.alias_id).where(alias.c.into_id.in_(coming))
        if until is not None:
            query = query.where(alias.c.correction_id <= until)
        coming = list(connection.scalars(query.order_by(alias.c.alias_id)))
        found += coming
    return found
