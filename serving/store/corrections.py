"""What a person corrects: each function runs in the writer's transaction and notes how it stood
before, so that every score of the past can be given again from what it saw."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from features.contract import value_to_text
from features.histories.from_records import Value
from serving.store import tables
from serving.store.aliases import merged_ids
from serving.store.bulk import Row, insert_new, lookup
from serving.store.ingest import KEYS, WITHDRAWN, WITHDRAWN_ROWS, content_id
from serving.store.leads import (
    KnownLead,
    answers_of_now,
    current_attributes,
    known_leads,
    note_names,
)
from serving.store.page_tables import band_move, worklist
from serving.store.refresh_queue import mark_changed
from serving.store.worklist_lines import refresh

CREATION, ATTRIBUTES, OUTCOME, MERGE = (
    "created_at", "attributes at creation", "outcome", "merge",
)  # fmt: skip

REPEATED, UNKNOWN_EVENT = "repeated", "unknown_event"


@dataclass(frozen=True, slots=True)
class Edit:
    """Who corrects, and when."""

    now_us: int
    actor: str


def note_correction(
    connection: sa.Connection, lead_id: str, action: str, before: Mapping[str, Any], edit: Edit
) -> int:
    """Keep what is replaced; the correction's number. The lead must be held: numbers ascend."""
    return note_corrections(connection, [lead_id], action, before, edit)[lead_id]


def note_corrections(
    connection: sa.Connection,
    lead_ids: Sequence[str],
    action: str,
    before: Mapping[str, Any],
    edit: Edit,
) -> dict[str, int]:
    """The same of many leads, each named once; the correction's number of each."""
    if not lead_ids:
        return {}
    table = tables.correction
    text = json.dumps(before, ensure_ascii=False, sort_keys=True)
    rows = [
        {"lead_id": lead_id, "at_us": edit.now_us, "actor": edit.actor, "action": action,
         "before": text}
        for lead_id in lead_ids
    ]  # fmt: skip
    made = connection.execute(sa.insert(table).returning(table.c.lead_id, table.c.id), rows)
    numbers = {row.lead_id: int(row.id) for row in made}
    mark_changed(connection, dict.fromkeys(lead_ids, edit.now_us + 1))
    return numbers


def as_it_was(
    connection: sa.Connection,
    lead_id: str,
    created_us: int | None,
    attributes: Mapping[str, Value],
    until: int | None,
) -> tuple[int | None, Mapping[str, Value], int]:
    """(creation, attributes at creation) before any correction after ``until``, and the number of
    the lead's last correction that is counted."""
    table = tables.correction.c
    query = sa.select(tables.correction).where(table.lead_id == lead_id)
    last = 0
    for row in connection.execute(query.order_by(table.id.desc())):
        if until is None or row.id <= until:
            last = max(last, row.id)
            break
        before = json.loads(row.before)
        if row.action == CREATION:
            created_us = before["created_us"]
        elif row.action == ATTRIBUTES:
            attributes = before["attributes"]
    return created_us, attributes, last


@dataclass(frozen=True, slots=True)
class Patch:
    """What to change of a lead; None: nothing.

    ``attributes`` were learned now; ``at_creation`` was wrong from the start.
    """

    attributes: Mapping[str, Value]
    at_creation: Mapping[str, Value]
    created_us: int | None


def patch_lead(connection: sa.Connection, lead: KnownLead, patch: Patch, edit: Edit) -> int:
    """Change a held lead; how many things changed. Null: became, or was, unknown."""
    changed = 0
    table = tables.lead
    this = table.c.lead_id == lead.lead_id
    if patch.created_us is not None and patch.created_us != lead.created_us:
        note_correction(connection, lead.lead_id, CREATION, {"created_us": lead.created_us}, edit)
        connection.execute(sa.update(table).where(this).values(created_us=patch.created_us))
        changed += 1
    before = json.loads(lead.attributes)
    different = {
        name: value
        for name, value in patch.at_creation.items()
        if name not in before or value_to_text(before[name]) != value_to_text(value)
    }
    if different:
        note_correction(connection, lead.lead_id, ATTRIBUTES, {"attributes": before}, edit)
        now = json.dumps({**before, **different}, ensure_ascii=False, sort_keys=True)
        connection.execute(sa.update(table).where(this).values(attributes=now))
        note_names(connection, different)
        changed += len(different)
    else:
        now = lead.attributes
    current = current_attributes(connection, {lead.lead_id: now})[lead.lead_id]
    texts = {name: value_to_text(value) for name, value in patch.attributes.items()}
    learned = {name: text for name, text in texts.items() if text != current.get(name, "")}
    insert_new(connection, tables.answer, answers_of_now(lead.lead_id, learned, edit.now_us))
    if learned:
        mark_changed(connection, {lead.lead_id: edit.now_us + 1})
    refresh(connection, [lead.lead_id])
    return changed + len(learned)


def set_outcome(
    connection: sa.Connection, lead: KnownLead, outcome: tuple[str, int] | None, edit: Edit
) -> bool:
    """Give a held lead this outcome (word, moment), or reopen it (None); False if it is so."""
    table = tables.outcome
    row = connection.execute(sa.select(table).where(table.c.lead_id == lead.lead_id)).first()
    there = None if row is None else (row.outcome, row.occurred_us)
    if there == outcome:
        return False
    before = None if there is None else {"outcome": there[0], "occurred_us": there[1]}
    note_correction(connection, lead.lead_id, OUTCOME, {"outcome": before}, edit)
    connection.execute(sa.delete(table).where(table.c.lead_id == lead.lead_id))
    if outcome is not None:
        connection.execute(
            sa.insert(table).values(
                lead_id=lead.lead_id, outcome=outcome[0], occurred_us=outcome[1],
                received_us=edit.now_us,
            )
        )  # fmt: skip
    refresh(connection, [lead.lead_id])
    return True


def withdraw(
    connection: sa.Connection, table: sa.Table, keys: Sequence[tuple[Any, ...]], edit: Edit
) -> list[str]:
    """Take rows of ``interaction`` or ``answer`` back by their keys; what became of each.

    The same content never comes back under such a key; another content may.
    """
    names, aside = KEYS[table.name], WITHDRAWN_ROWS[table.name]
    owners = {row["lead_id"] for row in lookup(connection, table, names, keys)}
    leads = known_leads(connection, owners)  # held; read again, for it may have changed meanwhile
    rows = {_key(row, names): row for row in lookup(connection, table, names, keys)}
    gone = {_key(row, names) for row in lookup(connection, aside, names, keys)}
    moved: dict[str, list[Row]] = defaultdict(list)
    became = []
    for key in keys:
        row = rows.pop(key, None)
        if row is None or row["lead_id"] not in leads:
            became.append(REPEATED if key in gone else UNKNOWN_EVENT)
            continue
        moved[leads[row["lead_id"]].lead_id].append(row)
        gone.add(key)
        became.append(WITHDRAWN)
    numbers = note_corrections(connection, list(moved), f"withdraw {table.name}", {}, edit)
    aside_rows = [
        {**row, "correction_id": numbers[lead_id]} for lead_id in moved for row in moved[lead_id]
    ]
    _set_aside(connection, table, aside_rows)
    refresh(connection, numbers)
    return became


def _key(row: Row, names: Sequence[str]) -> tuple[Any, ...]:
    return tuple(row[name] for name in names)


def _set_aside(connection: sa.Connection, table: sa.Table, rows: Sequence[Row]) -> None:
    """Move rows, each with its ``correction_id``, from the table to the withdrawn ones."""
    if rows:
        insert_new(connection, WITHDRAWN_ROWS[table.name], rows)
        connection.execute(
            sa.delete(table).where(table.c.id == sa.bindparam("row")),
            [{"row": row["id"]} for row in rows],
        )


def merge(connection: sa.Connection, lead: KnownLead, into: KnownLead, edit: Edit) -> int:
    """Make ``lead`` the same as ``into``, both held; how many rows are read as the other's now.

    ``into`` keeps its creation and what is known of it; what only the other knew becomes an
    answer of now, its outcome one of ``into`` if that has none. Its rows stay as they came, and
    are read through the alias.
    """
    before = {"lead_id": lead.lead_id}
    number = note_correction(connection, into.lead_id, MERGE, before, edit)
    note_correction(connection, lead.lead_id, MERGE, {"into": into.lead_id}, edit)
    known = current_attributes(
        connection, {lead.lead_id: lead.attributes, into.lead_id: into.attributes}
    )
    had = {name for name, value in known[into.lead_id].items() if value}
    learned = {n: v for n, v in known[lead.lead_id].items() if v and n not in had}
    insert_new(connection, tables.answer, answers_of_now(into.lead_id, learned, edit.now_us))
    _move_outcome(connection, lead, into, edit)
    alias = tables.alias
    connection.execute(
        sa.update(alias).where(alias.c.lead_id == lead.lead_id).values(lead_id=into.lead_id)
    )
    connection.execute(
        sa.insert(alias).values(
            alias_id=lead.lead_id, lead_id=into.lead_id, into_id=into.lead_id,
            since_us=edit.now_us, correction_id=number,
        )
    )  # fmt: skip
    for listed in (tables.latest_score, worklist, band_move):
        connection.execute(sa.delete(listed).where(listed.c.lead_id == lead.lead_id))
    moved = _take_over_events(connection, lead.lead_id, into.lead_id, number)
    refresh(connection, [into.lead_id])
    return moved


def _move_outcome(connection: sa.Connection, lead: KnownLead, into: KnownLead, edit: Edit) -> None:
    table = tables.outcome
    rows = {
        row.lead_id: row
        for row in connection.execute(
            sa.select(table).where(table.c.lead_id.in_([lead.lead_id, into.lead_id]))
        )
    }
    row = rows.get(lead.lead_id)
    if row is not None:
        set_outcome(connection, lead, None, edit)
        if into.lead_id not in rows:
            set_outcome(connection, into, (row.outcome, row.occurred_us), edit)


def _take_over_events(connection: sa.Connection, lead_id: str, into_id: str, number: int) -> int:
    """Rename events without an id of their own after the lead they now belong to, so that one sent
    again under either id is known; the same event under both is withdrawn. How many rows moved."""
    table = tables.interaction
    ids = merged_ids(connection, lead_id)
    moved = [dict(row._mapping) for row in connection.execute(
        sa.select(table).where(table.c.lead_id.in_(ids)))]  # fmt: skip
    by_name: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in moved:
        if row["event_id"].startswith("content:"):
            name = content_id({**row, "lead_id": into_id})
            by_name[(row["source"], name)].append(row)
    there = {_key(row, KEYS["interaction"]): row
             for row in lookup(connection, table, KEYS["interaction"], by_name)}  # fmt: skip
    repeated, renamed = [], []
    for key, rows in by_name.items():
        keep = 0 if key in there else 1
        renamed += [{"row": row["id"], "name": key[1]} for row in rows[:keep]]
        repeated += [{**row, "correction_id": number} for row in rows[keep:]]
    if renamed:
        connection.execute(
            sa.update(table)
            .where(table.c.id == sa.bindparam("row"))
            .values(event_id=sa.bindparam("name")),
            renamed,
        )
    _set_aside(connection, table, repeated)
    return len(moved)
