"""Exports and datasets drawn as small tables: pipes between cells, a first line of names."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import pyarrow.parquet as pq

from features.reading.read import read_dataset
from integrations.coverage import ImportReport


def cells(drawn: str) -> list[list[str]]:
    """The cells of a drawn table, without the blanks around them."""
    lines = [line.strip() for line in drawn.strip().splitlines()]
    return [[cell.strip() for cell in line.split("|")] for line in lines if line]


def write_export(folder: Path, files: Mapping[str, str], separator: str = ",") -> Path:
    """Write drawn tables as the CSV files of an export."""
    for name, drawn in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("w", encoding="utf-8", newline="") as file:
            csv.writer(file, delimiter=separator).writerows(cells(drawn))
    return folder


def table(folder: Path, name: str, columns: Sequence[str]) -> list[list[str]]:
    """Some columns of a dataset's table as text: unknown is empty, moments are ISO 8601 in UTC."""
    path = folder / f"{name}.parquet"
    if not path.exists():
        return [list(columns)]
    rows = pq.read_table(path).to_pylist()
    return [list(columns), *([_text(row[column]) for column in columns] for row in rows)]


def assert_table(folder: Path, name: str, drawn: str) -> None:
    """A table of a dataset holds the drawn rows, in this order."""
    expected = cells(drawn)
    found = table(folder, name, expected[0])
    assert found == expected, "\n".join(" | ".join(row) for row in found)


def reasons(report: ImportReport) -> list[str]:
    """Why rows are not kept, as ``table fate rows reason``, sorted."""
    return sorted(f"{r.table} {r.fate} {r.rows}: {r.reason}" for r in report.reasons)


def _text(value: object) -> str:
    if value is None:
        return ""
    if hasattr(value, "isoformat"):
        text = value.isoformat().replace("+00:00", "Z")
        return text.removesuffix("Z").removesuffix("000") + "Z" if "." in text else text
    return f"{value:g}" if isinstance(value, float) else str(value)


def assert_contract(folder: Path) -> None:
    """The dataset is read as it is: nothing of it breaks the data contract."""
    read = read_dataset(folder)
    assert read.quarantined == ()
    assert len(read.leads) > 0
