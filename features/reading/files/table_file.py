"""One file of a table: what it is named, how it is declared, and what is noted of it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from features.dataset_settings import TableSettings
from features.reading.files.data_file import DataFile
from features.reading.files.headers import HeaderColumns
from features.reading.quarantine import Chunk
from features.reading.table_notes import TableNotes

CHUNK_ROWS = 2_000_000


@dataclass
class TableFile:
    """One file of a table, whatever its kind. ``places``: how many chunks it makes.

    ``folder``: of the dataset, which a query may read; None where there is none on this machine.
    """

    file: DataFile
    table: str
    own: TableSettings
    declared: dict[str, str | int]
    notes: TableNotes
    folder: Path | None
    places: int = 0

    def count(self, rows: int) -> None:
        """Note how many rows the file holds."""
        self.notes.count(self.table, self.file.name, rows)

    def note_columns(self, columns: HeaderColumns) -> None:
        """Note what was found of the header, and each column that is left out."""
        for note in columns.notes:
            self.notes.say(note)
        empty = [name for name, why in columns.left_out if why == "no name and no value"]
        if empty:
            self.notes.say(
                f"{self.file.name}: {len(empty)} empty columns without a name are left out"
            )
        for name, why in columns.left_out:
            if name not in empty:
                self.notes.lose(f"{self.file.name}: {name} is left out: {why}")

    def chunk(
        self,
        table: pa.Table,
        columns: HeaderColumns,
        rows: npt.NDArray[np.int64],
        extra: dict[str, str],
    ) -> Chunk:
        """Rows with the names of ``columns``, and ``extra`` columns of one value each."""
        table = table.rename_columns(list(columns.names))
        for name, value in extra.items():
            if name not in table.column_names:
                table = table.append_column(name, pa.repeat(pa.scalar(value), table.num_rows))
        return Chunk(self.table, self.file.name, table, rows)


def row_numbers(first: int, count: int) -> npt.NDArray[np.int64]:
    """Numbers of rows that follow each other."""
    return np.arange(first, first + count, dtype=np.int64)
