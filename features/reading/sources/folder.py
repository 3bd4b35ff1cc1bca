"""A dataset folder: which file is which table, and its rows as they stand in files of any kind."""

from __future__ import annotations

from collections.abc import Generator, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as parquet

from features.cleaning import NO_VALUE
from features.contract import (
    FORMATS,
    TABLES,
    DatasetSettings,
    TableSettings,
    read_settings,
    settings_from_text,
)
from features.errors import DataError
from features.reading.files.csv_table import HEADER_AGAIN, csv_chunks, open_csv, repeats_header
from features.reading.files.data_file import (
    DataFile,
    files_meant,
    is_url,
    local_file,
    partition_values,
    parts_of,
)
from features.reading.files.dialect import FileKind, kind_of, packer_of
from features.reading.files.headers import HeaderColumns, columns_of
from features.reading.quarantine import Chunk, Quarantine

CHUNK_ROWS = 2_000_000
GATHERED_ROWS = 500_000
"""Rows of small parts that are cleaned together."""


CODED = {"interactions": ("kind",)}
"""Columns of few different words, which Parquet stores as codes and need not be spelled out."""


BESIDE_TABLES = (
    "dataset.toml",
    "readme",
    "licence",
    "license",
    "references",
    "scorecard",
    "playbook",
)
"""Starts of the names of files that lie beside tables and are none."""
LEFT_BY_PROGRAMS = (".", "~$", "thumbs.db", "desktop.ini", "__macosx")
"""Starts of the names of what Excel, Windows and macOS leave in a folder."""
MAX_TITLE_ROWS = 20
DATABASES = (".db", ".sqlite", ".sqlite3")
JSON_ENDINGS = (".jsonl", ".jsonl.gz", ".ndjson", ".json", ".json.gz")
WORKBOOKS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")


@dataclass
class TableNotes:
    """What was found of files and said; and the rows that each holds, counted apart."""

    found: list[str] = field(default_factory=list)
    losses: list[str] = field(default_factory=list)
    _counted: dict[tuple[str, str], int] = field(default_factory=dict)

    @property
    def counted(self) -> dict[str, int]:
        """The rows of each table, by a count of its own."""
        found: dict[str, int] = {}
        for (table, _), rows in self._counted.items():
            found[table] = found.get(table, 0) + rows
        return found

    def count(self, table: str, file: str, rows: int) -> None:
        """Keep how many rows a file of a table holds; a file counted again is the same file."""
        self._counted[table, file] = rows

    def say(self, sentence: str) -> None:
        """Keep a sentence once."""
        if sentence not in self.found:
            self.found.append(sentence)

    def lose(self, sentence: str) -> None:
        """Keep a loss once."""
        if sentence not in self.losses:
            self.losses.append(sentence)


class TableSource(Protocol):
    """Where the tables come from: a folder or a database."""

    @property
    def notes(self) -> TableNotes:
        """What was found while reading."""

    def settings(self) -> tuple[DatasetSettings, frozenset[str]]:
        """The settings, and the names of those that were really given."""

    def has(self, name: str) -> bool:
        """Whether there is a table of this name."""

    def label(self, name: str) -> str:
        """How messages call the table: its file name."""

    def not_read(self) -> list[str]:
        """What is there beside the tables, by name."""

    def chunks(self, name: str, quarantine: Quarantine, skip: int = 0) -> Generator[Chunk]:
        """The rows of a table, in order, a bounded number at a time; without the first chunks."""


@dataclass(frozen=True)
class FolderSource:
    """A dataset folder."""

    folder: Path
    notes: TableNotes = field(default_factory=TableNotes)
    _settings: list[tuple[DatasetSettings, frozenset[str]]] = field(default_factory=list)
    _files: dict[str, list[DataFile]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.folder.is_dir():
            what = "is a file" if self.folder.exists() else "does not exist"
            raise DataError(
                f"{self.folder} {what}; expected a dataset folder with leads.csv (or .xlsx, "
                ".parquet, …), or a URL such as sqlite:///leads.db"
            )

    def settings(self) -> tuple[DatasetSettings, frozenset[str]]:
        """Read ``dataset.toml``; without it every setting is inferred."""
        if not self._settings:
            name = self.folder.resolve().name or "dataset"
            self._settings.append(read_settings(self.folder / "dataset.toml", default_name=name))
        return self._settings[0]

    def files(self, name: str) -> list[DataFile]:
        """The files of a table: those declared, else the one called like it; none if absent.

        Looked for once. DataError if two could be the table, or a declared one is not there.
        """
        if name not in self._files:
            self._files[name] = self._found_files(name)
        return self._files[name]

    def _found_files(self, name: str) -> list[DataFile]:
        declared = self._table(name).file
        if declared is not None:
            found = files_meant(declared, self.folder)
            if not found:
                raise DataError(
                    f"[tables.{name}] file = {declared!r}: no such file in {self.folder}"
                )
            return found
        own = [p for p in sorted(self.folder.iterdir()) if _is_table(p, name)]
        if len(own) > 1:
            names = " and ".join(p.name for p in own)
            raise DataError(
                f"{self.folder} holds {names}: two formats of one table, and nothing says which "
                f'is right; remove one, or say file = "{own[0].name}" in [tables.{name}]'
            )
        if own:
            return parts_of(own[0], self.folder) if own[0].is_dir() else [local_file(own[0])]
        return self._sheet_files(name)

    def _table(self, name: str) -> TableSettings:
        return self.settings()[0].of_table(name)

    def _sheet_files(self, name: str) -> list[DataFile]:
        """The one workbook with a sheet that is called like the table."""
        from features.reading.files.excel import sheet_names

        books = [p for p in sorted(self.folder.iterdir()) if p.suffix.lower() in WORKBOOKS]
        books = [p for p in books if not any(_is_table(p, t) for t in TABLES)]
        books = [p for p in books if not p.name.startswith(LEFT_BY_PROGRAMS)]
        alike = [
            local_file(p)
            for p in books
            if any(n.strip().casefold() == name for n in sheet_names(local_file(p)))
        ]
        return alike if len(alike) == 1 else []

    def path(self, name: str) -> Path | None:
        """The one file of a table on this machine's disk, or None."""
        found = self.files(name)
        return found[0].path if len(found) == 1 else None

    def has(self, name: str) -> bool:
        """Whether there is a file of this table."""
        return bool(self.files(name))

    def label(self, name: str) -> str:
        """The file's name, or the folder's of its parts."""
        found = self.files(name)
        if len(found) == 1:
            return found[0].name
        return f"{name} ({len(found):,} files)" if found else f"{name}.csv"

    def not_read(self) -> list[str]:
        """Names of what lies in the folder and is no table that is read."""
        used = {f.path for name in (*TABLES, "aliases") for f in self.files(name)}
        parts = {p.parent for p in used if p is not None}
        queried = any(f.ending == ".sql" for name in TABLES for f in self.files(name))
        found = []
        for place in sorted(self.folder.iterdir()):
            plain = place.name.lower()
            if plain.startswith((*LEFT_BY_PROGRAMS, *BESIDE_TABLES)) or place in used:
                continue
            if place.is_dir() and any(p == place or place in p.parents for p in parts):
                continue
            found.append(place.name + ("/" if place.is_dir() else ""))
        return [] if queried else found

    def chunks(self, name: str, quarantine: Quarantine, skip: int = 0) -> Generator[Chunk]:
        """The rows, a bounded number at a time; the first ``skip`` chunks are left out."""
        files = self.files(name)
        if not files:
            raise DataError(self._no_table(name))
        declared = self.settings()[0].columns.get(name, {})
        yield from file_chunks(
            files, name, quarantine, skip, own=self._table(name), declared=declared,
            notes=self.notes, folder=self.folder, label=self.label(name),
        )  # fmt: skip

    def _no_table(self, name: str) -> str:
        ends = ", ".join((".csv", ".xlsx", ".parquet", ".jsonl", ".sql"))
        others = self.not_read()
        bases = [o for o in others if o.lower().endswith(DATABASES)]
        if bases:
            return (
                f"no table {name} in {self.folder}; the folder holds the database {bases[0]}: "
                f"read it as sqlite:///{self.folder / bases[0]}"
            )
        there = (
            f"; the folder holds {', '.join(others[:8])}: leadscore init {self.folder} "
            f"looks at them, "
            f'or say file = "{others[0]}" in [tables.{name}] of dataset.toml'
            if others
            else ""
        )
        if name == "outcomes" and not others:
            there = (
                "; if leads has a column of its status and one of the day it was closed, "
                f"leadscore init {self.folder} writes how to read them"
            )
        return f"no table {name} in {self.folder}; expected {name} with one of {ends}{there}"


@dataclass(frozen=True)
class RemoteFolderSource:
    """A dataset folder on object storage, by its URL; ``dataset.toml`` lies in it as well."""

    url: str
    notes: TableNotes = field(default_factory=TableNotes)
    _listing: list[DataFile] = field(default_factory=list)
    _settings: list[tuple[DatasetSettings, frozenset[str]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        found = files_meant(self.url, Path())
        if not found:
            raise DataError(f"{self.url} holds no file; expected leads.parquet (or .csv, …) in it")
        self._listing.extend(found)

    def settings(self) -> tuple[DatasetSettings, frozenset[str]]:
        """Read ``dataset.toml``; without it every setting is inferred."""
        if not self._settings:
            name = self.url.rstrip("/").rsplit("/", 1)[-1] or "dataset"
            own = [f for f in self._listing if f.name == "dataset.toml"]
            text = bytes(own[0].read()).decode("utf-8-sig") if own else ""
            self._settings.append(settings_from_text(text, default_name=name))
        return self._settings[0]

    def files(self, name: str) -> list[DataFile]:
        """The files of a table: those declared, its own, or its parts in a folder of its name."""
        declared = self.settings()[0].of_table(name).file
        if declared is not None:
            text = declared if is_url(declared) else f"{self.url.rstrip('/')}/{declared}"
            return files_meant(text, Path())
        own = [f for f in self._listing if f.name.lower() in {name + end for end in FORMATS}]
        if len(own) > 1:
            names = " and ".join(f.name for f in own)
            raise DataError(f"{self.url} holds {names}: two formats of one table; remove one")
        return own or [f for f in self._listing if f.name.lower().startswith(name + "/")]

    def has(self, name: str) -> bool:
        """Whether there is a file of this table."""
        return bool(self.files(name))

    def label(self, name: str) -> str:
        """The file's name, or how many parts there are."""
        found = self.files(name)
        if len(found) == 1:
            return found[0].name
        return f"{name} ({len(found):,} files)" if found else f"{name}.parquet"

    def not_read(self) -> list[str]:
        """Names of what lies in the folder and is no table that is read."""
        used = {f.location for name in (*TABLES, "aliases") for f in self.files(name)}
        return [
            f.name
            for f in self._listing
            if f.location not in used and not f.name.lower().startswith(BESIDE_TABLES)
        ]

    def chunks(self, name: str, quarantine: Quarantine, skip: int = 0) -> Generator[Chunk]:
        """The rows, a bounded number at a time; the first ``skip`` chunks are left out."""
        files = self.files(name)
        if not files:
            raise DataError(f"no table {name} in {self.url}; expected {name}.parquet, .csv, …")
        settings = self.settings()[0]
        yield from file_chunks(
            files, name, quarantine, skip, own=settings.of_table(name),
            declared=settings.columns.get(name, {}), notes=self.notes, label=self.label(name),
        )  # fmt: skip


def _is_table(place: Path, name: str) -> bool:
    plain = place.name.lower()
    if place.is_dir():
        return plain == name
    return any(plain == name + end for end in FORMATS)


def file_chunks(
    files: Sequence[DataFile] | Path,
    name: str,
    quarantine: Quarantine,
    skip: int = 0,
    *,
    own: TableSettings | None = None,
    declared: dict[str, str | int] | None = None,
    notes: TableNotes | None = None,
    folder: Path | None = None,
    label: str | None = None,
) -> Generator[Chunk]:
    """The rows of the files of one table; one that cannot be read raises DataError with its name.

    ``notes`` collects what was found, and how many rows there are by a count of its own.
    """
    parts = [local_file(files)] if isinstance(files, Path) else list(files)
    own, declared, notes = own or TableSettings(), declared or {}, notes or TableNotes()
    if len(parts) > 1:  # many small parts: their fixed costs are paid once for so many rows
        whole = gathered(
            _each_chunk(parts, name, quarantine, 0, own, declared, notes, folder, label)
        )
        yield from islice(whole, skip, None)
    else:
        yield from _each_chunk(parts, name, quarantine, skip, own, declared, notes, folder, label)


def gathered(chunks: Iterator[Chunk]) -> Iterator[Chunk]:
    """Chunks of the same columns put together, about ``GATHERED_ROWS`` at a time."""
    held: list[Chunk] = []
    for chunk in chunks:
        if held and held[0].table.schema != chunk.table.schema:
            yield _as_one(held)
            held = []
        held.append(chunk)
        if sum(map(len, held)) >= GATHERED_ROWS:
            yield _as_one(held)
            held = []
    if held:
        yield _as_one(held)


def _as_one(chunks: list[Chunk]) -> Chunk:
    first = chunks[0]
    if len(chunks) == 1:
        return first
    table = pa.concat_tables([c.table for c in chunks]).unify_dictionaries()
    return Chunk(first.name, first.file, table, np.concatenate([c.rows for c in chunks]))


def _each_chunk(
    parts: list[DataFile],
    name: str,
    quarantine: Quarantine,
    skip: int,
    own: TableSettings,
    declared: dict[str, str | int],
    notes: TableNotes,
    folder: Path | None,
    label: str | None,
) -> Generator[Chunk]:
    place, columns = 0, None
    for file in parts:
        reader = _OneFile(file, name, own, declared, notes, folder)
        try:
            with closing(reader.chunks(quarantine, max(0, skip - place))) as chunks:
                for chunk in chunks:
                    _same_columns(columns, chunk, file)
                    columns = chunk.table.column_names
                    yield chunk if label is None else Chunk(name, label, chunk.table, chunk.rows)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError, EOFError) as error:
            raise DataError(_unreadable(file, error)) from error
        place += reader.places


def _same_columns(before: list[str] | None, chunk: Chunk, file: DataFile) -> None:
    if before is not None and set(before) != set(chunk.table.column_names):
        odd = sorted(set(before) ^ set(chunk.table.column_names))
        raise DataError(
            f"{file.name}: other columns than the parts before it: {', '.join(odd[:8])}"
        )


@dataclass
class _OneFile:
    """One file of a table, whatever its kind. ``places``: how many chunks it makes."""

    file: DataFile
    table: str
    own: TableSettings
    declared: dict[str, str | int]
    notes: TableNotes
    folder: Path | None
    places: int = 0

    def chunks(self, quarantine: Quarantine, skip: int) -> Generator[Chunk]:
        """Its rows, a bounded number at a time, without the first ``skip`` chunks."""
        ending = self.file.ending
        if ending == ".sql":
            return self._query(skip)
        kind = kind_of(self.file.head())
        self._refuse(kind)
        if kind is FileKind.PARQUET:
            self._say_other(".parquet", "a Parquet file")
            return self._parquet(skip)
        if kind is FileKind.EXCEL:
            self._say_other(WORKBOOKS, "an Excel workbook")
            return self._workbook(quarantine, skip)
        if ending in JSON_ENDINGS or kind is FileKind.JSON:
            self._say_other(JSON_ENDINGS, "JSON")
            return self._json(skip)
        if ending in (*WORKBOOKS, ".parquet") and kind is not FileKind.TEXT:
            raise DataError(_unreadable(self.file, OSError("it is of another format")))
        if ending == ".parquet":
            return self._parquet(skip)
        return self._csv(quarantine, skip)

    def _refuse(self, kind: FileKind) -> None:
        name = self.file.name
        if kind is FileKind.HTML:
            raise DataError(f"{name} is a web page (HTML), not a table: export it as CSV or xlsx")
        if kind in (FileKind.PDF, FileKind.XML, FileKind.RTF):
            what = {FileKind.PDF: "a PDF", FileKind.XML: "XML", FileKind.RTF: "a text with layout"}
            raise DataError(f"{name} is {what[kind]}, not a table: export it as CSV or xlsx")
        if kind is FileKind.PACKED:
            packer = packer_of(self.file.head())
            raise DataError(f"{name} is packed with {packer}: unpack it first")
        if kind is FileKind.SQLITE:
            raise DataError(
                f"{name} is an SQLite database: read it as sqlite:///{self.file.location}"
            )
        if kind is FileKind.ZIP:
            raise DataError(f"{name} is a ZIP archive: unpack it first")

    def _say_other(self, ends: str | tuple[str, ...], what: str) -> None:
        if not self.file.ending.endswith(ends):
            self.notes.say(f"{self.file.name}: is {what} whatever its name says, and read as one")

    def _count(self, rows: int) -> None:
        self.notes.count(self.table, self.file.name, rows)

    def _told(self, columns: HeaderColumns) -> None:
        for note in columns.notes:
            self.notes.say(note)
        empty = [name for name, why in columns.left_out if why == "no name and no value"]
        if empty:
            self.notes.say(
                f"{self.file.name}: {len(empty)} empty columns without a name are left out"
            )
        for name, why in columns.left_out:
            if name not in empty:
                self.notes.lose(f"{self.file.name}: {name} is left out: {why}")

    def _csv(self, quarantine: Quarantine, skip: int) -> Generator[Chunk]:
        csv = open_csv(self.file, self.table, self.own, self.declared)
        for note in csv.dialect.notes:
            self.notes.say(note)
        self._told(csv.columns)
        if skip == 0:
            self._count(csv.records)
        for chunk in csv_chunks(csv, self.table, quarantine, skip):
            self.places += 1
            yield chunk
        self.places += skip

    def _parquet(self, skip: int) -> Generator[Chunk]:
        names = parquet.read_schema(self.file.parquet_source()).names
        columns = columns_of(names, self.file.name, self.table, self.declared)
        self._told(columns)
        wanted = [names[p] for p in columns.positions]
        coded = [
            names[p]
            for p, n in zip(columns.positions, columns.names, strict=True)
            if n in CODED.get(self.table, ())
        ]
        extra = partition_values(self.file)
        with parquet.ParquetFile(self.file.parquet_source(), read_dictionary=coded) as file:
            if skip == 0:
                self._count(file.metadata.num_rows)
            if file.metadata.num_rows == 0:
                empty = file.schema_arrow.empty_table().select(wanted)
                yield self._chunk(empty, columns, _numbers(1, 0), extra)
            start = 1
            for group in range(file.num_row_groups):
                rows = file.metadata.row_group(group).num_rows
                pieces = max(1, -(-rows // CHUNK_ROWS))
                if skip >= self.places + pieces:
                    start, self.places = start + rows, self.places + pieces
                    continue
                for table in _pieces(file, group, pieces, wanted):
                    if self.places >= skip:
                        yield self._chunk(table, columns, _numbers(start, table.num_rows), extra)
                    start, self.places = start + table.num_rows, self.places + 1

    def _chunk(
        self,
        table: pa.Table,
        columns: HeaderColumns,
        rows: npt.NDArray[np.int64],
        extra: dict[str, str],
    ) -> Chunk:
        table = table.rename_columns(list(columns.names))
        for name, value in extra.items():
            if name not in table.column_names:
                table = table.append_column(name, pa.array([value] * table.num_rows, pa.string()))
        return Chunk(self.table, self.file.name, table, rows)

    def _json(self, skip: int) -> Generator[Chunk]:
        from features.reading.files.json_lines import count_json_rows, json_rows

        for table, lines in json_rows(self.file):
            columns = columns_of(table.column_names, self.file.name, self.table, self.declared)
            self._told(columns)
            if self.places >= skip:
                picked = table.select(list(columns.positions))
                yield self._chunk(picked, columns, np.asarray(lines, dtype=np.int64), {})
            self.places += 1
        if skip == 0:
            self._count(count_json_rows(self.file))

    def _query(self, skip: int) -> Generator[Chunk]:
        from features.reading.files.query import query_batches

        path = self.file.path
        if path is None or self.folder is None:
            raise DataError(f"{self.file.name}: a query is run in a folder of this machine alone")

        with query_batches(path, self.folder) as (rows, batches):
            if skip == 0:
                self._count(rows)
            start, seen = 1, False
            for batch in _gathered(batches):
                columns = columns_of(batch.column_names, self.file.name, self.table, self.declared)
                self._told(columns)
                seen = True
                if self.places >= skip:
                    picked = batch.select(list(columns.positions))
                    yield self._chunk(picked, columns, _numbers(start, batch.num_rows), {})
                start, self.places = start + batch.num_rows, self.places + 1
            if not seen:
                raise DataError(f"{self.file.name}: the query gives no rows")

    def _workbook(self, quarantine: Quarantine, skip: int) -> Generator[Chunk]:
        from features.reading.files.excel import sheet_rows

        sheet, rows = sheet_rows(self.file, self.own.sheet, self.table)
        above = _title_rows(rows)
        header = rows[above] if rows else []
        if not any(cell.strip() for cell in header):
            raise DataError(
                f"{self.file.name} is empty; expected a first row with the names of columns"
            )
        label = self.file.name
        if above:
            words = next((c for row in rows[:above] for c in row if c.strip()), "")
            self.notes.say(f"{label}: {above} rows above the header are left out: {words[:60]!r}")
        self.notes.say(f"{label}: sheet {sheet!r} is read")
        body = [(above + 2 + i, row) for i, row in enumerate(rows[above + 1 :])]
        body = [(n, row) for n, row in body if any(cell.strip() for cell in row)]
        self._count(len(body))
        while body and _is_footer(body[-1][1]):
            number, row = body.pop()
            quarantine.note_footer(self.table, label, number, next(c for c in row if c.strip()))
        width = len(header)
        cells = [pa.array([_cell(row, i) for _, row in body], pa.string()) for i in range(width)]
        filled = [len(c) - c.null_count for c in cells]
        same = {
            i: j
            for i in range(width)
            for j in range(i)
            if header[i].strip() == header[j].strip() and cells[i].equals(cells[j])
        }
        columns = columns_of(header, label, self.table, self.declared, filled=filled, same=same)
        self._told(columns)
        table = pa.table(
            [cells[p] for p in columns.positions], names=[str(i) for i in range(len(columns.names))]
        )
        self.places = 1
        if skip == 0:
            numbers = np.array([n for n, _ in body], dtype=np.int64)
            chunk = self._chunk(table, columns, numbers, {})
            again = repeats_header(cells, header)
            yield chunk if again is None else quarantine.set_aside(chunk, again, HEADER_AGAIN)


def _cell(row: list[str], place: int) -> str | None:
    text = row[place] if place < len(row) else ""
    return None if text in NO_VALUE else text


def _is_footer(row: list[str]) -> bool:
    """Whether a row is one sentence under the table."""
    filled = [cell.strip() for cell in row if cell.strip()]
    return len(filled) == 1 and " " in filled[0] and len(row) > 2


def _title_rows(rows: list[list[str]]) -> int:
    """How many rows stand above the header: titles with few cells filled."""
    widths = [sum(1 for cell in row if cell.strip()) for row in rows[: MAX_TITLE_ROWS * 5]]
    usual = max(widths, default=0)
    for place, width in enumerate(widths[:MAX_TITLE_ROWS]):
        if (width >= 2 and width >= usual / 2) or (usual <= 1 and width):
            return place
    return 0


def _gathered(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.Table]:
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


def _pieces(
    file: parquet.ParquetFile, group: int, pieces: int, columns: list[str]
) -> Iterator[pa.Table]:
    if pieces == 1:
        yield file.read_row_group(group, columns=columns)
    else:
        for batch in file.iter_batches(batch_size=CHUNK_ROWS, row_groups=[group], columns=columns):
            yield pa.Table.from_batches([batch])


def _numbers(first: int, count: int) -> npt.NDArray[np.int64]:
    return np.arange(first, first + count, dtype=np.int64)


def _unreadable(file: DataFile, error: Exception) -> str:
    kind = {".parquet": "a Parquet file", ".gz": "gzipped CSV"}.get(
        "." + file.ending.rsplit(".", 1)[-1], "CSV"
    )
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return (
        f"{file.name} cannot be read as {kind}: {reason[:200]}; "
        "the file is damaged, incomplete or of another format: write it again"
    )
