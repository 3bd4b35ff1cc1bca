"""What holds for every system once its queries have run: aliases, leads, outcomes, rows' fates.

The tables ``result_…`` of :mod:`integrations.engine` are marked in place: ``set_aside`` or
``folded`` with the reason, or neither where a row is used.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from features.errors import DataError
from features.language.plural import plural
from integrations.export import Notes, literal, quoted
from integrations.recipe import QUERIES, Recipe

LEAD_NOT_USED = (
    "NOT EXISTS (SELECT 1 FROM result_leads AS l WHERE l.lead_id = result_outcomes.lead_id "
    "AND l.set_aside IS NULL AND l.folded IS NULL)"
)
MERGED = ", set_aside = NULL, folded = 'merged into another lead'"
MAX_MERGES = 50
"""How long a chain of merges may be before it is taken for a circle."""


def follow_aliases(connection: Any, notes: Notes) -> None:
    """Make ``alias``: each id that is another lead, with the lead it ends at."""
    connection.execute(
        """
        CREATE TABLE made_alias AS
        SELECT alias_id, arg_min(lead_id, coalesce(since, TIMESTAMP '1970-01-01')) AS lead_id,
            min(since) AS since
        FROM result_aliases
        WHERE alias_id IS NOT NULL AND lead_id IS NOT NULL AND alias_id <> lead_id
            AND set_aside IS NULL AND folded IS NULL
        GROUP BY alias_id
        """
    )
    several = connection.execute(
        "SELECT count(*) FROM (SELECT alias_id FROM result_aliases WHERE alias_id <> lead_id "
        "GROUP BY alias_id HAVING count(DISTINCT lead_id) > 1)"
    ).fetchone()[0]
    if several:
        notes.add(
            plural(
                several,
                "{n:,} id stands for several leads; it counts for the earliest of them",
                "{n:,} ids stand for several leads; each counts for the earliest of them",
            )
        )
    for _ in range(MAX_MERGES):
        chained = "FROM made_alias AS further WHERE alias.lead_id = further.alias_id"
        moved = connection.execute(
            f"SELECT count(*) FROM made_alias AS alias WHERE EXISTS (SELECT 1 {chained})"
        ).fetchone()[0]
        if not moved:
            break
        connection.execute(f"UPDATE made_alias AS alias SET lead_id = further.lead_id {chained}")
        connection.execute("DELETE FROM made_alias WHERE alias_id = lead_id")
    else:
        raise DataError("records are merged into each other in a circle; look at the merges")
    for name in ("leads", "changes", "interactions", "outcomes"):
        table = quoted("result_" + name)
        connection.execute(
            f"UPDATE {table} SET lead_id = alias.lead_id{MERGED if name == 'leads' else ''} "
            f"FROM made_alias AS alias WHERE alias.alias_id = {table}.lead_id"
        )


def _mark(connection: Any, table: str, reason: str, where: str) -> None:
    """Set aside the rows of a result that are still used and fulfil ``where``."""
    connection.execute(
        f"UPDATE {quoted('result_' + table)} SET set_aside = {reason} "
        f"WHERE set_aside IS NULL AND folded IS NULL AND ({where})"
    )


def settle_leads(connection: Any) -> None:
    """Set aside leads without an id or a moment of creation; fold what repeats a lead."""
    _mark(connection, "leads", "'no id'", "lead_id IS NULL")
    _mark(connection, "leads", "'no moment of creation'", "created_at IS NULL")
    connection.execute(
        """
        UPDATE result_leads SET folded = 'another row of the same lead'
        WHERE set_aside IS NULL AND folded IS NULL AND (_table, _row) NOT IN (
            SELECT (_table, _row) FROM result_leads WHERE set_aside IS NULL AND folded IS NULL
            QUALIFY row_number() OVER (PARTITION BY lead_id ORDER BY created_at, _table, _row) = 1)
        """
    )


def settle_outcomes(connection: Any, until: datetime) -> None:
    """Make ``made_outcome``; set aside outcomes that cannot be used, and their leads with them.

    The first conversion counts, or else the last loss if nothing is open. A lead with an outcome
    that cannot be read is set aside, unless it is known to have converted.
    """
    _mark(connection, "outcomes", "'its lead is not in the export, or set aside'", LEAD_NOT_USED)
    _date_outcomes(connection)
    _find_problems(connection, until)
    _choose_outcomes(connection)
    _set_leads_aside(connection)


def _date_outcomes(connection: Any) -> None:
    """An outcome of which only the day is known is not before a creation on that day."""
    connection.execute(
        """
        CREATE OR REPLACE TABLE result_outcomes AS
        SELECT o.* EXCLUDE (occurred_at), CASE WHEN o.day AND o.occurred_at < l.created_at
                AND o.occurred_at >= l.created_at - INTERVAL 1 DAY
            THEN l.created_at ELSE o.occurred_at END AS occurred_at, l.created_at
        FROM result_outcomes AS o LEFT JOIN result_leads AS l
            ON l.lead_id = o.lead_id AND l.set_aside IS NULL AND l.folded IS NULL
        """
    )


def _find_problems(connection: Any, until: datetime) -> None:
    """Make ``made_problem``: outcomes without a date, or with a word that means nothing known."""
    closed = "outcome IN ('converted', 'lost')"
    neither = (
        "coalesce(chr(39) || word || chr(39) || ' is neither converted, lost nor open "
        "(say which with --converted, --lost or --open)', 'its outcome is not said')"
    )
    connection.execute(
        f"""
        CREATE TABLE made_problem AS SELECT * FROM (
            SELECT _table, _row, lead_id, CASE
                WHEN outcome IS NULL OR outcome NOT IN ('converted', 'lost', 'open') THEN {neither}
                WHEN {closed} AND occurred_at IS NULL THEN outcome || ' without a date'
                WHEN {closed} AND occurred_at < created_at THEN outcome || ' before its creation'
                WHEN {closed} AND occurred_at > {_sql_moment(until)}
                    THEN outcome || ' after the export was made'
                END AS reason
            FROM result_outcomes WHERE set_aside IS NULL AND folded IS NULL)
        WHERE reason IS NOT NULL
        """
    )
    connection.execute(
        """
        UPDATE result_outcomes SET set_aside = problem.reason FROM made_problem AS problem
        WHERE problem._table = result_outcomes._table AND problem._row = result_outcomes._row
            AND problem.lead_id = result_outcomes.lead_id
            AND set_aside IS NULL AND folded IS NULL
        """
    )


def _choose_outcomes(connection: Any) -> None:
    connection.execute(
        """
        CREATE TABLE made_outcome AS
        SELECT lead_id,
            CASE WHEN bool_or(outcome = 'converted') THEN 'converted'
                WHEN NOT bool_or(outcome = 'open') THEN 'lost' END AS outcome,
            CASE WHEN bool_or(outcome = 'converted') THEN min(occurred_at)
                FILTER (outcome = 'converted')
                ELSE max(occurred_at) FILTER (outcome = 'lost') END AS occurred_at
        FROM result_outcomes WHERE set_aside IS NULL AND folded IS NULL GROUP BY lead_id
        """
    )


def _set_leads_aside(connection: Any) -> None:
    """Set aside the leads of problems, and say which outcomes are used."""
    connection.execute(
        """
        UPDATE result_leads SET set_aside = bad.reason FROM (
            SELECT lead_id, min(reason) AS reason FROM made_problem
            WHERE lead_id NOT IN (SELECT lead_id FROM made_outcome WHERE outcome = 'converted')
            GROUP BY lead_id) AS bad
        WHERE bad.lead_id = result_leads.lead_id AND set_aside IS NULL AND folded IS NULL
        """
    )
    _mark(connection, "outcomes", "'its lead is set aside'", LEAD_NOT_USED)
    connection.execute(
        """
        DELETE FROM made_outcome WHERE outcome IS NULL OR lead_id NOT IN (
            SELECT lead_id FROM result_leads WHERE set_aside IS NULL AND folded IS NULL)
        """
    )
    connection.execute(
        """
        UPDATE result_outcomes SET folded = 'another outcome of the same lead'
        FROM made_outcome AS ended WHERE ended.lead_id = result_outcomes.lead_id
            AND set_aside IS NULL AND folded IS NULL
            AND (result_outcomes.outcome <> ended.outcome
                OR result_outcomes.occurred_at <> ended.occurred_at)
        """
    )


def _sql_moment(moment: datetime) -> str:
    return f"TIMESTAMP '{moment.isoformat(sep=' ')}'"


def settle_activity(connection: Any, until: datetime) -> None:
    """Set aside interactions of nobody, without a moment or still to come; fold repeats."""
    known = (
        "EXISTS (SELECT 1 FROM result_leads AS l WHERE l.lead_id = {0}.lead_id AND "
        "l.set_aside IS NULL AND l.folded IS NULL)"
    )
    seen = "EXISTS (SELECT 1 FROM result_leads AS l WHERE l.lead_id = {0}.lead_id)"
    limit = _sql_moment(until)
    for table in ("interactions", "changes"):
        name = f"result_{table}"
        _mark(connection, table, "'of no lead'", "lead_id IS NULL")
        _mark(connection, table, "'its lead is not in the export'", f"NOT {seen.format(name)}")
        _mark(connection, table, "'its lead is set aside'", f"NOT {known.format(name)}")
    _mark(connection, "interactions", "'no moment'", "occurred_at IS NULL")
    _mark(connection, "interactions", "'no kind'", "kind IS NULL")
    _mark(connection, "interactions", "'planned for after the export'", f"occurred_at > {limit}")
    _mark(connection, "changes", "'no moment'", "changed_at IS NULL OR attribute IS NULL")
    connection.execute(
        """
        UPDATE result_interactions SET folded = 'the same event again'
        WHERE set_aside IS NULL AND folded IS NULL AND event_id IS NOT NULL
            AND (_table, _row, lead_id, kind) NOT IN (
                SELECT (_table, _row, lead_id, kind) FROM result_interactions
                WHERE set_aside IS NULL AND folded IS NULL AND event_id IS NOT NULL
                QUALIFY row_number() OVER (PARTITION BY lead_id, event_id
                    ORDER BY occurred_at, _table, _row) = 1)
        """
    )
    connection.execute(
        """
        CREATE TABLE made_interaction AS
        SELECT lead_id, occurred_at, kind, value, duration_s, channel, event_id
        FROM result_interactions WHERE set_aside IS NULL AND folded IS NULL
        ORDER BY lead_id, occurred_at, kind, event_id, _table, _row
        """
    )


def count_fates(connection: Any, recipe: Recipe, goal: str) -> None:
    """Make ``made_fate``: what became of each row read.

    A row that is used anywhere is kept; one that only names an alias is kept if nothing else is
    said of it.
    """
    rank = "CASE WHEN set_aside IS NOT NULL THEN 2 WHEN folded IS NOT NULL THEN 1 ELSE {} END"
    parts = [
        f"SELECT _table, _row, set_aside, folded, "
        f"{rank.format(3 if name == 'aliases' else 0)} AS rank FROM {quoted('result_' + name)}"
        for name in QUERIES
    ]
    for name, table in recipe.tables.items():
        source = f"SELECT {literal(name)}, _row"
        if table.key:
            why = literal(f"the same {', '.join(table.key)} again")
            parts.append(f"{source}, NULL, {why}, 1 FROM {quoted('repeat_' + name)}")
        if table.lookup:
            parts.append(f"{source}, NULL, NULL, 0 FROM {quoted(name)}")
        nothing = "'no rule of the recipe uses it'"
        if table.goal not in (None, goal):
            nothing = literal(f"used with --goal {table.goal} only")
        parts.append(f"{source}, {nothing}, NULL, 4 FROM {quoted('typed_' + name)}")
    connection.execute(
        f"""
        CREATE TABLE made_fate AS
        SELECT _table, _row, CASE WHEN rank IN (0, 3) THEN 'kept' WHEN rank = 1 THEN 'folded'
            ELSE 'set aside' END AS fate, coalesce(set_aside, folded) AS reason
        FROM ({" UNION ALL ".join(parts)})
        QUALIFY row_number() OVER (PARTITION BY _table, _row
            ORDER BY rank, folded, set_aside) = 1
        """
    )
