"""Bands that people put in place of the model's: added, never changed; the last one holds."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from serving.store import tables
from serving.store.page_tables import override
from serving.store.worklist_lines import refresh


def put_override(
    connection: sa.Connection, lead_id: str, at_us: int, actor: str, band: str, reason: str
) -> bool:
    """Note a person's band for a lead ("" takes it back) beside what the model said; False without
    a score, for then there is nothing to overrule. The lead's line of the worklist follows."""
    latest_score = tables.latest_score.c
    model_score = connection.execute(
        sa.select(latest_score.probability, latest_score.band, latest_score.release_id)
        .where(latest_score.lead_id == lead_id)
        .order_by(latest_score.as_of_us.desc(), latest_score.release_id.desc())
    ).first()
    if model_score is None:
        return False
    connection.execute(
        sa.insert(override).values(
            lead_id=lead_id, at_us=at_us, actor=actor, band=band, reason=reason,
            probability=model_score.probability, model_band=model_score.band,
            release_id=model_score.release_id,
        )
    )  # fmt: skip
    refresh(connection, [lead_id])
    return True


def overrides_of_lead(connection: sa.Connection, lead_id: str) -> list[sa.Row[Any]]:
    """Everything that people put for a lead, newest first."""
    query = sa.select(override).where(override.c.lead_id == lead_id)
    return list(connection.execute(query.order_by(override.c.id.desc())))


def judged_overrides(connection: sa.Connection) -> list[sa.Row[Any]]:
    """Overrides of leads that have closed since: (band, model_band, probability, outcome).

    One row a lead: the override that held when it closed. Taken-back ones are left out.
    """
    outcome = tables.outcome.c
    last = (
        sa.select(sa.func.max(override.c.id))
        .join(tables.outcome, outcome.lead_id == override.c.lead_id)
        .where(override.c.at_us < outcome.occurred_us)
        .group_by(override.c.lead_id)
    )
    query = sa.select(
        override.c.band, override.c.model_band, override.c.probability, outcome.outcome
    ).join(tables.outcome, outcome.lead_id == override.c.lead_id)
    return list(connection.execute(query.where(override.c.id.in_(last), override.c.band != "")))
