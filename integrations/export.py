"""The files of an export: which there are, which table each one is, and reading them.

DuckDB reads them with access to these files and to nothing else: no other file, no network, no
extension, and its settings are locked before the first query of a recipe runs.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from features.errors import DataError, UsageError
from features.language.plural import plural
from features.reading.files.file_chunks import WORKBOOKS
from integrations.connectors.mirror import SYNC_STATE
from integrations.converted import (
    DOCUMENTS,
    Converted,
    converted,
    needs_conversion,
    sheets_of,
)
from integrations.recipe import SourceTable, comparable, first_of

CSV_ENDINGS = (".csv", ".csv.gz", ".tsv", ".txt")
JSON_ENDINGS = (".jsonl", ".ndjson", ".jsonl.gz")
PARQUET_ENDINGS = (".parquet",)
ENDINGS = r"\.(gz|csv|tsv|txt|jsonl?|ndjson|parquet|xls[xmb]?|ods)\b"
SEPARATORS = (",", ";", "\t", "|")
LONGEST_FIELD = 2**31 - 1


@dataclass(frozen=True)
class ExportFile:
    """One readable file: its columns as written, and how it is to be read.

    ``nested``: columns of lists and structs, read as JSON. ``sheet``: of a workbook of several.
    ``converted``: its rows, where DuckDB does not read the file itself.
    """

    path: Path
    name: str
    columns: tuple[str, ...]
    separator: str = ","
    encoding: str = "utf-8"
    nested: frozenset[str] = frozenset()
    sheet: str | None = None
    converted: Converted | None = None

    @property
    def stem(self) -> str:
        """What tables are recognised by: the name of the file, or of the sheet, without its end."""
        return re.sub(ENDINGS, "", (self.sheet or self.path.name).lower())


@dataclass(frozen=True)
class Export:
    """The files of a folder; ``unread``: name and reason of each one that cannot be read."""

    folder: Path
    files: tuple[ExportFile, ...]
    unread: tuple[tuple[str, str], ...]


@dataclass
class Notes:
    """What a person should know of the reading, in sentences."""

    sentences: list[str] = field(default_factory=list)

    def add(self, sentence: str) -> None:
        """One more sentence."""
        self.sentences.append(sentence)


def look_at(folder: Path) -> Export:
    """The files of an export, each with its columns. UsageError if there is no such folder."""
    if not folder.is_dir():
        raise UsageError(f"{folder} is no folder; expected the folder with the export's files")
    files, unread = [], []
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and not _is_state(p)):
        name = path.relative_to(folder).as_posix()
        try:
            files += _opened(path, name)
        except (ValueError, OSError, DataError) as error:
            unread.append((name, str(error)))
    return Export(folder, tuple(files), tuple(unread))


def _is_state(path: Path) -> bool:
    return path.name in (SYNC_STATE, f"{SYNC_STATE}-wal", f"{SYNC_STATE}-shm")


def _opened(path: Path, name: str) -> list[ExportFile]:
    """A file with its columns, or the sheets of a workbook; ValueError says why it is not read."""
    if path.stat().st_size == 0:
        raise ValueError("empty")
    lower = path.name.lower()
    if lower.endswith(".zip"):
        raise ValueError("a ZIP archive: unpack it first")
    if not lower.endswith((*PARQUET_ENDINGS, *JSON_ENDINGS, *CSV_ENDINGS, *WORKBOOKS, *DOCUMENTS)):
        raise ValueError("not a CSV, Excel, Parquet or JSON file")
    if not needs_conversion(path):
        return [_read_by_duckdb(path, name)]
    files = []
    for sheet in sheets_of(path):
        own = converted(path, sheet)
        columns = tuple(own.rows.column_names)
        whole = name if sheet is None else f"{name}, sheet {sheet}"
        files.append(ExportFile(path, whole, columns, sheet=sheet, converted=own))
    return files


def _read_by_duckdb(path: Path, name: str) -> ExportFile:
    lower = path.name.lower()
    if lower.endswith(PARQUET_ENDINGS):
        schema = pq.read_schema(path)
        nested = frozenset(field.name for field in schema if pa.types.is_nested(field.type))
        return ExportFile(path, name, tuple(schema.names), nested=nested)
    if lower.endswith(JSON_ENDINGS):
        return ExportFile(path, name, _json_columns(path))
    encoding = _encoding(path)
    with _text(path, encoding) as lines:
        header = next(_records(lines, ","), [])
        separator = max(SEPARATORS, key=lambda sign: ",".join(header).count(sign))
        lines.seek(0)
        columns = next(_records(lines, separator), [])
    if len(set(columns)) < len(columns) or not any(columns):
        raise ValueError("its first line is no row of different column names")
    return ExportFile(path, name, tuple(columns), separator, encoding)


def _encoding(path: Path) -> str:
    opener = gzip.open if path.name.lower().endswith(".gz") else open
    with opener(path, "rb") as file:
        start = file.read(4)
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return "utf-16"
    return "utf-8-sig"


def _text(path: Path, encoding: str) -> TextIO:
    if path.name.lower().endswith(".gz"):
        return gzip.open(path, "rt", encoding=encoding, newline="")
    return path.open(encoding=encoding, newline="")


def _records(lines: TextIO, separator: str) -> Iterator[list[str]]:
    csv.field_size_limit(LONGEST_FIELD)
    return csv.reader(lines, delimiter=separator)


def _json_columns(path: Path) -> tuple[str, ...]:
    """The keys of the first 1,000 lines, in the order in which they appear."""
    keys: dict[str, None] = {}
    with _text(path, "utf-8-sig") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                row = json.loads(line)
                if not isinstance(row, dict):
                    raise ValueError(f"line {number} is no JSON object")
                keys.update(dict.fromkeys(row))
            if number >= 1000:
                break
    if not keys:
        raise ValueError("empty")
    return tuple(keys)


def locked_connection(files: Sequence[ExportFile]) -> Any:
    """DuckDB that may read ``files`` and nothing else, and whose settings cannot be changed."""
    connection = duckdb.connect(
        config={"autoinstall_known_extensions": "false", "autoload_known_extensions": "false"}
    )
    plain = [file for file in files if file.converted is None]
    paths = ", ".join(literal(str(file.path)) for file in plain)
    for file in files:
        if file.converted is not None:
            connection.register(_registered(file), file.converted.rows)
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute(f"SET allowed_paths = [{paths}]")
    connection.execute("SET enable_external_access = false")
    connection.execute("SET lock_configuration = true")
    return connection


def read_table(connection: Any, name: str, table: SourceTable, files: Sequence[ExportFile]) -> int:
    """Make the table ``raw_NAME`` of text and return how many rows it has.

    ``_row`` numbers the rows, ``_file`` names the file; every column of the files follows.

    Blanks around a value are cut, an empty value is unknown. Columns that the recipe names carry
    the recipe's names and are there even if no file has them; others keep their headers.
    DataError if a file cannot be read, or DuckDB and a plain count of its records differ.
    """
    parts = " UNION ALL BY NAME ".join(_select(file, table) for file in files)
    absent = ", ".join(f"NULL::VARCHAR AS {quoted(column)}" for column in ("_file", *table.columns))
    source = f"SELECT {absent} WHERE false"
    if parts:
        source += f" UNION ALL BY NAME {parts}"
    try:
        connection.execute(
            f"CREATE TABLE {quoted('raw_' + name)} AS "
            f"SELECT row_number() OVER () AS _row, * FROM ({source})"
        )
    except duckdb.Error as error:
        names = ", ".join(file.name for file in files)
        raise DataError(f"{names}: cannot be read as {name}: {_fault(error)}") from None
    rows = int(connection.execute(f"SELECT count(*) FROM {quoted('raw_' + name)}").fetchone()[0])
    records = sum(map(count_records, files))
    if rows != records:
        names = ", ".join(file.name for file in files)
        raise DataError(
            f"{names}: {plural(records, '{n:,} record', '{n:,} records')} in the file, but "
            f"{plural(rows, '{n:,} was read', '{n:,} were read')}"
        )
    return rows


def _fault(error: duckdb.Error) -> str:
    """What DuckDB found wrong and where, without the line itself: it holds a person's data."""
    lines = str(error).splitlines()
    sentences = [
        line for line in lines if re.search(r"Error on Line|^Expected|unterminated|encod", line)
    ]
    return "; ".join(sentences) or lines[0][:200]


def _select(file: ExportFile, table: SourceTable) -> str:
    present = {comparable(column): column for column in file.columns}
    names: dict[str, str] = {}
    for column in table.columns:
        header = first_of((column, *table.headers.get(column, ())), present)
        if header is not None:
            names[header] = column
    plain = {
        header: f"to_json({quoted(header)})" if header in file.nested else quoted(header)
        for header in file.columns
    }
    texts = {header: f"trim(CAST({value} AS VARCHAR))" for header, value in plain.items()}
    columns = ", ".join(
        f"nullif({text}, '') AS {quoted(names.get(header, header))}"
        for header, text in texts.items()
    )
    return f"SELECT {literal(file.name)} AS _file, {columns} FROM {_reader(file)}"


def _registered(file: ExportFile) -> str:
    return f"file {file.name}"


def _reader(file: ExportFile) -> str:
    if file.converted is not None:
        return quoted(_registered(file))
    path = literal(str(file.path))
    lower = file.path.name.lower()
    if lower.endswith(PARQUET_ENDINGS):
        return f"read_parquet({path})"
    types = ", ".join(f"{literal(column)}: 'VARCHAR'" for column in file.columns)
    if lower.endswith(JSON_ENDINGS):
        return f"read_json({path}, format = 'newline_delimited', columns = {{{types}}})"
    encoding = "utf-16" if file.encoding == "utf-16" else "utf-8"
    return (
        f"read_csv({path}, auto_detect = false, header = true, columns = {{{types}}}, "
        f"delim = {literal(file.separator)}, quote = '\"', escape = '\"', nullstr = '', "
        f"encoding = '{encoding}', strict_mode = true, max_line_size = 16777216)"
    )


def count_records(file: ExportFile) -> int:
    """How many records a file has, counted without DuckDB; a blank line is none."""
    if file.converted is not None:
        return file.converted.records
    lower = file.path.name.lower()
    if lower.endswith(PARQUET_ENDINGS):
        return int(pq.read_metadata(file.path).num_rows)
    with _text(file.path, "utf-8-sig" if lower.endswith(JSON_ENDINGS) else file.encoding) as lines:
        if lower.endswith(JSON_ENDINGS):
            return sum(1 for line in lines if line.strip())
        return sum(1 for record in _records(lines, file.separator) if record) - 1


def quoted(name: str) -> str:
    """A name for SQL."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """A text for SQL."""
    return "'" + text.replace("'", "''") + "'"
