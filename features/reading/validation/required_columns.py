"""The columns that a table must have; what is missing is asked for with the column it may be."""

from __future__ import annotations

from collections.abc import Iterable

import pyarrow as pa

from features.contract import REQUIRED_COLUMNS
from features.dataset_settings import DatasetSettings
from features.errors import DataError
from features.reading.files.headers import near_columns
from features.reading.quarantine import Chunk
from features.reading.times.moment_column import TimeRules
from features.reading.times.timestamps import to_timestamps


def require(chunk: Chunk, columns: Iterable[str] = ()) -> None:
    """DataError if a column of the contract is missing; names what may be it, and the key."""
    present = chunk.table.column_names
    wanted = tuple(dict.fromkeys((*REQUIRED_COLUMNS[chunk.name], *columns)))
    missing = [column for column in wanted if column not in present]
    if not missing:
        return
    some = ", ".join(present[:12]) + (", ..." if len(present) > 12 else "")
    hints = [
        _column_hint(chunk, column, [p for p in present if p not in wanted]) for column in missing
    ]
    names = " and ".join(repr(column) for column in missing)
    raise DataError(
        f"{chunk.file} has no column {names}; expected {', '.join(wanted)}; found {some}. "
        f"{' '.join(h for h in hints if h) or _no_hint(chunk.name, missing[0])}"
    )


def _column_hint(chunk: Chunk, column: str, others: list[str]) -> str:
    near = near_columns(others, column)
    if not near:
        return ""
    example = next((v for v in chunk.table.column(near[0]).slice(0, 20).to_pylist() if v), "")
    also = f" (or {', '.join(near[1:4])})" if len(near) > 1 else ""
    return (
        f"Is {column} the column {near[0]!r}{also}, such as {str(example)[:40]!r}? Say so in "
        f'dataset.toml: [columns.{chunk.name}] {column} = "{near[0]}"'
    )


def _no_hint(table: str, column: str) -> str:
    return f'Say which column it is in dataset.toml: [columns.{table}] {column} = "…"'


def ask_for_creation(chunk: Chunk, settings: DatasetSettings, *, others_have_time: bool) -> None:
    """DataError where leads have a column that looks like the time of creation, unnamed."""
    columns = chunk.table.column_names
    declared = settings.columns.get("leads", {})
    if "created_at" in columns or declared.get("created_at") == "" or not others_have_time:
        return
    candidates = near_columns([c for c in columns if c != "lead_id"], "created_at")
    candidates = candidates or [c for c in columns if c != "lead_id" and _looks_timely(chunk, c)]
    if not candidates:
        return
    first = candidates[0]
    example = next((v for v in chunk.table.column(first).slice(0, 20).to_pylist() if v), "")
    raise DataError(
        f"{chunk.file} has no column 'created_at', but {first!r} (such as "
        f"{str(example)[:40]!r}) may "
        f'be it. Say so in dataset.toml: [columns.leads] created_at = "{first}", or '
        f'created_at = "" '
        "for a dataset without time"
    )


def _looks_timely(chunk: Chunk, column: str) -> bool:
    values = chunk.table.column(column).slice(0, 200)
    if pa.types.is_temporal(values.type):
        return True
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        return False
    known = values.drop_null()
    if len(known) < 2:
        return False
    read = to_timestamps(column, values, TimeRules("UTC", "day-first"))
    return bool((~read.bad & ~read.undecided).sum() - values.null_count >= 0.95 * len(known))
