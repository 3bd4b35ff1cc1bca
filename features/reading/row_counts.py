"""No row vanishes: of each table the rows counted apart, kept and set aside, and what is lost."""

from __future__ import annotations

from collections.abc import Mapping

from features.dataset import Dataset
from features.errors import DataError
from features.language.plural import plural
from features.reading.files.csv_table import HEADER_AGAIN
from features.reading.inference.inference import Inference
from features.reading.quarantine import Quarantine
from features.reading.sources.table_source import TableSource
from features.schemas import QuarantinedRows, RowCount

LINES_SET_ASIDE = ("wrong number of columns", "a line below the table, no row", HEADER_AGAIN.text)


def losses(tables: TableSource, quarantine: Quarantine, found: Inference) -> tuple[str, ...]:
    """What is lost, the largest share first, then what was left out and is not read."""
    counted = tables.notes.counted
    shares = []
    for rejected in quarantine.found:
        table = next((t for t in counted if tables.label(t) == rejected.file), None)
        shares.append(_set_aside(rejected, counted.get(table, 0) if table else 0))
    return (*shares, *quarantine.causes, *tables.notes.losses, *found.losses)


def _set_aside(rejected: QuarantinedRows, total: int) -> str:
    if total:
        return plural(
            rejected.rows,
            "{file}: {n:,} of {total:,} rows set aside: {reason}",
            "{file}: {n:,} of {total:,} rows set aside: {reason}",
            file=rejected.file,
            total=total,
            reason=rejected.reason,
        )
    return plural(
        rejected.rows,
        "{file}: {n:,} row set aside: {reason}",
        "{file}: {n:,} rows set aside: {reason}",
        file=rejected.file,
        reason=rejected.reason,
    )


def row_counts(
    tables: TableSource, quarantine: Quarantine, dataset: Dataset
) -> tuple[RowCount, ...]:
    """Per table: the rows counted apart, those kept and those set aside."""
    kept = {
        "leads": len(dataset.leads),
        "outcomes": len(dataset.outcomes),
        "interactions": dataset.interactions.num_rows,
        "answers": dataset.answers.num_rows,
    }
    aside: dict[str, int] = {}
    for rejected in quarantine.found:
        aside[rejected.file] = aside.get(rejected.file, 0) + rejected.rows
    return tuple(
        RowCount(tables.label(t), n, kept[t], aside.get(tables.label(t), 0))
        for t, n in tables.notes.counted.items()
        if t in kept
    )


def check_counts(tables: TableSource, quarantine: Quarantine, read: Mapping[str, int]) -> None:
    """DataError where the rows read are not those counted apart, in the bytes of the file."""
    lines: dict[str, int] = {}
    for rejected in quarantine.found:
        if rejected.reason in LINES_SET_ASIDE:
            lines[rejected.file] = lines.get(rejected.file, 0) + rejected.rows
    for table, rows in read.items():
        label = tables.label(table)
        counted = tables.notes.counted.get(table)
        all_rows = rows + lines.get(label, 0)
        if counted is not None and table != "interactions" and counted != all_rows:
            raise DataError(
                f"{label} holds {plural(counted, '{n:,} row', '{n:,} rows')}, but "
                f"{plural(all_rows, '{n:,} was read', '{n:,} were read')}"
            )
