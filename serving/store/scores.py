"""Scores in the store: loaded from journals, retained, ranked, read."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import sqlalchemy as sa

from features.compute.array_types import Float64
from serving.outbox.changes import ChangePolicy, in_order, record_changes
from serving.store.aliases import current_ids
from serving.store.bulk import insert_new, insert_values, is_one_of
from serving.store.latest_scores import COLUMNS as LATEST_SCORE_COLUMNS
from serving.store.latest_scores import IF_NEWER, latest_score_rows
from serving.store.tables import score
from serving.store.tombstones import Tombstones
from serving.store.worklist_lines import after_scores

log = logging.getLogger("leadscore.store")


AT_ONCE = 2000


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
    try:
        return _decoder.decode_lines(content)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _whole_rows_of(content)


def _whole_rows_of(content: bytes) -> list[ScoreRow]:
    """The rows of a journal with torn lines, line by line."""
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


def move_in(
    connection: sa.Connection,
    rows: Sequence[ScoreRow],
    tombstones: Tombstones,
    policy: ChangePolicy | None = None,
) -> int:
    """Add the rows that are not there yet, but those of erased leads; how many were given.

    In the same transaction the list shows each lead's newest score, and what it changes enters the
    outbox. A row that is there already does neither again.
    """
    policy = policy or ChangePolicy()
    in_order(connection)  # an erasure waits for its turn too, so none falls in between
    rows = without_erased(connection, rows, tombstones)
    for start in range(0, len(rows), AT_ONCE):
        part = without_known(connection, rows[start : start + AT_ONCE])
        plain = [_plain(row) for row in part]
        if connection.dialect.name == "sqlite":
            insert_values(connection, _SQLITE_SCORES, [tuple(row.values()) for row in plain])
        else:
            insert_new(connection, score, plain)
        merged = current_ids(connection, {row["lead_id"] for row in plain})
        champion = [
            row for row in plain if row["role"] == "champion" and row["lead_id"] not in merged
        ]
        _keep_latest(connection, latest_score_rows(connection, champion, policy.shown))
        record_changes(connection, champion, policy)
        after_scores(connection, champion)
    return len(rows)


def without_known(connection: sa.Connection, rows: Sequence[ScoreRow]) -> list[ScoreRow]:
    """The rows that the store has not got yet, each once."""
    unique = {row.score_id: row for row in rows}
    query = sa.select(score.c.score_id).where(is_one_of(connection, score.c.score_id, unique))
    for known in connection.scalars(query).all():
        del unique[known]
    return list(unique.values())


def without_erased(
    connection: sa.Connection, rows: Sequence[ScoreRow], tombstones: Tombstones
) -> Sequence[ScoreRow]:
    """The rows of leads that were not erased."""
    erased = tombstones.held(connection, {row.lead_id for row in rows})
    return [row for row in rows if row.lead_id not in erased] if erased else rows


_SQLITE_SCORES = f"INSERT OR IGNORE INTO score ({', '.join(COLUMNS)}) VALUES "  # noqa: S608


_INSERT_LATEST = f"INSERT INTO standing ({', '.join(LATEST_SCORE_COLUMNS)}) VALUES "  # noqa: S608


def _keep_latest(connection: sa.Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Show these as the leads' newest scores, unless a newer one is shown."""
    if connection.dialect.name == "sqlite":
        insert_values(connection, _INSERT_LATEST, [tuple(row.values()) for row in rows], IF_NEWER)
    elif rows:
        named = ", ".join(f":{name}" for name in LATEST_SCORE_COLUMNS)
        connection.execute(sa.text(f"{_INSERT_LATEST}({named}){IF_NEWER}"), list(rows))


def _plain(row: ScoreRow) -> dict[str, Any]:
    """The row in the table's own types and order."""
    return {
        **msgspec.structs.asdict(row),
        "input": str(row.input, "utf-8"),
        "answer": str(row.answer, "utf-8"),
    }


def forget_before(connection: sa.Connection, asked_us: int) -> int:
    """Drop scores older than they are to be kept; how many."""
    return connection.execute(sa.delete(score).where(score.c.asked_us < asked_us)).rowcount


__all__ = ["ScoreRow", "forget_before", "move_in", "rows_of", "without_erased"]
