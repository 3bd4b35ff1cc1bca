"""What kind of file lies there, and how its text is written: encoding, separator, quotes, header.

Everything is found from the bytes, and everything that is not plain is said in a sentence.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from features.errors import DataError

SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars", "^": "carets",
              "\x1f": "unit separators", "\x01": "control characters"}  # fmt: skip
SAMPLE_BYTES = 1 << 16
MAX_TITLE_LINES = 20
BLOCK_BYTES = 16 << 20
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_HTML = re.compile(
    rb"\s*(<!doctype html|<html|<table|<head|<body|<\?xml[^>]*>\s*<(html|table))", re.I
)
_PACKED = {b"BZh": "bzip2", b"\x28\xb5\x2f\xfd": "Zstandard", b"\xfd7zXZ\x00": "xz",
           b"7z\xbc\xaf\x27\x1c": "7-Zip", b"Rar!\x1a\x07": "RAR"}  # fmt: skip
_JSON = re.compile(rb'\s*(?:\[\s*\{|\{)\s*"[^"\r\n]*"\s*:')
_MULTIBYTE = re.compile(
    rb"[\xc3-\xdf][\x80-\xbf]|[\xe1-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)
"""Letters beyond ASCII as UTF-8 writes them."""
_SYMBOL_IN_WORD = re.compile(r"[^\W\d_][£¥¿³¹¼¾¢¤¦][^\W\d_]|[£¥¼¾¢¤¦][^\W\d_]{2}")
"""Symbols of Windows-1252 where other code pages have letters: ``£ódŸ`` for ``Łódź``."""
_HIGH_RUN = re.compile(r"[^\x00-\x7f]{3,}")


class FileKind(StrEnum):
    """What a file is by its first bytes, whatever its name."""

    TEXT = "text"
    GZIP = "gzip"
    ZIP = "zip"
    EXCEL = "excel"
    PARQUET = "parquet"
    SQLITE = "sqlite"
    HTML = "html"
    XML = "xml"
    JSON = "json"
    RTF = "rtf"
    PDF = "pdf"
    PACKED = "packed"
    EMPTY = "empty"


def kind_of(head: bytes) -> FileKind:
    """The kind of file that begins so.

    >>> kind_of(b"lead_id,created_at").value, kind_of(b"<html><body>").value, kind_of(b"PAR1").value
    ('text', 'html', 'parquet')
    """
    if not head:
        return FileKind.EMPTY
    if head.startswith(b"\x1f\x8b"):
        return FileKind.GZIP
    if head.startswith(b"PK\x03\x04"):
        office = (b"[Content_Types].xml", b"xl/", b"mimetype", b"_rels/", b"docProps/")
        return FileKind.EXCEL if any(part in head[:4096] for part in office) else FileKind.ZIP
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        return FileKind.EXCEL
    if head.startswith(b"PAR1"):
        return FileKind.PARQUET
    if head.startswith(b"SQLite format 3\x00"):
        return FileKind.SQLITE
    if head.startswith(b"%PDF"):
        return FileKind.PDF
    if packer_of(head) is not None:
        return FileKind.PACKED
    plain = head[:512].removeprefix(codecs.BOM_UTF8)
    if _HTML.match(plain) or b"urn:schemas-microsoft-com:office:spreadsheet" in head[:2048]:
        return FileKind.HTML
    if plain.startswith(b"{\\rtf"):
        return FileKind.RTF
    if plain.lstrip().startswith(b"<?xml"):
        return FileKind.XML
    return FileKind.JSON if _JSON.match(plain) else FileKind.TEXT


def packer_of(head: bytes) -> str | None:
    """The program that packed a file that begins so, other than gzip and ZIP; None for no packer.

    >>> packer_of(b"BZh91AY"), packer_of(b"lead_id")
    ('bzip2', None)
    """
    return next((name for mark, name in _PACKED.items() if head.startswith(mark)), None)


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


def encoding_of(data: bytes | memoryview, file: str) -> tuple[str, str | None]:
    """The encoding of some text, and a sentence if it is not UTF-8.

    A byte-order mark decides. Without one: UTF-8 if all of it is; UTF-16 if every other byte is
    zero; Windows-1252 if that gives the letters of western languages. Anything else: DataError.
    """
    head = bytes(data[:4096])
    for mark, name in _MARKS:
        if head.startswith(mark):
            said = None if name == "utf-8" else f"{file}: read as {name.upper()} (byte-order mark)"
            return name, said
    even, odd = head[0::2].count(0), head[1::2].count(0)
    if len(head) > 8 and max(even, odd) > 0.3 * len(head) and min(even, odd) < 0.05 * len(head):
        name = "utf-16-le" if odd > even else "utf-16-be"
        return name, f"{file}: read as {name.upper()} (every other byte is zero)"
    place = _first_not_utf8(data)
    if place is None:
        return "utf-8", None
    return _western(data, place, file)


def _first_not_utf8(data: bytes | memoryview) -> int | None:
    """The place of the first byte that is not UTF-8, or None."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    for start in range(0, len(data), BLOCK_BYTES):
        block = bytes(data[start : start + BLOCK_BYTES])
        pending = len(decoder.getstate()[0])
        if not pending and block.isascii():
            continue
        try:
            decoder.decode(block, final=start + BLOCK_BYTES >= len(data))
        except UnicodeDecodeError as error:
            return start - pending + error.start
    return None


def _western(data: bytes | memoryview, place: int, file: str) -> tuple[str, str]:
    low = max(0, place - 200)
    near = bytes(data[low : place + SAMPLE_BYTES])
    line = 1 + bytes(data[:place]).count(b"\n")
    _refuse_mixture(data, place, near, line, file)
    try:
        text = near.decode("windows-1252")
    except UnicodeDecodeError:
        text = ""
    high = re.findall(r"[^\x00-\x7f]", text)
    runs = sum(map(len, _HIGH_RUN.findall(text)))
    letters = sum(1 for c in high if c.isalpha() or c in "€’‘“”«»–—…°²³ºª§®©™£¥¿¡·×\xa0œŒ")
    word = re.findall(r"[\w’']*[^\x00-\x7f][\w’']*", text)
    shown = word[0] if word else ""
    other = [w for w in re.findall(r"\S+", text) if _SYMBOL_IN_WORD.search(w)]
    shown = other[0] if other else shown
    if not high or other or letters < 0.8 * len(high) or runs > 0.3 * len(high):
        raise DataError(
            f"{file} line {line}: not UTF-8 text, and nothing says which encoding it is "
            f'(as Windows-1252 it would hold {shown[:40]!r}); say encoding = "..." in '
            f"[tables.{_stem(file)}] of dataset.toml, such as windows-1251, windows-1250, "
            f"mac-roman, shift_jis"
        )
    return "windows-1252", (
        f"{file}: not UTF-8, read as Windows-1252 (line {line}: {shown[:40]!r}); another one is "
        f"said by encoding in [tables.{_stem(file)}]"
    )


def _refuse_mixture(
    data: bytes | memoryview, place: int, near: bytes, line: int, file: str
) -> None:
    """Refuse a file of which some lines are UTF-8 and others are not: one reading spoils either."""
    high = len(re.findall(rb"[\x80-\xff]", near))
    fits = [m[0] for m in _MULTIBYTE.finditer(near)]
    if bytes(data[:place]).isascii() and 2 * sum(map(len, fits)) < high:
        return
    wrong = near[place - max(0, place - 200) :][:1].decode("windows-1252", errors="replace")
    raise DataError(
        f"{file} line {line}: not UTF-8 here ({wrong!r} as Windows-1252), but UTF-8 elsewhere: "
        "files of two encodings were joined, or a value is damaged; save all of it as UTF-8, or "
        f'say encoding = "windows-1252" in [tables.{_stem(file)}] of dataset.toml and have the '
        "other letters spoiled"
    )


def _stem(file: str) -> str:
    return file.split(".", 1)[0].lower() or "leads"


def as_utf8(data: bytes, encoding: str, file: str) -> bytes:
    """The text as UTF-8 without a byte-order mark; DataError names the line that does not fit."""
    try:
        codecs.lookup(encoding)
    except LookupError:
        raise DataError(
            f"{file}: encoding {encoding!r} is not known; expected such as utf-8"
        ) from None
    if encoding.replace("_", "-").lower() in ("utf-8", "utf8", "utf-8-sig"):
        return data.removeprefix(codecs.BOM_UTF8)
    try:
        return data.decode(encoding).removeprefix("\ufeff").encode()
    except UnicodeDecodeError as error:
        line = 1 + data[: error.start].count(b"\n")
        raise DataError(
            f"{file} line {line}: not text in {encoding}; say another encoding"
        ) from None


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
    said = list(notes)
    lines_above, text, start, hint = _after_sep_line(text, skip)
    if hint is not None and separator is None:
        separator = hint
    if not text.strip("\r\n"):
        raise DataError(f"{file} is empty; expected a first line with the names of columns")
    if separator is None:
        separator = _separator(text)
        if separator != ",":
            said.append(f"{file}: columns are separated by {SEPARATORS[separator]}")
    records = _records(text, separator)
    above = _title_lines(records)
    for record in records[:above]:
        lines_above += record.raw.count("\n") or 1
        start += len(record.raw.encode())
    if above:
        said.append(
            f"{file}: {above} lines above the header are left out: "
            f"{_first_words(records[:above])!r}"
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
        said.append(f'{file}: a quote within quotes is written \\"')
    return Dialect(encoding, separator, tuple(names), start, lines_above, escape, tuple(said))


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
        f"{file}: the header names {named} columns, and every row has {width}: the name of a "
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
