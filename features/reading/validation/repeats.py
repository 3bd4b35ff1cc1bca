"""Rows that repeat each other, and rows of one lead that contradict each other."""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.reading.quarantine import Chunk, Quarantine, RejectReason

REPEATED = RejectReason("an exact repeat of another row", "lead_id", harmless=True)


def without_repeats(chunk: Chunk, quarantine: Quarantine, contradiction: str) -> Chunk:
    """Drop exact repeats; set aside every row of a lead whose rows contradict each other."""
    ids = pd.Series(chunk.table.column("lead_id").to_pandas(), dtype=object)
    shared = ids.duplicated(keep=False).to_numpy()
    if not shared.any():
        return chunk
    rows = chunk.keep(shared).table.to_pandas().astype(object)
    rows = rows.where(rows.notna(), None).map(repr)
    repeat = np.zeros(len(chunk), dtype=bool)
    repeat[np.flatnonzero(shared)] = rows.duplicated().to_numpy()
    chunk = quarantine.set_aside(chunk, repeat, REPEATED)
    differing = ids[~repeat].duplicated(keep=False).to_numpy()
    return quarantine.set_aside(
        chunk, differing, RejectReason(contradiction, "lead_id", "one row a lead")
    )
