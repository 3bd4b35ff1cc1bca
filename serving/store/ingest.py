"""Events, answers and outcomes added; each function runs in the writer's transaction.

Everything is idempotent: the same event of the same source, the same answer or outcome twice
changes nothing; what comes under the same key and says something else is a conflict, and what was
stored first stays. Erased leads stay erased, withdrawn rows stay withdrawn.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from features.cleaning import trimmed
from serving.store import tables
from serving.store.aliases import current_ids
from serving.store.bulk import Row, insert_new, lookup
from serving.store.leads import KnownLead, known_leads
from serving.store.refresh_queue import mark_changed
from serving.store.tombstones import Tombstones
from serving.store.worklist_lines import after_rows

TAKEN, REPEATED, UNKNOWN_LEAD, ERASED, CONFLICT, BEFORE_CREATION, WITHDRAWN = (
    "taken", "repeated", "unknown_lead", "erased", "conflict", "before_creation", "withdrawn",
)  # fmt: skip
"""What became of a row."""

KEYS = {
    "interaction": ("source", "event_id"),
    "answer": ("lead_id", "attribute", "answered_us"),
    "outcome": ("lead_id",),
}
"""What makes a row the same row."""

CONTENT = {
    "interaction": ("occurred_us", "kind", "value", "duration_s", "channel"),
    "answer": ("value",),
    "outcome": ("outcome",),
}
"""What it says, beside its key and its lead."""

WITHDRAWN_ROWS = {
    "interaction": tables.withdrawn_interaction,
    "answer": tables.withdrawn_answer,
}


def add_rows(
    connection: sa.Connection, table: sa.Table, rows: Sequence[Row], tombstones: Tombstones
) -> list[str]:
    """Append rows of leads that are there; what became of each, in order.

    Rows of merged leads become the other lead's. An interaction whose ``event_id`` is None is
    known by its content.
    """
    leads = known_leads(connection, {row["lead_id"] for row in rows})
    erased = tombstones.held(connection, {row["lead_id"] for row in rows} - set(leads))
    known = [_of_lead(table, row, leads[row["lead_id"]]) for row in rows if row["lead_id"] in leads]
    stored = _Stored(connection, table, known)
    became: list[str] = []
    fresh: list[Row] = []
    coming = iter(known)
    for given in rows:
        if given["lead_id"] not in leads:
            became.append(ERASED if given["lead_id"] in erased else UNKNOWN_LEAD)
            continue
        row = next(coming)
        if table is tables.outcome and _too_early(row, leads[given["lead_id"]].created_us):
            became.append(BEFORE_CREATION)
            continue
        word = stored.compare(row)
        became.append(word)
        if word == TAKEN:
            stored.add(row)
            fresh.append(row)
    if insert_new(connection, table, fresh) < len(fresh):
        _lost_to_another_machine(connection, table, known, fresh, became, leads, rows)
    if fresh:
        mark_changed(connection, _seen_from(fresh))
        after_rows(connection, table, fresh)
    return became


def _seen_from(rows: Sequence[Row]) -> dict[str, int]:
    """Each lead and the moment from which a score sees all these rows of it, in microseconds."""
    found: dict[str, int] = {}
    for row in rows:
        happened_us = row.get("occurred_us", row.get("answered_us", 0))
        at_us = max(row["received_us"], happened_us + 1)
        found[row["lead_id"]] = max(at_us, found.get(row["lead_id"], 0))
    return found


def _of_lead(table: sa.Table, row: Row, lead: KnownLead) -> Row:
    """The row under the id that its lead has now, with its key complete."""
    changes: dict[str, Any] = {}
    if lead.lead_id != row["lead_id"]:
        changes["lead_id"] = lead.lead_id
    if table is tables.interaction:
        kind = trimmed(row["kind"])  # as files and requests have it: blanks make no other event
        if kind != row["kind"]:
            changes["kind"] = kind
        if row["event_id"] is None:
            changes["event_id"] = content_id({**row, **changes})
    return {**row, **changes} if changes else row


def content_id(row: Row) -> str:
    """The identity of an interaction that has none: a hash of what it says."""
    content = [
        row["lead_id"], row["kind"], row["occurred_us"], row["value"], row["duration_s"],
        row["channel"],
    ]  # fmt: skip
    return "content:" + hashlib.sha256(msgspec.json.encode(content)).hexdigest()


class _Stored:
    """What the store has under the keys of a batch, withdrawn rows among them."""

    def __init__(self, connection: sa.Connection, table: sa.Table, rows: Sequence[Row]) -> None:
        self._names, self._content = KEYS[table.name], CONTENT[table.name]
        keys = [self.key(row) for row in rows]
        there = lookup(connection, table, self._names, keys)
        self._rows = {self.key(row): row for row in there}
        self._withdrawn: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
        if table.name in WITHDRAWN_ROWS:
            for row in lookup(connection, WITHDRAWN_ROWS[table.name], self._names, keys):
                self._withdrawn[self.key(row)].append(row)
                there.append(row)
        others = {row["lead_id"] for row in there} - {row["lead_id"] for row in rows}
        self._merged = current_ids(connection, others) if others else {}

    def key(self, row: Row) -> tuple[Any, ...]:
        """What makes a row the same row."""
        return tuple(row[name] for name in self._names)

    def add(self, row: Row) -> None:
        """A row of this batch, for those that come after it."""
        self._rows[self.key(row)] = row  # type: ignore[assignment]

    def compare(self, row: Row) -> str:
        """Whether the row is new, a repeat, a contradiction, or was withdrawn before."""
        key = self.key(row)
        if key in self._rows:
            return REPEATED if self.says_the_same(self._rows[key], row) else CONFLICT
        if any(self.says_the_same(old, row) for old in self._withdrawn.get(key, ())):
            return WITHDRAWN
        return TAKEN

    def says_the_same(self, old: Row, new: Row) -> bool:
        """Whether two rows with one key have the same lead and content."""
        lead_id = self._merged.get(old["lead_id"], old["lead_id"])
        return lead_id == new["lead_id"] and all(old[name] == new[name] for name in self._content)


def _lost_to_another_machine(
    connection: sa.Connection,
    table: sa.Table,
    known: Sequence[Row],
    fresh: Sequence[Row],
    became: list[str],
    leads: Mapping[str, KnownLead],
    rows: Sequence[Row],
) -> None:
    """Another machine stored some of these keys at the same time: say so where it differs."""
    stored = _Stored(connection, table, fresh)
    inserted = {id(row) for row in fresh}
    coming = iter(known)
    for i, given in enumerate(rows):
        if given["lead_id"] in leads:
            row = next(coming)
            if id(row) in inserted:
                became[i] = TAKEN if stored.compare(row) == REPEATED else CONFLICT


def _too_early(row: Row, created_us: int | None) -> bool:
    return created_us is not None and row["occurred_us"] < created_us
