"""A folder of made-up leads as large as needed, one of them with a third of all interactions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from features.compute.array_types import Int64, Object
from features.dataset import Dataset
from features.reading.read import open_leads

DAY_US = 86_400_000_000
START = 1_767_225_600_000_000
UTC = pa.timestamp("us", tz="UTC")


def made_up_folder(folder: Path, n_leads: int = 300, n_rows: int = 6000) -> Path:
    """Leads with numbers, words and unknowns; one of them owns a third of all interactions."""
    rng = np.random.default_rng(7)
    folder.mkdir(parents=True)
    ids = np.array([f"L{i}" for i in range(n_leads)], dtype=object)
    employees = pa.array(
        rng.integers(1, 500, n_leads).astype(float), mask=rng.random(n_leads) < 0.2
    )
    sectors = np.array(["retail", "software", None, "mining"], dtype=object)
    leads = {
        "lead_id": ids,
        "created_at": pa.array(START + rng.integers(0, 30, n_leads) * DAY_US, UTC),
        "employees": employees,
        "sector": pa.array(sectors[rng.integers(0, 4, n_leads)]),
    }
    parquet.write_table(pa.table(leads), folder / "leads.parquet")
    who = np.where(rng.random(n_rows) < 0.3, 0, rng.integers(0, n_leads, n_rows))
    rows = {
        "lead_id": pa.array(ids[who]),
        "occurred_at": pa.array(START + rng.integers(0, 60 * DAY_US, n_rows), UTC),
        "kind": pa.array(np.array(["page_view", "meeting"])[rng.integers(0, 2, n_rows)]),
        "value": rng.random(n_rows),
    }
    parquet.write_table(pa.table(rows), folder / "interactions.parquet", row_group_size=500)
    closed = n_leads // 3
    outcomes = {
        "lead_id": ids[:closed],
        "outcome": ["lost"] * closed,
        "occurred_at": pa.array([START + 31 * DAY_US] * closed, UTC),
    }
    parquet.write_table(pa.table(outcomes), folder / "outcomes.parquet")
    answers = {
        "lead_id": ids[50:60],
        "answered_at": pa.array([START + 20 * DAY_US] * 10, UTC),
        "attribute": ["sector"] * 10,
        "value": ["software"] * 10,
    }
    parquet.write_table(pa.table(answers), folder / "answers.parquet")
    return folder


def asked(dataset: Dataset) -> tuple[Object, Int64]:
    """Open leads, some twice, one unknown, one before its creation, in no order."""
    lead_ids, as_of = open_leads(dataset)
    lead_ids = np.concatenate([lead_ids, lead_ids[:20], ["nobody", "L299"]]).astype(object)
    as_of = np.concatenate([as_of, as_of[:20] - 9 * DAY_US, as_of[:1], [START - DAY_US]])
    order = np.random.default_rng(1).permutation(len(lead_ids))
    return lead_ids[order], as_of[order]
