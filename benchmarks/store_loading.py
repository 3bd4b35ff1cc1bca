"""How long ``leadscore store load`` takes: ``python -m benchmarks.store_loading --rows 1000000``.

A dataset of made-up interactions (Parquet, an id each) of 20,000 leads is loaded by the command
itself into an empty store: SQLite in a temporary home, or any URL.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

LEADS = 20_000
START_US = 1_767_225_600_000_000
KINDS = ("page_view", "email_open", "webinar", "inbound_call", "offer_view")


def write_dataset(folder: Path, rows: int) -> None:
    """Leads of one day, and ``rows`` interactions in the ninety days after it."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    created = pa.array(np.full(LEADS, START_US), pa.timestamp("us", "UTC"))
    ids = pa.array([f"L-{i}" for i in range(LEADS)])
    sectors = pa.array(rng.choice(["retail", "software", "health"], LEADS))
    leads = pa.table({"lead_id": ids, "created_at": created, "sector": sectors})
    pq.write_table(leads, folder / "leads.parquet")
    at_us = START_US + 1 + np.sort(rng.integers(0, 90 * 86_400_000_000, rows))
    interactions = pa.table(
        {
            "lead_id": ids.take(pa.array(rng.integers(0, LEADS, rows))),
            "occurred_at": pa.array(at_us, pa.timestamp("us", "UTC")),
            "kind": pa.array(rng.choice(KINDS, rows)),
            "duration_s": pa.array(rng.integers(1, 600, rows).astype(float)),
            "event_id": pa.array([f"event-{i}" for i in rng.permutation(rows)]),
        }
    )
    pq.write_table(interactions, folder / "interactions.parquet")
    ended = pa.array(np.full(100, START_US + 60 * 86_400_000_000), pa.timestamp("us", "UTC"))
    outcomes = {"lead_id": ids[:100], "outcome": pa.array(["converted"] * 100)}
    pq.write_table(pa.table({**outcomes, "occurred_at": ended}), folder / "outcomes.parquet")


def main() -> None:
    """Print one line of JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--url", help="an empty database; SQLite in a temporary home unless given")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="leadscore-loading-") as name:
        folder = Path(name)
        write_dataset(folder / "data", given.rows)
        settings = {"LEADSCORE_HOME": str(folder / "home")}
        if given.url:
            settings["LEADSCORE_DATABASE_URL"] = given.url
        command = [sys.executable, "-m", "leadscore", "store", "load", str(folder / "data")]
        before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(
            [*command, "--json"], env={**os.environ, **settings}, check=True,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip
        took = time.perf_counter() - begun
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        print(json.dumps({"rows": given.rows, "s": round(took, 1), "cpu_s": round(cpu, 1)}))


if __name__ == "__main__":
    main()
