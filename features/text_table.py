"""A table as plain text."""

from __future__ import annotations

from collections.abc import Sequence


def text_table(header: Sequence[str], rows: Sequence[Sequence[str]], *, right: int = 0) -> str:
    """Columns padded to one width, two spaces apart; the last ``right`` ones aligned right.

    >>> print(text_table(("kind", "rows"), [("page_view", "12"), ("call", "3")], right=1))
    kind       rows
    page_view    12
    call          3
    """
    lines = [list(header), *map(list, rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    first_right = len(header) - right
    return "\n".join(
        "  ".join(
            cell.rjust(width) if i >= first_right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(line, widths, strict=True))
        ).rstrip()
        for line in lines
    )
