"""The worklist read: filtered, ranked, counted, a page at a time, with what a line shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from scoring.bands import Band
from serving.store import tables
from serving.store.page_tables import override, worklist
from serving.store.worklist_lines import NO_CONTACT, OPEN, PAUSED, RANK

CHOICES = ("source", "owner", "segment", "account")
MAX_CHOICES = 200
SPARK_SCORES = 16
TO_CALL, LEFT_ALONE = "call", "left_alone"
SHOWN_STATES = {TO_CALL: (OPEN,), LEFT_ALONE: (PAUSED, NO_CONTACT)}


@dataclass(frozen=True)
class Filters:
    """What the list is narrowed to; "" is no filter.

    ``show``: ``call`` (open, may be contacted) or ``left_alone`` (open in the CRM, but paused or
    not to be contacted). ``search``: a part of the id, the name or the account.
    """

    show: str = TO_CALL
    band: str = ""
    source: str = ""
    owner: str = ""
    segment: str = ""
    account: str = ""
    search: str = ""

    def condition(self) -> sa.ColumnElement[bool]:
        """As SQL; band, state and the four choices go by an index."""
        conditions: list[sa.ColumnElement[bool]] = [worklist.c.state.in_(SHOWN_STATES[self.show])]
        if self.band:
            conditions.append(_is_in(self.band))
        for name in CHOICES:
            value = getattr(self, name)
            if value:
                conditions.append(worklist.c[name] == value)
        if self.search:
            conditions.append(worklist.c.lead_id.in_(self._found()))
        return sa.and_(*conditions)

    def _found(self) -> sa.Select[tuple[str]]:
        """The leads that the search finds: by one index, which holds nothing else."""
        line = worklist.alias("searched").c
        query = sa.select(line.lead_id).where(line.state.in_(SHOWN_STATES[self.show]))
        return query.where(line.search.contains(self.search.lower(), autoescape=True))


@dataclass(frozen=True)
class Line:
    """One lead of the list: its row of ``worklist``, its score as answered, its scores of the past.

    ``answer``: JSON as sent. ``past``: (as_of in microseconds, probability), oldest first.
    ``override``: the row of the table ``override`` that holds; None where nobody overruled.
    """

    rank: int
    row: sa.Row[Any]
    answer: str
    past: list[tuple[int, float]]
    override: sa.Row[Any] | None


def lines(
    connection: sa.Connection, filters: Filters, limit: int, offset: int, *, with_past: bool = True
) -> list[Line]:
    """The lines from ``offset`` on, hottest first; of equals the lead_id decides."""
    query = sa.select(worklist).where(filters.condition())
    query = query.order_by(worklist.c.place.desc(), worklist.c.lead_id)
    rows = list(connection.execute(query.limit(limit).offset(offset)))
    answers = _answers(connection, [row.score_id for row in rows])
    changed = [row.lead_id for row in rows if row.band != row.model_band]
    overruled = overrides_of(connection, changed)
    return [
        Line(
            offset + i + 1, row, answers.get(row.score_id, "{}"),
            past_scores(connection, row.lead_id) if with_past else [],
            overruled.get(row.lead_id),
        )
        for i, row in enumerate(rows)
    ]  # fmt: skip


def count_by_band(connection: sa.Connection, filters: Filters) -> dict[str, int]:
    """How many leads match, by band."""
    columns = [sa.func.sum(sa.case((_is_in(band.value), 1), else_=0)) for band in _HOTTEST_FIRST]
    row = connection.execute(sa.select(*columns).where(filters.condition())).one()
    return {band.value: n or 0 for band, n in zip(_HOTTEST_FIRST, row, strict=True)}


_HOTTEST_FIRST = tuple(reversed(Band))


def _is_in(band: str) -> sa.ColumnElement[bool]:
    """Whether a line is in a band, by its place alone: every index of the list holds that."""
    place = worklist.c.place
    return sa.and_(place >= RANK[band], place < RANK[band] + 1)


def count_left_alone(connection: sa.Connection) -> int:
    """How many leads with a score are open and yet not to be called."""
    query = sa.select(sa.func.count()).select_from(worklist)
    return connection.scalar(query.where(worklist.c.state.in_(SHOWN_STATES[LEFT_ALONE]))) or 0


def choices(connection: sa.Connection) -> dict[str, list[str]]:
    """The values there are of each column that the list can be narrowed by, by name.

    Of a column with more than ``MAX_CHOICES`` values none is given: it is searched instead.
    """
    return {name: _values(connection, worklist.c[name]) for name in CHOICES}


def _values(connection: sa.Connection, column: sa.Column[Any]) -> list[str]:
    """Different values, each found by one step through the index (a loose scan)."""
    found: list[str] = []
    for state in (OPEN, PAUSED, NO_CONTACT):
        value: str | None = ""
        while len(found) <= MAX_CHOICES:
            query = sa.select(sa.func.min(column)).where(worklist.c.state == state, column > value)
            value = connection.scalar(query)
            if value is None:
                break
            found.append(value)
    unique = sorted(set(found), key=str.casefold)
    return unique if len(unique) <= MAX_CHOICES else []


def overrides_of(connection: sa.Connection, lead_ids: Sequence[str]) -> dict[str, sa.Row[Any]]:
    """The override that holds for each of these leads."""
    query = sa.select(override).where(override.c.lead_id.in_(lead_ids)).order_by(override.c.id)
    last = {row.lead_id: row for row in connection.execute(query)} if lead_ids else {}
    return {lead_id: row for lead_id, row in last.items() if row.band}


def past_scores(connection: sa.Connection, lead_id: str) -> list[tuple[int, float]]:
    """The champion's last scores of a lead, oldest first."""
    score = tables.score.c
    query = sa.select(score.as_of_us, score.probability)
    query = query.where(score.lead_id == lead_id, score.role == "champion")
    rows = connection.execute(query.order_by(score.as_of_us.desc()).limit(SPARK_SCORES)).all()
    return [(row.as_of_us, row.probability) for row in reversed(rows)]


def _answers(connection: sa.Connection, score_ids: Sequence[str]) -> dict[str, str]:
    score = tables.score.c
    query = sa.select(score.score_id, score.answer).where(score.score_id.in_(score_ids))
    return {row.score_id: row.answer for row in connection.execute(query)}
