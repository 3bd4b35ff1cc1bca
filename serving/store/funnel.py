"""Figures of the funnel: leads and money by band and source, moves between bands, time in them.

Every lead counts once in each table; what a table leaves out (leads without a score, or without a
creation) it does not hold at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from scoring.bands import Band
from serving.store import tables
from serving.store.page_tables import band_move, worklist
from serving.store.worklist_lines import CONVERTED, LOST
from serving.timestamps import moment_of

DAY_US = 86_400_000_000
BANDS = tuple(band.value for band in Band)


@dataclass
class Tally:
    """Leads of one row: how they stand, how they ended, what they cost.

    ``priced``: leads with a known cost; ``cost``: the sum over these; ``priced_converted``: those
    of them that converted, so that a cost a conversion divides like by like.
    """

    leads: int = 0
    by_band: dict[str, int] = field(default_factory=lambda: dict.fromkeys(BANDS, 0))
    converted: int = 0
    lost: int = 0
    priced: int = 0
    priced_converted: int = 0
    cost: float = 0.0

    @property
    def closed(self) -> int:
        """Leads with an outcome."""
        return self.converted + self.lost

    @property
    def cost_per_lead(self) -> float | None:
        """Over the leads whose cost is known; None without one."""
        return self.cost / self.priced if self.priced else None

    @property
    def cost_per_conversion(self) -> float | None:
        """Over the leads whose cost is known; None without a conversion among them."""
        return self.cost / self.priced_converted if self.priced_converted else None

    def add(self, row: sa.Row[Any]) -> None:
        """Take in a group of leads that are alike in band and state."""
        self.leads += row.n
        self.by_band[row.model_band] += row.n
        self.priced += row.priced
        self.cost += row.cost or 0.0
        if row.state == CONVERTED:
            self.converted += row.n
            self.priced_converted += row.priced
        elif row.state == LOST:
            self.lost += row.n


@dataclass(frozen=True)
class Funnel:
    """Everything on the page. ``moves``: (from, to) → how often, "" is the first score, and
    ``converted`` and ``lost`` are where leads go in the end. ``days_in``: band → days that leads
    spent in it and left it, and how many such stays."""

    total: Tally
    by_band: dict[str, Tally]
    by_source: list[tuple[str, Tally]]
    by_month: list[tuple[str, Tally]]
    moves: dict[tuple[str, str], int]
    days_in: dict[str, tuple[float, int]]
    over_time: list[tuple[str, dict[str, tuple[int, int]]]]


def funnel(connection: sa.Connection, from_us: int | None, to_us: int | None) -> Funnel:
    """The funnel of the leads created in [from, to); of all leads where neither is given.

    Of all leads, moves are counted by themselves: every lead that moved has a line.
    """
    window = None if from_us is None and to_us is None else _created(from_us, to_us)
    groups = _groups(connection, window)
    total, by_band = Tally(), {band: Tally() for band in BANDS}
    by_source: dict[str, Tally] = {}
    by_month: dict[str, Tally] = {}
    for row in groups:
        total.add(row)
        by_band[row.model_band].add(row)
        by_source.setdefault(row.source, Tally()).add(row)
        if row.day is not None:
            month = f"{moment_of(row.day * DAY_US):%Y-%m}"
            by_month.setdefault(month, Tally()).add(row)
    return Funnel(
        total, by_band,
        sorted(by_source.items(), key=lambda pair: (-pair[1].leads, pair[0])),
        sorted(by_month.items()),
        _moves(connection, window), _days_in(connection, window), _over_time(connection, window),
    )  # fmt: skip


Window = sa.ColumnElement[bool] | None
"""The lines that count; None: all of them."""


def _created(from_us: int | None, to_us: int | None) -> sa.ColumnElement[bool]:
    conditions: list[sa.ColumnElement[bool]] = [sa.true()]
    if from_us is not None:
        conditions.append(worklist.c.created_us >= from_us)
    if to_us is not None:
        conditions.append(worklist.c.created_us < to_us)
    return sa.and_(*conditions)


def _groups(connection: sa.Connection, window: Window) -> Sequence[sa.Row[Any]]:
    line = worklist.c
    day = (line.created_us / sa.literal(DAY_US, sa.BigInteger)).cast(sa.BigInteger).label("day")
    query = sa.select(
        line.model_band, line.state, line.source, day, sa.func.count().label("n"),
        sa.func.count(line.cost).label("priced"), sa.func.sum(line.cost).label("cost"),
    ).where(_all_if_none(window))  # fmt: skip
    return connection.execute(query.group_by(line.model_band, line.state, line.source, day)).all()


def _all_if_none(window: Window) -> sa.ColumnElement[bool]:
    return sa.true() if window is None else window


def _within(moves: sa.Select[Any], window: Window) -> sa.Select[Any]:
    """Moves of the leads whose line counts."""
    if window is None:
        return moves
    return moves.join(worklist, worklist.c.lead_id == band_move.c.lead_id).where(window)


def _moves(connection: sa.Connection, window: Window) -> dict[tuple[str, str], int]:
    """How often leads went from band to band, and from their last band to an outcome."""
    move, line = band_move.c, worklist.c
    query = _within(sa.select(move.band, move.before, sa.func.count()), window)
    rows = connection.execute(query.group_by(move.band, move.before))
    found = {(before, band): n for band, before, n in rows}
    ended = sa.select(line.model_band, line.state, sa.func.count()).where(
        _all_if_none(window), line.state.in_((CONVERTED, LOST))
    )
    for band, state, n in connection.execute(ended.group_by(line.model_band, line.state)):
        found[band, state] = n
    return found


def _days_in(connection: sa.Connection, window: Window) -> dict[str, tuple[float, int]]:
    """(mean days, stays) of the stays in each band that are over: by a move, or by an outcome."""
    found: dict[str, tuple[float, int]] = {}
    for query in (_ended_by_a_move(window), _ended_by_an_outcome(window)):
        for band, mean, n in connection.execute(query):
            days, stays = found.get(band, (0.0, 0))
            total = days * stays + float(mean) / DAY_US * n
            found[band] = total / (stays + n), stays + n
    return found


def _ended_by_a_move(window: Window) -> sa.Select[Any]:
    """By band: the mean microseconds of the stays that moves ended, and how many there are."""
    move = band_move.c
    query = sa.select(move.before, sa.func.avg(move.at_us - move.since_us), sa.func.count())
    return _within(query.where(move.since_us.is_not(None)), window).group_by(move.before)


def _ended_by_an_outcome(window: Window) -> sa.Select[Any]:
    """The same from a lead's last move to its outcome, where that is no earlier."""
    move, later, outcome = band_move.c, band_move.alias("later").c, tables.outcome.c
    is_last = ~sa.exists().where(
        later.lead_id == move.lead_id,
        sa.or_(later.at_us > move.at_us, sa.and_(later.at_us == move.at_us, later.id > move.id)),
    )
    query = sa.select(move.band, sa.func.avg(outcome.occurred_us - move.at_us), sa.func.count())
    query = query.join(worklist, worklist.c.lead_id == move.lead_id)
    query = query.join(tables.outcome, outcome.lead_id == move.lead_id)
    query = query.where(_all_if_none(window), worklist.c.state.in_((CONVERTED, LOST)))
    return query.where(is_last, outcome.occurred_us >= move.at_us).group_by(move.band)


def _over_time(
    connection: sa.Connection, window: Window
) -> list[tuple[str, dict[str, tuple[int, int]]]]:
    """By month of the first score: in each band of that score, (closed leads, converted ones)."""
    move, line = band_move.c, worklist.c
    day = (move.at_us / sa.literal(DAY_US, sa.BigInteger)).cast(sa.BigInteger).label("day")
    won = sa.func.sum(sa.case((line.state == CONVERTED, 1), else_=0))
    query = sa.select(day, move.band, sa.func.count(), won).join(
        worklist, line.lead_id == move.lead_id
    )
    query = query.where(_all_if_none(window), move.before == "", line.state.in_((CONVERTED, LOST)))
    months: dict[str, dict[str, tuple[int, int]]] = {}
    for at, band, closed, converted in connection.execute(query.group_by(day, move.band)):
        month = months.setdefault(f"{moment_of(at * DAY_US):%Y-%m}", {})
        before = month.get(band, (0, 0))
        month[band] = (before[0] + closed, before[1] + converted)
    return sorted(months.items())
