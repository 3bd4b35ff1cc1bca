"""What a file is by its first bytes, whatever its name."""

from __future__ import annotations

import codecs
import re
from enum import StrEnum

_HTML = re.compile(
    rb"\s*(<!doctype html|<html|<table|<head|<body|<\?xml[^>]*>\s*<(html|table))", re.I
)


_PACKED = {b"BZh": "bzip2", b"\x28\xb5\x2f\xfd": "Zstandard", b"\xfd7zXZ\x00": "xz",
           b"7z\xbc\xaf\x27\x1c": "7-Zip", b"Rar!\x1a\x07": "RAR"}  # fmt: skip


_JSON = re.compile(rb'\s*(?:\[\s*\{|\{)\s*"[^"\r\n]*"\s*:')


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
