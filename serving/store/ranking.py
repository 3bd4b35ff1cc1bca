"""The list of leads to call, and a lead's scores of the past; a page at a time.

What the list shows of a lead (name, owner, source, account, reasons) was written with its score.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import msgspec
import sqlalchemy as sa

from serving.problems import Problem
from serving.store.tables import alias, latest_score, outcome, score, service_state

Order = Literal["-probability", "probability", "-updated", "updated", "lead_id"]

STATUSES = ("open", "closed", "all")

ANY = "any"
"""Instead of a release: each lead's newest score, whichever release made it."""

LISTED = "listed_release"


@dataclass(frozen=True, slots=True)
class ListQuery:
    """Which leads to list, in which order. ``release``: an id, "any", or None: see
    :func:`listed_release`. ``status``: open (without an outcome), closed or all."""

    band: str | None = None
    owner: str | None = None
    source: str | None = None
    account: str | None = None
    updated_since_us: int | None = None
    min_probability: float | None = None
    status: str = "open"
    release: str | None = None
    order: Order = "-probability"
    limit: int = 50
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class LeadList:
    """A page of the list. ``rows``: of the latest scores with ``outcome`` (None while open).

    ``by_band``: how many leads of each band fit the query, over all pages, ``total`` in sum.
    ``release_id``: whose scores these are; None for any, or before the first score.
    """

    rows: list[sa.Row[Any]]
    next: str | None
    total: int
    by_band: dict[str, int]
    release_id: str | None


def lead_list(connection: sa.Connection, query: ListQuery, *, refreshed: bool = True) -> LeadList:
    """The leads of a query, a page at a time; 404 for a cursor of another order.

    ``refreshed``: whether the service scores stored leads anew by itself.
    """
    release = query.release or listed_release(connection, refreshed=refreshed)
    fitting = _fitting(query, release)
    counted = sa.select(latest_score.c.band, sa.func.count()).select_from(_WITH_OUTCOME)
    bands = {row[0]: row[1] for row in connection.execute(counted.where(*fitting).group_by("band"))}
    found = sa.select(latest_score, outcome.c.outcome).select_from(_WITH_OUTCOME).where(*fitting)
    rows, following = _page(connection, found, query)
    total = sum(bands.values())
    return LeadList(rows, following, total, bands, None if release == ANY else release)


_WITH_OUTCOME = sa.outerjoin(latest_score, outcome, latest_score.c.lead_id == outcome.c.lead_id)


def listed_release(connection: sa.Connection, *, refreshed: bool = True) -> str | None:
    """The release whose scores are listed; None before the first.

    After a promotion the old release stays until the new one has scored every open lead. Where
    nothing scores them by itself, it is the release that has scored the most leads.
    """
    if refreshed:
        query = sa.select(service_state.c.value).where(service_state.c.key == LISTED)
        known: str | None = connection.scalar(query)
        if known is not None:
            return known
    return connection.scalar(
        sa.select(latest_score.c.release_id)
        .group_by(latest_score.c.release_id)
        .order_by(sa.func.count().desc(), sa.func.max(latest_score.c.asked_us).desc())
        .limit(1)
    )


def _fitting(query: ListQuery, release: str | None) -> list[sa.ColumnElement[bool]]:
    table = latest_score.c
    fitting: list[sa.ColumnElement[bool]] = [~sa.exists().where(alias.c.alias_id == table.lead_id)]
    if release == ANY:
        fitting.append(~_newer_of_another())
    else:
        fitting.append(table.release_id == (release or ""))
    if query.status != "all":
        is_open = outcome.c.lead_id.is_(None)
        fitting.append(is_open if query.status == "open" else ~is_open)
    for name in ("band", "owner", "source", "account"):
        wanted = getattr(query, name)
        if wanted is not None:
            fitting.append(table[name] == wanted)
    if query.updated_since_us is not None:
        fitting.append(table.asked_us >= query.updated_since_us)
    if query.min_probability is not None:
        fitting.append(table.probability >= query.min_probability)
    return fitting


def _newer_of_another() -> sa.Exists:
    other = latest_score.alias("other")
    newer = sa.or_(
        other.c.as_of_us > latest_score.c.as_of_us,
        sa.and_(
            other.c.as_of_us == latest_score.c.as_of_us,
            other.c.release_id > latest_score.c.release_id,
        ),
    )
    return sa.exists().where(other.c.lead_id == latest_score.c.lead_id, newer)


def _page(
    connection: sa.Connection, query: sa.Select[Any], wanted: ListQuery
) -> tuple[list[sa.Row[Any]], str | None]:
    table, limit = latest_score.c, wanted.limit
    by = {"probability": table.probability, "updated": table.asked_us, "lead_id": table.lead_id}
    name = wanted.order.removeprefix("-")
    key, down = by[name], wanted.order.startswith("-")
    query = query.order_by(key.desc() if down else key, table.lead_id).limit(limit + 1)
    if wanted.cursor is not None:
        kind = {"probability": float, "updated": int, "lead_id": str}[name]
        at, lead_id = read_cursor(wanted.cursor, (kind, str))
        further = key < at if down else key > at
        query = query.where(sa.or_(further, sa.and_(key == at, table.lead_id > lead_id)))
    rows = list(connection.execute(query))
    if len(rows) <= limit:
        return rows, None
    last = rows[limit - 1]
    return rows[:limit], write_cursor([getattr(last, key.key), last.lead_id])


def scores_of(
    connection: sa.Connection, lead_ids: Sequence[str], limit: int, cursor: str | None
) -> tuple[list[sa.Row[Any]], str | None]:
    """(the scores under a lead's ids, newest first, and the one before the last; cursor of the
    next page)."""
    table = score.c
    query = sa.select(score).where(table.lead_id.in_(lead_ids))
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
        if any(isinstance(word, str) and "\x00" in word for word in (first, second)):
            raise ValueError("NUL")
        if isinstance(first, int) and not -(2**63) <= first < 2**63:
            raise ValueError("out of range")
        return first, second
    except (ValueError, binascii.Error, msgspec.MsgspecError):
        raise Problem(
            404, "no-such-page", "This cursor leads nowhere; take it from `next`."
        ) from None
