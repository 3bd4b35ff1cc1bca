"""Cells of the CSV files that people open in a spreadsheet: text that would run is neutralised.

A spreadsheet takes a cell that begins with ``= + - @``, a tab or a carriage return for a formula
(OWASP, CSV injection). Such *text* gets an apostrophe in front, which spreadsheets read as "this is
text"; numbers stay as they are. :func:`restored` takes the apostrophe away again.
"""

from __future__ import annotations

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


QUOTE = "'"


FORMULA_PATTERN = r"^'*[=+\-@\t\r]"
"""The same as a regular expression, for whole columns."""


def neutralised(cell: object) -> object:
    """A cell that no spreadsheet takes for a formula; anything but text is left alone.

    Text that begins with apostrophes and then a formula gets one more, so that
    :func:`restored` gives back every text as it was.

    >>> neutralised("=1+1"), neutralised("-5"), neutralised(-5.0), neutralised("L-17")
    ("'=1+1", "'-5", -5.0, 'L-17')
    """
    if isinstance(cell, str) and cell.lstrip(QUOTE).startswith(FORMULA_STARTS):
        return QUOTE + cell
    return cell


def restored(cell: str) -> str:
    """The text that :func:`neutralised` was given.

    >>> restored("'=1+1"), restored("'tis"), restored(str(neutralised("'=x")))
    ('=1+1', "'tis", "'=x")
    """
    if cell.startswith(QUOTE) and cell.lstrip(QUOTE).startswith(FORMULA_STARTS):
        return cell[1:]
    return cell
