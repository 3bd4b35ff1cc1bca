"""The store seen through the data contract: the tables that training reads."""

from __future__ import annotations

import re
from collections.abc import Sequence

import sqlalchemy as sa

from serving.store.tables import attribute_name

MOST_COLUMNS = 1500
"""SQLite shows at most 2,000 columns, PostgreSQL 1,664; attributes beyond are left out."""

_FIT_FOR_A_COLUMN = re.compile(r"[\w .:/()+-]+")
_RESERVED = ("lead_id", "created_at")


def fit_for_a_column(name: str) -> bool:
    """Whether an attribute's name can be a column: at most 63 bytes, no quotes, not reserved.

    >>> [fit_for_a_column(n) for n in ("budget", "Chiffre d affaires (k)", 'a"b', "lead_id")]
    [True, True, False, False]
    """
    fits = _FIT_FOR_A_COLUMN.fullmatch(name) is not None and len(name.encode()) <= 63
    return fits and name not in _RESERVED


def moment(column: str, dialect: str) -> str:
    """SQL of a microsecond column as a time in UTC, exact to the microsecond."""
    if dialect == "postgresql":
        return f"(timestamptz 'epoch' + {column} * interval '1 microsecond')"
    rest = f"((({column} % 1000000) + 1000000) % 1000000)"
    seconds = f"(({column} - {rest}) / 1000000)"
    return f"(strftime('%Y-%m-%dT%H:%M:%S', {seconds}, 'unixepoch') || printf('.%06dZ', {rest}))"


def attribute_column(name: str, dialect: str) -> str:
    """SQL of one attribute of the lead as a column; the name must be fit for one."""
    if not fit_for_a_column(name):
        raise ValueError("this attribute's name cannot be a column")
    if dialect == "postgresql":
        return f"(attributes::jsonb ->> '{name}') AS \"{name}\""
    return f'json_extract(attributes, \'$."{name}"\') AS "{name}"'


def view_definitions(names: Sequence[str], dialect: str) -> dict[str, tuple[str, list[str]]]:
    """View → (table, columns as SQL) for these attributes."""
    attributes = [attribute_column(name, dialect) for name in names[:MOST_COLUMNS]]

    def at(column: str) -> str:
        return moment(f"{column}_us", dialect) + f" AS {column}_at"

    event = "source || ' ' || event_id AS event_id"
    value = "CASE WHEN value = '' THEN NULL ELSE value END AS value"
    acts = ["lead_id", at("occurred"), "kind", "value", "duration_s", "channel", event]
    return {
        "leads": ("lead", ["lead_id", at("created"), *attributes]),
        "interactions": ("interaction", acts),
        "answers": ("answer", ["lead_id", at("answered"), "attribute", value]),
        "outcomes": ("outcome", ["lead_id", "outcome", at("occurred")]),
    }


def refresh_views(connection: sa.Connection) -> None:
    """Make the views show every attribute there is; within the caller's transaction."""
    names = list(connection.scalars(sa.select(attribute_name.c.name).order_by("name")))
    for view, (table, columns) in view_definitions(names, connection.dialect.name).items():
        connection.exec_driver_sql(f"DROP VIEW IF EXISTS {view}")
        select = f"SELECT {', '.join(columns)} FROM {table}"  # noqa: S608  (names checked above)
        connection.exec_driver_sql(f"CREATE VIEW {view} AS {select}")
