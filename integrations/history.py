"""What was known at creation, and what was learned later: the first value, then the answers.

Two kinds of history are told apart. A *log* keeps old and new value of each change (Salesforce,
Odoo, Dynamics): before the first change a field held that change's old value, or, if it never
changed, today's; a log that begins with the creation has the value then. That is sure from the
moment on at which the log began. *Versions* keep each value
with the moment it was set (HubSpot): the value at creation is the last one set by then, or the
first one if it was set within seconds of it. A field without any history is known as it is now, and
nothing is known of it at creation. A log that misses how leads were closed (their value of today
means converted or lost, and no change led there) is no whole log: only its changes are used.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from features.errors import UsageError
from integrations.export import literal, quoted
from integrations.recipe import Choices, Recipe


class Basis(StrEnum):
    """How a field is known."""

    HISTORY = "history"
    CHANGES_ONLY = "changes only"
    WRITTEN_ONCE = "written once"
    AS_NOW_ACCEPTED = "as now, accepted"
    AS_NOW = "as now"
    LEFT_OUT = "left out"


@dataclass(frozen=True)
class FieldCoverage:
    """What is known of one field.

    ``since``: from when on its history is kept (UTC). ``at_creation``, ``later``: leads whose value
    at creation, or a later answer, is known. ``answers``: rows. ``differing``: leads whose last
    answer is not the value now. ``breaks``: changes whose old value is not the one set before.
    ``untraced``: leads whose value now means converted or lost although no change led there.
    """

    name: str
    basis: Basis
    since: datetime | None = None
    at_creation: int = 0
    later: int = 0
    answers: int = 0
    known_now: int = 0
    differing: int = 0
    breaks: int = 0
    untraced: int = 0
    reason: str | None = None


def split(
    connection: Any,
    recipe: Recipe,
    choices: Choices,
    attributes: Mapping[str, str | None],
    *,
    tracked_since: datetime | None,
) -> tuple[FieldCoverage, ...]:
    """Make ``lead`` and ``answer`` from ``result_leads`` and ``result_changes``.

    ``attributes``: each field with the reason it is left out, or None. Raises UsageError if a
    field of ``choices.as_at_creation`` is not among them.
    """
    present = {str(row[0]) for row in connection.execute("DESCRIBE result_leads").fetchall()}
    used = [name for name, reason in attributes.items() if reason is None]
    current = [name for name in used if name in present]
    _make_now(connection, current)
    _drop_useless_changes(connection, attributes)
    _make_tracked(connection, tracked_since, current)
    _find_untraced(connection)
    _make_values(connection, recipe.creation_seconds)
    accepted = _accepted(connection, choices, current)
    _make_bases(connection, recipe, used, current, accepted)
    _make_dataset_tables(connection, used)
    return _coverage(connection, attributes)


def _texts(names: Iterable[str]) -> str:
    return "[" + ", ".join(literal(name) for name in names) + "]::VARCHAR[]"


def _make_now(connection: Any, current: list[str]) -> None:
    """``now``: lead_id, created_at, attribute, value as it is today; unknown ones left out."""
    columns = ", ".join(quoted(name) for name in current)
    connection.execute(
        f"""
        CREATE TABLE made_now AS SELECT * FROM (
            SELECT lead_id, created_at, unnest({_texts(current)}) AS attribute,
                unnest([{columns}]::VARCHAR[]) AS value
            FROM result_leads WHERE set_aside IS NULL AND folded IS NULL)
        WHERE value IS NOT NULL
        """
    )


def _drop_useless_changes(connection: Any, attributes: Mapping[str, str | None]) -> None:
    """Fold changes of fields that are left out; set aside those whose values were not kept."""
    still = "set_aside IS NULL AND folded IS NULL"
    left_out = _texts(name for name, reason in attributes.items() if reason is not None)
    connection.execute(
        f"UPDATE result_changes SET folded = 'a change of a field that is left out' "
        f"WHERE {still} AND list_contains({left_out}, attribute)"
    )
    connection.execute(
        f"UPDATE result_changes SET set_aside = 'a change whose values the system does not keep' "
        f"WHERE {still} AND has_old AND old_value IS NULL AND new_value IS NULL"
    )
    connection.execute(
        """
        UPDATE result_changes SET set_aside = 'a change from before its lead was created'
        FROM result_leads AS l
        WHERE result_changes.set_aside IS NULL AND result_changes.folded IS NULL AND has_old
            AND l.lead_id = result_changes.lead_id AND l.set_aside IS NULL AND l.folded IS NULL
            AND changed_at < l.created_at
        """
    )


def _make_tracked(connection: Any, tracked_since: datetime | None, current: list[str]) -> None:
    """``made_tracked``: the fields with a history, since when, and whether it is a log.

    A change counts here even if its lead is set aside: it shows that the field was tracked.
    """
    tracked = f"TIMESTAMP '{tracked_since.isoformat(sep=' ')}'" if tracked_since else "NULL"
    connection.execute(
        f"""
        CREATE TABLE made_tracked AS
        SELECT attribute, coalesce(least({tracked}, min(changed_at)), min(changed_at)) AS since,
            bool_and(coalesce(has_old, false)) AS log,
            list_contains({_texts(current)}, attribute) AS has_now, 0 AS untraced
        FROM result_changes
        WHERE folded IS NULL AND attribute IS NOT NULL AND changed_at IS NOT NULL
            AND NOT (coalesce(has_old, false) AND old_value IS NULL AND new_value IS NULL)
        GROUP BY attribute
        """
    )


def _find_untraced(connection: Any) -> None:
    """Count, for each log, the leads that were closed without a change of the field."""
    connection.execute(
        """
        UPDATE made_tracked SET untraced = found.leads FROM (
            SELECT now.attribute, count(*) AS leads FROM made_now AS now
            WHERE meaning(now.value) IN ('converted', 'lost') AND NOT EXISTS (
                SELECT 1 FROM result_changes AS c WHERE c.lead_id = now.lead_id
                AND c.attribute = now.attribute AND c.set_aside IS NULL AND c.folded IS NULL)
            GROUP BY now.attribute) AS found
        WHERE made_tracked.attribute = found.attribute AND log
        """
    )
    connection.execute("UPDATE made_tracked SET has_now = false WHERE untraced > 0")


def _make_values(connection: Any, creation_seconds: float) -> None:
    """``made_initial``: what a field held from ``known_from`` on; ``made_later``: the answers.

    Of several answers at one moment the last one stays, so that no order of rows decides.
    """
    soon = f"to_microseconds({round(creation_seconds * 1e6)})"
    created_with = f"v.old_value IS NULL AND v.changed_at <= v.created_at + {soon}"
    connection.execute(
        """
        CREATE TABLE made_version AS
        SELECT c._table, c._row, c.lead_id, c.attribute, c.changed_at, c.old_value, c.new_value,
            t.log, t.has_now, l.created_at,
            row_number() OVER (one ORDER BY c.changed_at, c.position, c._row) AS nth,
            count(*) FILTER (NOT t.log AND c.changed_at <= l.created_at) OVER (PARTITION BY
                c.lead_id, c.attribute) AS early,
            lag(c.new_value) OVER (one ORDER BY c.changed_at, c.position, c._row) AS before
        FROM result_changes AS c
        JOIN made_tracked AS t USING (attribute)
        JOIN result_leads AS l ON l.lead_id = c.lead_id AND l.set_aside IS NULL
            AND l.folded IS NULL
        WHERE c.set_aside IS NULL AND c.folded IS NULL
        WINDOW one AS (PARTITION BY c.lead_id, c.attribute)
        """
    )
    connection.execute(
        f"""
        CREATE TABLE made_initial AS
        SELECT l.lead_id, t.attribute,
            CASE WHEN v.lead_id IS NULL THEN now.value WHEN {created_with} THEN v.new_value
                ELSE v.old_value END AS value,
            CASE WHEN t.since <= l.created_at + {soon} THEN l.created_at ELSE t.since END
                AS known_from, l.created_at
        FROM result_leads AS l
        CROSS JOIN made_tracked AS t
        LEFT JOIN made_version AS v
            ON v.lead_id = l.lead_id AND v.attribute = t.attribute AND nth = 1
        LEFT JOIN made_now AS now ON now.lead_id = l.lead_id AND now.attribute = t.attribute
        WHERE l.set_aside IS NULL AND l.folded IS NULL AND t.log AND t.has_now
        UNION ALL
        SELECT lead_id, attribute, new_value, created_at, created_at FROM made_version
        WHERE NOT log AND (nth = early OR (early = 0 AND nth = 1
            AND changed_at <= created_at + {soon}))
        """
    )
    connection.execute(
        f"""
        CREATE TABLE made_later AS SELECT * FROM (
        SELECT lead_id, changed_at AS answered_at, attribute, new_value AS value, nth
        FROM made_version AS v WHERE CASE WHEN log THEN NOT (nth = 1 AND has_now AND {created_with})
            ELSE NOT (nth <= early OR (early = 0 AND nth = 1
                AND changed_at <= created_at + {soon})) END
        UNION ALL
        SELECT lead_id, known_from, attribute, value, 0 FROM made_initial
        WHERE known_from > created_at AND value IS NOT NULL)
        QUALIFY row_number() OVER (PARTITION BY lead_id, attribute, answered_at
            ORDER BY nth DESC) = 1
        """
    )
    connection.execute(
        """
        UPDATE result_changes SET folded = 'an older value from before the creation'
        FROM made_version AS v
        WHERE v._table = result_changes._table AND v._row = result_changes._row
            AND v.attribute = result_changes.attribute AND NOT v.log AND v.nth < v.early
        """
    )
    connection.execute(
        """
        UPDATE result_changes SET folded = 'changed again at the same moment'
        FROM made_version AS v, made_version AS again
        WHERE v._table = result_changes._table AND v._row = result_changes._row
            AND v.attribute = result_changes.attribute AND folded IS NULL
            AND again.lead_id = v.lead_id AND again.attribute = v.attribute
            AND again.changed_at = v.changed_at AND again.nth > v.nth
            AND NOT (v.log AND v.nth = 1)
        """
    )


def _accepted(connection: Any, choices: Choices, current: list[str]) -> set[str]:
    """The fields without a history that a person takes as known at creation."""
    tracked = {
        str(r[0]) for r in connection.execute("SELECT attribute FROM made_tracked").fetchall()
    }
    wanted = set(choices.as_at_creation)
    open_to = [name for name in current if name not in tracked]
    if "*" in wanted:
        return set(open_to)
    unknown = sorted(wanted - set(open_to))
    if unknown:
        raise UsageError(
            f"--as-at-creation {unknown[0]!r}: no field without a history has this name; "
            f"expected some of {', '.join(open_to) or 'none'}"
        )
    return wanted


def _make_bases(
    connection: Any, recipe: Recipe, used: list[str], current: list[str], accepted: set[str]
) -> None:
    """``basis``: how each field that is not left out is known."""
    tracked = {
        str(name): (bool(log), bool(has_now))
        for name, log, has_now in connection.execute(
            "SELECT attribute, log, has_now FROM made_tracked"
        ).fetchall()
    }
    once = {name.lower() for name in recipe.written_once}
    rows = []
    for place, name in enumerate(used):
        if name in tracked:
            log, has_now = tracked[name]
            basis = Basis.CHANGES_ONLY if log and not has_now else Basis.HISTORY
        elif name.lower() in once:
            basis = Basis.WRITTEN_ONCE
        elif name in accepted:
            basis = Basis.AS_NOW_ACCEPTED
        elif name in current:
            basis = Basis.AS_NOW
        else:
            continue
        rows.append((place, name, basis.value))
    connection.execute("CREATE TABLE made_basis (place INTEGER, attribute VARCHAR, basis VARCHAR)")
    if rows:
        connection.executemany("INSERT INTO made_basis VALUES (?, ?, ?)", rows)


def _make_dataset_tables(connection: Any, used: list[str]) -> None:
    """``lead`` (wide, as known at creation) and ``answer``."""
    connection.execute(
        f"""
        CREATE TABLE made_at_creation AS
        SELECT lead_id, attribute, value FROM made_initial
        WHERE known_from <= created_at AND value IS NOT NULL
        UNION ALL
        SELECT now.lead_id, attribute, now.value
        FROM made_now AS now JOIN made_basis AS basis USING (attribute)
        WHERE basis.basis IN ({literal(Basis.WRITTEN_ONCE)}, {literal(Basis.AS_NOW_ACCEPTED)})
        """
    )
    known = connection.execute(
        "SELECT attribute FROM made_basis "
        "WHERE attribute IN (SELECT attribute FROM made_at_creation) ORDER BY place"
    ).fetchall()
    columns = "".join(
        f", max(a.value) FILTER (a.attribute = {literal(str(name))}) AS {quoted(str(name))}"
        for (name,) in known
    )
    connection.execute(
        f"""
        CREATE TABLE made_lead AS
        SELECT l.lead_id, any_value(l.created_at) AS created_at{columns}
        FROM result_leads AS l LEFT JOIN made_at_creation AS a USING (lead_id)
        WHERE l.set_aside IS NULL AND l.folded IS NULL GROUP BY l.lead_id ORDER BY l.lead_id
        """
    )
    connection.execute(
        f"""
        CREATE TABLE made_answer AS
        SELECT lead_id, answered_at, attribute, value FROM made_later
        WHERE list_contains({_texts(used)}, attribute)
        ORDER BY lead_id, answered_at, attribute, nth
        """
    )


SAME = (
    "({0} IS NOT DISTINCT FROM {1} OR lower({0}) = lower({1}) "
    "OR coalesce(try_cast({0} AS DOUBLE) = try_cast({1} AS DOUBLE), false) "
    "OR coalesce(try_cast({0} AS BOOLEAN) = try_cast({1} AS BOOLEAN), false))"
)
"""SQL: whether two texts are one value; the system writes 50 and 50.0, true and 1."""


COUNTS = ("at_creation", "later", "answers", "known_now", "differing", "breaks", "untraced")


def _coverage(connection: Any, attributes: Mapping[str, str | None]) -> tuple[FieldCoverage, ...]:
    """One entry a field, in the order of the columns."""
    rows = connection.execute(
        f"""
        WITH last AS (
            SELECT lead_id, attribute, new_value FROM made_version
            QUALIFY row_number() OVER (PARTITION BY lead_id, attribute ORDER BY nth DESC) = 1)
        SELECT b.attribute, b.basis, t.since,
            (SELECT count(*) FROM made_at_creation AS a WHERE a.attribute = b.attribute),
            (SELECT count(DISTINCT lead_id) FROM made_answer AS a WHERE a.attribute = b.attribute),
            (SELECT count(*) FROM made_answer AS a WHERE a.attribute = b.attribute),
            (SELECT count(*) FROM made_now AS now WHERE now.attribute = b.attribute),
            (SELECT count(*) FROM last LEFT JOIN made_now AS now USING (lead_id, attribute)
                WHERE attribute = b.attribute AND t.has_now
                AND NOT {SAME.format("last.new_value", "now.value")}),
            (SELECT count(*) FROM made_version AS v WHERE v.attribute = b.attribute AND v.log
                AND v.nth > 1 AND NOT {SAME.format("v.before", "v.old_value")}),
            coalesce(t.untraced, 0)
        FROM made_basis AS b LEFT JOIN made_tracked AS t USING (attribute) ORDER BY b.place
        """
    ).fetchall()
    used = tuple(
        FieldCoverage(str(name), Basis(basis), since, **dict(zip(COUNTS, counts, strict=True)))
        for name, basis, since, *counts in rows
    )
    left_out = tuple(
        FieldCoverage(name, Basis.LEFT_OUT, reason=reason)
        for name, reason in attributes.items()
        if reason is not None
    )
    return (*used, *left_out)
