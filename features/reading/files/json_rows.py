"""JSON as columns: an object a line, or one document that holds a list of objects."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Generator, Iterator
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from features.errors import DataError
from features.reading.files.data_file import DataFile
from features.reading.files.encoding import as_utf8, encoding_of
from features.reading.files.headers import columns_of
from features.reading.files.table_file import TableFile
from features.reading.quarantine import Chunk

ROWS_AT_ONCE = 200_000
DEPTH = 3
"""Objects within objects that become columns, ``properties.city``; deeper ones stay JSON text."""

Row = dict[str, Any]


def json_chunks(part: TableFile, skip: int) -> Generator[Chunk]:
    """The rows of a JSON file; the first ``skip`` chunks left out."""
    for rows, places in json_rows(part.file):
        columns = columns_of(rows.column_names, part.file.name, part.table, part.declared)
        part.note_columns(columns)
        if part.places >= skip:
            picked = rows.select(list(columns.positions))
            yield part.chunk(picked, columns, np.asarray(places, dtype=np.int64), {})
        part.places += 1
    if skip == 0:
        part.count(count_json_rows(part.file))


def json_rows(file: DataFile) -> Iterator[tuple[pa.Table, list[int]]]:
    """The rows of a file and the lines (or places) that they stand in, a bounded number at a time.

    Every table has the same columns: keys that a row lacks are null. Fields of objects within a row
    are columns ``outer.inner``; MongoDB's ``{"$date": …}`` is its value. What is neither JSON lines
    nor a document with one list of objects raises DataError with the line.
    """
    text = _text_of(file)
    read = _document if _is_document(text) else _printed_wide if _is_printed_wide(text) else _lines
    names: dict[str, None] | None = None
    if text.count(b"\n") > ROWS_AT_ONCE:
        names = {}
        for row, _ in read(text, file.name):
            names.update(dict.fromkeys(row))
    rows = read(text, file.name)
    held: list[Row] = []
    places: list[int] = []
    empty = True
    for row, place in rows:
        held.append(row)
        places.append(place)
        if len(held) == ROWS_AT_ONCE:
            yield table_of(held, names), places
            held, places, empty = [], [], False
    if held or empty:
        yield table_of(held, names), places


def count_json_rows(file: DataFile) -> int:
    """The rows counted a second way: lines that are not blank, or objects by another parser."""
    text = _text_of(file)
    if _is_document(text):
        return len(_objects_in(json.loads(text), file.name))
    if _is_printed_wide(text):
        return sum(1 for line in text.splitlines() if line.startswith(b"}"))
    return sum(1 for line in text.splitlines() if line.strip())


def _text_of(file: DataFile) -> bytes:
    raw = bytes(file.read())
    encoding, _ = encoding_of(raw, file.name)
    return as_utf8(raw, encoding, file.name)


def _is_document(text: bytes) -> bool:
    """Whether the whole is one JSON value, not a value a line."""
    start = text.lstrip()[:1]
    if start == b"[":
        return True
    first = next((line for line in io.BytesIO(text) if line.strip()), b"")
    if start != b"{" or _is_object(first):
        return False
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict) and not _lists_in(json.loads(line))
    except ValueError:
        return False


def _lists_in(value: Row) -> list[str]:
    """Keys of an object that hold a list of objects, where the object is no row itself."""
    found = [k for k, v in value.items() if isinstance(v, list) and v and isinstance(v[0], dict)]
    plain = [k for k, v in value.items() if not isinstance(v, dict | list)]
    return (
        found if len(plain) <= 3 and not any(k.endswith(("id", "Id", "ID")) for k in plain) else []
    )


def _objects_in(document: Any, name: str) -> list[Any]:
    rows = document
    if isinstance(document, dict):
        keys = _lists_in(document)
        if not keys:
            return [document]
        if len(keys) > 1:
            raise DataError(
                f"{name} holds several lists of objects ({', '.join(keys[:8])}); expected one "
                "table a file: an object a line"
            )
        rows = document[keys[0]]
    for place, row in enumerate(rows, start=1):
        if not isinstance(row, dict):
            raise DataError(f"{name} item {place}: not one JSON object; expected a list of objects")
    return list(rows)


def _document(text: bytes, name: str) -> Iterator[tuple[Row, int]]:
    try:
        document = _decoded(text)
    except (msgspec.DecodeError, ValueError) as error:
        raise DataError(
            f"{name} is no JSON document: {str(error)[:100]}; it may not have been copied whole"
        ) from None
    for place, row in enumerate(_objects_in(document, name), start=1):
        yield flat(row), place


def _lines(text: bytes, name: str) -> Iterator[tuple[Row, int]]:
    for number, line in enumerate(io.BytesIO(text), start=1):
        if not line.strip():
            continue
        try:
            row = _decoded(line)
        except (msgspec.DecodeError, ValueError) as error:
            raise DataError(
                f"{name} line {number}: not one JSON object ({str(error)[:100]}); expected an "
                "object a line, or one list of objects; correct the line or export again"
            ) from None
        if not isinstance(row, dict):
            raise DataError(f"{name} line {number}: not one JSON object; expected an object a line")
        yield flat(row), number


def _is_printed_wide(text: bytes) -> bool:
    """Whether objects follow each other, each over several lines, as jq prints them."""
    return next((line for line in io.BytesIO(text) if line.strip()), b"").strip() == b"{"


def _printed_wide(text: bytes, name: str) -> Iterator[tuple[Row, int]]:
    words, at, place = text.decode(errors="replace"), 0, 0
    decode = json.JSONDecoder(
        parse_constant=lambda word: None if word == "NaN" else word
    ).raw_decode
    blanks = re.compile(r"\s*")
    while (at := blanks.match(words, at).end()) < len(words):  # type: ignore[union-attr]
        try:
            row, at = decode(words, at)
        except ValueError as error:
            line = 1 + words.count("\n", 0, at)
            raise DataError(
                f"{name} line {line}: not one JSON object ({str(error)[:80]}); correct it or "
                "export again"
            ) from None
        place += 1
        if not isinstance(row, dict):
            raise DataError(f"{name} item {place}: not one JSON object; expected an object each")
        yield flat(row), place


def _decoded(text: bytes) -> Any:
    """A JSON value; ``NaN``, which Python and pandas write, is null."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError):
        if b"NaN" not in text and b"Infinity" not in text:
            raise
    return json.loads(text, parse_constant=lambda word: None if word == "NaN" else word)


def flat(row: Row) -> Row:
    """The row with fields of objects within it as fields of its own.

    >>> flat({"id": 1, "properties": {"city": "Lyon", "at": {"$date": "2025-01-06T09:00:00Z"}}})
    {'id': 1, 'properties.city': 'Lyon', 'properties.at': '2025-01-06T09:00:00Z'}
    """
    if not any(isinstance(value, dict) for value in row.values()):
        return row
    found: Row = {}
    _flatten(row, "", found, DEPTH)
    return found


def _flatten(row: Row, before: str, found: Row, depth: int) -> None:
    for key, value in row.items():
        plain = _unwrapped(value)
        if isinstance(plain, dict) and plain and depth > 1:
            _flatten(plain, f"{before}{key}.", found, depth - 1)
        else:
            found.setdefault(before + key, plain)


def _unwrapped(value: Any) -> Any:
    """The value of MongoDB's ``{"$oid": …}``, ``{"$date": …}``, ``{"$numberLong": …}``."""
    while isinstance(value, dict) and len(value) == 1:
        ((key, inner),) = value.items()
        if not key.startswith("$"):
            break
        value = inner
    return value


def table_of(rows: list[Row], columns: dict[str, None] | None = None) -> pa.Table:
    """Rows as columns, each of numbers, truths or texts; nested lists as JSON text."""
    names = list(columns or dict.fromkeys(name for row in rows for name in row))
    return pa.table({name: column_of([row.get(name) for row in rows]) for name in names})


def column_of(values: list[Any]) -> pa.Array:
    """Values of JSON as one column; of several types, as text.

    >>> column_of([1, None, 2.5]).type, column_of([True]).type, column_of(["a", 1]).to_pylist()
    (DataType(double), DataType(bool), ['a', '1'])
    >>> column_of([["a", "b"]]).to_pylist()
    ['a;b']
    """
    kinds = {type(v) for v in values if v is not None}
    if kinds == {bool}:
        return pa.array(values, pa.bool_())
    if kinds == {int} and all(v is None or abs(v) < 2**63 for v in values):
        return pa.array(values, pa.int64())
    if kinds and kinds <= {int, float}:
        return pa.array([None if v is None else float(v) for v in values], pa.float64())
    return pa.array([_text(v) for v in values], pa.string())


def _text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list) and all(isinstance(v, str) for v in value):
        return ";".join(value)
    if isinstance(value, dict | list):
        return msgspec.json.encode(value).decode()
    return str(value)
