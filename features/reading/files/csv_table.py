"""CSV files of any dialect as chunks of text columns, with every row accounted for."""

from __future__ import annotations

import mmap
import re
from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv

from features.cleaning import NO_VALUE, trimmed
from features.dataset_settings import TableSettings
from features.errors import DataError
from features.language.plural import plural
from features.reading.files.data_file import DataFile
from features.reading.files.dialect import SEPARATORS, Dialect, dialect_of
from features.reading.files.encoding import as_utf8, encoding_of
from features.reading.files.headers import HeaderColumns, columns_of
from features.reading.files.odd_quotes import SAMPLE_CHARACTERS, odd_dialect, written_again
from features.reading.files.record_count import count_records
from features.reading.quarantine import Chunk, Mask, Quarantine, RejectReason
from features.reading.values.text import mask_of

CSV_BLOCK_BYTES = 16 << 20
MAX_FOOTER_LINES = 20
HEADER_AGAIN = RejectReason("the header once more, no row", harmless=True)
Bytes = bytes | mmap.mmap


@dataclass(frozen=True)
class CsvText:
    """One CSV file, opened: its text as UTF-8, its dialect, and how many records it holds.

    ``records``: counted in the bytes, by the rules of quotes alone. ``columns``: which are read.
    """

    name: str
    text: Bytes
    dialect: Dialect
    records: int
    columns: HeaderColumns

    @property
    def first_row(self) -> int:
        """The row of the first record, as a spreadsheet counts."""
        return self.dialect.lines_above + 2


def open_csv(
    file: DataFile, table: str, own: TableSettings, declared: dict[str, str | int]
) -> CsvText:
    """Find out how a file is written, and count its records.

    DataError where it is empty, in an unknown encoding, ends within a quote, or has two columns
    of one name.
    """
    raw = file.read()
    if not len(raw):
        raise DataError(f"{file.name} is empty; expected a first line with the names of columns")
    encoding, note = (own.encoding, None) if own.encoding else encoding_of(_view(raw), file.name)
    plain = encoding.lower().replace("_", "-") in ("utf-8", "utf8", "utf-8-sig")
    text: Bytes = raw if plain else as_utf8(bytes(raw), encoding, file.name)
    notes = [note] if note else []
    odd = odd_dialect(bytes(_view(text)[:SAMPLE_CHARACTERS]).decode(errors="ignore"), own.separator)
    if odd is not None:
        text = written_again(bytes(text).decode(errors="replace"), odd, file.name)
        notes.append(f"{file.name}: {odd.says}")
    dialect = dialect_of(
        _view(text), file.name, separator=own.separator, encoding=encoding, notes=notes
    )
    _refuse_one_column(dialect, file.name, table)
    records = count_records(
        _view(text)[dialect.start :],
        file.name,
        dialect.separator,
        len(dialect.header),
        escape=dialect.escape,
        first_line=dialect.lines_above + 2,
        multiline_values=own.multiline_values,
    )
    sample = _sample(text, dialect)
    columns = columns_of(
        dialect.header,
        file.name,
        table,
        declared,
        filled=_filled(sample),
        same=_same(dialect, sample),
    )
    return CsvText(file.name, text, dialect, records, columns)


def odd_text(file: DataFile) -> bool:
    """Whether a CSV file is anything but UTF-8 (or UTF-16 with a mark) with a header at its start.

    False as well where that cannot be found out: reading it says why.
    """
    raw = file.read()
    try:
        encoding, _ = encoding_of(_view(raw), file.name)
    except DataError:
        return True
    if encoding == "utf-16":
        return False
    if encoding != "utf-8":
        return True
    head = bytes(_view(raw)[: 4 * SAMPLE_CHARACTERS]).decode(errors="ignore")
    if not head.strip():
        return False
    if odd_dialect(head[:SAMPLE_CHARACTERS]) is not None:
        return True
    dialect = dialect_of(head.encode(), file.name)
    tail = bytes(_view(raw)[-SAMPLE_CHARACTERS:]).decode(errors="ignore").rstrip().splitlines()
    ends = bool(tail) and dialect.separator not in tail[-1] and len(dialect.header) > 2
    return dialect.lines_above > 0 or dialect.escape is not None or ends


def _refuse_one_column(dialect: Dialect, file: str, table: str) -> None:
    """Refuse a header of one name that holds several: the separator is not the one that is read."""
    if len(dialect.header) > 1:
        return
    only = dialect.header[0].strip() if dialect.header else ""
    others = [word for sign, word in SEPARATORS.items() if sign in only]
    if not others and not re.search(r"\s{2,}|\w\s+\w+_\w", only):
        return
    looks = f"; {others[0]} stand in it" if others else ""
    raise DataError(
        f"{file}: one column is found, {only[:60]!r}{looks}: the columns are not separated by "
        f'{SEPARATORS.get(dialect.separator, repr(dialect.separator))}; say separator = "…" in '
        f"[tables.{table}] of dataset.toml, or export it as CSV with commas"
    )


def _view(text: Bytes) -> memoryview:
    return memoryview(text)


def _sample(text: Bytes, dialect: Dialect) -> pa.Table | None:
    """The first rows as text, to look at columns that have no name of their own."""
    names = dialect.header
    if len(set(names)) == len(names) and all(n.strip() for n in names):
        return None
    part = bytes(_view(text)[dialect.start : dialect.start + (4 << 20)])
    end = part.rfind(b"\n") + 1 if len(part) == 4 << 20 else len(part)
    numbers = [str(i) for i in range(len(names))]
    try:
        return arrow_csv.read_csv(
            pa.BufferReader(part[:end]),
            read_options=arrow_csv.ReadOptions(column_names=numbers, use_threads=False),
            parse_options=_parse_options(dialect, lambda _: "skip"),
            convert_options=_convert_options(numbers),
        )
    except pa.ArrowInvalid:
        return None


def _filled(sample: pa.Table | None) -> list[int] | None:
    if sample is None:
        return None
    return [len(column) - column.null_count for column in sample.columns]


def _same(dialect: Dialect, sample: pa.Table | None) -> dict[int, int]:
    """Columns of a repeated name whose values equal those of the first."""
    found: dict[int, int] = {}
    if sample is None:
        return found
    names = [name.strip() for name in dialect.header]
    for place, name in enumerate(names):
        first = names.index(name)
        if first < place and sample.column(place).equals(sample.column(first)):
            found[place] = first
    return found


def _parse_options(
    dialect: Dialect, aside: Callable[[arrow_csv.InvalidRow], str]
) -> arrow_csv.ParseOptions:
    return arrow_csv.ParseOptions(
        delimiter=dialect.separator,
        escape_char=dialect.escape or False,
        double_quote=dialect.escape is None,
        newlines_in_values=True,
        invalid_row_handler=aside,
    )


def _convert_options(names: list[str]) -> arrow_csv.ConvertOptions:
    return arrow_csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()),
        strings_can_be_null=True,
        quoted_strings_can_be_null=True,
        null_values=list(NO_VALUE),
    )


def csv_chunks(csv: CsvText, name: str, quarantine: Quarantine, skip: int = 0) -> Generator[Chunk]:
    """The rows, a bounded number at a time; the first ``skip`` chunks are left out.

    Lines with another number of columns are set aside; those at the end that are a sentence are
    the report's footer. DataError where rows were lost on the way: the count in the bytes is not
    the count of rows read.
    """
    numbers = [str(i) for i in range(len(csv.dialect.header))]
    broken: list[arrow_csv.InvalidRow] = []

    def aside(row: arrow_csv.InvalidRow) -> str:
        broken.append(row)
        return "skip"

    done = noted = 0
    with closing(_batches(csv, numbers, aside)) as reader:
        for place, batch in enumerate(reader):
            skipped = [int(r.number or 0) - 1 for r in broken]
            rows = _row_numbers(done, batch.num_rows, skipped) + csv.first_row
            done += batch.num_rows
            again = repeats_header(batch.columns, csv.dialect.header)
            if done + len(broken) < csv.records:
                for row in broken[noted:] if place >= skip else ():
                    _note(row, name, csv, quarantine)
                noted = len(broken)
            if place >= skip:
                chunk = Chunk(name, csv.name, _named(csv.columns, batch), rows)
                if again is not None:
                    chunk = quarantine.set_aside(chunk, again, HEADER_AGAIN)
                yield chunk
    last_row = csv.records - len(_footer(broken, csv.records))
    for row in broken[noted:]:
        if int(row.number or 0) > last_row:
            quarantine.note_footer(name, csv.name, int(row.number) + csv.first_row - 1, row.text)
        else:
            _note(row, name, csv, quarantine)
    if done + len(broken) != csv.records:
        raise DataError(
            plural(
                csv.records,
                "{file} holds {n:,} record by its line ends and quotes, but {read}: a quote "
                "stands where none belongs; correct the file",
                "{file} holds {n:,} records by its line ends and quotes, but {read}: a quote "
                "stands where none belongs; correct the file",
                file=csv.name,
                read=plural(done + len(broken), "{n:,} was read", "{n:,} were read"),
            )
        )
    if done == 0:
        empty = pa.table({column: pa.array([], pa.string()) for column in csv.columns.names})
        yield Chunk(name, csv.name, empty, np.zeros(0, dtype=np.int64))


def repeats_header(columns: Sequence[pa.Array], header: Sequence[str]) -> Mask | None:
    """Which rows hold the names of the columns once more, as joined exports do; None if none.

    ``columns``: arrays of strings, in step with ``header``.
    """
    named = [(c, trimmed(n)) for c, n in zip(columns, header, strict=True) if trimmed(n)]
    if len(named) < 2:
        return None
    first, name = named[0]
    rows = mask_of(pc.or_(pc.equal(first, name), pc.equal(first, "\ufeff" + name)))
    if not rows.any():
        return None
    for column, name in named[1:]:
        rows &= mask_of(pc.equal(pc.utf8_trim_whitespace(column), name))
    return rows if rows.any() else None


def _batches(
    csv: CsvText, numbers: list[str], aside: Callable[[arrow_csv.InvalidRow], str]
) -> Generator[pa.RecordBatch, None, None]:
    """The rows as batches of strings; nothing where there is only a header."""
    if csv.records == 0:
        return
    buffer = pa.py_buffer(csv.text)
    with arrow_csv.open_csv(
        pa.BufferReader(buffer.slice(csv.dialect.start)),
        read_options=arrow_csv.ReadOptions(
            use_threads=False, block_size=CSV_BLOCK_BYTES, column_names=numbers
        ),
        parse_options=_parse_options(csv.dialect, aside),
        convert_options=_convert_options(numbers),
    ) as reader:
        yield from reader


def _named(columns: HeaderColumns, batch: pa.RecordBatch) -> pa.Table:
    arrays = [batch.column(position) for position in columns.positions]
    return pa.Table.from_arrays([pa.chunked_array([a]) for a in arrays], names=list(columns.names))


def _footer(broken: list[arrow_csv.InvalidRow], records: int) -> list[arrow_csv.InvalidRow]:
    """The last records of the file, as far as each is one cell with a sentence in it."""
    found: list[arrow_csv.InvalidRow] = []
    for row in reversed(broken[-MAX_FOOTER_LINES:]):
        text = row.text.strip().strip('"').strip()
        at_end = int(row.number or 0) == records - len(found)
        if not (at_end and row.actual_columns == 1 and (" " in text or row.text.startswith('"'))):
            break
        found.append(row)
    return found


def _note(row: arrow_csv.InvalidRow, name: str, csv: CsvText, quarantine: Quarantine) -> None:
    problem = plural(
        row.actual_columns,
        "{n:,} column; expected {expected}",
        "{n:,} columns; expected {expected}",
        expected=row.expected_columns,
    )
    if '"' in row.text:
        problem += " (a quote within quotes is written twice)"
    number = int(row.number or 0) + csv.first_row - 1
    quarantine.note_line(name, csv.name, number, row.text, problem)


def _row_numbers(first: int, count: int, skipped: list[int]) -> npt.NDArray[np.int64]:
    """Places in the file (from 0) of the rows ``first`` and on among those not skipped."""
    positions = np.arange(first, first + count, dtype=np.int64)
    if not skipped:
        return positions
    lost = np.sort(np.asarray(skipped, dtype=np.int64))
    passed = np.searchsorted(lost - np.arange(len(lost)), positions, side="right")
    return positions + passed
