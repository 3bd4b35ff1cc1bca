"""One lead's history read back, as it is now or as far as it was known once."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
import sqlalchemy as sa

from features.histories.arrays import NO_TIME, Histories
from features.histories.from_records import LeadRecord, RecordColumns, Value, histories_from_records
from serving.store.aliases import current_id, merged_ids
from serving.store.bulk import lookup
from serving.store.corrections import as_it_was
from serving.store.database import AT_ONCE
from serving.store.tables import (
    alias,
    answer,
    correction,
    interaction,
    lead,
    withdrawn_answer,
    withdrawn_interaction,
)

_ACT = ("id", "occurred_us", "kind", "value", "duration_s")


_ANSWER = ("id", "answered_us", "attribute", "value")


ROWS_A_STEP = 5_000
"""Rows of one lead, of which there may be a million, that are read and turned in one go."""


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

    @property
    def row_count(self) -> int:
        """Interactions and answers."""
        return len(self.histories.interactions.at_us) + len(self.histories.answers.at_us)


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
    learned = _Rows(connection, answer, withdrawn_answer, _ANSWER, ids)
    created_us, attributes, corrected = as_it_was(
        connection, now, row.created_us, json.loads(row.attributes),
        None if until is None else until.correction,
    )  # fmt: skip
    return _stored(
        _Lead(now, created_us, attributes, row.received_us, corrected),
        acts.all(None if until is None else (until.interaction, until.correction)),
        learned.all(None if until is None else (until.answer, until.correction)),
    )


def histories_now(connection: sa.Connection, lead_ids: Sequence[str]) -> dict[str, Stored]:
    """Each lead's whole history as :func:`history` reads it, by id, with a few statements for all
    of them; ids of no lead, and those that were merged into another, lack."""
    found: dict[str, Stored] = {}
    for start in range(0, len(lead_ids), AT_ONCE):
        keys = [(lead_id,) for lead_id in lead_ids[start : start + AT_ONCE]]
        leads = {row["lead_id"]: row for row in lookup(connection, lead, ["lead_id"], keys)}
        aliases = lookup(connection, alias, ["lead_id"], [(lead_id,) for lead_id in leads])
        own = {lead_id: lead_id for lead_id in leads}
        own |= {row["alias_id"]: row["lead_id"] for row in aliases}
        acts = _by_lead(connection, interaction, _ACT, own)
        learned = _by_lead(connection, answer, _ANSWER, own)
        corrected = _last_corrections(connection, list(leads))
        for lead_id, row in leads.items():
            if own[lead_id] != lead_id:
                continue
            attributes, last = json.loads(row["attributes"]), corrected.get(lead_id, 0)
            one = _Lead(lead_id, row["created_us"], attributes, row["received_us"], last)
            found[lead_id] = _stored(one, acts[lead_id], learned[lead_id])
    return found


class _Lead(NamedTuple):
    """A lead without its rows; ``corrected``: the number of its last correction that is counted."""

    lead_id: str
    created_us: int | None
    attributes: Mapping[str, Value]
    received_us: int
    corrected: int


def _stored(
    one: _Lead, acts: Sequence[tuple[Any, ...]], learned: Sequence[tuple[Any, ...]]
) -> Stored:
    """A lead with its rows, each in the order of ``_ACT`` and ``_ANSWER``."""
    act_ids, occurred_us, kinds, values, durations_s = _columns(acts, _ACT)
    answer_ids, answered_us, attribute, answers = _columns(learned, _ANSWER)
    lists = RecordColumns(
        kinds, occurred_us, values, durations_s,
        event_ids=range(len(kinds)),  # unique in the store already
        attributes=attribute, answered_us=answered_us, answers=answers,
    )  # fmt: skip
    read = Read(one.received_us, max(act_ids, default=0), max(answer_ids, default=0), one.corrected)
    created_us = NO_TIME if one.created_us is None else one.created_us
    record = LeadRecord(one.lead_id, created_us, one.attributes, lists)
    histories = histories_from_records([record])
    return Stored(record, histories, one.created_us, one.attributes, read)


def _columns(rows: Sequence[tuple[Any, ...]], names: Sequence[str]) -> Sequence[Sequence[Any]]:
    """The rows as columns; made in slices, as one step of the interpreter holds up all others."""
    if len(rows) <= ROWS_A_STEP:
        return list(zip(*rows, strict=True)) or [()] * len(names)
    columns: list[list[Any]] = [[] for _ in names]
    for start in range(0, len(rows), ROWS_A_STEP):
        part = zip(*rows[start : start + ROWS_A_STEP], strict=True)
        for column, values in zip(columns, part, strict=True):
            column.extend(values)
    return columns


def _by_lead(
    connection: sa.Connection, table: sa.Table, names: Sequence[str], own: Mapping[str, str]
) -> Mapping[str, list[tuple[Any, ...]]]:
    """The rows of each lead under all its ids; ``own``: the lead of each id."""
    ids = list(own)
    found: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for start in range(0, len(ids), AT_ONCE):
        query = sa.select(table.c.lead_id, *(table.c[name] for name in names))
        query = query.where(table.c.lead_id.in_(ids[start : start + AT_ONCE]))
        for lead_id, *row in _plain(connection, query):
            found[own[lead_id]].append(tuple(row))
    return found


def _last_corrections(connection: sa.Connection, lead_ids: Sequence[str]) -> dict[str, int]:
    """The number of each lead's last correction; those that were never corrected lack."""
    table = correction.c
    query = sa.select(table.lead_id, sa.func.max(table.id)).where(table.lead_id.in_(lead_ids))
    return {row[0]: row[1] for row in connection.execute(query.group_by(table.lead_id))}


def _plain(connection: sa.Connection, query: sa.Select[Any]) -> Iterator[tuple[Any, ...]]:
    """Plain driver tuples, for there may be a million."""
    found = connection.execute(query).cursor
    while found is not None and (part := found.fetchmany(ROWS_A_STEP)):
        yield from part


@dataclass(frozen=True)
class _Rows:
    """A lead's rows in one table, under all its ids."""

    connection: sa.Connection
    table: sa.Table
    withdrawn: sa.Table
    names: tuple[str, ...]
    lead_ids: Sequence[str]

    def all(self, until: tuple[int, int] | None) -> list[tuple[Any, ...]]:
        """What is there now; or what was, up to this row and this correction."""
        rows = self._read(self.table, self.table.c.id <= until[0] if until else sa.true())
        if until is not None:
            gone = self.withdrawn.c
            seen = sa.and_(gone.id <= until[0], gone.correction_id > until[1])
            rows += self._read(self.withdrawn, seen)
        return rows

    def _read(self, table: sa.Table, condition: sa.ColumnElement[bool]) -> list[tuple[Any, ...]]:
        query = sa.select(*(table.c[name] for name in self.names))
        query = query.where(table.c.lead_id.in_(self.lead_ids), condition)
        return list(_plain(self.connection, query))
