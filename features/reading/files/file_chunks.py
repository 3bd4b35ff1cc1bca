"""The rows of the files of one table, whatever their kind, a bounded number at a time."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path

import pyarrow as pa

from features.dataset_settings import TableSettings
from features.errors import DataError
from features.reading.chunks import merge_small_chunks
from features.reading.files.csv_table import csv_chunks, open_csv
from features.reading.files.data_file import DataFile, local_file
from features.reading.files.file_kind import FileKind, kind_of, packer_of
from features.reading.files.parquet import parquet_chunks
from features.reading.files.table_file import TableFile
from features.reading.quarantine import Chunk, Quarantine
from features.reading.table_notes import TableNotes

JSON_ENDINGS = (".jsonl", ".jsonl.gz", ".ndjson", ".json", ".json.gz")
WORKBOOKS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")


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
        whole = merge_small_chunks(
            _each_chunk(parts, name, quarantine, 0, own, declared, notes, folder, label)
        )
        yield from islice(whole, skip, None)
    else:
        yield from _each_chunk(parts, name, quarantine, skip, own, declared, notes, folder, label)


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
        part = TableFile(file, name, own, declared, notes, folder)
        try:
            with closing(_chunks_of(part, quarantine, max(0, skip - place))) as chunks:
                for chunk in chunks:
                    _same_columns(columns, chunk, file)
                    columns = chunk.table.column_names
                    yield chunk if label is None else Chunk(name, label, chunk.table, chunk.rows)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError, OSError, EOFError) as error:
            raise DataError(_unreadable(file, error)) from error
        place += part.places


def _same_columns(before: list[str] | None, chunk: Chunk, file: DataFile) -> None:
    if before is not None and set(before) != set(chunk.table.column_names):
        odd = sorted(set(before) ^ set(chunk.table.column_names))
        raise DataError(
            f"{file.name}: other columns than the parts before it: {', '.join(odd[:8])}"
        )


def _chunks_of(part: TableFile, quarantine: Quarantine, skip: int) -> Generator[Chunk]:
    """The rows of one file, a bounded number at a time, without the first ``skip`` chunks."""
    ending = part.file.ending
    if ending == ".sql":
        from features.reading.files.query import query_chunks

        return query_chunks(part, skip)
    kind = kind_of(part.file.head())
    _refuse(part.file, kind)
    if kind is FileKind.PARQUET:
        _note_other_kind(part, ".parquet", "a Parquet file")
        return parquet_chunks(part, skip)
    if kind is FileKind.EXCEL:
        _note_other_kind(part, WORKBOOKS, "an Excel workbook")
        from features.reading.files.excel import workbook_chunks

        return workbook_chunks(part, quarantine, skip)
    if ending in JSON_ENDINGS or kind is FileKind.JSON:
        _note_other_kind(part, JSON_ENDINGS, "JSON")
        from features.reading.files.json_rows import json_chunks

        return json_chunks(part, skip)
    if ending in (*WORKBOOKS, ".parquet") and kind is not FileKind.TEXT:
        raise DataError(_unreadable(part.file, OSError("it is of another format")))
    if ending == ".parquet":
        return parquet_chunks(part, skip)
    return _csv_chunks(part, quarantine, skip)


def _refuse(file: DataFile, kind: FileKind) -> None:
    name = file.name
    if kind is FileKind.HTML:
        raise DataError(f"{name} is a web page (HTML), not a table: export it as CSV or xlsx")
    if kind in (FileKind.PDF, FileKind.XML, FileKind.RTF):
        what = {FileKind.PDF: "a PDF", FileKind.XML: "XML", FileKind.RTF: "a text with layout"}
        raise DataError(f"{name} is {what[kind]}, not a table: export it as CSV or xlsx")
    if kind is FileKind.PACKED:
        packer = packer_of(file.head())
        raise DataError(f"{name} is packed with {packer}: unpack it first")
    if kind is FileKind.SQLITE:
        raise DataError(f"{name} is an SQLite database: read it as sqlite:///{file.location}")
    if kind is FileKind.ZIP:
        raise DataError(f"{name} is a ZIP archive: unpack it first")


def _note_other_kind(part: TableFile, ends: str | tuple[str, ...], what: str) -> None:
    if not part.file.ending.endswith(ends):
        part.notes.say(f"{part.file.name}: is {what} whatever its name says, and read as one")


def _csv_chunks(part: TableFile, quarantine: Quarantine, skip: int) -> Generator[Chunk]:
    csv = open_csv(part.file, part.table, part.own, part.declared)
    for note in csv.dialect.notes:
        part.notes.say(note)
    part.note_columns(csv.columns)
    if skip == 0:
        part.count(csv.records)
    for chunk in csv_chunks(csv, part.table, quarantine, skip):
        part.places += 1
        yield chunk
    part.places += skip


def _unreadable(file: DataFile, error: Exception) -> str:
    kind = {".parquet": "a Parquet file", ".gz": "gzipped CSV"}.get(
        "." + file.ending.rsplit(".", 1)[-1], "CSV"
    )
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return (
        f"{file.name} cannot be read as {kind}: {reason[:200]}; "
        "the file is damaged, incomplete or of another format: write it again"
    )
