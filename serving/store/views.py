"""The store seen through the data contract: the tables that training reads."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from serving.store.tables import attribute_name

MAX_COLUMNS = 1500
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


def view_definitions(names: Sequence[str], dialect: str) -> dict[str, str]:
    """View → its SELECT, for these attributes. A merged lead's rows are the other lead's."""
    attributes = [attribute_column(name, dialect) for name in names[:MAX_COLUMNS]]

    def at(column: str) -> str:
        return moment(f"{column}_us", dialect) + f" AS {column}_at"

    lead_id = "COALESCE(alias.lead_id, t.lead_id) AS lead_id"
    event = "source || ' ' || event_id AS event_id"
    value = "CASE WHEN value = '' THEN NULL ELSE value END AS value"
    acts = [lead_id, at("occurred"), "kind", "value", "duration_s", "channel", event]
    columns = {
        "leads": ("lead", ["t.lead_id", at("created"), *attributes]),
        "interactions": ("interaction", acts),
        "answers": ("answer", [lead_id, at("answered"), "attribute", value]),
        "outcomes": ("outcome", [lead_id, "outcome", at("occurred")]),
    }
    selects = {
        view: f"SELECT {', '.join(shown)} FROM {table} AS t "  # noqa: S608  (names were checked)
        "LEFT JOIN alias ON alias.alias_id = t.lead_id"
        for view, (table, shown) in columns.items()
    }
    selects["leads"] += " WHERE alias.alias_id IS NULL"
    return selects


def refresh_views(connection: sa.Connection) -> set[str]:
    """Make the views show every attribute there is; the attributes shown.

    PostgreSQL waits for those who read the views; never call it in a transaction that writes rows.
    """
    names = list(connection.scalars(sa.select(attribute_name.c.name).order_by("name")))
    for view, select in view_definitions(names, connection.dialect.name).items():
        connection.exec_driver_sql(f"DROP VIEW IF EXISTS {view}")
        connection.exec_driver_sql(f"CREATE VIEW {view} AS {select}")
    return set(names)


READERS_WAIT_MS = 100
"""How long new readers of the views may wait for an older one on PostgreSQL."""


class ViewRefresher:
    """Keeps the views at the attributes there are, in transactions of their own."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine.execution_options(writes=True)
        self._shown: set[str] = set()
        self._blocked = False
        self.due = True

    def lack(self, names: Iterable[str]) -> bool:
        """Whether some of these attributes may not be columns yet, and it is worth while to try:
        not while a reader is in the way, for then every write would wait for it."""
        if self._shown.issuperset(names):
            return False
        self.due = True
        return not self._blocked

    def refresh(self) -> bool:
        """Show every attribute; False if a reader of the views is in the way: try again later."""
        self.due = False  # before the names are read: who adds one from here on makes it due again
        try:
            with self._engine.begin() as connection:
                if connection.dialect.name == "postgresql":
                    connection.exec_driver_sql(f"SET LOCAL lock_timeout = {READERS_WAIT_MS}")
                names = set(connection.scalars(sa.select(attribute_name.c.name)))
                self._shown = names if _are_shown(connection, names) else refresh_views(connection)
        except SQLAlchemyError:  # a lock was not to be had, or another machine makes them now
            self.due = self._blocked = True
            return False
        self._blocked = False
        return True


def _are_shown(connection: sa.Connection, names: set[str]) -> bool:
    """Whether the view ``leads`` has these attributes already, by whichever process."""
    columns = {column["name"] for column in sa.inspect(connection).get_columns("leads")}
    return len(names) <= MAX_COLUMNS and names <= columns
