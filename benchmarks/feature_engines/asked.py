"""The sixty features that every engine computes, the data, and the references."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

KINDS = (
    "page_view", "offer_view", "newsletter_signup", "content_download", "webinar",
    "email_open", "email_click", "meeting", "contact_attempt", "inbound_call",
)  # fmt: skip
WINDOWS_DAYS = (7, 30, 90)
HALF_LIFE_DAYS = 7
DAY_US = 86_400_000_000
START_US = 1_700_000_000_000_000
SPAN_DAYS = 120

PER_KIND = ("count_7d", "count_30d", "count_90d", "days_since_last", "decayed_7d")
OF_ANY = (
    "count_7d", "count_30d", "count_90d", "count_all", "days_since_last", "days_since_first",
    "decayed_7d", "active_days_30d", "minutes_total_all", "value_total_all",
)  # fmt: skip
NAMES = tuple(f"{k}.{f}" for k in KINDS for f in PER_KIND) + tuple(f"any.{f}" for f in OF_ANY)


ORDERS = {
    "time": "Rows in order of time, as an event log or a CRM's export has them",
    "shuffled": "Rows in no order",
}


def write_interactions(
    path: Path, n_leads: int, per_lead: int, order: str = "shuffled", seed: int = 0
) -> None:
    """Interactions as a contract table, Parquet; the same rows in one of ORDERS."""
    rng = np.random.default_rng(seed)
    n = n_leads * per_lead
    lead = rng.permutation(np.repeat(np.arange(n_leads, dtype=np.int32), per_lead))
    ids = pa.array([f"L{i:06d}" for i in range(n_leads)])
    kind = pa.array(rng.integers(0, len(KINDS), n).astype(np.int32))
    table = pa.table(
        {
            "lead_id": pa.DictionaryArray.from_arrays(pa.array(lead), ids).cast(pa.string()),
            "occurred_at": pa.array(
                START_US + (rng.random(n) * SPAN_DAYS * DAY_US).astype(np.int64),
                pa.timestamp("us", "UTC"),
            ),
            "kind": pa.DictionaryArray.from_arrays(kind, pa.array(KINDS)).cast(pa.string()),
            "value": rng.integers(0, 1000, n).astype(np.float64),
            "duration_s": rng.integers(0, 600, n).astype(np.float64),
        }
    )
    pq.write_table(table.sort_by("occurred_at") if order == "time" else table, path)


def as_ofs(n_references: int) -> list[int]:
    """The moments asked about, the same for every lead, newest first (microseconds)."""
    return [START_US + (SPAN_DAYS - 10 * i) * DAY_US for i in range(n_references)]
