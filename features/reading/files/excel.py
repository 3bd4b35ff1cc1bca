"""Workbooks (xlsx, xls, xlsb, ods) as columns of text, as a CSV file of the sheet holds them."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Generator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from features.cleaning import NO_VALUE
from features.errors import DataError
from features.reading.files.csv_table import HEADER_AGAIN, repeats_header
from features.reading.files.data_file import DataFile
from features.reading.files.headers import columns_of
from features.reading.files.table_file import TableFile
from features.reading.quarantine import Chunk, Quarantine

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ZIPPED = (".xlsx", ".xlsm", ".xlsb", ".ods")
"""Endings of workbooks that are ZIP archives, unless a password locks them."""
MAX_EXACT_WHOLE = 2**53
MAX_TITLE_ROWS = 20


def workbook_chunks(part: TableFile, quarantine: Quarantine, skip: int) -> Generator[Chunk]:
    """The rows of the sheet that is read, as one chunk; none if ``skip`` is above 0."""
    sheet, rows = sheet_rows(part.file, part.own.sheet, part.table)
    above = _title_rows(rows)
    header = rows[above] if rows else []
    if not any(cell.strip() for cell in header):
        raise DataError(
            f"{part.file.name} is empty; expected a first row with the names of columns"
        )
    label = part.file.name
    if above:
        words = next((c for row in rows[:above] for c in row if c.strip()), "")
        part.notes.say(f"{label}: {above} rows above the header are left out: {words[:60]!r}")
    part.notes.say(f"{label}: sheet {sheet!r} is read")
    body = [(above + 2 + i, row) for i, row in enumerate(rows[above + 1 :])]
    body = [(n, row) for n, row in body if any(cell.strip() for cell in row)]
    part.count(len(body))
    while body and _is_footer(body[-1][1]):
        number, row = body.pop()
        quarantine.note_footer(part.table, label, number, next(c for c in row if c.strip()))
    width = len(header)
    cells = [pa.array([_cell(row, i) for _, row in body], pa.string()) for i in range(width)]
    filled = [len(c) - c.null_count for c in cells]
    same = {
        i: j
        for i in range(width)
        for j in range(i)
        if header[i].strip() == header[j].strip() and cells[i].equals(cells[j])
    }
    columns = columns_of(header, label, part.table, part.declared, filled=filled, same=same)
    part.note_columns(columns)
    rows_below = pa.table(
        [cells[p] for p in columns.positions], names=[str(i) for i in range(len(columns.names))]
    )
    part.places = 1
    if skip == 0:
        numbers = np.array([n for n, _ in body], dtype=np.int64)
        chunk = part.chunk(rows_below, columns, numbers, {})
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


def sheet_rows(file: DataFile, sheet: str | None, table: str) -> tuple[str, list[list[str]]]:
    """The name of the sheet that is read, and its rows as text.

    ``sheet``: as declared; else the only one with rows, or the one that is called like the table.
    Raises DataError where several could be meant, or the file is no workbook.
    """
    from python_calamine import CalamineError

    try:
        book = _book(file)
        names = list(book.sheet_names)
        if sheet is None:
            sheet = _chosen(book, names, file, table)
        elif sheet not in names:
            raise DataError(f"{file.name} has no sheet {sheet!r}; found {', '.join(names)}")
        raw = book.get_sheet_by_name(sheet).to_python(skip_empty_area=False)
    except (CalamineError, OSError) as error:
        locked = file.ending in ZIPPED and file.head().startswith(OLE)
        raise DataError(
            f"{file.name} cannot be read as a workbook: {str(error).splitlines()[0][:120]}; "
            + (
                "it may be protected by a password: save it without one"
                if locked
                else "save it again, or as CSV"
            )
        ) from None
    return sheet, [[cell_text(cell) for cell in row] for row in raw]


def _chosen(book: Any, names: Sequence[str], file: DataFile, table: str) -> str:
    alike = [n for n in names if n.strip().casefold() == table]
    if alike:
        return alike[0]
    filled = [n for n in names if book.get_sheet_by_name(n).height > 0]
    if len(filled) == 1 or (filled and len(names) == 1):
        return filled[0]
    if not filled:
        raise DataError(f"{file.name} is empty; expected a first row with the names of columns")
    raise DataError(
        f"{file.name} has the sheets {', '.join(filled)}; say which one holds {table}: "
        f'sheet = "{filled[0]}" in [tables.{table}] of dataset.toml'
    )


def _book(file: DataFile) -> Any:
    from python_calamine import CalamineWorkbook

    return CalamineWorkbook.from_filelike(io.BytesIO(bytes(file.read())))


def sheet_names(file: DataFile) -> list[str]:
    """The names of the sheets of a workbook; none if it cannot be read."""
    from python_calamine import CalamineError

    try:
        return list(_book(file).sheet_names)
    except CalamineError:
        return []


def filled_sheets(file: DataFile) -> list[str]:
    """The names of the sheets that hold rows. DataError if it is no workbook."""
    from python_calamine import CalamineError

    try:
        book = _book(file)
        return [n for n in book.sheet_names if book.get_sheet_by_name(n).height > 0]
    except (CalamineError, OSError) as error:
        raise DataError(f"{file.name} cannot be read as a workbook: {error}") from None


def cell_text(cell: Any) -> str:
    """A cell as a CSV file would hold it.

    Whole numbers have no point; one too large to be exact is written with an exponent, so that it
    is seen as ruined. Dates have no time where it is midnight and the cell holds a date alone.

    >>> cell_text(942000.0), cell_text(12.5), cell_text(True), cell_text(dt.date(2025, 1, 6))
    ('942000', '12.5', 'true', '2025-01-06')
    >>> cell_text(5.54023e17), cell_text(dt.datetime(2025, 1, 6, 9, 4))
    ('5.54023E+17', '2025-01-06 09:04:00')
    """
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        if cell.is_integer():
            return str(int(cell)) if abs(cell) < MAX_EXACT_WHOLE else f"{cell:.14G}"
        return repr(cell)
    if isinstance(cell, dt.datetime):
        return cell.isoformat(sep=" ")
    if isinstance(cell, dt.timedelta):
        seconds = cell.total_seconds()
        hours, rest = divmod(seconds, 3600)
        return f"{int(hours):02d}:{int(rest // 60):02d}:{rest % 60:02.0f}"
    return str(cell)
