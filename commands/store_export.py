"""The store's views written as a dataset folder."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from features.errors import DataError, UsageError
from serving.settings import Settings
from serving.store.database import connect, failure, store_url
from serving.store.migrate import schema_version
from serving.store.tables import dataset

VIEWS = ("leads", "interactions", "answers", "outcomes")
ROWS_AT_ONCE = 10_000


def export_store(settings: Settings, out: Path) -> dict[str, int]:
    """Write every view to ``out`` as CSV, and ``dataset.toml``; rows by table.

    All of one moment. UsageError if the folder holds anything, DataError where there is no store.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(f"{out} is not empty; name a new folder")
    engine = connect(store_url(settings), settings.database_wait_s)
    try:
        if schema_version(engine) is None:
            raise DataError("there is no store yet; it is made when `leadscore serve` first runs")
        out.mkdir(parents=True, exist_ok=True)
        options = {"yield_per": ROWS_AT_ONCE}
        if engine.dialect.name == "postgresql":
            engine = engine.execution_options(isolation_level="REPEATABLE READ")
        with engine.connect() as connection, connection.begin():
            counts = {
                view: _write(connection.execution_options(**options), view, out) for view in VIEWS
            }
            told = {
                row.key: row.value
                for row in connection.execute(sa.select(dataset.c.key, dataset.c.value))
            }
    except SQLAlchemyError as error:
        raise failure(error) from error
    finally:
        engine.dispose()
    (out / "dataset.toml").write_text(_toml({"name": out.name, **told}), encoding="utf-8")
    return counts


def _write(connection: sa.Connection, view: str, out: Path) -> int:
    """One view as a file; the number of its rows."""
    count = 0
    found = connection.execute(sa.text(f"SELECT * FROM {view}"))  # noqa: S608 (one of VIEWS)
    with (out / f"{view}.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(found.keys())
        for rows in found.partitions():
            writer.writerows([[_cell(cell) for cell in row] for row in rows])
            count += len(rows)
    return count


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value


def _toml(told: dict[str, str]) -> str:
    """Rows of ``dataset`` as TOML; a value is JSON, else a text."""
    lines: list[str] = []
    tables: dict[str, list[tuple[str, str]]] = {}
    for key, value in told.items():
        table, _, last = key.rpartition(".")
        if table.startswith("attributes."):
            tables.setdefault(table.removeprefix("attributes."), []).append((last, value))
        else:
            lines.append(f"{json.dumps(key)} = {_toml_value(value)}")
    for name, values in sorted(tables.items()):
        lines += ["", f"[attributes.{json.dumps(name, ensure_ascii=False)}]"]
        lines += [f"{key} = {_toml_value(value)}" for key, value in values]
    return "\n".join(lines) + "\n"


def _toml_value(value: str) -> str:
    try:
        found = json.loads(value)
    except ValueError:
        found = value
    if isinstance(found, dict) or found is None:
        found = value
    return json.dumps(found, ensure_ascii=False)
