"""The second count of a table's rows: records in the raw bytes, by the rules of quotes alone.

What the CSV reader gives is compared with it, so that no row vanishes between them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from features.compute.jit import kernel
from features.errors import DataError
from features.language.plural import plural

BLOCK_BYTES = 16 << 20
QUOTE, NEWLINE, RETURN = 34, 10, 13
LINE_START, VALUE_START, VALUE, QUOTED, QUOTE_SEEN = 0, 1, 2, 3, 4
MIN_COLUMNS_OF_A_ROW = 3
"""Lines within quotes that hold so many separators as a row of so many columns are suspected."""

Bytes = bytes | memoryview


def count_records(
    data: Bytes,
    file: str,
    separator: str,
    columns: int,
    *,
    escape: str | None = None,
    first_line: int = 1,
    multiline_values: bool = False,
) -> int:
    """How many records a text without its header holds; blank lines are none.

    Raises DataError where a quote is opened and swallows lines: one that is never closed, one whose
    end is followed by more text, or one around lines that look like rows themselves. The message
    names the line where it opens, counted from ``first_line``. ``multiline_values``: lines between
    quotes may look like rows.
    """
    if escape is None and len(separator.encode()) == 1:
        cells = np.frombuffer(data, dtype=np.uint8)
        records, clean = _records_in_lines(cells, ord(separator))
        if clean:
            return int(records)
    scanner = _Scanner(file, separator, columns, escape, first_line, multiline_values)
    return scanner.count(data)


@kernel
def _records_in_lines(cells: npt.NDArray[np.uint8], separator: int) -> tuple[int, bool]:
    """Records, and whether each quote that opens a value closes it in its own line."""
    records, state = 0, LINE_START
    for i in range(cells.shape[0]):
        cell = cells[i]
        if state == QUOTED:
            if cell == QUOTE:
                state = QUOTE_SEEN
            elif cell in (NEWLINE, RETURN):
                return records, False
        elif cell in (NEWLINE, RETURN):
            if state != LINE_START:
                records += 1
            state = LINE_START
        elif cell == separator:
            state = VALUE_START
        elif cell == QUOTE:
            if state == QUOTE_SEEN or state <= VALUE_START:
                state = QUOTED
        elif state == QUOTE_SEEN:
            return records, False
        else:
            state = VALUE
    if state == QUOTED:
        return records, False
    return records + (state != LINE_START), True


def _blocks(data: Bytes) -> Iterator[bytes]:
    for start in range(0, len(data), BLOCK_BYTES):
        yield bytes(data[start : start + BLOCK_BYTES])


class _Scanner:
    """Counts records line by line, following each quote."""

    def __init__(
        self, file: str, separator: str, columns: int, escape: str | None, first_line: int,
        multiline_values: bool,
    ) -> None:  # fmt: skip
        self.file, self.separator, self.columns = file, separator, columns
        self.first_line, self.multiline = first_line, multiline_values
        self.sign = re.escape(separator)
        inner = r'(?:[^"\\]|\\.)*+' if escape else r'(?:[^"]|"")*+'
        self.whole = re.compile(rf'"{inner}"(?={self.sign}|$)')
        self.rest = re.compile(rf'{inner}"')
        self.open_line: int | None = None
        self.looks_like_rows = 0

    def count(self, data: Bytes) -> int:
        """Records that are not blank; DataError where a quote swallows lines."""
        total = 0
        place = self.first_line
        for place, line in enumerate(_text_lines(data), start=self.first_line):
            if self.open_line is None:
                if line:
                    total += 1
                    self._outside(line, 0, place)
            else:
                self._inside(line, place)
        if self.open_line is not None:
            self._refuse("is never closed", place)
        return total

    def _outside(self, line: str, at: int, place: int) -> None:
        """Follow the values of a line from ``at`` on; leaves a quote open or the line done."""
        while at <= len(line):
            if line.startswith('"', at):
                found = self.whole.match(line, at)
                if found is None:
                    if self.rest.match(line, at + 1):
                        return  # a quote within quotes, all in one line: the line alone is broken
                    self.open_line, self.looks_like_rows = place, 0
                    return
                at = found.end()
            nxt = line.find(self.separator, at)
            if nxt < 0:
                return
            at = nxt + len(self.separator)

    def _inside(self, line: str, place: int) -> None:
        found = self.rest.match(line)
        if found is None:
            self._suspect(line)
            return
        end = found.end()
        if end < len(line) and not line.startswith(self.separator, end):
            self._refuse("is followed by more text where it closes", place)
        if not self.multiline and self.looks_like_rows:
            self._refuse("holds lines that look like rows", place)
        self.open_line = None
        if end < len(line):
            self._outside(line, end + len(self.separator), place)

    def _suspect(self, line: str) -> None:
        if self.columns >= MIN_COLUMNS_OF_A_ROW and line.count(self.separator) == self.columns - 1:
            self.looks_like_rows += 1

    def _refuse(self, why: str, place: int) -> None:
        table = self.file.split(".", 1)[0].lower()
        lines = place - (self.open_line or 0)
        declare = (
            f", or say multiline_values = true in [tables.{table}] of dataset.toml if those lines "
            "are one value"
        )
        if not lines:
            raise DataError(
                f"{self.file} line {self.open_line}: a quote opens here and {why}, for the file "
                "ends in it: it was cut off (export or copy it again), or the quote is to be "
                "corrected"
            )
        raise DataError(
            plural(
                lines,
                "{file} line {line}: a quote opens here and {why}; the next {n:,} line (up to line "
                "{place:,}) would vanish in it; correct the quote",
                "{file} line {line}: a quote opens here and {why}; the next {n:,} lines (up to "
                "line {place:,}) would vanish in it; correct the quote",
                file=self.file,
                line=self.open_line,
                why=why,
                place=place,
            )
            + (declare if "look like rows" in why else "")
        )


def _text_lines(data: Bytes) -> Iterator[str]:
    """The lines of a text, without their ends, a block at a time."""
    rest = b""
    for block in _blocks(data):
        text = rest + block
        if text.endswith(b"\r") and len(block) == BLOCK_BYTES:
            rest = text[text.rstrip(b"\r").rfind(b"\n") + 1 :]
            text = text[: len(text) - len(rest)]
            lines = text.splitlines() if text else []
        else:
            cut = max(text.rfind(b"\n"), text.rfind(b"\r")) + 1
            rest, text = text[cut:], text[:cut]
            lines = text.splitlines()
        for line in lines:
            yield line.decode("utf-8", errors="replace")
    if rest:
        yield from (part.decode("utf-8", errors="replace") for part in rest.splitlines())
