"""Odoo CRM's predictive lead scoring, implemented afresh as a baseline: naive Bayes per team.

Source: the published formula of Odoo's ``crm`` addon (``_pls_*`` methods and their test). Counts
are smoothed by 0.1; a value never seen with a field is skipped; a stage counts for the stages
before it; tags are factors of their own once seen often enough.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

SMOOTHING = 0.1
MIN_TAG_COUNT = 50
LOWEST, HIGHEST = 0.01, 99.99

Team = str | None
Cell = tuple[float, float]
"""(won, lost), smoothing included."""


@dataclass(frozen=True)
class CrmLead:
    """A lead as Odoo sees it. ``fields``: set fields only; ``stage``: position from 0."""

    fields: Mapping[str, str]
    team: Team = None
    stage: int | None = None
    tags: Sequence[str] = ()


@dataclass(frozen=True)
class Frequencies:
    """One team's table: field → value → (won, lost); stages by position; tags."""

    cells: dict[str, dict[str, Cell]] = field(default_factory=dict)
    stages: tuple[Cell, ...] = ()
    tags: dict[str, Cell] = field(default_factory=dict)
    closed: Cell = (SMOOTHING, SMOOTHING)


@dataclass(frozen=True)
class OdooScores:
    """The trained tables. ``won_stage``: position of the stage that means won, if there are any."""

    teams: dict[Team, Frequencies]
    pooled: Frequencies
    won_stage: int | None = None

    def score(self, lead: CrmLead) -> float | None:
        """Percent chance to win, two decimals in 0.01 … 99.99; None where no side was ever seen.

        Without stages in the training data the prior is that of won and lost leads.
        """
        table = self.teams.get(lead.team, self.pooled) if lead.team is not None else self.pooled
        prior = table.closed
        if self.won_stage is not None:
            if lead.stage is None:
                return 0.0
            if lead.stage == self.won_stage:
                return 100.0
            prior = table.stages[0]
        won, lost = prior
        if won == 0 or lost == 0:
            return None
        s_won, s_lost = won / (won + lost), lost / (won + lost)
        for cell, total in self._factors(table, lead, prior):
            s_won *= cell[0] / total[0]
            s_lost *= cell[1] / total[1]
        if s_won + s_lost == 0:
            return None
        return min(max(round(100 * s_won / (s_won + s_lost), 2), LOWEST), HIGHEST)

    def _factors(
        self, table: Frequencies, lead: CrmLead, prior: Cell
    ) -> Iterable[tuple[Cell, Cell]]:
        """(cell, total) of every factor that applies to this lead."""
        if self.won_stage is not None and lead.stage is not None:
            yield table.stages[lead.stage], prior
        for name, value in lead.fields.items():
            cells = table.cells.get(name, {})
            if value in cells:
                yield cells[value], _total(cells.values())
        for tag in lead.tags:
            cell = table.tags.get(tag)
            if cell is not None and sum(cell) - 2 * SMOOTHING >= MIN_TAG_COUNT:
                yield cell, _total(table.tags.values())


def _total(cells: Iterable[Cell]) -> Cell:
    listed = list(cells)
    return sum(c[0] for c in listed), sum(c[1] for c in listed)


def fit_odoo(
    leads: Sequence[CrmLead], won: Sequence[bool], won_stage: int | None = None
) -> OdooScores:
    """Count closed leads (won, or lost) by team, and pooled over all teams.

    ``won_stage``: position of the won stage; None where the leads have no stages.
    """
    rows: dict[Team, list[tuple[CrmLead, bool]]] = {}
    for lead, is_won in zip(leads, won, strict=True):
        rows.setdefault(lead.team, []).append((lead, bool(is_won)))
    teams = {team: _frequencies(of_team, won_stage) for team, of_team in rows.items()}
    return OdooScores(teams, _pooled(list(teams.values())), won_stage)


def _frequencies(rows: list[tuple[CrmLead, bool]], won_stage: int | None) -> Frequencies:
    seen: dict[str, Counter[tuple[str, bool]]] = {}
    tags: Counter[tuple[str, bool]] = Counter()
    for lead, is_won in rows:
        for name, value in lead.fields.items():
            seen.setdefault(name, Counter())[value, is_won] += 1
        tags.update((tag, is_won) for tag in lead.tags)
    n_won = sum(is_won for _, is_won in rows)
    return Frequencies(
        {name: _cells(counts) for name, counts in seen.items()},
        _stages(rows, won_stage),
        _cells(tags),
        (n_won + SMOOTHING, len(rows) - n_won + SMOOTHING),
    )


def _cells(counts: Counter[tuple[str, bool]]) -> dict[str, Cell]:
    values = dict.fromkeys(value for value, _ in counts)
    return {v: (counts[v, True] + SMOOTHING, counts[v, False] + SMOOTHING) for v in values}


def _stages(rows: list[tuple[CrmLead, bool]], won_stage: int | None) -> tuple[Cell, ...]:
    """A won lead counts in every stage, a lost one in its own and all before it."""
    if won_stage is None:
        return ()
    n_won = sum(is_won for _, is_won in rows)
    lost = [lead.stage for lead, is_won in rows if not is_won and lead.stage is not None]
    return tuple(
        (n_won + SMOOTHING, sum(at >= stage for at in lost) + SMOOTHING)
        for stage in range(won_stage + 1)
    )


def _pooled(tables: list[Frequencies]) -> Frequencies:
    """Sums of the teams' tables, smoothing included."""
    names = dict.fromkeys(name for table in tables for name in table.cells)
    return Frequencies(
        {name: _summed([table.cells.get(name, {}) for table in tables]) for name in names},
        tuple(_total(cells) for cells in zip(*(t.stages for t in tables), strict=True)),
        _summed([table.tags for table in tables]),
        _total([table.closed for table in tables]),
    )


def _summed(tables: list[dict[str, Cell]]) -> dict[str, Cell]:
    values = dict.fromkeys(value for table in tables for value in table)
    return {v: _total([table[v] for table in tables if v in table]) for v in values}
