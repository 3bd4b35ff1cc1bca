"""The tables of a dataset folder, as they stand in the files: CSV, gzipped CSV or Parquet."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as parquet

from features.contract import FORMATS, NO_VALUE, DatasetSettings
from features.errors import DataError
from features.reading.quarantine import Chunk, Quarantine

CSV_BLOCK_BYTES = 16 << 20


CHUNK_ROWS = 2_000_000


CODED = {"interactions": ("kind",)}
"""Columns of few different words, which Parquet stores as codes and need not be spelled out."""


class TableSource(Protocol):
    """Where the tables come from: a folder or a database."""

    def settings(self) -> tuple[DatasetSettings, frozenset[str]]:
        """The settings, and the names of those that were really given."""

    def has(self, name: str) -> bool:
        """Whether there is a table of this name."""

    def label(self, name: str) -> str:
        """How messages call the table: its file name."""

    def chunks(self, name: str, quarantine: Quarantine, skip: int = 0) -> Iterator[Chunk]:
        """The rows of a table, in order, a bounded number at a time; without the first chunks."""


@dataclass(frozen=True)
class FolderSource:
    """A dataset folder."""

    folder: Path

    def __post_init__(self) -> None:
        if not self.folder.is_dir():
            what = "is a file" if self.folder.exists() else "does not exist"
            raise DataError(
                f"{self.folder} {what}; expected a dataset folder with leads.csv (or .csv.gz, "
                ".parquet), or a URL such as sqlite:///leads.db"
            )

    def settings(self) -> tuple[DatasetSettings, frozenset[str]]:
        """Read ``dataset.toml``; without it every setting is inferred."""
        from features.contract import read_settings

        return read_settings(self.folder / "dataset.toml", default_name=self.folder.resolve().name)

    def path(self, name: str) -> Path | None:
        """The one file of a table, or None; DataError if there are two formats of it."""
        found = [p for p in (self.folder / f"{name}{end}" for end in FORMATS) if p.is_file()]
        if len(found) > 1:
            names = " and ".join(p.name for p in found)
            raise DataError(
                f"{self.folder} holds {names}: two formats of one table, and nothing says which "
                "is right; remove one"
            )
        return found[0] if found else None

    def has(self, name: str) -> bool:
        """Whether there is a file of this table."""
        return self.path(name) is not None

    def label(self, name: str) -> str:
        """The file's name."""
        path = self.path(name)
        return path.name if path else f"{name}.csv"

    def chunks(self, name: str, quarantine: Quarantine, skip: int = 0) -> Iterator[Chunk]:
        """The rows, a bounded number at a time; the first ``skip`` chunks are left out."""
        path = self.path(name)
        if path is None:
            ends = ", ".join(FORMATS)
            raise DataError(f"no table {name} in {self.folder}; expected {name} with one of {ends}")
        yield from file_chunks(path, name, quarantine, skip)


def file_chunks(path: Path, name: str, quarantine: Quarantine, skip: int = 0) -> Iterator[Chunk]:
    """The rows of one file; a file that cannot be read raises DataError with its name."""
    try:
        if path.suffix == ".parquet":
            yield from _parquet_chunks(path, name, skip)
        else:
            yield from _csv_chunks(path, name, quarantine, skip)
    except UnicodeDecodeError as error:
        raise DataError(not_utf8(path)) from error
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError, EOFError) as error:
        if "UTF8" in str(error) or "utf-8" in str(error):
            raise DataError(not_utf8(path)) from error
        raise DataError(_unreadable(path, error)) from error


def _parquet_chunks(path: Path, name: str, skip: int) -> Iterator[Chunk]:
    there = parquet.read_schema(path).names
    coded = [column for column in CODED.get(name, ()) if column in there]
    with parquet.ParquetFile(path, read_dictionary=coded) as file:
        check_header(path.name, list(file.schema_arrow.names))
        if file.metadata.num_rows == 0:
            yield Chunk(name, path.name, file.schema_arrow.empty_table(), _numbers(1, 0))
        start, place = 1, 0
        for group in range(file.num_row_groups):
            rows = file.metadata.row_group(group).num_rows
            pieces = max(1, -(-rows // CHUNK_ROWS))
            if skip >= place + pieces:
                start, place = start + rows, place + pieces
                continue
            for table in _pieces(file, group, pieces):
                if place >= skip:
                    yield Chunk(name, path.name, table, _numbers(start, table.num_rows))
                start, place = start + table.num_rows, place + 1


def _pieces(file: parquet.ParquetFile, group: int, pieces: int) -> Iterator[pa.Table]:
    if pieces == 1:
        yield file.read_row_group(group)
    else:
        for batch in file.iter_batches(batch_size=CHUNK_ROWS, row_groups=[group]):
            yield pa.Table.from_batches([batch])


def _csv_chunks(path: Path, name: str, quarantine: Quarantine, skip: int) -> Iterator[Chunk]:
    header = csv_header(path)
    check_header(path.name, header)
    broken: list[arrow_csv.InvalidRow] = []

    def aside(row: arrow_csv.InvalidRow) -> str:
        broken.append(row)
        return "skip"

    reader = _open_csv(path, header, aside)
    done = noted = 0
    with closing(reader):
        for place, batch in enumerate(reader):
            for row in broken[noted:] if place >= skip else ():
                _note(row, name, path.name, quarantine)
            noted = len(broken)
            table = pa.Table.from_batches([batch])
            rows = _skipping(_numbers(done, table.num_rows), [int(r.number or 0) for r in broken])
            done += table.num_rows
            if place >= skip:
                yield Chunk(name, path.name, table, rows)
    for row in broken[noted:]:
        _note(row, name, path.name, quarantine)
    if done == 0:
        empty = pa.table({column: pa.array([], pa.string()) for column in header})
        yield Chunk(name, path.name, empty, _numbers(2, 0))


def _open_csv(
    path: Path, header: list[str], aside: Callable[[arrow_csv.InvalidRow], str]
) -> Generator[pa.RecordBatch, None, None]:
    """The rows as batches of strings; nothing where there is only a header."""
    try:
        with arrow_csv.open_csv(
            path,
            read_options=arrow_csv.ReadOptions(use_threads=False, block_size=CSV_BLOCK_BYTES),
            parse_options=arrow_csv.ParseOptions(
                newlines_in_values=True, invalid_row_handler=aside
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(header, pa.string()),
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
                null_values=list(NO_VALUE),
            ),
        ) as reader:
            yield from reader
    except pa.ArrowInvalid as error:
        if "Empty CSV file" not in str(error):
            raise


def _note(row: arrow_csv.InvalidRow, name: str, file: str, quarantine: Quarantine) -> None:
    problem = f"{row.actual_columns} columns; expected {row.expected_columns}"
    quarantine.note_line(name, file, int(row.number or 0), row.text, problem)


def _numbers(first: int, count: int) -> npt.NDArray[np.int64]:
    return np.arange(first, first + count, dtype=np.int64)


def _skipping(positions: npt.NDArray[np.int64], skipped: list[int]) -> npt.NDArray[np.int64]:
    """Row numbers in the file of the rows at ``positions`` (from 0) among those not skipped."""
    rows = positions + 2
    if not skipped:
        return rows
    lost = np.sort(np.asarray(skipped, dtype=np.int64))
    passed = np.searchsorted(lost - np.arange(len(lost)), rows, side="right")
    return rows + passed


def csv_header(path: Path) -> list[str]:
    """The column names of a CSV file; DataError if it is empty or not separated by commas."""
    import csv

    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rt", encoding="utf-8-sig", newline="") as file:
        header = next(csv.reader(file), [])
    if not header:
        raise DataError(f"{path.name} is empty; expected a first line with the names of columns")
    for separator, word in ((";", "semicolons"), ("\t", "tabs"), ("|", "vertical bars")):
        if len(header) == 1 and separator in header[0]:
            raise DataError(
                f"{path.name} row 1: columns are separated by {word}; expected commas "
                "(save the file as comma-separated UTF-8)"
            )
    return header


def check_header(file: str, header: list[str]) -> None:
    """DataError if two columns share a name."""
    repeated = sorted({name for name in header if header.count(name) > 1})
    if repeated:
        raise DataError(f"{file}: two columns are called {repeated[0]!r}; rename one")


def not_utf8(path: Path) -> str:
    """The message for a file in another encoding, with the row where that first shows."""
    row = 1
    opener = gzip.open if path.suffix == ".gz" else open
    with opener(path, "rb") as file:
        for row, line in enumerate(file, start=1):  # noqa: B007
            try:
                line.decode("utf-8")
            except UnicodeDecodeError:
                break
    return (
        f"{path.name} line {row}: not UTF-8 text; expected UTF-8 (save the file in that encoding)"
    )


def _unreadable(path: Path, error: Exception) -> str:
    kind = {".parquet": "a Parquet file", ".gz": "gzipped CSV"}.get(path.suffix, "CSV")
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return (
        f"{path.name} cannot be read as {kind}: {reason[:200]}; "
        "the file is damaged, incomplete or of another format: write it again"
    )
