"""How the text of a table is written: separator, quotes, lines above its header, names of columns.

Everything is found from the text, and everything that is not plain has a sentence.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from features.errors import DataError
from features.language.plural import plural
from features.reading.files.encoding import SAMPLE_BYTES

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars", "^": "carets",
              "\x1f": "unit separators", "\x01": "control characters"}  # fmt: skip
MAX_TITLE_LINES = 20


@dataclass(frozen=True)
class Dialect:
    """How the text of one table is written.

    ``header``: the names of its columns, as they stand. ``start``: the first byte after the header
    in the text as UTF-8. ``lines_above``: lines before the header. ``escape``: the sign before a
    quote within quotes, where it is not a second quote. ``notes``: a sentence for each thing found.
    """

    encoding: str
    separator: str
    header: tuple[str, ...]
    start: int
    lines_above: int = 0
    escape: str | None = None
    notes: tuple[str, ...] = field(default=())


def dialect_of(
    data: bytes | memoryview,
    file: str,
    *,
    separator: str | None = None,
    encoding: str = "utf-8",
    notes: Sequence[str] = (),
) -> Dialect:
    """The dialect of a text in UTF-8. ``separator``: as declared, found otherwise."""
    head = bytes(data[: SAMPLE_BYTES * 4])
    skip = len(codecs.BOM_UTF8) if head.startswith(codecs.BOM_UTF8) else 0
    text = head[skip:].decode("utf-8", errors="ignore")
    sentences = list(notes)
    lines_above, text, start, hint = _after_sep_line(text, skip)
    if hint is not None and separator is None:
        separator = hint
    if not text.strip("\r\n"):
        raise DataError(f"{file} is empty; expected a first line with the names of columns")
    if separator is None:
        separator = _separator(text)
        if separator != ",":
            sentences.append(f"{file}: columns are separated by {SEPARATORS[separator]}")
    records = _records(text, separator)
    above = _title_lines(records)
    for record in records[:above]:
        lines_above += record.raw.count("\n") or 1
        start += len(record.raw.encode())
    if above:
        sentences.append(
            plural(
                above,
                "{file}: {n:,} line above the header is left out: {words!r}",
                "{file}: {n:,} lines above the header are left out: {words!r}",
                file=file,
                words=_first_words(records[:above]),
            )
        )
    header = records[above]
    start += len(header.raw.encode())
    names = list(header.cells)
    width = _usual_width(records[above + 1 :])
    if width > len(names) and _only_blanks(records[above + 1 :], len(names)):
        names += [""] * (width - len(names))
    _refuse_short_header(records[above:], width, file)
    escape = "\\" if _backslash_quotes(text, separator, len(names)) else None
    if escape:
        sentences.append(f'{file}: a quote within quotes is written \\"')
    return Dialect(encoding, separator, tuple(names), start, lines_above, escape, tuple(sentences))


@dataclass(frozen=True)
class _Record:
    cells: tuple[str, ...]
    raw: str


def _after_sep_line(text: str, skip: int) -> tuple[int, str, int, str | None]:
    found = re.match(r'"?sep=(.)"?(\r\n|\n|\r)', text, re.IGNORECASE)
    if found is None:
        return 0, text, skip, None
    return 1, text[found.end() :], skip + len(found[0].encode()), found[1]


def _separator(text: str) -> str:
    """The sign that splits most lines into the same number of columns, more than one."""
    lines = [line for line in re.split(r"\r\n|\n|\r", text)[:200] if line.strip()]
    best, best_score = ",", (0.0, 0)
    for sign in SEPARATORS:
        try:
            rows = list(csv.reader(lines[:100], delimiter=sign))
        except csv.Error:
            continue
        widths = Counter(len(row) for row in rows if len(row) > 1)
        if not widths:
            continue
        width, count = widths.most_common(1)[0]
        score = (round(count / max(1, len(rows)), 1), width)
        if score > best_score:
            best, best_score = sign, score
    return best


def _records(text: str, separator: str) -> list[_Record]:
    """The first records with the text that each of them is made of, blank lines joined to it."""
    found: list[_Record] = []
    lines = re.findall(r"[^\r\n]*(?:\r\n|\n|\r)|[^\r\n]+$", text)
    at = 0
    while at < len(lines) and len(found) < 200:
        raw = lines[at]
        at += 1
        if not raw.strip("\r\n"):
            if found:
                found[-1] = _Record(found[-1].cells, found[-1].raw + raw)
            else:
                found.append(_Record((), raw))
            continue
        while _opens(raw, separator) and at < len(lines) and raw.count("\n") < 50:
            raw += lines[at]
            at += 1
        cells = next(csv.reader(io.StringIO(raw, newline=""), delimiter=separator), [])
        found.append(_Record(tuple(cells), raw))
    return found


def _opens(raw: str, separator: str) -> bool:
    """Whether a quote is still open at the end of the text."""
    outside = re.sub(
        rf'(^|(?<={re.escape(separator)}))"(?:[^"]|"")*"(?=$|[\r\n]|{re.escape(separator)})',
        "",
        raw,
    )
    return bool(re.search(rf'(^|{re.escape(separator)})"[^"]*$', outside))


def _title_lines(records: Sequence[_Record]) -> int:
    """How many records stand above the header: titles with fewer cells than the table has."""
    widths = Counter(len(r.cells) for r in records if len(r.cells) > 1)
    if not widths:
        return 0 if records and records[0].cells else min(1, len(records) - 1)
    width = widths.most_common(1)[0][0]
    for place, record in enumerate(records[:MAX_TITLE_LINES]):
        filled = sum(1 for cell in record.cells if cell.strip())
        wide = len(record.cells) >= max(2, width / 2)
        if wide and (filled >= 2 or width <= 2):
            return place
    return 0


def _first_words(records: Sequence[_Record]) -> str:
    texts = [" ".join(c for c in r.cells if c.strip()) for r in records]
    return next((text for text in texts if text), "")[:60]


def _usual_width(records: Sequence[_Record]) -> int:
    widths = Counter(len(r.cells) for r in records if r.cells)
    return widths.most_common(1)[0][0] if widths else 0


def _only_blanks(records: Sequence[_Record], width: int) -> bool:
    return all(not cell.strip() for r in records for cell in r.cells[width:])


def _refuse_short_header(records: Sequence[_Record], width: int, file: str) -> None:
    """Refuse a header that names fewer columns than every row has: which one has no name?"""
    named, rows = len(records[0].cells), [r for r in records[1:] if r.cells]
    if len(rows) < 3 or width <= named or any(len(r.cells) != width for r in rows):
        return
    if _only_blanks(rows, named):
        return
    raise DataError(
        f"{file}: the header names {plural(named, '{n:,} column', '{n:,} columns')}, and every row "
        f"has {width}: the name of a "
        f"column is missing in the first line (the first row begins {rows[0].cells[0][:30]!r}, "
        f"{rows[0].cells[1][:30]!r}); write it there (R leaves out the name of the row names: "
        "write.csv(…, row.names = FALSE))"
    )


def _backslash_quotes(text: str, separator: str, width: int) -> bool:
    """Whether quotes within quotes are written with a backslash: more lines fit so."""
    if '\\"' not in text:
        return False
    lines = [line for line in text.splitlines() if '\\"' in line][:200]
    plain = csv.reader(lines, delimiter=separator)
    escaped = csv.reader(lines, delimiter=separator, escapechar="\\", doublequote=False)
    try:
        fits = sum(len(row) == width for row in escaped)
        return fits > sum(len(row) == width for row in plain)
    except csv.Error:
        return False
