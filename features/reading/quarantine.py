"""Rows that break the contract: counted, written aside with the reason, limited in number."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features.errors import DataError, StorageError
from features.language.plural import plural
from features.schemas import QuarantinedRows

Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some rows of a table as they were read, with their numbers in the file.

    ``rows`` counts as a spreadsheet does: the header of a CSV file is row 1. In Parquet files and
    databases, which have no header row, the first row is 1.
    """

    name: str
    file: str
    table: pa.Table
    rows: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return int(self.table.num_rows)

    def keep(self, mask: Mask) -> Chunk:
        """The rows where ``mask`` (one boolean a row) is true."""
        if mask.all():
            return self
        return Chunk(self.name, self.file, self.table.filter(pa.array(mask)), self.rows[mask])

    def replace(self, column: str, values: pa.ChunkedArray | pa.Array) -> Chunk:
        """The same rows with one column replaced, or added at the end."""
        if column in self.table.column_names:
            position = self.table.column_names.index(column)
            table = self.table.set_column(position, column, values)
        else:
            table = self.table.append_column(column, values)
        return Chunk(self.name, self.file, table, self.rows)


@dataclass(frozen=True, slots=True)
class RejectReason:
    """Why rows are refused: the words, the column that shows it, and what was expected."""

    text: str
    column: str | None = None
    expected: str = ""
    harmless: bool = False


@dataclass
class Quarantine:
    """Collects refused rows; ``folder`` (if given) receives ``<table>.csv`` with the rows."""

    folder: Path | None = None
    max_bad_fraction: float = 0.01
    limit_from_settings: bool = False
    _found: dict[tuple[str, str], QuarantinedRows] = field(default_factory=dict)
    _written: set[str] = field(default_factory=set)
    _causes: dict[str, list[str]] = field(default_factory=dict)

    def set_aside(self, chunk: Chunk, bad: Mask, reason: RejectReason) -> Chunk:
        """Set aside the rows of ``chunk`` where ``bad`` is true; return the others."""
        count = int(bad.sum())
        if count == 0:
            return chunk
        first = int(np.flatnonzero(bad)[0])
        self.note(chunk.file, reason, count, row_sentence(chunk, first, reason))
        self._write(chunk.keep(bad), reason.text)
        return chunk.keep(~bad)

    def note(self, file: str, reason: RejectReason, count: int, example: str) -> None:
        """Count ``count`` rows of ``file`` for ``reason``; the first example is kept."""
        key = (file, reason.text)
        before = self._found.get(key)
        self._found[key] = QuarantinedRows(
            file,
            reason.text,
            count + (before.rows if before else 0),
            before.example if before else example,
            reason.harmless,
        )

    def explain(self, file: str, cause: str) -> None:
        """Keep a sentence on why rows of a file are refused, for the message and the report."""
        causes = self._causes.setdefault(file, [])
        if cause not in causes:
            causes.append(cause)

    @property
    def causes(self) -> tuple[str, ...]:
        """Why rows were refused, where that was seen, with the file's name."""
        return tuple(f"{file}: {cause}" for file, each in self._causes.items() for cause in each)

    def note_footer(self, name: str, file: str, row: int, text: str) -> None:
        """Set aside one line below the table, which is no row and counts toward no limit."""
        reason = RejectReason("a line below the table, no row", harmless=True)
        self.note(file, reason, 1, f"{file} row {row}: {shown(text.strip())} is below the table")
        self._append(f"{name}.lines", ["row", "reason", "line"], [[str(row), reason.text, text]])

    def note_line(self, name: str, file: str, row: int, text: str, problem: str) -> None:
        """Set aside one line of a file that could not even be split into columns."""
        reason = RejectReason("wrong number of columns")
        self.note(file, reason, 1, f"{file} row {row}: {problem}")
        self._append(f"{name}.lines", ["row", "reason", "line"], [[str(row), problem, text]])

    @property
    def found(self) -> tuple[QuarantinedRows, ...]:
        """What was set aside, most rows first."""
        return tuple(sorted(self._found.values(), key=lambda q: (-q.rows, q.file, q.reason)))

    def drain(self) -> tuple[QuarantinedRows, ...]:
        """What was found since the last call; counting starts again at zero."""
        found = self.found
        self._found.clear()
        return found

    def add(self, rows: QuarantinedRows) -> None:
        """Count rows that were found elsewhere: in another part of the file, or earlier."""
        reason = RejectReason(rows.reason, harmless=rows.harmless)
        self.note(rows.file, reason, rows.rows, rows.example)

    def check_limit(self, file: str, n_rows: int) -> None:
        """Raise DataError if more than ``max_bad_fraction`` of ``file``'s rows were refused."""
        bad = [q for q in self.found if q.file == file and not q.harmless]
        n_bad = sum(q.rows for q in bad)
        if n_bad <= self.max_bad_fraction * max(n_rows, 1):
            return
        where = f" All of them: {self.folder}." if self.folder else ""
        why = "".join(f" {cause}." for cause in self._causes.get(file, ()))
        more = "" if len(bad) == 1 else f" ({', '.join(f'{q.rows:,} {q.reason}' for q in bad)})"
        raise DataError(
            f"{bad[0].example}. {_broken(n_bad, n_rows, file)}{more}; "
            f"the limit is {self.max_bad_fraction:.2%}.{why}{where} "
            "Correct the rows, or raise the limit if you accept losing them "
            f"(--max-bad, or max_bad = {_limit_for(n_bad / max(n_rows, 1))} in dataset.toml)."
        )

    def _write(self, chunk: Chunk, reason: str) -> None:
        columns = chunk.table.to_pydict()
        header = ["row", "reason", *columns]
        values = zip(*columns.values(), strict=True)
        self._append(
            chunk.name,
            header,
            [
                [str(row), reason, *("" if v is None else str(v) for v in line)]
                for row, line in zip(chunk.rows.tolist(), values, strict=True)
            ]
            if self.folder
            else [],
        )

    def _append(self, name: str, header: list[str], lines: list[list[str]]) -> None:
        if self.folder is None:
            return
        path = self.folder / f"{name}.csv"
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            fresh = name not in self._written
            with path.open("w" if fresh else "a", newline="", encoding="utf-8") as file:
                writer = csv.writer(file)
                if fresh:
                    writer.writerow(header)
                writer.writerows([without_formula(cell) for cell in line] for line in lines)
        except OSError as error:
            raise StorageError(f"cannot write the quarantine file {path}: {error}") from error
        self._written.add(name)


def row_sentence(chunk: Chunk, position: int, reason: RejectReason) -> str:
    """The sentence about one refused row: file, row, value, what was expected."""
    sentence = f"{chunk.file} row {int(chunk.rows[position])}: {reason.text}"
    if reason.column is not None and reason.column in chunk.table.column_names:
        value = chunk.table.column(reason.column)[position].as_py()
        sentence += f", {reason.column} is {shown(value)}"
    return sentence + (f"; expected {reason.expected}" if reason.expected else "")


def shown(value: object) -> str:
    """A value as an error shows it: quoted, at most 60 characters."""
    if value is None:
        return "empty"
    text = str(value)
    return repr(text if len(text) <= 60 else text[:57] + "...")


def without_formula(text: str) -> str:
    """A cell as a spreadsheet shows it instead of running it.

    >>> without_formula("=1+1"), without_formula("-3.5"), without_formula("L1")
    ("'=1+1", '-3.5', 'L1')
    """
    if text[:1] in FORMULA_STARTS and not _is_number(text):
        return "'" + text
    return text


FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _limit_for(share: float) -> str:
    """A limit that such a share of rows does not reach.

    >>> _limit_for(0.0486), _limit_for(1.0)
    ('0.05', '1.0')
    """
    return f"{min(1.0, math.ceil(share * 100) / 100):.2f}" if share < 0.995 else "1.0"


def _broken(n_bad: int, n_rows: int, file: str) -> str:
    return plural(
        n_bad,
        "{n:,} of {rows:,} rows of {file} breaks the contract",
        "{n:,} of {rows:,} rows of {file} break the contract",
        rows=n_rows,
        file=file,
    )
