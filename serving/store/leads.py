"""Leads created and changed; each function runs in the writer's transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import sqlalchemy as sa

from features.contract import value_to_text
from features.histories.from_records import Value
from serving.store import tables
from serving.store.aliases import current_ids
from serving.store.bulk import insert_new, lookup
from serving.store.refresh_queue import mark_changed
from serving.store.tombstones import Tombstones
from serving.store.worklist_lines import after_rows, refresh

CREATED, CHANGED, UNCHANGED, ERASED, CONFLICT = (
    "created", "changed", "unchanged", "erased", "conflict",
)  # fmt: skip
"""What became of a lead that was put."""

SINCE_EVER = -(2**63)
"""The moment of what was known at a lead's creation."""


@dataclass(frozen=True, slots=True)
class NewLead:
    """A lead as its first PUT describes it; what later PUTs change becomes answers."""

    lead_id: str
    created_us: int | None
    attributes: Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class KnownLead:
    """A lead that is there: ``lead_id`` is the one it has now, if it was merged."""

    lead_id: str
    created_us: int | None
    attributes: str


def known_leads(connection: sa.Connection, lead_ids: Iterable[str]) -> dict[str, KnownLead]:
    """Those of these leads that are there, by the id given; on PostgreSQL held until the end.

    Holding them makes row ids ascend per lead in the order of commits, so that a score can say
    how far it had read. Aliases are looked up once the leads are held: a merge holds them too.
    """
    coming = {lead_id: lead_id for lead_id in lead_ids}
    found: dict[str, KnownLead] = {}
    while coming:
        keys = [(now,) for now in set(coming.values())]
        rows = lookup(connection, tables.lead, ["lead_id"], keys, lock=True)
        by_id = {row["lead_id"]: row for row in rows}
        merged = current_ids(connection, by_id)
        again = {}
        for given, now in coming.items():
            if now in merged:
                again[given] = merged[now]
            elif now in by_id:
                row = by_id[now]
                found[given] = KnownLead(now, row["created_us"], row["attributes"])
        coming = again
    return found


def put_leads(
    connection: sa.Connection, leads: Sequence[NewLead], now_us: int, tombstones: Tombstones
) -> list[tuple[str, int]]:
    """Create leads, or note what changed since; (what became of each, attributes changed).

    The first PUT fixes what was known at creation. A later PUT with other values is knowledge of
    later: each changed attribute becomes an answer of this moment, so no score of the past moves.
    Another machine may create the same lead meanwhile: then this is the later PUT.
    """
    first: dict[str, NewLead] = {}
    for lead in leads:
        first.setdefault(lead.lead_id, lead)
    became = _put_different(connection, list(first.values()), now_us, tombstones)
    later = [
        i
        for i, lead in enumerate(leads)
        if first[lead.lead_id] is not lead and became[lead.lead_id][0] != ERASED
    ]
    result = [became[lead.lead_id] for lead in leads]
    puts = [_Put(leads[i], now_us + i) for i in later]  # changed by what comes later
    for i, word in zip(later, _put_again(connection, puts), strict=True):
        result[i] = word
    return result


class _Put(NamedTuple):
    """A lead to put, and the moment at which what it changes was learned."""

    lead: NewLead
    at_us: int


def _put_again(connection: sa.Connection, puts: Sequence[_Put]) -> list[tuple[str, int]]:
    """Note what each of these changes of leads that are there; with as many statements for a
    thousand as for one, since the same lead may come a thousand times."""
    if not puts:
        return []
    known = known_leads(connection, {one.lead.lead_id for one in puts})
    became = _change(connection, puts, known)
    seen_from = {
        known[one.lead.lead_id].lead_id: one.at_us + 1
        for one, (word, _) in zip(puts, became, strict=True)
        if word == CHANGED
    }
    mark_changed(connection, seen_from)
    return became


def _put_different(
    connection: sa.Connection, leads: Sequence[NewLead], now_us: int, tombstones: Tombstones
) -> dict[str, tuple[str, int]]:
    erased = tombstones.held(connection, [lead.lead_id for lead in leads])
    became = dict.fromkeys(erased, (ERASED, 0))
    left = [lead for lead in leads if lead.lead_id not in erased]
    known = known_leads(connection, [lead.lead_id for lead in left])
    new = [lead for lead in left if lead.lead_id not in known]
    if new and not _create(connection, new, now_us):
        known_now = known_leads(connection, [lead.lead_id for lead in new])
        mine = _created_here(connection, new, now_us)
        known |= {lead_id: row for lead_id, row in known_now.items() if lead_id not in mine}
    became |= {lead.lead_id: (CREATED, len(lead.attributes)) for lead in new}
    old = [_Put(lead, now_us) for lead in left if lead.lead_id in known]
    changes = _change(connection, old, known)
    became |= {one.lead.lead_id: word for one, word in zip(old, changes, strict=True)}
    mark_changed(connection, _seen_from(left, known, became, now_us))
    # a new lead may have been scored before it was stored
    refresh(connection, [lead.lead_id for lead in new if lead.lead_id not in known])
    return became


def _seen_from(
    leads: Sequence[NewLead],
    known: Mapping[str, KnownLead],
    became: Mapping[str, tuple[str, int]],
    now_us: int,
) -> dict[str, int]:
    """Each lead that is new or changed, and the moment from which a score sees that."""
    found: dict[str, int] = {}
    for lead in leads:
        word = became[lead.lead_id][0]
        if word == CREATED:
            found[lead.lead_id] = max(now_us, lead.created_us or 0)
        elif word == CHANGED:
            found[known[lead.lead_id].lead_id] = now_us + 1
    return found


def _create(connection: sa.Connection, leads: Sequence[NewLead], now_us: int) -> bool:
    """Insert new leads; False if some were there already."""
    rows = [
        {"lead_id": lead.lead_id, "created_us": lead.created_us,
         "attributes": _as_json(lead.attributes), "received_us": now_us}
        for lead in leads
    ]  # fmt: skip
    note_names(connection, {name for lead in leads for name in lead.attributes})
    return insert_new(connection, tables.lead, rows) == len(rows)


def _created_here(connection: sa.Connection, leads: Sequence[NewLead], now_us: int) -> set[str]:
    """Which of these leads are stored as given: created now, or by another machine alike."""
    rows = lookup(connection, tables.lead, ["lead_id"], [(lead.lead_id,) for lead in leads])
    stored = {row["lead_id"]: row for row in rows}
    return {
        lead.lead_id
        for lead in leads
        if lead.lead_id in stored
        and stored[lead.lead_id]["received_us"] == now_us
        and stored[lead.lead_id]["created_us"] == lead.created_us
        and stored[lead.lead_id]["attributes"] == _as_json(lead.attributes)
    }


def _as_json(attributes: Mapping[str, Value]) -> str:
    return json.dumps(dict(attributes), ensure_ascii=False, sort_keys=True)


def note_names(connection: sa.Connection, names: Iterable[str]) -> None:
    """Note the attributes that leads are created with: columns of the view ``leads``."""
    wanted = sorted(set(names))
    there = lookup(connection, tables.attribute_name, ["name"], [(name,) for name in wanted])
    shown = {row["name"] for row in there}
    insert_new(
        connection, tables.attribute_name, [{"name": name} for name in wanted if name not in shown]
    )


def _change(
    connection: sa.Connection, puts: Sequence[_Put], known: Mapping[str, KnownLead]
) -> list[tuple[str, int]]:
    """Make answers of what differs, one put after the other; a conflict where the creation does."""
    became: list[tuple[str, int]] = []
    rows: list[dict[str, Any]] = []
    there = {known[one.lead.lead_id].lead_id for one in puts}
    at_creation = {row.lead_id: row.attributes for row in known.values() if row.lead_id in there}
    current = current_attributes(connection, at_creation)
    for lead, at_us in puts:
        stored = known[lead.lead_id]
        merged = stored.lead_id != lead.lead_id  # the id that was given up had its own creation
        if not merged and lead.created_us is not None and stored.created_us != lead.created_us:
            became.append((CONFLICT, 0))
            continue
        now = current[stored.lead_id]
        texts = {name: value_to_text(value) for name, value in lead.attributes.items()}
        changed = {name: text for name, text in texts.items() if text != now.get(name, "")}
        now.update(changed)
        rows += answers_of_now(stored.lead_id, changed, at_us)
        became.append((CHANGED if changed else UNCHANGED, len(changed)))
    insert_new(connection, tables.answer, rows)
    after_rows(connection, tables.answer, rows)
    return became


def answers_of_now(lead_id: str, changed: Mapping[str, str], now_us: int) -> list[dict[str, Any]]:
    """Rows of ``answer``: these attributes were learned at this moment."""
    return [
        {"lead_id": lead_id, "attribute": name, "value": value,
         "answered_us": now_us, "received_us": now_us}
        for name, value in changed.items()
    ]  # fmt: skip


def current_attributes(
    connection: sa.Connection, at_creation: Mapping[str, str]
) -> dict[str, dict[str, str]]:
    """Every attribute's last known value as text, by lead; ``at_creation``: JSON by lead."""
    return {
        lead_id: {name: values[-1][1] for name, values in known.items()}
        for lead_id, known in attribute_histories(connection, at_creation).items()
    }


def attribute_histories(
    connection: sa.Connection, at_creation: Mapping[str, str]
) -> dict[str, dict[str, list[tuple[int, str]]]]:
    """What was known of each attribute from which moment on, by lead: (microseconds, value as
    text) in order of time; ``at_creation``: JSON by lead, known from ``SINCE_EVER`` on.
    """
    known = {
        lead_id: {
            name: [(SINCE_EVER, value_to_text(value))] for name, value in json.loads(text).items()
        }
        for lead_id, text in at_creation.items()
    }
    merged: dict[str, str] = {}
    if known:
        alias = tables.alias
        rows = lookup(connection, alias, ["lead_id"], [(lead_id,) for lead_id in known])
        merged = {row["alias_id"]: row["lead_id"] for row in rows}
    keys = [(lead_id,) for lead_id in [*known, *merged]]
    answers = lookup(connection, tables.answer, ["lead_id"], keys)
    for row in sorted(answers, key=lambda row: (row["answered_us"], row["id"])):
        values = known[merged.get(row["lead_id"], row["lead_id"])]
        values.setdefault(row["attribute"], []).append((row["answered_us"], row["value"]))
    return known
