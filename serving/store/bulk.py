"""Many rows looked up or inserted in one statement, at a cost that does not grow with the table.

A list of keys is one parameter (JSON on SQLite, arrays on PostgreSQL) that is joined to the table
by its index, key by key. Row values in an ``IN`` list make SQLite read the whole index instead.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec
import sqlalchemy as sa

ROWS_A_STATEMENT = 64
"""Rows that SQLite takes in one statement: it works long without Python's lock, and the few sizes
of statements are each prepared once a connection."""

KEYS_A_STATEMENT = 1_000
"""So few that a statement ends well within its time, also on a server that others keep busy."""

Row = Mapping[str, Any]


def lookup(
    connection: sa.Connection,
    table: sa.Table,
    names: Sequence[str],
    keys: Iterable[Sequence[Any]],
    *,
    lock: bool = False,
) -> list[dict[str, Any]]:
    """The rows of ``table`` whose columns ``names`` (an index has them) equal one of ``keys``.

    ``lock``: hold them until the transaction ends, taken in the order of the keys (PostgreSQL;
    the one writer of SQLite holds everything).
    """
    wanted = sorted(set(map(tuple, keys)))
    found: list[dict[str, Any]] = []
    columns = tuple(column.name for column in table.columns)
    for start in range(0, len(wanted), KEYS_A_STATEMENT):
        part = wanted[start : start + KEYS_A_STATEMENT]
        if connection.dialect.name == "postgresql":
            text = _postgresql_lookup(table, tuple(names), lock)
            values = {f"k{i}": list(column) for i, column in enumerate(zip(*part, strict=True))}
            rows = connection.execute(text, values)
        else:
            text = _sqlite_lookup(table, tuple(names))
            rows = connection.execute(text, {"keys": msgspec.json.encode(part).decode()})
        found += [dict(zip(columns, row, strict=True)) for row in rows]
    return found


@lru_cache(maxsize=64)
def _sqlite_lookup(table: sa.Table, names: tuple[str, ...]) -> sa.TextClause:
    same = " AND ".join(f"t.{n} = json_extract(w.value, '$[{i}]')" for i, n in enumerate(names))
    columns = ", ".join(f"t.{column.name}" for column in table.columns)
    # CROSS JOIN: SQLite keeps the order of the tables, the keys first
    return sa.text(
        f"SELECT {columns} FROM json_each(:keys) AS w CROSS JOIN {table.name} AS t ON {same}"  # noqa: S608
    )


@lru_cache(maxsize=64)
def _postgresql_lookup(table: sa.Table, names: tuple[str, ...], lock: bool) -> sa.TextClause:
    kinds = [_array_of(table.c[name]) for name in names]
    arrays = ", ".join(f"CAST(:k{i} AS {kind})" for i, kind in enumerate(kinds))
    keys = ", ".join(f"k{i}" for i in range(len(names)))
    same = " AND ".join(f"t.{name} = w.k{i}" for i, name in enumerate(names))
    columns = ", ".join(f"t.{column.name}" for column in table.columns)
    if lock:
        return sa.text(
            f"SELECT {columns} FROM unnest({arrays}) WITH ORDINALITY AS w({keys}, place) "  # noqa: S608
            f"JOIN {table.name} AS t ON {same} ORDER BY w.place FOR UPDATE OF t"
        )
    # LATERAL with LIMIT: an index search per key, never a pass over the table
    return sa.text(
        f"SELECT {columns} FROM unnest({arrays}) AS w({keys}) CROSS JOIN LATERAL "  # noqa: S608
        f"(SELECT * FROM {table.name} AS t WHERE {same} LIMIT {_most_a_key(table, names)}) AS t"
    )


def is_one_of(
    connection: sa.Connection, column: sa.ColumnElement[Any], keys: Iterable[str]
) -> sa.ColumnElement[bool]:
    """Whether a text column equals one of ``keys``, which are one parameter however many.

    An ``IN`` list is a parameter a key, each of which costs as much as reading its row.
    """
    if connection.dialect.name == "postgresql":
        texts = sa.bindparam("keys", list(keys), sa.ARRAY(sa.Text), unique=True)
        return column == sa.any_(texts)
    json = sa.bindparam("keys", msgspec.json.encode(list(keys)).decode(), sa.Text, unique=True)
    return column.in_(sa.select(sa.func.json_each(json).table_valued("value").c.value))


def _most_a_key(table: sa.Table, names: tuple[str, ...]) -> int:
    """How many rows a key can have: one if the columns are unique, else as many as there are."""
    unique = [set(table.primary_key.columns.keys())]
    unique += [
        set(constraint.columns.keys())
        for constraint in table.constraints
        if isinstance(constraint, sa.UniqueConstraint)
    ]
    return 1 if set(names) in unique else 2**31 - 1


def _array_of(column: sa.Column[Any]) -> str:
    if isinstance(column.type, sa.String):  # Text as well
        return "text[]"
    return "float8[]" if isinstance(column.type, sa.Float) else "bigint[]"


def insert_new(connection: sa.Connection, table: sa.Table, rows: Sequence[Row]) -> int:
    """Insert the rows that are not there yet, all with the same columns; how many were new."""
    if not rows:
        return 0
    names = tuple(rows[0])
    if connection.dialect.name == "postgresql":
        return sum(
            _insert_postgresql(connection, table, names, rows[start : start + KEYS_A_STATEMENT])
            for start in range(0, len(rows), KEYS_A_STATEMENT)
        )
    head = f"INSERT OR IGNORE INTO {table.name} ({', '.join(names)}) VALUES "  # noqa: S608
    return insert_values(connection, head, [tuple(row.values()) for row in rows])


def _insert_postgresql(
    connection: sa.Connection, table: sa.Table, names: tuple[str, ...], rows: Sequence[Row]
) -> int:
    values = {name: [row[name] for row in rows] for name in names}
    return connection.execute(_postgresql_insert(table, names), values).rowcount


@lru_cache(maxsize=64)
def _postgresql_insert(table: sa.Table, names: tuple[str, ...]) -> sa.TextClause:
    arrays = ", ".join(f"CAST(:{name} AS {_array_of(table.c[name])})" for name in names)
    columns = ", ".join(names)
    return sa.text(
        f"INSERT INTO {table.name} ({columns}) SELECT {columns} FROM unnest({arrays}) "  # noqa: S608
        f"WITH ORDINALITY AS w({columns}, place) ORDER BY place ON CONFLICT DO NOTHING"
    )


def put_values(
    connection: sa.Connection, table: sa.Table, key: Sequence[str], rows: Sequence[Row]
) -> None:
    """Insert the rows, all with the same columns, or change those that have this key already.

    No two of them may have the same key.
    """
    if not rows:
        return
    names = tuple(rows[0])
    rest = [name for name in names if name not in key]
    changed = ", ".join(f"{name} = excluded.{name}" for name in rest)
    tail = f" ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changed}"
    if connection.dialect.name == "postgresql":
        named = ", ".join(f":{name}" for name in names)
        text = f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({named}){tail}"  # noqa: S608
        connection.execute(sa.text(text), [dict(row) for row in rows])
        return
    head = f"INSERT INTO {table.name} ({', '.join(names)}) VALUES "  # noqa: S608
    insert_values(connection, head, [tuple(row[name] for name in names) for row in rows], tail)


def insert_values(
    connection: sa.Connection, head: str, rows: Sequence[tuple[Any, ...]], tail: str = ""
) -> int:
    """SQLite: ``head`` (INSERT … VALUES), the rows, ``tail``; how many rows it changed."""
    start, size, changed = 0, ROWS_A_STATEMENT, 0
    while start < len(rows):
        while size > len(rows) - start:
            size //= 2
        part = rows[start : start + size]
        one = f"({', '.join('?' * len(part[0]))})"
        values = tuple(itertools.chain.from_iterable(part))
        statement = f"{head}{', '.join([one] * size)}{tail}"
        changed += connection.exec_driver_sql(statement, values).rowcount
        start += size
    return changed
