"""Who did what, when, to how many rows; of a lead only its keyed hash."""

from __future__ import annotations

import sqlalchemy as sa

from serving.store.tables import audit


def note(
    connection: sa.Connection, at_us: int, actor: str, action: str, subject: str, count: int
) -> None:
    """Add a line to the audit trail, in the same transaction as the deed."""
    connection.execute(
        sa.insert(audit).values(
            at_us=at_us, actor=actor, action=action, subject=subject, count=count
        )
    )
