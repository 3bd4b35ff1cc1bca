"""A dataset in a database: the same tables, reached by a SQLAlchemy URL."""

from __future__ import annotations

import datetime as dt
import decimal
import tomllib
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from features.cleaning import NO_VALUE
from features.contract import TABLES
from features.dataset_settings import DatasetSettings
from features.errors import DataError, StorageError, UsageError
from features.reading.files.headers import columns_of
from features.reading.quarantine import Chunk, Quarantine
from features.reading.sources.database_url import refuse_unencoded, without_password
from features.reading.table_notes import TableNotes
from features.settings_file import settings_of

ROWS_AT_ONCE = 100_000


@dataclass(frozen=True, slots=True)
class Driver:
    """How SQLAlchemy calls a database, and the package that reaches it."""

    dialect: str
    package: str


DRIVERS = {
    "sqlite": Driver("sqlite", "leadscore"),
    "postgresql": Driver("postgresql+psycopg", "'leadscore[postgres]'"),
    "postgres": Driver("postgresql+psycopg", "'leadscore[postgres]'"),
    "duckdb": Driver("duckdb", "duckdb-engine"),
    "mysql": Driver("mysql+pymysql", "pymysql"),
    "mariadb": Driver("mariadb+pymysql", "pymysql"),
    "mssql": Driver("mssql+pyodbc", "pyodbc"),
    "snowflake": Driver("snowflake", "snowflake-sqlalchemy"),
    "bigquery": Driver("bigquery", "sqlalchemy-bigquery"),
    "redshift": Driver("redshift+redshift_connector", "sqlalchemy-redshift redshift_connector"),
    "databricks": Driver("databricks", "databricks-sqlalchemy"),
}
"""Databases by the scheme of their URL."""


@dataclass
class DatabaseSource:
    """Tables ``leads``, ``outcomes`` … and, if there, ``dataset`` (``key``, ``value``)."""

    url: str
    _columns: dict[str, list[str]] = field(default_factory=dict)
    notes: TableNotes = field(default_factory=TableNotes)
    _own_names: dict[str, str] = field(default_factory=dict)
    _others: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._engine = _engine(self.url)
        self.shown = without_password(self._engine.url.render_as_string(hide_password=True))
        try:
            inspector = sa.inspect(self._engine)
            present = set(inspector.get_table_names()) | set(inspector.get_view_names())
            for own in sorted(present):
                self._look_at(inspector, own)
        except DBAPIError as error:
            raise StorageError(f"cannot read {self.shown}: {_first_line(error)}") from None

    def _look_at(self, inspector: sa.Inspector, own: str) -> None:
        """Keep a table that is called like one of the contract, in any case of letters."""
        name = own.lower()
        if name not in (*TABLES, "dataset"):
            self._others.append(own)
            return
        if name in self._columns:
            raise DataError(
                f"{self.shown} has the tables {self._own_names[name]} and {own}, which differ in "
                "capital letters alone; drop or rename one"
            )
        self._columns[name] = [c["name"] for c in inspector.get_columns(own)]
        self._own_names[name] = own
        if own != name:
            self.notes.say(f"table {own} is read as {name}")

    def not_read(self) -> list[str]:
        """Tables that are called like none of the contract."""
        return [f"table {name}" for name in self._others]

    def settings(self) -> tuple[DatasetSettings, frozenset[str]]:
        """Settings from the table ``dataset``: rows of ``key``, ``value`` as in dataset.toml."""
        name = self._engine.url.database or "database"
        default = name.rsplit("/", 1)[-1].rsplit(".", 1)[0] or "database"
        if "dataset" not in self._columns:
            return DatasetSettings(name=default), frozenset()
        missing = {"key", "value"} - set(self._columns["dataset"])
        if missing:
            raise DataError(
                "table dataset needs the columns key and value, one setting a row, such as "
                f"horizon_days, 30; it has {', '.join(self._columns['dataset'])}"
            )
        with self._engine.connect() as connection:
            own = sa.table(self._own_names["dataset"], sa.column("key"), sa.column("value"))
            rows = connection.execute(sa.select(own.c.key, own.c.value)).all()
        given = nested({str(key): value for key, value in rows})
        return settings_of(given, "table dataset", default_name=default)

    def _no_table(self, name: str) -> str:
        there = [*sorted(self._columns), *(t.removeprefix("table ") for t in self.not_read())]
        shown = ", ".join(there[:12]) or "no table"
        return (
            f"no table {name} in {self.shown}; found {shown}. Make a view {name} of the right one, "
            "with id AS lead_id and so on"
        )

    def has(self, name: str) -> bool:
        """Whether there is a table or view of this name."""
        return name in self._columns

    def label(self, name: str) -> str:
        """How messages call the table."""
        return f"table {name}"

    def chunks(self, name: str, quarantine: Quarantine, skip: int = 0) -> Generator[Chunk]:
        """The rows, streamed from the server a bounded number at a time."""
        yield from islice(self._all_chunks(name, quarantine), skip, None)

    def _all_chunks(self, name: str, quarantine: Quarantine) -> Generator[Chunk]:
        del quarantine  # a database has no broken lines
        if name not in self._columns:
            raise DataError(self._no_table(name))
        declared = self.settings()[0].columns.get(name, {})
        columns = columns_of(self._columns[name], self.label(name), name, declared)
        for left_out, why in columns.left_out:
            self.notes.lose(f"table {name}: {left_out} is left out: {why}")
        names = [self._columns[name][p] for p in columns.positions]
        table = sa.table(self._own_names[name], *(sa.column(c) for c in names))
        done = 0
        try:
            with self._engine.connect().execution_options(yield_per=ROWS_AT_ONCE) as connection:
                count = connection.scalar(sa.select(sa.func.count()).select_from(table))
                self.notes.count(name, name, int(count or 0))
                for rows in connection.execute(sa.select(table)).partitions():
                    yield self._chunk(name, list(columns.names), rows, done)
                    done += len(rows)
        except DBAPIError as error:
            raise StorageError(
                f"reading table {name} of {self.shown}: {_first_line(error)}"
            ) from None
        if done == 0:
            yield self._chunk(name, list(columns.names), [], 0)

    def _chunk(
        self, name: str, columns: list[str], rows: Sequence[Sequence[Any]], done: int
    ) -> Chunk:
        values = zip(*rows, strict=True) if rows else ([] for _ in columns)
        arrays = [arrow_column(list(v)) for v in values]
        numbers = np.arange(done + 1, done + 1 + len(rows), dtype=np.int64)
        return Chunk(name, self.label(name), pa.table(arrays, names=columns), numbers)


def _engine(url: str) -> sa.Engine:
    scheme = url.split("://", 1)[0].lower()
    driver = DRIVERS.get(scheme)
    if driver is None:
        known = ", ".join(f"{name}://" for name in DRIVERS if name != "postgres")
        raise UsageError(
            f"a URL that starts with {scheme}:// cannot be read; expected one of {known}"
        )
    try:
        parsed = sa.make_url(driver.dialect + "://" + url.split("://", 1)[1])
        refuse_unencoded(parsed)
        _refuse_missing_file(parsed)
        return sa.create_engine(parsed, poolclass=sa.NullPool)
    except (ArgumentError, ValueError):
        raise UsageError(f"not a database URL ({scheme}://…): check its form") from None
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        raise UsageError(
            f"reading {scheme}:// needs a driver that is not installed ({error}); "
            f"pip install {driver.package}"
        ) from None


def _refuse_missing_file(url: sa.URL) -> None:
    from pathlib import Path

    what = {"sqlite": "an SQLite file", "duckdb": "a DuckDB file"}.get(url.get_backend_name())
    if what is not None and not Path(url.database or "").is_file():
        raise DataError(f"{url.database or url} does not exist; expected {what}")


def nested(flat: dict[str, Any]) -> dict[str, Any]:
    """Rows of ``key``, ``value`` as the mapping that dataset.toml would give.

    >>> nested({"horizon_days": "14", "attributes.budget.group": "budget"})
    {'horizon_days': 14, 'attributes': {'budget': {'group': 'budget'}}}
    """
    given: dict[str, Any] = {}
    for key, value in flat.items():
        group, _, rest = key.partition(".")
        if group == "attributes" and "." in rest:
            name, setting = rest.rsplit(".", 1)
            given.setdefault(group, {}).setdefault(name, {})[setting] = _parsed(value)
        elif group in ("columns", "tables") and "." in rest:
            name, setting = rest.split(".", 1)
            given.setdefault(group, {}).setdefault(name, {})[setting] = _parsed(value)
        elif group == "outcome_words" and rest:
            given.setdefault(group, {})[rest] = _parsed(value)
        else:
            given[key] = _parsed(value)
    return given


def _parsed(value: Any) -> Any:
    """A value as TOML would read it; any other text as it stands."""
    if not isinstance(value, str):
        return value
    try:
        return tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return value


def arrow_column(values: list[Any]) -> pa.Array:
    """Values of a database column as Arrow; mixed ones as strings."""
    kinds = {type(v) for v in values if v is not None}
    if kinds <= {bool}:
        return pa.array(values, pa.bool_() if kinds else pa.null())
    if kinds == {int} and all(v is None or abs(v) < 2**63 for v in values):
        return pa.array(values, pa.int64())
    if kinds <= {int, float, decimal.Decimal}:
        return pa.array([None if v is None else float(v) for v in values], pa.float64())
    if kinds == {dt.datetime}:
        zones = {v.tzinfo is None for v in values if v is not None}
        if zones == {False}:
            return pa.array(values, pa.timestamp("us", tz="UTC"))
        if zones == {True}:
            return pa.array(values, pa.timestamp("us"))
    texts = [None if v is None or v in NO_VALUE else _text(v) for v in values]
    return pa.array(texts, pa.string())


def _text(value: Any) -> str:
    """A value as text; bytes are UTF-8, or else hexadecimal digits."""
    if isinstance(value, bytes | bytearray | memoryview):
        raw = bytes(value)
        try:
            return raw.decode()
        except UnicodeDecodeError:
            return raw.hex()
    return value.isoformat() if isinstance(value, dt.datetime) else str(value)


def _first_line(error: DBAPIError) -> str:
    return str(error.orig or error).strip().splitlines()[0][:200]
