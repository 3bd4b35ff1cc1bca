"""Fit against engagement: how many leads lie where, by the points of the scorecard."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from serving.store.page_tables import worklist
from serving.store.worklist_lines import CONVERTED, LOST

CLASSES = 4


@dataclass(frozen=True)
class Cell:
    """Leads of one class of fit and of engagement; ``closed`` of them, ``converted`` of these."""

    leads: int = 0
    closed: int = 0
    converted: int = 0


@dataclass(frozen=True)
class FitEngagementMatrix:
    """``cells``: rows of fit, the best first, by columns of engagement, the least first.

    ``fit_from`` and ``engagement_from``: the points at which each class begins.
    """

    cells: list[list[Cell]]
    fit_from: list[float]
    engagement_from: list[float]


def matrix(connection: sa.Connection) -> FitEngagementMatrix | None:
    """Four classes of equal width up to the highest points there are; None without any points."""
    line = worklist.c
    top_fit, top_engagement = connection.execute(
        sa.select(sa.func.max(line.fit), sa.func.max(line.engagement))
    ).one()
    if top_fit is None or top_engagement is None:
        return None
    fit, engagement = _class(line.fit, top_fit), _class(line.engagement, top_engagement)
    is_closed, has_converted = line.state.in_((CONVERTED, LOST)), line.state == CONVERTED
    query = sa.select(
        fit.label("fit_class"), engagement.label("engagement_class"), sa.func.count(),
        sa.func.sum(sa.case((is_closed, 1), else_=0)),
        sa.func.sum(sa.case((has_converted, 1), else_=0)),
    ).where(line.fit.is_not(None), line.engagement.is_not(None))  # fmt: skip
    found = {
        (int(row), int(column)): Cell(n, closed, converted)
        for row, column, n, closed, converted in connection.execute(
            query.group_by(sa.text("fit_class"), sa.text("engagement_class"))
        )
    }
    cells = [
        [found.get((row, column), Cell()) for column in range(CLASSES)]
        for row in reversed(range(CLASSES))
    ]
    return FitEngagementMatrix(cells, _starts(top_fit)[::-1], _starts(top_engagement))


def _class(column: sa.Column[float | None], top: float) -> sa.ColumnElement[int]:
    """0 … CLASSES − 1 by equal parts of 0 … top; points below zero are in the lowest class."""
    starts = _starts(top)
    steps = [(column >= start, i) for i, start in reversed(list(enumerate(starts)))]
    return sa.case(*steps[:-1], else_=0)


def _starts(top: float) -> list[float]:
    return [max(top, 0.0) * i / CLASSES for i in range(CLASSES)]
