"""JSON lines as columns: a value a line, an object a row."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import msgspec
import pyarrow as pa

from features.errors import DataError
from features.reading.files import DataFile

ROWS_AT_ONCE = 200_000


def json_lines(file: DataFile) -> Iterator[tuple[pa.Table, list[int]]]:
    """The rows of a file and the lines that they stand in, a bounded number at a time.

    A line that is no JSON object raises DataError with its number. Keys that a row lacks are null.
    """
    rows: list[dict[str, Any]] = []
    lines: list[int] = []
    decode = msgspec.json.Decoder(dict[str, Any]).decode
    for number, line in enumerate(_lines(file), start=1):
        text = line.removeprefix(b"\xef\xbb\xbf").strip() if number == 1 else line.strip()
        if not text:
            continue
        try:
            rows.append(decode(text))
        except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
            raise DataError(
                f"{file.name} line {number}: not one JSON object ({str(error)[:100]})"
            ) from None
        lines.append(number)
        if len(rows) == ROWS_AT_ONCE:
            yield table_of(rows), lines
            rows, lines = [], []
    if rows or not lines:
        yield table_of(rows), lines


def count_json_lines(file: DataFile) -> int:
    """Lines that are not blank, counted in the bytes."""
    return sum(1 for line in _lines(file) if line.strip(b"\xef\xbb\xbf \t\r\n"))


def _lines(file: DataFile) -> Iterator[bytes]:
    """The lines as they stand, one at a time."""
    return iter(io.BytesIO(file.read()))


def table_of(rows: list[dict[str, Any]]) -> pa.Table:
    """Rows as columns, each of numbers, truths or texts; nested values as JSON text."""
    names = list(dict.fromkeys(name for row in rows for name in row))
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
