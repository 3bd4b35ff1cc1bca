"""Tables as files for spreadsheets: text stays text, whatever it begins with."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

import xlsxwriter

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
"""What a spreadsheet takes for the beginning of a formula in a CSV file."""


def neutralised(value: Any) -> Any:
    """A cell that no spreadsheet executes: an apostrophe goes before what could be a formula.

    >>> neutralised("=1+1"), neutralised("Ada"), neutralised(0.5)
    ("'=1+1", 'Ada', 0.5)
    """
    if isinstance(value, str) and value.lstrip(" ").startswith(FORMULA_STARTS):
        return f"'{value}"
    return value


def csv_file(headings: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    """A CSV table in UTF-8, with the mark by which Excel knows it."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(headings)
    writer.writerows([neutralised(cell) for cell in row] for row in rows)
    return out.getvalue().encode("utf-8-sig")


def xlsx_file(headings: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    """A workbook with one sheet; words are written as text, never as formulas or links."""
    out = io.BytesIO()
    workbook = xlsxwriter.Workbook(out, {"in_memory": True})
    sheet = workbook.add_worksheet()
    bold = workbook.add_format({"bold": True})
    for column, heading in enumerate(headings):
        sheet.write_string(0, column, heading, bold)
    for i, row in enumerate(rows, start=1):
        for column, cell in enumerate(row):
            if isinstance(cell, bool) or not isinstance(cell, int | float):
                sheet.write_string(i, column, "" if cell is None else str(cell))
            else:
                sheet.write_number(i, column, cell)
    sheet.freeze_panes(1, 0)
    workbook.close()
    return out.getvalue()
