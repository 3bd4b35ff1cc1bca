"""Workbooks (xlsx, xls, xlsb, ods) as columns of text, as a CSV file of the sheet holds them."""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Sequence
from typing import Any

from features.errors import DataError
from features.reading.files.data_file import DataFile

OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
ZIPPED = (".xlsx", ".xlsm", ".xlsb", ".ods")
"""Endings of workbooks that are ZIP archives, unless a password locks them."""
MAX_EXACT_WHOLE = 2**53


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
