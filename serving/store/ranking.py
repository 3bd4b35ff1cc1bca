"""Leads ranked by their newest score, and a lead's scores of the past; a page at a time."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from serving.problems import Problem
from serving.store.tables import score, standing


def ranked(
    connection: sa.Connection, band: str | None, limit: int, cursor: str | None
) -> tuple[list[sa.Row[Any]], str | None]:
    """(rows of ``standing``, highest probability first; cursor of the next page or None)."""
    table = standing.c
    query = sa.select(standing).order_by(table.probability.desc(), table.lead_id).limit(limit + 1)
    if band is not None:
        query = query.where(table.band == band)
    if cursor is not None:
        probability, lead_id = read_cursor(cursor, (float, str))
        later = sa.and_(table.probability == probability, table.lead_id > lead_id)
        query = query.where(sa.or_(table.probability < probability, later))
    rows = list(connection.execute(query))
    if len(rows) <= limit:
        return rows, None
    last = rows[limit - 1]
    return rows[:limit], write_cursor([last.probability, last.lead_id])


def scores_of(
    connection: sa.Connection, lead_id: str, limit: int, cursor: str | None
) -> tuple[list[sa.Row[Any]], str | None]:
    """(a lead's scores, newest first, and the one before the last; cursor of the next page)."""
    table = score.c
    query = sa.select(score).where(table.lead_id == lead_id)
    query = query.order_by(table.as_of_us.desc(), table.score_id.desc()).limit(limit + 1)
    if cursor is not None:
        as_of_us, score_id = read_cursor(cursor, (int, str))
        later = sa.and_(table.as_of_us == as_of_us, table.score_id < score_id)
        query = query.where(sa.or_(table.as_of_us < as_of_us, later))
    rows = list(connection.execute(query))
    if len(rows) <= limit:
        return rows, None
    return rows, write_cursor([rows[limit - 1].as_of_us, rows[limit - 1].score_id])


def write_cursor(key: Sequence[Any]) -> str:
    """Where a page ended, as a word for a URL."""
    return base64.urlsafe_b64encode(msgspec.json.encode(key)).decode().rstrip("=")


def read_cursor(cursor: str, kinds: tuple[type, type]) -> tuple[Any, Any]:
    """What :func:`write_cursor` wrote; a 404 for anything else."""
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        text = base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True)
        wanted: Any = tuple[kinds]  # type: ignore[valid-type]
        first, second = msgspec.json.decode(text, type=wanted)
        if isinstance(second, str) and "\x00" in second:
            raise ValueError("NUL")
        if isinstance(first, int) and not -(2**63) <= first < 2**63:
            raise ValueError("out of range")
        return first, second
    except (ValueError, binascii.Error, msgspec.MsgspecError):
        raise Problem(
            404, "no-such-page", "This cursor leads nowhere; take it from `next`."
        ) from None
