"""Scores in the store: moved in from the journals, kept, ranked and shown."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from serving.store.tables import score, standing, tombstone
from serving.store.tombstones import Tombstones

log = logging.getLogger("leadscore.store")
AT_ONCE = 2000


class ScoreRow(msgspec.Struct, frozen=True):
    """A line of the journal and a row of the table ``score``: see there."""

    score_id: str
    lead_id: str
    as_of_us: int
    asked_us: int
    release_id: str
    version: str
    role: str
    probability: float
    band: str
    vector_hash: str
    origin: str
    language: str
    n_reasons: int
    input: str
    answer: str
    shares: list[float]


_decoder = msgspec.json.Decoder(ScoreRow)
COLUMNS = [column.name for column in score.columns]


def read_journal(path: Path) -> list[ScoreRow]:
    """The rows of a closed journal; a line torn by a crash was never acknowledged: skipped."""
    rows, torn = [], 0
    for line in path.read_bytes().split(b"\n"):
        if not line:
            continue
        try:
            rows.append(_decoder.decode(line))
        except (msgspec.DecodeError, UnicodeDecodeError):
            torn += 1
    if torn:
        log.warning("torn lines in a journal", extra={"count": torn})
    return rows


def move_in(connection: sa.Connection, rows: Sequence[ScoreRow], tombstones: Tombstones) -> int:
    """Add the rows that are not there yet, but those of erased leads; how many were given."""
    rows = without_erased(connection, rows, tombstones)
    for start in range(0, len(rows), AT_ONCE):
        part = rows[start : start + AT_ONCE]
        if connection.dialect.name == "sqlite":
            _move_in_sqlite(connection, part)
        else:
            _move_in_postgresql(connection, part)
    return len(rows)


def without_erased(
    connection: sa.Connection, rows: Sequence[ScoreRow], tombstones: Tombstones
) -> Sequence[ScoreRow]:
    """The rows of leads that were not erased."""
    if connection.scalar(sa.select(tombstone.c.digest).limit(1)) is None:
        return rows
    erased = set(connection.scalars(sa.select(tombstone.c.digest)))
    return [row for row in rows if tombstones.digest(row.lead_id) not in erased]


_FROM_JSON = ", ".join(f"json_extract(j.value, '$.{name}')" for name in COLUMNS)
_SQLITE_SCORES = sa.text(
    f"INSERT OR IGNORE INTO score ({', '.join(COLUMNS)}) "  # noqa: S608  (our own names)
    f"SELECT {_FROM_JSON} FROM json_each(:rows) AS j"
)
_STANDING = ("lead_id", "as_of_us", "probability", "band", "score_id", "release_id")
_SQLITE_STANDING = sa.text(
    f"INSERT INTO standing ({', '.join(_STANDING)}) SELECT "  # noqa: S608  (our own names)
    + ", ".join(f"json_extract(j.value, '$.{name}')" for name in _STANDING)
    + " FROM json_each(:rows) AS j WHERE json_extract(j.value, '$.role') = 'champion' "
    "ON CONFLICT (lead_id) DO UPDATE SET as_of_us = excluded.as_of_us, "
    "probability = excluded.probability, band = excluded.band, score_id = excluded.score_id, "
    "release_id = excluded.release_id WHERE excluded.as_of_us >= standing.as_of_us"
)


def _move_in_sqlite(connection: sa.Connection, rows: Sequence[ScoreRow]) -> None:
    """One statement for all rows: SQLite takes them apart itself, without holding our lock."""
    text = msgspec.json.encode(rows).decode()
    connection.execute(_SQLITE_SCORES, {"rows": text})
    connection.execute(_SQLITE_STANDING, {"rows": text})


def _move_in_postgresql(connection: sa.Connection, rows: Sequence[ScoreRow]) -> None:
    plain = [
        {**msgspec.structs.asdict(row), "shares": msgspec.json.encode(row.shares).decode()}
        for row in rows
    ]
    connection.execute(postgresql.insert(score).on_conflict_do_nothing(), plain)
    newest: dict[str, dict[str, Any]] = {}
    for row in plain:
        before = newest.get(row["lead_id"])
        if row["role"] == "champion" and (before is None or before["as_of_us"] <= row["as_of_us"]):
            newest[row["lead_id"]] = {name: row[name] for name in _STANDING}
    if newest:
        insert = postgresql.insert(standing)
        excluded = insert.excluded
        connection.execute(
            insert.on_conflict_do_update(
                index_elements=["lead_id"],
                set_={name: excluded[name] for name in _STANDING[1:]},
                where=excluded.as_of_us >= standing.c.as_of_us,
            ),
            sorted(newest.values(), key=lambda row: str(row["lead_id"])),
        )


def forget_before(connection: sa.Connection, asked_us: int) -> int:
    """Drop scores older than they are to be kept; how many."""
    return connection.execute(sa.delete(score).where(score.c.asked_us < asked_us)).rowcount


__all__ = ["ScoreRow", "forget_before", "move_in", "read_journal", "without_erased"]
