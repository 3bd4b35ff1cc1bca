"""A table as a query: ``leads.sql`` in the dataset folder, run by DuckDB over that folder alone."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pyarrow as pa

from features.errors import DataError
from features.language.plural import plural
from features.reading.files.headers import columns_of
from features.reading.files.table_file import CHUNK_ROWS, TableFile, row_numbers
from features.reading.quarantine import Chunk

if TYPE_CHECKING:
    import duckdb

BATCH_ROWS = 1_000_000
_ONLY_COMMENTS = re.compile(r"(?:\s|--[^\n]*(?:\n|$)|/\*.*?\*/)*", re.DOTALL)
_FILE = re.compile(r"(\b(?:from|join)\s+|\bread_\w+\s*\(\s*\[?\s*)'([^']+)'", re.IGNORECASE)


def query_chunks(part: TableFile, skip: int) -> Generator[Chunk]:
    """The rows that a query gives; the first ``skip`` chunks left out."""
    path = part.file.path
    if path is None or part.folder is None:
        raise DataError(f"{part.file.name}: a query is run in a folder of this machine alone")

    with query_batches(path, part.folder) as (rows, batches):
        if skip == 0:
            part.count(rows)
        start, seen = 1, False
        for batch in _tables_of(batches):
            columns = columns_of(batch.column_names, part.file.name, part.table, part.declared)
            part.note_columns(columns)
            seen = True
            if part.places >= skip:
                picked = batch.select(list(columns.positions))
                yield part.chunk(picked, columns, row_numbers(start, batch.num_rows), {})
            start, part.places = start + batch.num_rows, part.places + 1
        if not seen:
            raise DataError(f"{part.file.name}: the query gives no rows")


def _tables_of(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Batches of a query as tables of a bounded number of rows."""
    held: list[pa.RecordBatch] = []
    rows = 0
    for batch in batches:
        held.append(batch)
        rows += batch.num_rows
        if rows >= CHUNK_ROWS:
            yield pa.Table.from_batches(held)
            held, rows = [], 0
    if held:
        yield pa.Table.from_batches(held)


@contextmanager
def query_batches(
    path: Path, folder: Path, urls: Sequence[str] = ()
) -> Iterator[tuple[int, Iterator[pa.RecordBatch]]]:
    """How many rows the query of a file gives, counted apart, and the rows themselves.

    File names in the query are relative to ``folder``. Only one SELECT is run, with no way to
    read or write anything outside of the folder (and ``urls``), to load an extension or to change
    these settings. DataError where it fails, with what DuckDB said.
    """
    import duckdb

    text = path.read_text(encoding="utf-8-sig")
    head, _, tail = text.rpartition(";")
    text = with_places(head if head and _ONLY_COMMENTS.fullmatch(tail) else text, folder.resolve())
    connection = _locked(folder, urls)
    try:
        _refuse_other(connection, text, path.name)
        counted = connection.sql(text).aggregate("count(*)").fetchall()
        yield int(counted[0][0]), connection.sql(text).to_arrow_reader(BATCH_ROWS)
    except duckdb.Error as error:
        reason = str(error).strip().splitlines()[0][:300] if str(error).strip() else "no reason"
        raise DataError(
            f"{path.name}: {reason}; the query may read files of {folder.resolve().name} alone"
        ) from None
    finally:
        connection.close()


def with_places(text: str, folder: Path) -> str:
    """The query with the names of files of the folder as whole paths, where it reads them.

    >>> with_places("SELECT 'a.csv' FROM 'a.csv'", Path("/data"))
    "SELECT 'a.csv' FROM '/data/a.csv'"
    """

    def whole(found: re.Match[str]) -> str:
        name = found[2]
        plain = not name.startswith("/") and "://" not in name
        return f"{found[1]}'{folder / name}'" if plain else found[0]

    return _FILE.sub(whole, text)


def _locked(folder: Path, urls: Sequence[str]) -> duckdb.DuckDBPyConnection:
    import duckdb

    place = str(folder.resolve())
    connection = duckdb.connect(":memory:")
    connection.execute("SET autoinstall_known_extensions = false")
    connection.execute("SET autoload_known_extensions = false")
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET allowed_directories = ?", [[place + "/", *urls]])
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def _refuse_other(connection: duckdb.DuckDBPyConnection, text: str, file: str) -> None:
    """DataError for anything but one SELECT."""
    import duckdb

    statements = connection.extract_statements(text)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise DataError(
            f"{file}: expected one SELECT; found "
            + plural(len(statements), "{n:,} statement", "{n:,} statements")
        )
