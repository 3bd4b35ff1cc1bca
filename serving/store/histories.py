"""One lead's history read back, as it is now or as far as it was known once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa

from features.histories.arrays import NO_TIME, Histories
from features.histories.from_records import LeadRecord, RecordColumns, Value, histories_from_records
from serving.store.tables import answer, interaction, lead

_ACT = ("id", "occurred_us", "kind", "value", "duration_s")


_ANSWER = ("id", "answered_us", "attribute", "value")


class Read(msgspec.Struct, frozen=True):
    """How far a history was read: the last row of each table. Rows never change, so this is
    enough to read the same again (``received_us`` of the lead tells its life apart)."""

    lead_received_us: int
    interaction: int
    answer: int


@dataclass(frozen=True, slots=True)
class Stored:
    """A lead's history and how far it was read.

    ``histories``: the engine's arrays, made by the thread that reads: there may be a million rows.
    """

    lead: LeadRecord
    histories: Histories
    created_us: int | None
    attributes: Mapping[str, Value]
    read: Read


def history(connection: sa.Connection, lead_id: str, until: Read | None = None) -> Stored | None:
    """The lead's whole history, or the part that ``until`` had read; None for no such lead."""
    row = connection.execute(sa.select(lead).where(lead.c.lead_id == lead_id)).first()
    if row is None or (until is not None and row.received_us != until.lead_received_us):
        return None
    ids, at_us, kinds, values, durations_s = _columns(
        connection, interaction, lead_id, _ACT, None if until is None else until.interaction
    )
    answer_ids, answered_us, attribute, answers = _columns(
        connection, answer, lead_id, _ANSWER, None if until is None else until.answer
    )
    lists = RecordColumns(
        kinds, at_us, values, durations_s,
        event_ids=range(len(kinds)),  # unique in the store already
        attributes=attribute, answered_us=answered_us, answers=answers,
    )  # fmt: skip
    attributes = json.loads(row.attributes)
    created = NO_TIME if row.created_us is None else row.created_us
    read = Read(row.received_us, max(ids, default=0), max(answer_ids, default=0))
    record = LeadRecord(lead_id, created, attributes, lists)
    return Stored(record, histories_from_records([record]), row.created_us, attributes, read)


def _columns(
    connection: sa.Connection,
    table: sa.Table,
    lead_id: str,
    names: tuple[str, ...],
    until: int | None,
) -> list[tuple[Any, ...]]:
    """The lead's rows, a tuple per column; plain driver tuples, for there may be a million."""
    query = sa.select(*(table.c[name] for name in names)).where(table.c.lead_id == lead_id)
    if until is not None:
        query = query.where(table.c.id <= until)
    found = connection.execute(query).cursor
    rows = [] if found is None else found.fetchall()
    return list(zip(*rows, strict=True)) or [()] * len(names)
