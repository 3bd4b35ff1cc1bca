"""Propose the files of a table, and which of their columns are the contract's."""

from __future__ import annotations

import itertools
import tomllib
from collections.abc import Sequence
from pathlib import Path

import pyarrow as pa

from features.contract import FORMATS, REQUIRED_COLUMNS
from features.dataset_settings import DatasetSettings, TableSettings
from features.reading.files.headers import near_columns
from features.reading.proposal.dataset_toml import toml_string
from features.reading.proposal.proposal import Proposal
from features.reading.proposal.seen_files import TIME_COLUMNS, SeenFile, rows_of
from features.reading.quarantine import Chunk
from features.reading.times.moment_column import TimeRules
from features.reading.times.timestamps import to_timestamps

OPTIONAL_COLUMNS = {
    "leads": ("created_at",),
    "outcomes": ("occurred_at",),
    "interactions": ("value", "duration_s", "channel", "event_id"),
    "answers": (),
}


def propose_file(proposal: Proposal, table: str, seen: SeenFile, settings: DatasetSettings) -> None:
    """Propose the file of a table, or its parts, where its name does not say which it is."""
    plain = seen.name.lower()
    own = plain == table or any(plain == table + end for end in FORMATS)
    if settings.tables.get(table, TableSettings()).file is not None:
        return
    if seen.more:
        _propose_parts(proposal, table, seen, own)
    elif not own:
        proposal.within(f"tables.{table}", "file", toml_string(seen.name), seen.why)
    if seen.sheet is not None and not seen.more:
        proposal.within(f"tables.{table}", "sheet", toml_string(seen.sheet), "by its columns")


def _propose_parts(proposal: Proposal, table: str, seen: SeenFile, own: bool) -> None:
    """Files with the same columns: one table in parts by its names, or copies of which one counts.

    ``own``: one of them is called like the table, so the others may be copies of it.
    """
    names = sorted(s.name for s in (seen, *seen.more))
    shown = " and ".join(names[:4])
    kinds = {Path(n).suffix.lower() for n in names}
    start = _beginning(names)
    if own or seen.sheet is not None or len(kinds) > 1 or len(start) < 3:
        what = (
            f"the sheets {', '.join(str(s.sheet) for s in (seen, *seen.more))} of {seen.name}"
            if (seen.sheet is not None)
            else shown
        )
        proposal.leave_open(
            f"{what} have the same columns: say which one is {table}, or put the parts of one "
            f"table into a folder {table}/",
            f"[tables.{table}] {'sheet' if seen.sheet is not None else 'file'} = "
            f"{toml_string(seen.sheet or seen.name)}",
        )
        return
    pattern = start + "*" + Path(names[0]).suffix
    proposal.within(
        f"tables.{table}", "file", toml_string(pattern), f"{shown} have the same columns"
    )


def _beginning(names: Sequence[str]) -> str:
    """What all names begin with.

    >>> _beginning(["leads_2024.csv", "leads_2025.csv"])
    'leads_202'
    """
    first, last = min(names), max(names)
    same = itertools.takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False))
    return "".join(a for a, _ in same)


def propose_columns(
    proposal: Proposal, table: str, seen: SeenFile, settings: DatasetSettings
) -> None:
    """Propose which columns of the file are the contract's, with a value as an example."""
    raw = rows_of(seen)
    names = raw.table.column_names
    declared = settings.columns.get(table, {})
    free = [n for n in names if n not in declared.values()]
    for column in (*REQUIRED_COLUMNS[table], *OPTIONAL_COLUMNS[table]):
        if column in names or column in declared:
            continue
        near = near_columns([n for n in free if n not in REQUIRED_COLUMNS[table]], column)
        if not near and column in (TIME_COLUMNS[table],):
            near = [n for n in free if looks_like_times(raw, n)]
        if near:
            example = _example(raw, near[0])
            others = f"; it could be {', '.join(near[1:4])}" if len(near) > 1 else ""
            proposal.within(
                f"columns.{table}", column, toml_string(near[0]), f"such as {example!r}{others}"
            )
            free.remove(near[0])
        elif column in REQUIRED_COLUMNS[table]:
            proposal.leave_open(
                f"{seen.name}: no column looks like {column}; there are {', '.join(names[:12])}",
                f'[columns.{table}] {column} = "…"',
            )


def looks_like_times(raw: Chunk, column: str) -> bool:
    """Whether every value of a column can be read as a time."""
    values = raw.table.column(column).slice(0, 200)
    if pa.types.is_temporal(values.type):
        return True
    if not pa.types.is_string(values.type) or values.null_count == len(values):
        return False
    read = to_timestamps(column, values, TimeRules("UTC", "day-first"))
    return not bool((read.bad | read.undecided).any())


def name_in_file(proposal: Proposal, seen: SeenFile, settings: DatasetSettings, column: str) -> str:
    """The name in the file of a column of the contract."""
    table = seen.table or ""
    proposed = proposal.sections.get(f"columns.{table}", {}).get(column)
    declared = settings.columns.get(table, {}).get(column)
    if declared is not None:
        return str(declared)
    return tomllib.loads(f"v = {proposed[0]}")["v"] if proposed else column


def column_of(
    proposal: Proposal, seen: SeenFile, settings: DatasetSettings, column: str
) -> pa.ChunkedArray | None:
    """A column of the contract under its name in the file; None if it is not there."""
    name = name_in_file(proposal, seen, settings, column)
    if seen.raw is None or name not in seen.raw.table.column_names:
        return None
    return seen.raw.table.column(name)


def _example(raw: Chunk, column: str) -> str:
    return str(next((v for v in raw.table.column(column).slice(0, 50).to_pylist() if v), ""))[:40]
