"""Leads, events, answers and outcomes written; each function runs in the writer's transaction.

Everything is idempotent: the same event of the same source, the same answer or outcome twice
changes nothing. Erased leads stay erased: what still comes for them is dropped and counted.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from features.contract import value_to_text
from features.histories.from_records import Value
from serving.store import tables
from serving.store.database import AT_ONCE, insert_new
from serving.store.refresh_queue import mark_changed
from serving.store.tombstones import Tombstones
from serving.store.views import refresh_views
from serving.store.worklist_lines import after_rows, refresh

TAKEN, REPEATED, UNKNOWN_LEAD, ERASED, CONFLICT, BEFORE_CREATION = (
    "taken", "repeated", "unknown_lead", "erased", "conflict", "before_creation",
)  # fmt: skip
"""What became of a row."""


@dataclass(frozen=True, slots=True)
class NewLead:
    """A lead as its first PUT describes it; what later PUTs change becomes answers."""

    lead_id: str
    created_us: int | None
    attributes: Mapping[str, Value]


def known_leads(connection: sa.Connection, lead_ids: Sequence[str]) -> dict[str, int | None]:
    """Which of these leads are there, and their creation; on PostgreSQL held until the end.

    Holding them makes row ids ascend per lead in the order of commits, so that a score can say
    how far it had read.
    """
    found: dict[str, int | None] = {}
    unique = sorted(set(lead_ids))
    for start in range(0, len(unique), AT_ONCE):
        part = unique[start : start + AT_ONCE]
        query = sa.select(tables.lead.c.lead_id, tables.lead.c.created_us)
        query = query.where(tables.lead.c.lead_id.in_(part))
        query = query.order_by(tables.lead.c.lead_id).with_for_update()
        found.update({row.lead_id: row.created_us for row in connection.execute(query)})
    return found


def put_lead(
    connection: sa.Connection, lead: NewLead, now_us: int, tombstones: Tombstones
) -> tuple[str, int]:
    """Create a lead, or note what changed since; (what became of it, attributes changed).

    The first PUT fixes what was known at creation. A later PUT with other values is knowledge of
    later: each changed attribute becomes an answer of this moment, so no score of the past moves.
    """
    if tombstones.holds(connection, lead.lead_id):
        return ERASED, 0
    row = connection.execute(
        sa.select(tables.lead).where(tables.lead.c.lead_id == lead.lead_id).with_for_update()
    ).first()
    if row is None:
        _create(connection, lead, now_us)
        mark_changed(connection, {lead.lead_id: max(now_us, lead.created_us or 0)})
        refresh(connection, [lead.lead_id])  # it may have been scored before it was stored
        return TAKEN, len(lead.attributes)
    if lead.created_us is not None and row.created_us != lead.created_us:
        return CONFLICT, 0
    current = current_attributes(connection, lead.lead_id, json.loads(row.attributes))
    changed = {n: v for n, v in lead.attributes.items() if value_to_text(v) != current.get(n, "")}
    rows = [
        {"lead_id": lead.lead_id, "attribute": name, "value": value_to_text(value),
         "answered_us": now_us, "received_us": now_us}
        for name, value in changed.items()
    ]  # fmt: skip
    insert_new(connection, tables.answer, rows)
    if changed:
        mark_changed(connection, {lead.lead_id: now_us + 1})
    after_rows(connection, tables.answer, rows)
    return (TAKEN if changed else REPEATED), len(changed)


def _create(connection: sa.Connection, lead: NewLead, now_us: int) -> None:
    attributes = json.dumps(dict(lead.attributes), ensure_ascii=False, sort_keys=True)
    connection.execute(
        sa.insert(tables.lead).values(
            lead_id=lead.lead_id,
            created_us=lead.created_us,
            attributes=attributes,
            received_us=now_us,
        )
    )
    shown = set(connection.scalars(sa.select(tables.attribute_name.c.name)))
    names = [{"name": name} for name in lead.attributes if name not in shown]
    if names:
        insert_new(connection, tables.attribute_name, names)
        refresh_views(connection)


def current_attributes(
    connection: sa.Connection, lead_id: str, at_creation: Mapping[str, Value]
) -> dict[str, str]:
    """Every attribute's last known value as text."""
    current = {name: value_to_text(value) for name, value in at_creation.items()}
    of_lead = sa.select(tables.answer.c.attribute, tables.answer.c.value).where(
        tables.answer.c.lead_id == lead_id
    )
    for name, value in connection.execute(of_lead.order_by("answered_us", "id")):
        current[name] = value
    return current


def add_rows(
    connection: sa.Connection,
    table: sa.Table,
    rows: Sequence[Mapping[str, Any]],
    tombstones: Tombstones,
) -> list[str]:
    """Append rows of leads that are there; what became of each, in order.

    Repeats within the batch and of earlier batches are distinguished from new rows by their key.
    """
    known = known_leads(connection, [row["lead_id"] for row in rows])
    missing = sorted({row["lead_id"] for row in rows} - set(known))
    erased = {lead_id for lead_id in missing if tombstones.holds(connection, lead_id)}
    keys = [c.name for c in _key_of(table)]
    there = _existing(connection, table, keys, rows)
    became, fresh = [], []
    for row in rows:
        key = tuple(row[name] for name in keys)
        if row["lead_id"] not in known:
            became.append(ERASED if row["lead_id"] in erased else UNKNOWN_LEAD)
        elif table is tables.outcome and _too_early(row, known[row["lead_id"]]):
            became.append(BEFORE_CREATION)
        elif key in there:
            became.append(_again(table, there[key], row))
        else:
            there[key] = row
            fresh.append(row)
            became.append(TAKEN)
    if fresh:
        insert_new(connection, table, fresh)
        mark_changed(connection, _seen_from(fresh))
        after_rows(connection, table, fresh)
    return became


def _seen_from(rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Each lead and the moment from which a score sees all these rows of it, in microseconds."""
    found: dict[str, int] = {}
    for row in rows:
        happened_us = row.get("occurred_us", row.get("answered_us", 0))
        at_us = max(row["received_us"], happened_us + 1)
        found[row["lead_id"]] = max(at_us, found.get(row["lead_id"], 0))
    return found


def _too_early(row: Mapping[str, Any], created_us: int | None) -> bool:
    return created_us is not None and row["occurred_us"] < created_us


def _again(table: sa.Table, old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """A repeat, or a conflict if an outcome or an answer says something else than before."""
    said = {tables.outcome.name: "outcome", tables.answer.name: "value"}.get(table.name)
    if said is not None and old[said] != new[said]:
        return CONFLICT
    return REPEATED


def _key_of(table: sa.Table) -> list[sa.Column[Any]]:
    for constraint in table.constraints:
        if isinstance(constraint, sa.UniqueConstraint):
            return list(constraint.columns)
    return list(table.primary_key.columns)


def _existing(
    connection: sa.Connection, table: sa.Table, keys: list[str], rows: Sequence[Mapping[str, Any]]
) -> dict[tuple[Any, ...], Mapping[str, Any]]:
    columns = [table.c[name] for name in keys]
    found: dict[tuple[Any, ...], Mapping[str, Any]] = {}
    for start in range(0, len(rows), AT_ONCE // 2):
        wanted = [tuple(row[name] for name in keys) for row in rows[start : start + AT_ONCE // 2]]
        query = sa.select(table).where(sa.tuple_(*columns).in_(wanted))
        for row in connection.execute(query):
            there = dict(row._mapping)
            found[tuple(there[name] for name in keys)] = there
    return found
