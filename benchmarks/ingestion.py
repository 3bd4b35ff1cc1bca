"""How long the store takes for rows, by how many it holds: ``python -m benchmarks.ingestion``.

The store is filled with made-up interactions through the same function that requests use; at each
size two events, then 10,000, are added as a request would. SQLite in a folder, or any URL.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa

from serving.store import tables
from serving.store.database import connect
from serving.store.ingest import add_rows
from serving.store.leads import NewLead, put_leads
from serving.store.migrate import migrate
from serving.store.tombstones import load_tombstones

START_US = 1_767_225_600_000_000
LEADS = 20_000
ROWS_A_CALL = 10_000


def rows(first: int, count: int) -> list[dict[str, Any]]:
    """Interactions number ``first`` and on: each of another lead, a second apart."""
    return [
        {"lead_id": f"L-{i % LEADS}", "occurred_us": START_US + i * 1_000_000, "kind": "page_view",
         "value": None, "duration_s": float(i % 60), "channel": "web", "source": "crm",
         "event_id": f"event-{i * 2654435761 % 2**32:010d}-{i}", "received_us": START_US}
        for i in range(first, first + count)
    ]  # fmt: skip


def measure(url: str, sizes: list[int]) -> Iterator[dict[str, float]]:
    """Seconds for two events (median of 9) and for 10,000 new ones, at each size of the store.

    ``cpu``: of this process's processor, which other work on the machine does not lengthen.
    """
    engine = connect(url)
    migrate(engine)
    writing = engine.execution_options(writes=True)
    with writing.begin() as connection:
        tombstones = load_tombstones(connection)

    def add(first: int, count: int) -> tuple[float, float]:
        """(seconds, seconds of this process's processor)."""
        batch = rows(first, count)
        begun, worked = time.perf_counter(), time.process_time()
        with writing.begin() as connection:
            became = add_rows(connection, tables.interaction, batch, tombstones)
        took = time.perf_counter() - begun, time.process_time() - worked
        assert became == ["taken"] * count, set(became)
        return took

    with writing.begin() as connection:
        new = [NewLead(f"L-{i}", START_US, {}) for i in range(LEADS)]
        put_leads(connection, new, START_US, tombstones)
    stored = 0
    for size in sizes:
        begun = time.perf_counter()
        before = stored
        while stored < size:
            count = min(ROWS_A_CALL, size - stored)
            add(stored, count)
            stored += count
        loading_s = time.perf_counter() - begun
        two = []
        for _ in range(9):
            two.append(add(stored, 2))
            stored += 2
        ten_thousand = add(stored, ROWS_A_CALL)
        stored += ROWS_A_CALL
        yield {
            "stored": size, "loaded": size - before, "loading_s": round(loading_s, 2),
            "two_events_ms": round(statistics.median(took for took, _ in two) * 1e3, 2),
            "two_events_cpu_ms": round(statistics.median(cpu for _, cpu in two) * 1e3, 2),
            "ten_thousand_s": round(ten_thousand[0], 3),
            "ten_thousand_cpu_s": round(ten_thousand[1], 3),
        }  # fmt: skip
    with engine.connect() as connection:
        assert connection.scalar(sa.select(sa.func.count()).select_from(tables.interaction))
    engine.dispose()


def main() -> None:
    """Print a line of JSON per size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", help="a database; SQLite in a temporary folder unless given")
    parser.add_argument("--sizes", type=int, nargs="+", default=[0, 100_000, 1_000_000])
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="leadscore-ingestion-") as folder:
        url = given.url or f"sqlite:///{folder}/store.db"
        for line in measure(url, given.sizes):
            print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
