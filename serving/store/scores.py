"""Scores in the store: loaded from journals, retained, ranked, read."""

from __future__ import annotations

import base64
import itertools
import json
import logging
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql

from features.compute.array_types import Float64
from serving.store.tables import score, standing, tombstone
from serving.store.tombstones import Tombstones

log = logging.getLogger("leadscore.store")


AT_ONCE = 2000


AT_A_STEP = 64
"""Rows that SQLite takes in one statement."""


class ScoreRow(msgspec.Struct, frozen=True):
    """A line of the journal and a row of the table ``score``: see there.

    ``input`` and ``answer`` are JSON of their own, kept as they came; see :func:`on_one_line`.
    """

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
    input: msgspec.Raw
    answer: msgspec.Raw
    shares: str


_decoder = msgspec.json.Decoder(ScoreRow)


_encode = msgspec.json.Encoder().encode


COLUMNS = [column.name for column in score.columns]


def on_one_line(text: bytes) -> msgspec.Raw:
    """JSON that was decoded already, without line breaks: between its tokens they mean nothing,
    and within a string they cannot stand."""
    if b"\n" in text:
        text = text.replace(b"\n", b" ")
    return msgspec.Raw(text)


def packed(shares: Float64) -> str:
    """Every feature's share as float32, little-endian, in base64: short, and quick to write."""
    return base64.b64encode(shares.astype("<f4").tobytes()).decode("ascii")


def unpacked(text: str) -> list[float]:
    """The shares again, to six decimals.

    >>> unpacked(packed(np.array([0.25, -1.1])))
    [0.25, -1.1]
    """
    if text.startswith("["):
        return [float(share) for share in json.loads(text)]
    shares = np.frombuffer(base64.b64decode(text), "<f4")
    return [float(share) for share in np.round(shares.astype(np.float64), 6)]


def line_of(row: ScoreRow) -> bytes:
    """A row as the journal holds it, newline included."""
    return _encode(row) + b"\n"


def rows_of(content: bytes) -> list[ScoreRow]:
    """The rows of a closed journal; a line torn by a crash was never acknowledged: skipped."""
    rows, torn = [], 0
    for line in content.split(b"\n"):
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


_STANDING = ("lead_id", "as_of_us", "probability", "band", "score_id", "release_id")


_SQLITE_SCORES = f"INSERT OR IGNORE INTO score ({', '.join(COLUMNS)}) VALUES "  # noqa: S608


_SQLITE_STANDING = f"INSERT INTO standing ({', '.join(_STANDING)}) VALUES "  # noqa: S608


_IF_NEWER = (
    " ON CONFLICT (lead_id) DO UPDATE SET as_of_us = excluded.as_of_us, "
    "probability = excluded.probability, band = excluded.band, score_id = excluded.score_id, "
    "release_id = excluded.release_id WHERE excluded.as_of_us >= standing.as_of_us"
)


def _move_in_sqlite(connection: sa.Connection, rows: Sequence[ScoreRow]) -> None:
    plain = [_plain(row) for row in rows]
    _insert(connection, _SQLITE_SCORES, [tuple(row.values()) for row in plain])
    _insert(
        connection, _SQLITE_STANDING, [tuple(row.values()) for row in _newest(plain)], _IF_NEWER
    )


def _insert(
    connection: sa.Connection, head: str, rows: Sequence[tuple[Any, ...]], tail: str = ""
) -> None:
    """Many rows a statement, so that SQLite works long without Python's lock.

    The sizes are few, so that each statement is prepared once a connection.
    """
    start, size = 0, AT_A_STEP
    while start < len(rows):
        while size > len(rows) - start:
            size //= 2
        part = rows[start : start + size]
        one = f"({', '.join('?' * len(part[0]))})"
        values = tuple(itertools.chain.from_iterable(part))
        connection.exec_driver_sql(f"{head}{', '.join([one] * size)}{tail}", values)
        start += size


def _plain(row: ScoreRow) -> dict[str, Any]:
    """The row in the table's own types and order."""
    return {
        **msgspec.structs.asdict(row),
        "input": bytes(row.input).decode(),
        "answer": bytes(row.answer).decode(),
    }


def _newest(plain: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The champion's newest score of each lead as rows of ``standing``, by lead."""
    newest: dict[str, dict[str, Any]] = {}
    for row in plain:
        before = newest.get(row["lead_id"])
        if row["role"] == "champion" and (before is None or before["as_of_us"] <= row["as_of_us"]):
            newest[row["lead_id"]] = row
    return [{name: newest[lead][name] for name in _STANDING} for lead in sorted(newest)]


def _move_in_postgresql(connection: sa.Connection, rows: Sequence[ScoreRow]) -> None:
    plain = [_plain(row) for row in rows]
    connection.execute(postgresql.insert(score).on_conflict_do_nothing(), plain)
    newest = _newest(plain)
    if newest:
        insert = postgresql.insert(standing)
        excluded = insert.excluded
        connection.execute(
            insert.on_conflict_do_update(
                index_elements=["lead_id"],
                set_={name: excluded[name] for name in _STANDING[1:]},
                where=excluded.as_of_us >= standing.c.as_of_us,
            ),
            newest,
        )


def forget_before(connection: sa.Connection, asked_us: int) -> int:
    """Drop scores older than they are to be kept; how many."""
    return connection.execute(sa.delete(score).where(score.c.asked_us < asked_us)).rowcount


__all__ = ["ScoreRow", "forget_before", "move_in", "rows_of", "without_erased"]
