"""Everything that is stored of one person, as a person may ask for it; a page at a time."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import sqlalchemy as sa

from serving.problems import Problem
from serving.store import tables
from serving.store.aliases import current_id, merged_ids
from serving.store.leads import current_attributes
from serving.store.tombstones import tables_of_a_lead
from serving.timestamps import moment_of

JSON_COLUMNS = {"score": ("input", "answer"), "correction": ("before",), "lead": ("attributes",)}
"""Columns that hold JSON, by table."""


@dataclass(frozen=True)
class Page:
    """A page of a person's rows, by table; ``following``: the cursor of the next, or None."""

    lead: Mapping[str, Any]
    attributes: Mapping[str, str]
    aliases: Sequence[str]
    rows: dict[str, list[dict[str, Any]]]
    following: str | None


def stored_of(
    connection: sa.Connection, lead_id: str, limit: int, cursor: str | None
) -> Page | None:
    """Up to ``limit`` rows of each table, in the order of their keys; None if there is no lead.

    A 404 for a cursor that this did not give.
    """
    now = current_id(connection, lead_id)
    row = connection.execute(sa.select(tables.lead).where(tables.lead.c.lead_id == now)).first()
    if row is None:
        return None
    ids = merged_ids(connection, now)
    after: dict[str, list[Any]] = {} if cursor is None else _read_cursor(cursor)
    rows: dict[str, list[dict[str, Any]]] = {}
    coming: dict[str, list[Any]] = {}
    for table in tables_of_a_lead():
        if cursor is None or table.name in after:
            found, last = _rows(connection, table, ids, limit, after.get(table.name))
            rows[table.name] = found
            coming |= {} if last is None else {table.name: last}
    current = current_attributes(connection, {now: row.attributes})[now]
    following = _write_cursor(coming) if coming else None
    return Page(dict(row._mapping), current, ids[1:], rows, following)


def _rows(
    connection: sa.Connection,
    table: sa.Table,
    ids: Sequence[str],
    limit: int,
    after: list[Any] | None,
) -> tuple[list[dict[str, Any]], list[Any] | None]:
    """(rows as plain data, the key of the last one if there are more)."""
    key = list(table.primary_key.columns)
    query = sa.select(table).where(table.c.lead_id.in_(ids)).order_by(*key).limit(limit + 1)
    if after is not None:
        query = query.where(sa.tuple_(*key) > sa.tuple_(*(sa.literal(part) for part in after)))
    found = [dict(row._mapping) for row in connection.execute(query)]
    last = [found[limit - 1][column.name] for column in key] if len(found) > limit else None
    return [_plain(table.name, row) for row in found[:limit]], last


def _plain(table: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """A row for a person: moments as such, JSON opened."""
    shown: dict[str, Any] = {}
    for name, value in row.items():
        if name.endswith("_us"):
            plain_name = "at" if name == "at_us" else f"{name.removesuffix('_us')}_at"
            shown[plain_name] = None if value is None else moment_of(value)
        elif name in JSON_COLUMNS.get(table, ()):
            shown[name] = json.loads(value)
        else:
            shown[name] = value
    return shown


def _write_cursor(after: Mapping[str, list[Any]]) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode(after)).decode().rstrip("=")


def _read_cursor(cursor: str) -> dict[str, list[Any]]:
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        text = base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True)
        after = msgspec.json.decode(text, type=dict[str, list[int | str]])
        widths = {t.name: len(t.primary_key.columns) for t in tables_of_a_lead()}
        if any(len(key) != widths.get(name) for name, key in after.items()):
            raise ValueError("keys of another table")
        if any(isinstance(p, str) and "\x00" in p for key in after.values() for p in key):
            raise ValueError("NUL")
        if any(isinstance(p, int) and abs(p) >= 2**63 for key in after.values() for p in key):
            raise ValueError("out of range")
        return after
    except (ValueError, binascii.Error, msgspec.MsgspecError):
        raise Problem(
            404, "no-such-page", "This cursor leads nowhere; take it from `next`."
        ) from None
