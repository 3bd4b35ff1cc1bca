"""Rows later than the end of what was observed: set aside, with the leads that they belong to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.dataset import Dataset
from features.language.plural import plural
from features.reading.inference.inference import Inference
from features.reading.inference.observation import DailyMoments, end_of_observation
from features.reading.quarantine import Quarantine, RejectReason
from features.reading.sources.table_source import TableSource
from features.reading.times.moment_column import moments_of_column, moments_of_series
from features.reading.values.text import mask_of
from features.schemas import UTC_MICROSECONDS


@dataclass(frozen=True)
class _Aside:
    """Counts what is set aside, apart from the limit."""

    tables: TableSource
    quarantine: Quarantine

    def note_later(self, table: str, rows: int, column: str) -> None:
        if rows:
            reason = RejectReason(f"{column} is after the end of what was observed", harmless=True)
            example = plural(
                rows,
                "{n:,} row is later than the bulk of the data",
                "{n:,} rows are later than the bulk of the data",
            )
            self.quarantine.note(self.tables.label(table), reason, rows, example)

    def note_orphans(self, table: str, rows: int) -> None:
        if rows:
            reason = RejectReason("its lead is set aside", harmless=True)
            self.quarantine.note(
                self.tables.label(table), reason, rows, plural(rows, "{n:,} row", "{n:,} rows")
            )


def within_observation(
    dataset: Dataset,
    days: DailyMoments,
    tables: TableSource,
    quarantine: Quarantine,
    found: Inference,
) -> tuple[Dataset, datetime | None]:
    """The rows up to the end of what was observed, which their bulk decides; and that end."""
    facts = np.concatenate(
        [
            moments_of_series(dataset.leads["created_at"]),
            moments_of_series(dataset.outcomes["occurred_at"].dropna()),
            moments_of_column(dataset.answers.column("answered_at")),
        ]
    )
    end = end_of_observation(facts, days)
    if end is None:
        return dataset, None
    moment = pd.Timestamp(end, unit="us", tz="UTC")
    latest = max([*facts.tolist(), *days.last_us[-1:].tolist()])
    if latest > end:
        dataset = _without_later(dataset, end, _Aside(tables, quarantine))
        found.lose(
            f"observed_until: inferred {moment:%Y-%m-%dT%H:%M:%SZ}; what lies later (up to "
            f"{pd.Timestamp(latest, unit='us'):%Y-%m-%d}) is taken for planned or mistyped and "
            "takes no part; observed_until in dataset.toml says it otherwise"
        )
    return dataset, moment.to_pydatetime()


def _without_later(dataset: Dataset, end: int, aside: _Aside) -> Dataset:
    """Set aside what lies after the end, apart from the limit; a lead goes with its rows."""
    limit = pa.scalar(end, pa.int64()).cast(UTC_MICROSECONDS)
    leads = dataset.leads
    late = moments_of_series(leads["created_at"]) > end
    gone = set(leads["lead_id"][late])
    closed = dataset.outcomes
    late_outcome = moments_of_series(closed["occurred_at"]) > end
    gone |= set(closed["lead_id"][late_outcome])
    aside.note_later("leads", int(late.sum()), "created_at")
    aside.note_later("outcomes", int(late_outcome.sum()), "occurred_at")
    keep = ~leads["lead_id"].isin(gone).to_numpy()
    kept_rows = {}
    for name, column in (("interactions", "occurred_at"), ("answers", "answered_at")):
        table = getattr(dataset, name)
        later = mask_of(pc.greater(table.column(column), limit))
        aside.note_later(name, int(later.sum()), column)
        ids = table.column("lead_id").cast(pa.string())
        orphan = mask_of(pc.is_in(ids, pa.array(sorted(gone), pa.string()))) & ~later
        aside.note_orphans(name, int(orphan.sum()))
        drop = later | orphan
        kept_rows[name] = table.filter(pa.array(~drop)) if drop.any() else table
    aside.note_orphans("leads", int((~keep & ~late).sum()))
    kept = ~closed["lead_id"].isin(gone)
    aside.note_orphans("outcomes", int((~kept & ~late_outcome).sum()))
    return replace(
        dataset,
        leads=leads[keep].reset_index(drop=True),
        outcomes=closed[kept].reset_index(drop=True),
        **kept_rows,
    )
