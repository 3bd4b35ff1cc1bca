"""Files of an export that DuckDB does not read as they are, as columns of text.

Workbooks, JSON documents, and CSV of another encoding than UTF-8, with title lines, footers or odd
quotes are read as a dataset's tables are (``features.reading``), with the same two counts of rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from features.dataset_settings import TableSettings
from features.errors import DataError
from features.language.plural import plural
from features.reading.files.csv_table import odd_text
from features.reading.files.data_file import local_file
from features.reading.files.excel import filled_sheets
from features.reading.files.file_chunks import JSON_ENDINGS, WORKBOOKS, file_chunks
from features.reading.quarantine import Quarantine
from features.reading.table_notes import TableNotes
from features.reading.values.text import to_text

DOCUMENTS = (".json", ".json.gz")


@dataclass(frozen=True)
class Converted:
    """Rows as text. ``records``: of the file, counted another way. ``notes``: what was found."""

    rows: pa.Table
    records: int
    notes: tuple[str, ...]


def needs_conversion(path: Path) -> bool:
    """Whether a file is a workbook, a JSON document or a CSV file that is not written plainly."""
    lower = path.name.lower()
    if lower.endswith((*WORKBOOKS, *DOCUMENTS)):
        return True
    if lower.endswith((*JSON_ENDINGS, ".parquet")):
        return False
    return odd_text(local_file(path))


def sheets_of(path: Path) -> list[str | None]:
    """The sheets of a workbook that hold rows; ``[None]`` for any other file, or for one sheet."""
    if not path.name.lower().endswith(WORKBOOKS):
        return [None]
    names = filled_sheets(local_file(path))
    return [None] if len(names) < 2 else list(names)


def converted(path: Path, sheet: str | None = None) -> Converted:
    """All rows of a file, or of a sheet of a workbook.

    DataError where it cannot be read, or a row has another number of columns than the header.
    """
    notes, aside = TableNotes(), Quarantine(None, 1.0)
    file = local_file(path)
    own = TableSettings(sheet=sheet)
    parts = [c.table for c in file_chunks([file], "export", aside, own=own, notes=notes)]
    broken = [q for q in aside.found if not q.harmless]
    if broken:
        raise DataError(
            f"{broken[0].example} ({plural(broken[0].rows, '{n:,} row', '{n:,} rows')})"
        )
    text = [pa.table([to_text(c) for c in t.columns], names=t.column_names) for t in parts]
    rows = pa.concat_tables(text)
    harmless = sum(q.rows for q in aside.found)
    found = [sentence.split("; another one is said by")[0] for sentence in notes.found]
    sentences = [*found, *notes.losses, *(f"{q.file}: {q.rows:,} {q.reason}" for q in aside.found)]
    return Converted(rows, notes.counted.get("export", rows.num_rows) - harmless, tuple(sentences))
