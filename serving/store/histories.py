"""One lead's history read back, as it is now or as far as it was known once."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa

from features.histories.arrays import NO_TIME, Histories
from features.histories.from_records import LeadRecord, RecordColumns, Value, histories_from_records
from serving.store.aliases import current_id, merged_ids
from serving.store.corrections import as_it_was
from serving.store.tables import (
    answer,
    interaction,
    lead,
    withdrawn_answer,
    withdrawn_interaction,
)

_ACT = ("id", "occurred_us", "kind", "value", "duration_s")


_ANSWER = ("id", "answered_us", "attribute", "value")


class Read(msgspec.Struct, frozen=True):
    """How far a history was read: the last row of each table, and the last correction. Rows never
    change and corrections say what they replaced, so this is enough to read the same again
    (``received_us`` of the lead tells its life apart)."""

    lead_received_us: int
    interaction: int
    answer: int
    correction: int = 0


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
    """The lead's whole history, or the part that ``until`` had read; None for no such lead.

    A merged lead's history is that of the lead it is now; ``until`` reads what it was then.
    """
    now = current_id(connection, lead_id) if until is None else lead_id
    row = connection.execute(sa.select(lead).where(lead.c.lead_id == now)).first()
    if row is None or (until is not None and row.received_us != until.lead_received_us):
        return None
    ids = merged_ids(connection, now, None if until is None else until.correction)
    acts = _Rows(connection, interaction, withdrawn_interaction, _ACT, ids)
    act_ids, occurred_us, kinds, values, durations_s = acts.columns(
        None if until is None else (until.interaction, until.correction)
    )
    learned = _Rows(connection, answer, withdrawn_answer, _ANSWER, ids)
    answer_ids, answered_us, attribute, answers = learned.columns(
        None if until is None else (until.answer, until.correction)
    )
    lists = RecordColumns(
        kinds, occurred_us, values, durations_s,
        event_ids=range(len(kinds)),  # unique in the store already
        attributes=attribute, answered_us=answered_us, answers=answers,
    )  # fmt: skip
    at_creation = json.loads(row.attributes)
    created_us, attributes, corrected = as_it_was(
        connection, now, row.created_us, at_creation, None if until is None else until.correction
    )
    read = Read(row.received_us, max(act_ids, default=0), max(answer_ids, default=0), corrected)
    record = LeadRecord(now, NO_TIME if created_us is None else created_us, attributes, lists)
    return Stored(record, histories_from_records([record]), created_us, attributes, read)


@dataclass(frozen=True)
class _Rows:
    """A lead's rows in one table, under all its ids, a tuple per column."""

    connection: sa.Connection
    table: sa.Table
    withdrawn: sa.Table
    names: tuple[str, ...]
    lead_ids: Sequence[str]

    def columns(self, until: tuple[int, int] | None) -> list[tuple[Any, ...]]:
        """What is there now; or what was, up to this row and this correction."""
        rows = self._read(self.table, self.table.c.id <= until[0] if until else sa.true())
        if until is not None:
            gone = self.withdrawn.c
            seen = sa.and_(gone.id <= until[0], gone.correction_id > until[1])
            rows += self._read(self.withdrawn, seen)
        return list(zip(*rows, strict=True)) or [()] * len(self.names)

    def _read(self, table: sa.Table, condition: sa.ColumnElement[bool]) -> list[tuple[Any, ...]]:
        """Plain driver tuples, for there may be a million."""
        query = sa.select(*(table.c[name] for name in self.names))
        query = query.where(table.c.lead_id.in_(self.lead_ids), condition)
        found = self.connection.execute(query).cursor
        return [] if found is None else list(found.fetchall())
