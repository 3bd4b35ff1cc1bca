"""Running a recipe: the rows of an export become leads, interactions, outcomes and answers.

A recipe's queries see one view per table, with ``_table``, ``_row`` and ``_file`` beside its
columns, and the macros ``meaning(word)``, ``goal()`` and ``moment(text)``. Each query returns
``_table`` and ``_row`` (the row it is made from), ``set_aside`` (why the row is not used) or
``folded`` (why it says nothing new), and:

- ``leads``: ``lead_id``, ``created_at``, then attributes as they are now;
- ``changes``: ``lead_id``, ``changed_at``, ``attribute``, ``new_value``; a log that also keeps what
  was there before gives ``old_value`` and ``has_old``; ``position`` orders what has one moment;
- ``interactions``: ``lead_id``, ``occurred_at``, ``kind``, optional ``value``, ``duration_s``,
  ``channel``, ``event_id``;
- ``outcomes``: ``lead_id``, ``word`` (what the system says), ``outcome`` (converted, lost or open;
  NULL: the word is neither), ``occurred_at``, ``day`` (whether that is a day without a time);
- ``aliases``: ``alias_id``, ``lead_id``, ``since``.

The steps below then hold for every system: aliases are followed to the end, an outcome that cannot
be used sets its lead aside (taking it for open would be wrong), and no row vanishes.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb

from features.errors import DataError, UsageError
from integrations import history
from integrations.export import (
    Matched,
    Notes,
    literal,
    locked_connection,
    quoted,
    read_table,
)
from integrations.moments import Clock, make_typed, utc_moment
from integrations.recipe import (
    QUERIES,
    Choices,
    Recipe,
    SourceTable,
    comparable,
    meanings,
)

RESULTS: Mapping[str, Mapping[str, str]] = {
    "leads": {"lead_id": "VARCHAR", "created_at": "TIMESTAMP"},
    "changes": {
        "lead_id": "VARCHAR",
        "changed_at": "TIMESTAMP",
        "attribute": "VARCHAR",
        "old_value": "VARCHAR",
        "new_value": "VARCHAR",
        "has_old": "BOOLEAN",
        "position": "VARCHAR",
    },
    "interactions": {
        "lead_id": "VARCHAR",
        "occurred_at": "TIMESTAMP",
        "kind": "VARCHAR",
        "value": "DOUBLE",
        "duration_s": "DOUBLE",
        "channel": "VARCHAR",
        "event_id": "VARCHAR",
    },
    "outcomes": {
        "lead_id": "VARCHAR",
        "word": "VARCHAR",
        "outcome": "VARCHAR",
        "occurred_at": "TIMESTAMP",
        "day": "BOOLEAN",
    },
    "aliases": {"alias_id": "VARCHAR", "lead_id": "VARCHAR", "since": "TIMESTAMP"},
}
FATES = {"_table": "VARCHAR", "_row": "BIGINT", "set_aside": "VARCHAR", "folded": "VARCHAR"}
MERGED = ", set_aside = NULL, folded = 'merged into another lead'"
MAX_MERGES = 50
"""How long a chain of merges may be before it is taken for a circle."""


@dataclass(frozen=True)
class Imported:
    """A recipe that has run: DuckDB's connection with the tables of the dataset, and what to say.

    The tables: ``made_lead``, ``made_interaction``, ``made_outcome``, ``made_answer``,
    ``made_alias`` and ``made_fate`` (``_table``, ``_row``, ``fate``, ``reason``: each row read).
    """

    connection: Any
    matched: Matched
    rows_read: Mapping[str, int]
    observed_until: datetime
    fields: tuple[history.FieldCoverage, ...]
    notes: tuple[str, ...]


def run_recipe(matched: Matched, choices: Choices, exported_at: str | None = None) -> Imported:
    """Read an export by its recipe. DataError where the export cannot be what the recipe needs."""
    recipe = matched.recipe
    if matched.missing:
        raise DataError(
            f"{recipe.name}: no file has the columns of {' or '.join(matched.missing)}: "
            + "; ".join(
                f"{t} needs {', '.join(recipe.tables[t].required)}" for t in matched.missing
            )
        )
    notes = Notes()
    clock = Clock(choices.zone or recipe.zone, recipe.formats)
    every = [file for files in matched.tables.values() for file in files]
    connection = locked_connection(every)
    rows_read = {
        name: read_table(connection, name, table, matched.tables.get(name, ()))
        for name, table in recipe.tables.items()
    }
    for name, table in recipe.tables.items():
        make_typed(connection, name, table, clock, notes)
        _make_view(connection, name, table)
    until = _observed_until(connection, recipe, exported_at, clock)
    goal = choices.goal or next(iter(recipe.goals), "")
    _run_queries(connection, recipe, choices, goal, clock)
    _align_names(connection)
    _follow_aliases(connection, notes)
    _settle_leads(connection)
    _settle_outcomes(connection, until)
    _settle_interactions(connection, until)
    fields = history.split(
        connection,
        recipe,
        choices,
        _attributes(connection, recipe),
        tracked_since=_moment_of(connection, choices.tracked_since, clock, "--tracked-since"),
    )
    connection.execute(
        "DELETE FROM made_alias WHERE lead_id NOT IN (SELECT lead_id FROM made_lead)"
    )
    _count_fates(connection, recipe, goal)
    return Imported(connection, matched, rows_read, until, fields, tuple(notes.sentences))


def _make_view(connection: Any, name: str, table: SourceTable) -> None:
    """The view a recipe's queries see: rows with a key once, the one written last."""
    typed = quoted("typed_" + name)
    view = f"SELECT {literal(name)} AS _table, * FROM {typed}"
    if table.key:
        key = ", ".join(map(quoted, table.key))
        known = " AND ".join(f"{quoted(column)} IS NOT NULL" for column in table.key)
        newest = "".join(f"{quoted(c)} DESC NULLS LAST, " for c in table.written_at)
        order = f"row_number() OVER (PARTITION BY {key} ORDER BY {newest}_row DESC)"
        connection.execute(
            f"CREATE TABLE {quoted('repeat_' + name)} AS SELECT _row FROM {typed} "
            f"WHERE {known} QUALIFY {order} > 1"
        )
        view += f" WHERE _row NOT IN (SELECT _row FROM {quoted('repeat_' + name)})"
    connection.execute(f"CREATE VIEW {quoted(name)} AS {view}")


def _observed_until(
    connection: Any, recipe: Recipe, exported_at: str | None, clock: Clock
) -> datetime:
    """The latest moment that the system itself wrote, or the one a person names."""
    said = _moment_of(connection, exported_at, clock, "--exported-at")
    if said is not None:
        return said
    latest = [
        f"SELECT max({quoted(column)}) FROM {quoted('typed_' + name)}"
        for name, table in recipe.tables.items()
        for column in table.written_at
    ]
    moments = [connection.execute(query).fetchone()[0] for query in latest]
    known = [moment for moment in moments if moment is not None]
    if not known:
        columns = ", ".join(
            f"{name}.{column}"
            for name, table in recipe.tables.items()
            for column in table.written_at
        )
        raise DataError(
            f"{recipe.name}: no row says when the system wrote it ({columns}); "
            "say when the export was made with --exported-at 2026-03-01T00:00:00Z"
        )
    newest: datetime = max(known)
    return newest


def _moment_of(connection: Any, text: str | None, clock: Clock, option: str) -> datetime | None:
    if text is None:
        return None
    sql = f"SELECT {utc_moment('said', clock)} FROM (SELECT {literal(text)} AS said)"
    moment: datetime | None = connection.execute(sql).fetchone()[0]
    if moment is None:
        raise UsageError(f"{option} {text!r} is no moment; write 2026-03-01T00:00:00Z")
    return moment


def _run_queries(
    connection: Any, recipe: Recipe, choices: Choices, goal: str, clock: Clock
) -> None:
    """Make ``result_NAME`` of every query: the columns that the engine knows, in its types."""
    words = meanings(recipe, choices)
    pairs = ", ".join(f"{literal(word)}: {literal(meant)}" for word, meant in words.items())
    clean = "regexp_replace(lower(trim(word)), '\\s+', ' ', 'g')"
    known = f"MAP {{'': NULL::VARCHAR{', ' * bool(pairs)}{pairs}}}"
    connection.execute(f"CREATE MACRO meaning(word) AS ({known})[{clean}]")
    connection.execute(f"CREATE MACRO goal() AS {literal(goal)}")
    connection.execute(f"CREATE MACRO moment(written) AS ({utc_moment('written', clock)})")
    for statement in duckdb.extract_statements(recipe.queries.get("macros", "")):
        connection.execute(statement.query)
    for name in QUERIES:
        file = recipe.outcomes_query(choices.goal) if name == "outcomes" else name
        _run_query(connection, name, recipe.queries.get(file))


def _run_query(connection: Any, name: str, sql: str | None) -> None:
    wanted = FATES | dict(RESULTS[name])
    present: list[str] = []
    if sql is not None:
        if len(duckdb.extract_statements(sql)) != 1:
            raise DataError(f"{name}.sql of a recipe must be one query")
        sql = sql.strip().rstrip(";")
        rows = connection.execute(f"DESCRIBE {sql}").fetchall()
        present = [str(row[0]) for row in rows]
    columns = [
        f"CAST({quoted(column) if column in present else 'NULL'} AS {kind}) AS {quoted(column)}"
        for column, kind in wanted.items()
    ]
    if name == "leads":
        columns += [
            f"CAST({quoted(column)} AS VARCHAR) AS {quoted(column)}"
            for column in present
            if column not in wanted and column != "_file"
        ]
    source = f"({sql})" if sql is not None else "(SELECT 1) WHERE false"
    connection.execute(
        f"CREATE TABLE {quoted('result_' + name)} AS SELECT {', '.join(columns)} FROM {source}"
    )


def _attributes(connection: Any, recipe: Recipe) -> dict[str, str | None]:
    """Each attribute (a column of ``result_leads``, or a changed field): why it is left out."""
    rows = connection.execute("DESCRIBE result_leads").fetchall()
    known = {*FATES, *RESULTS["leads"]}
    names = [str(row[0]) for row in rows if str(row[0]) not in known]
    changed = connection.execute(
        "SELECT DISTINCT attribute FROM result_changes WHERE attribute IS NOT NULL ORDER BY 1"
    ).fetchall()
    names += [str(row[0]) for row in changed if str(row[0]) not in names]
    return {name: _left_out(name, recipe) for name in names}


def _align_names(connection: Any) -> None:
    """Give a changed field the name that it has as a column: labels and internal names differ."""
    columns = {
        comparable(str(row[0])): str(row[0])
        for row in connection.execute("DESCRIBE result_leads").fetchall()
    }
    changed = connection.execute(
        "SELECT DISTINCT attribute FROM result_changes WHERE attribute IS NOT NULL"
    ).fetchall()
    for (name,) in changed:
        column = columns.get(comparable(name))
        if column is not None and column != name:
            connection.execute(
                "UPDATE result_changes SET attribute = ? WHERE attribute = ?", [column, name]
            )


def _left_out(name: str, recipe: Recipe) -> str | None:
    for reason, patterns in recipe.left_out.items():
        if any(fnmatch.fnmatch(name.lower(), pattern.lower()) for pattern in patterns):
            return reason
    return None


def _follow_aliases(connection: Any, notes: Notes) -> None:
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
        notes.add(f"{several:,} ids stand for several leads; each counts for the earliest of them")
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


def _settle_leads(connection: Any) -> None:
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


def _settle_outcomes(connection: Any, until: datetime) -> None:
    """Make ``outcome``; set aside outcomes that cannot be used, and their leads with them."""
    used = "result_outcomes.lead_id = l.lead_id AND l.set_aside IS NULL AND l.folded IS NULL"
    unknown = f"NOT EXISTS (SELECT 1 FROM result_leads AS l WHERE {used})"
    _mark(connection, "outcomes", "'its lead is not in the export, or set aside'", unknown)
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
    closed = "outcome IN ('converted', 'lost')"
    neither = (
        "coalesce(quote(word) || ' is neither converted, lost nor open "
        "(say which with --converted, --lost or --open)', 'its outcome is not said')"
    )
    limit = f"TIMESTAMP '{until.isoformat(sep=' ')}'"
    connection.execute("CREATE MACRO quote(text) AS '''' || text || ''''")
    connection.execute(
        f"""
        CREATE TABLE made_problem AS
        SELECT _table, _row, lead_id, CASE
            WHEN outcome IS NULL OR outcome NOT IN ('converted', 'lost', 'open') THEN {neither}
            WHEN {closed} AND occurred_at IS NULL THEN outcome || ' without a date'
            WHEN {closed} AND occurred_at < created_at THEN outcome || ' before its creation'
            WHEN {closed} AND occurred_at > {limit} THEN outcome || ' after the export was made'
            END AS reason
        FROM result_outcomes WHERE set_aside IS NULL AND folded IS NULL
        """
    )
    connection.execute("DELETE FROM made_problem WHERE reason IS NULL")
    connection.execute(
        """
        UPDATE result_outcomes SET set_aside = problem.reason FROM made_problem AS problem
        WHERE problem._table = result_outcomes._table AND problem._row = result_outcomes._row
            AND problem.lead_id = result_outcomes.lead_id
            AND set_aside IS NULL AND folded IS NULL
        """
    )
    connection.execute(
        """
        CREATE TABLE made_outcome AS
        SELECT lead_id, bool_or(outcome = 'open') AS open,
            CASE WHEN bool_or(outcome = 'converted') THEN 'converted'
                WHEN NOT bool_or(outcome = 'open') THEN 'lost' END AS outcome,
            CASE WHEN bool_or(outcome = 'converted') THEN min(occurred_at)
                FILTER (outcome = 'converted')
                ELSE max(occurred_at) FILTER (outcome = 'lost') END AS occurred_at
        FROM result_outcomes WHERE set_aside IS NULL AND folded IS NULL GROUP BY lead_id
        """
    )
    connection.execute(
        """
        UPDATE result_leads SET set_aside = bad.reason FROM (
            SELECT lead_id, min(reason) AS reason FROM made_problem AS problem
            WHERE lead_id NOT IN (SELECT lead_id FROM made_outcome WHERE outcome = 'converted')
            GROUP BY lead_id) AS bad
        WHERE bad.lead_id = result_leads.lead_id AND set_aside IS NULL AND folded IS NULL
        """
    )
    _mark(
        connection,
        "outcomes",
        "'its lead is set aside'",
        f"{unknown}",
    )
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


def _settle_interactions(connection: Any, until: datetime) -> None:
    """Set aside interactions of nobody, without a moment or still to come; fold repeats."""
    known = (
        "EXISTS (SELECT 1 FROM result_leads AS l WHERE l.lead_id = {0}.lead_id AND "
        "l.set_aside IS NULL AND l.folded IS NULL)"
    )
    seen = "EXISTS (SELECT 1 FROM result_leads AS l WHERE l.lead_id = {0}.lead_id)"
    limit = f"TIMESTAMP '{until.isoformat(sep=' ')}'"
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


def _count_fates(connection: Any, recipe: Recipe, goal: str) -> None:
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
