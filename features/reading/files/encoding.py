"""The encoding of a text: by a byte-order mark, else by what its bytes can be."""

from __future__ import annotations

import codecs
import re

from features.contract import TABLES
from features.errors import DataError

SAMPLE_BYTES = 1 << 16
BLOCK_BYTES = 16 << 20
_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


_MULTIBYTE = re.compile(
    rb"[\xc3-\xdf][\x80-\xbf]|[\xe1-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}"
)
"""Letters beyond ASCII as UTF-8 writes them."""


_SYMBOL_IN_WORD = re.compile(
    r"[^\W\d_][£¥¿³¹¼¾¢¤¦][^\W\d_]|[£¥¼¾¢¤¦][^\W\d_]{2}|[a-z]Ž|[a-z][ˆ™•‡†‰][a-z]"
)
"""Symbols of Windows-1252 where other code pages have letters: ``£ódŸ`` for ``Łódź``, and
``activitŽ`` for ``activité`` as Excel saves it on a Mac."""


_HIGH_RUN = re.compile(r"[^\x00-\x7f]{3,}")


def encoding_of(data: bytes | memoryview, file: str) -> tuple[str, str | None]:
    """The encoding of some text, and a sentence if it is not UTF-8.

    A byte-order mark decides. Without one: UTF-8 if all of it is; UTF-16 if every other byte is
    zero; Windows-1252 if that gives the letters of western languages. Anything else: DataError.
    """
    head = bytes(data[:4096])
    for mark, name in _MARKS:
        if head.startswith(mark):
            note = None if name == "utf-8" else f"{file}: read as {name.upper()} (byte-order mark)"
            return name, note
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
        text = near.decode("windows-1252", errors="replace")
    high = re.findall(r"[^\x00-\x7f]", text)
    runs = sum(map(len, _HIGH_RUN.findall(text)))
    letters = sum(1 for c in high if c.isalpha() or c in "€’‘“”«»–—…•°²³ºª§®©™£¥¿¡·×\xa0œŒ")
    word = re.findall(r"[\w’']*[^\x00-\x7f][\w’']*", text)
    shown = word[0] if word else ""
    other = [w for w in re.findall(r"\S+", text) if _SYMBOL_IN_WORD.search(w)]
    shown = other[0] if other else shown
    if not high or other or letters < 0.8 * len(high) or runs > 0.3 * len(high):
        raise DataError(
            f"{file} line {line}: not UTF-8 text, and nothing says which encoding it is "
            f'(as Windows-1252 it would hold {shown[:40]!r}); say encoding = "..." in '
            f"[tables.{_table(file)}] of dataset.toml, such as windows-1251, windows-1250, "
            f"mac-roman, cp850, shift_jis"
        )
    return "windows-1252", (
        f"{file}: not UTF-8, read as Windows-1252 (line {line}: {shown[:40]!r}); another one is "
        f"said by encoding in [tables.{_table(file)}]"
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
        f'say encoding = "windows-1252" in [tables.{_table(file)}] of dataset.toml and have the '
        "other letters spoiled"
    )


def _table(file: str) -> str:
    """The table that a file is by its name; an ellipsis where dataset.toml says which it is."""
    stem = file.split(".", 1)[0].lower()
    return stem if stem in TABLES else "…"


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
