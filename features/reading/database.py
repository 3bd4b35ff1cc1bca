"""A dataset in a database: the same tables, reached by a SQLAlchemy URL."""

from __future__ import annotations

import datetime as dt
import decimal
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa
import sqlalchemy as sa
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError

from features.contract import NO_VALUE, TABLES, DatasetSettings, settings_of
from features.errors import DataError, StorageError, UsageError
from features.reading.quarantine import Chunk, Quarantine

ROWS_AT_ONCE = 100_000


DRIVERS = {"sqlite": "sqlite", "postgresql": "postgresql+psycopg", "postgres": "postgresql+psycopg"}


@dataclass
class DatabaseSource:
    """Tables ``leads``, ``outcomes`` … and, if there, ``dataset`` (``key``, ``value``)."""

    url: str
    _columns: dict[str, list[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._engine = _engine(self.url)
        self.shown = self._engine.url.render_as_string(hide_password=True)
        try:
            inspector = sa.inspect(self._engine)
            present = set(inspector.get_table_names()) | set(inspector.get_view_names())
            for name in present & {*TABLES, "dataset"}:
                self._columns[name] = [c["name"] for c in inspector.get_columns(name)]
        except DBAPIError as error:
            raise StorageError(f"cannot read {self.shown}: {_first_line(error)}") from None

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
            rows = connection.execute(sa.text("SELECT key, value FROM dataset")).all()
        given = nested({str(key): value for key, value in rows})
        return settings_of(given, "table dataset", default_name=default)

    def has(self, name: str) -> bool:
        """Whether there is a table or view of this name."""
        return name in self._columns

    def label(self, name: str) -> str:
        """How messages call the table."""
        return f"table {name}"

    def chunks(self, name: str, quarantine: Quarantine, skip: int = 0) -> Iterator[Chunk]:
        """The rows, streamed from the server a bounded number at a time."""
        yield from islice(self._all_chunks(name, quarantine), skip, None)

    def _all_chunks(self, name: str, quarantine: Quarantine) -> Iterator[Chunk]:
        del quarantine  # a database has no broken lines
        if name not in self._columns:
            raise DataError(f"no table {name} in {self.shown}; found {sorted(self._columns)}")
        columns = self._columns[name]
        table = sa.table(name, *(sa.column(c) for c in columns))
        done = 0
        try:
            with self._engine.connect().execution_options(yield_per=ROWS_AT_ONCE) as connection:
                for rows in connection.execute(sa.select(table)).partitions():
                    yield self._chunk(name, columns, rows, done)
                    done += len(rows)
        except DBAPIError as error:
            raise StorageError(
                f"reading table {name} of {self.shown}: {_first_line(error)}"
            ) from None
        if done == 0:
            yield self._chunk(name, columns, [], 0)

    def _chunk(
        self, name: str, columns: list[str], rows: Sequence[Sequence[Any]], done: int
    ) -> Chunk:
        values = zip(*rows, strict=True) if rows else ([] for _ in columns)
        arrays = [arrow_column(list(v)) for v in values]
        numbers = np.arange(done + 1, done + 1 + len(rows), dtype=np.int64)
        return Chunk(name, self.label(name), pa.table(arrays, names=columns), numbers)


def _engine(url: str) -> sa.Engine:
    scheme = url.split("://", 1)[0]
    driver = DRIVERS.get(scheme)
    if driver is None:
        known = "sqlite:///file.db or postgresql://user@host/name"
        raise UsageError(f"a URL that starts with {scheme}:// cannot be read; expected {known}")
    try:
        parsed = sa.make_url(driver + "://" + url.split("://", 1)[1])
        _refuse_missing_sqlite(parsed)
        return sa.create_engine(parsed, poolclass=sa.NullPool)
    except (ArgumentError, ValueError):
        raise UsageError(f"not a database URL ({scheme}://…): check its form") from None
    except (ModuleNotFoundError, NoSuchModuleError) as error:
        raise UsageError(
            f"reading {scheme} needs a driver ({error}); pip install 'leadscore[postgres]'"
        ) from None


def _refuse_missing_sqlite(url: sa.URL) -> None:
    from pathlib import Path

    if url.get_backend_name() == "sqlite" and not Path(url.database or "").is_file():
        raise DataError(f"{url.database or url} does not exist; expected an SQLite file")


def nested(flat: dict[str, Any]) -> dict[str, Any]:
    """Rows of ``key``, ``value`` as the mapping that dataset.toml would give.

    >>> nested({"horizon_days": "14", "attributes.budget.group": "budget"})
    {'horizon_days': 14, 'attributes': {'budget': {'group': 'budget'}}}
    """
    given: dict[str, Any] = {}
    for key, value in flat.items():
        if key.startswith("attributes.") and key.count(".") >= 2:
            name, setting = key.removeprefix("attributes.").rsplit(".", 1)
            given.setdefault("attributes", {}).setdefault(name, {})[setting] = _parsed(value)
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
    if kinds <= {dt.datetime}:
        zones = {v.tzinfo is None for v in values if v is not None}
        if zones == {False}:
            return pa.array(values, pa.timestamp("us", tz="UTC"))
    texts = [None if v is None or v in NO_VALUE else _text(v) for v in values]
    return pa.array(texts, pa.string())


def _text(value: Any) -> str:
    return value.isoformat() if isinstance(value, dt.datetime) else str(value)


def _first_line(error: DBAPIError) -> str:
    return str(error.orig or error).strip().splitlines()[0][:200]
