"""A file of scores written table by table, for more rows than fit into memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as arrow_csv
from pyarrow import parquet

from scoring.scores import SCORE_COLUMNS
from scoring.scores_file import text_columns


class ScoresStream:
    """A context manager that writes what ``scores_file`` would, piece by piece.

    ``ending``: .csv or .parquet. The file is complete when the block ends.
    """

    def __init__(self, path: Path, ending: str) -> None:
        self._as_text = ending == ".csv"
        self._file: Any
        if self._as_text:
            schema = text_columns(SCORE_COLUMNS.empty_table()).schema
            options = arrow_csv.WriteOptions(quoting_style="needed")
            self._file = arrow_csv.CSVWriter(path, schema, write_options=options)
        else:
            self._file = parquet.ParquetWriter(path, SCORE_COLUMNS)

    def __enter__(self) -> ScoresStream:
        return self

    def write(self, table: pa.Table) -> None:
        """Append rows of SCORE_COLUMNS."""
        self._file.write_table(text_columns(table) if self._as_text else table)

    def __exit__(self, *problem: object) -> None:
        self._file.close()
