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
    Notes,
    literal,
    locked_connection,
    quoted,
    read_table,
)
from integrations.moments import TimeSettings, make_typed, utc_moment
from integrations.recipe import (
    QUERIES,
    Choices,
    Recipe,
    SourceTable,
    comparable,
    meanings,
)
from integrations.settle import (
    count_fates,
    follow_aliases,
    settle_activity,
    settle_leads,
    settle_outcomes,
)
from integrations.table_match import Matched

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
    clock = TimeSettings(choices.zone or recipe.zone, recipe.formats)
    every = [file for files in matched.tables.values() for file in files]
    for file in every:
        for sentence in file.converted.notes if file.converted is not None else ():
            notes.add(sentence)
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
    follow_aliases(connection, notes)
    settle_leads(connection)
    settle_outcomes(connection, until)
    settle_activity(connection, until)
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
    count_fates(connection, recipe, goal)
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
    connection: Any, recipe: Recipe, exported_at: str | None, clock: TimeSettings
) -> datetime:
    """The latest moment that the system itself wrote, or the one a person names."""
    declared = _moment_of(connection, exported_at, clock, "--exported-at")
    if declared is not None:
        return declared
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


def _moment_of(
    connection: Any, text: str | None, clock: TimeSettings, option: str
) -> datetime | None:
    if text is None:
        return None
    sql = f"SELECT {utc_moment('said', clock)} FROM (SELECT {literal(text)} AS said)"
    moment: datetime | None = connection.execute(sql).fetchone()[0]
    if moment is None:
        raise UsageError(f"{option} {text!r} is no moment; write 2026-03-01T00:00:00Z")
    return moment


def _run_queries(
    connection: Any, recipe: Recipe, choices: Choices, goal: str, clock: TimeSettings
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
