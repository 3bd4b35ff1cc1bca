"""DuckDB: one aggregation over the Parquet file."""

from __future__ import annotations

from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
from feature_engines.asked import NAMES
from feature_engines.sql import query


def _matrix(table: pa.Table) -> np.ndarray:
    return np.column_stack(
        [table[f"f{i}"].to_numpy().astype(np.float64) for i in range(len(NAMES))]
    )


def compute(path: Path, moments: list[int]) -> np.ndarray:
    """The matrix, leads in order of id, each lead's moments newest first."""
    asked = ", ".join(f"({m})" for m in moments)
    rows = (
        f"(select lead_id, as_of, epoch_us(occurred_at) as moment, kind, value, duration_s"
        f" from read_parquet('{path}'), (values {asked}) as asked(as_of)) as r"
    )
    with duckdb.connect() as connection:
        connection.execute("set threads = 2")
        return _matrix(connection.sql(query(rows)).to_arrow_table())


def one(rows: dict[str, list], as_of: int) -> np.ndarray:
    """One lead from Python lists, through Arrow."""
    told = pa.table({**{k: v for k, v in rows.items() if k != "at_us"}, "moment": rows["at_us"]})
    _CONNECTION.register("told", told)
    source = f"(select 'L' as lead_id, cast({as_of} as bigint) as as_of, * from told) as r"
    return _matrix(_CONNECTION.sql(query(source)).to_arrow_table())


_CONNECTION = duckdb.connect()
