"""Ids that are the same lead: merged into another one, or anonymous before they were known.

The table ``aliases`` has ``alias_id``, ``lead_id`` and, where it is known, ``since``: from when on
it was known that the two are one. Rows of an alias count for its lead. What an alias did before
``since`` was not known to be the lead's, so it takes part only if the lead was created no earlier
than ``since`` (an anonymous visitor who becomes a lead): no question is asked before that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.errors import DataError
from features.reading.chunks import concat_chunks
from features.reading.quarantine import Chunk, Quarantine, RejectReason
from features.reading.sources.table_source import TableSource
from features.reading.validation.columns import parse_timestamps
from features.reading.validation.lead_ids import with_lead_id
from features.reading.validation.required_columns import require
from features.reading.validation.table_rules import TableRules
from features.reading.values.text import mask_of, trimmed_text

MAX_MERGES = 50
"""How long a chain of merges may be before it is taken for a circle."""
MERGED = RejectReason("merged into another lead (aliases)", "lead_id", harmless=True)


@dataclass(frozen=True)
class Aliases:
    """``lead_of``: each alias to the lead it ends at. ``since_us``: from when on that was known,
    microseconds since 1970 UTC; an alias without it was always known."""

    lead_of: Mapping[str, str] = field(default_factory=dict)
    since_us: Mapping[str, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.lead_of)

    def without_leads_merged(self, chunk: Chunk, quarantine: Quarantine) -> Chunk:
        """Rows of ``leads`` that are aliases of another lead are set aside."""
        if not len(self):
            return chunk
        names = pa.array(sorted(self.lead_of), pa.string())
        merged = mask_of(pc.is_in(chunk.table.column("lead_id"), value_set=names))
        return quarantine.set_aside(chunk, merged, MERGED)

    def hidden_until(self, leads: pd.DataFrame) -> Mapping[str, int]:
        """Per alias that was known later than its lead was created: since when it was."""
        if not self.since_us or "created_at" not in leads.columns:
            return {}
        moments = leads["created_at"].astype("datetime64[us, UTC]").astype("int64")
        created = dict(zip(leads["lead_id"], moments, strict=True))
        return {
            alias: since
            for alias, since in self.since_us.items()
            if since > created.get(self.lead_of[alias], since)
        }


def read_aliases(tables: TableSource, quarantine: Quarantine, rules: TableRules) -> Aliases:
    """The aliases of a dataset; none where there is no such table.

    An alias of several leads is the one known first. Raises DataError for a circle of merges.
    """
    if not tables.has("aliases"):
        return Aliases()
    chunk = concat_chunks(tables.chunks("aliases", quarantine))
    require(chunk)
    seen = len(chunk)
    chunk = with_lead_id(chunk, quarantine, rules)
    chunk = chunk.replace("alias_id", trimmed_text(chunk.table.column("alias_id")))
    nameless = mask_of(pc.is_null(chunk.table.column("alias_id")))
    chunk = quarantine.set_aside(chunk, nameless, RejectReason("no alias_id", "alias_id", "an id"))
    since = np.zeros(len(chunk), np.int64)
    if "since" in chunk.table.column_names:
        chunk = parse_timestamps(chunk, "since", quarantine, required=False, rules=rules)
        moments = pc.fill_null(chunk.table.column("since").cast(pa.int64()), 0)
        since = np.asarray(moments.to_numpy(), np.int64)
    quarantine.check_limit(chunk.file, seen)
    ids = (chunk.table.column(name).to_pylist() for name in ("alias_id", "lead_id"))
    return _followed(chunk.file, list(zip(*ids, since.tolist(), strict=True)), rules)


def _followed(file: str, rows: list[tuple[str, str, int]], rules: TableRules) -> Aliases:
    """Chains of merges followed to their end; known since the latest of their links."""
    first: dict[str, tuple[int, str]] = {}
    several = set()
    for alias, lead, since in rows:
        if alias == lead:
            continue
        if alias in first and first[alias][1] != lead:
            several.add(alias)
        first[alias] = min(first.get(alias, (since, lead)), (since, lead))
    if several:
        rules.found.say(
            f"{file}: {len(several):,} aliases stand for several leads ({min(several)!r}); each "
            "counts for the one known first"
        )
    lead_of, since_us = {}, {}
    for alias in first:
        lead, latest, steps = alias, 0, 0
        while lead in first:
            since, lead = first[lead]
            latest, steps = max(latest, since), steps + 1
            if steps > MAX_MERGES:
                raise DataError(
                    f"{file}: {alias!r} is merged in a circle or through more than {MAX_MERGES} "
                    "ids; correct the aliases"
                )
        lead_of[alias] = lead
        if latest > 0:
            since_us[alias] = latest
    if lead_of:
        rules.found.say(f"{file}: {len(lead_of):,} ids are other names of leads")
    return Aliases(lead_of, since_us)
