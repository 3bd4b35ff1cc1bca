"""CSV dialects that the fast reader does not know, written again as the common one.

Values between single quotes, blanks between a separator and a quote, and lines that are quoted as a
whole are read by Python's ``csv`` module and written with double quotes and commas.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from dataclasses import dataclass

from features.errors import DataError

SEPARATORS = ",;\t|"
SAMPLE_CHARACTERS = 1 << 16
SAMPLE_LINES = 20
_SINGLE = r"'(?:[^']|'')*'"


@dataclass(frozen=True)
class OddDialect:
    """A rare way to quote. ``whole_lines``: each line is one quoted value that holds a row."""

    separator: str
    quote: str
    whole_lines: bool
    says: str


def odd_dialect(text: str, separator: str | None = None) -> OddDialect | None:
    r"""The rare dialect that the first lines of a text are written in; None for any common one.

    >>> odd_dialect("'a';'b'\n'1';'2'\n").says
    'values stand between single quotes'
    >>> odd_dialect('"a", "b"\n"1", "2, 3"\n').says
    'blanks stand between separators and quotes'
    >>> odd_dialect('"a,b"\n"1,""2, 3"" "\n').says
    'each line is quoted as a whole'
    >>> odd_dialect("a,b\n1,'2'\n") is None
    True
    """
    lines = [line for line in text[:SAMPLE_CHARACTERS].splitlines() if line.strip()]
    lines = lines[:SAMPLE_LINES]
    if not lines:
        return None
    header = lines[0].removeprefix("\ufeff")
    for sign in separator or SEPARATORS:
        at = re.escape(sign)
        if re.fullmatch(rf"{_SINGLE}(?:{at}{_SINGLE})+", header):
            return OddDialect(sign, "'", False, "values stand between single quotes")
        if re.fullmatch(rf'[^"{at}]*|"[^"]*"', header):
            continue
        if re.search(rf'{at} +"', header) and re.fullmatch(
            rf'(?:"[^"]*"|[^"{at}]*)(?:{at} *(?:"[^"]*"|[^"{at}]*))+', header
        ):
            return OddDialect(sign, '"', False, "blanks stand between separators and quotes")
    return _whole_lines([header, *lines[1:]], separator)


def _whole_lines(lines: list[str], separator: str | None) -> OddDialect | None:
    if len(lines) < 2 or not all(re.fullmatch(r'"(?:[^"]|"")*"', line) for line in lines):
        return None
    inner = [line[1:-1].replace('""', '"') for line in lines]
    for sign in separator or SEPARATORS:
        widths = Counter(len(row) for row in csv.reader(inner, delimiter=sign))
        width, count = widths.most_common(1)[0]
        if width > 1 and count >= 0.9 * len(inner):
            return OddDialect(sign, '"', True, "each line is quoted as a whole")
    return None


def written_again(text: str, odd: OddDialect, file: str) -> bytes:
    """The same records as UTF-8 with double quotes; DataError where a quote is never closed."""
    made = io.StringIO(newline="")
    writer = csv.writer(made, delimiter=odd.separator, lineterminator="\n")
    reader = csv.reader(
        io.StringIO(text.removeprefix("\ufeff"), newline=""),
        delimiter="\x00" if odd.whole_lines else odd.separator,
        quotechar=odd.quote,
        skipinitialspace=not odd.whole_lines,
        strict=True,
    )
    try:
        for row in reader:
            if odd.whole_lines:
                made.write((row[0] if row else "") + "\n")
            else:
                writer.writerow(row)
    except csv.Error as error:
        raise DataError(
            f"{file} line {reader.line_num}: {error} ({odd.says}); correct the quote"
        ) from None
    return made.getvalue().encode()
