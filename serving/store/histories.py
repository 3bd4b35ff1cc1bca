"""One lead's history read back, as it is now or as far as it was known once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec
import sqlalchemy as sa

from features.histories import NO_TIME, Histories
from serving.history import Lists, Value, history_of
from serving.store.tables import answer, interaction, lead


class Read(msgspec.Struct, frozen=True):
    """How far a history was read: the last row of each table. Rows never change, so this is
    enough to read the same again (``received_us`` of the lead tells its life apart)."""

    lead_received_us: int
    interaction: int
    answer: int


@dataclass(frozen=True, slots=True)
class Stored:
    """A lead's history and how far it was read."""

    histories: Histories
    created_us: int | None
    attributes: Mapping[str, Value]
    read: Read


def history(connection: sa.Connection, lead_id: str, until: Read | None = None) -> Stored | None:
    """The lead's whole history, or the part that ``until`` had read; None for no such lead."""
    row = connection.execute(sa.select(lead).where(lead.c.lead_id == lead_id)).first()
    if row is None or (until is not None and row.received_us != until.lead_received_us):
        return None
    acts = _rows(connection, interaction, lead_id, None if until is None else until.interaction)
    told = _rows(connection, answer, lead_id, None if until is None else until.answer)
    attributes = json.loads(row.attributes)
    lists = Lists(
        kinds=[act.kind for act in acts],
        at_us=[act.occurred_us for act in acts],
        values=[act.value for act in acts],
        durations_s=[act.duration_s for act in acts],
        event_ids=[None] * len(acts),  # unique in the store already
        attributes=[said.attribute for said in told],
        answered_us=[said.answered_us for said in told],
        answers=[said.value for said in told],
    )
    created = NO_TIME if row.created_us is None else row.created_us
    read = Read(
        row.received_us, max((a.id for a in acts), default=0), max((t.id for t in told), default=0)
    )
    return Stored(history_of(lead_id, created, attributes, lists), row.created_us, attributes, read)


def _rows(
    connection: sa.Connection, table: sa.Table, lead_id: str, until: int | None
) -> list[sa.Row[tuple[object, ...]]]:
    query = sa.select(table).where(table.c.lead_id == lead_id)
    if until is not None:
        query = query.where(table.c.id <= until)
    return list(connection.execute(query))
