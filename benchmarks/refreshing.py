"""Processor time of scoring stored leads anew: ``python -m benchmarks.refreshing``.

Leads with a few attributes and interactions in a store of their own, all of them waiting; the code
of the refreshing process scores them in its batches, with nobody beside it. ``first``: none was
scored before. ``again``: their scores have aged, and most have hardly moved.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from serving.predictor.active_release import prepare
from serving.predictor.predictor import Predictor
from serving.predictor.refresh import Refresher
from serving.predictor.refresh_process import BATCH
from serving.settings import Settings
from serving.store import tables
from serving.store.database import connect, store_url
from serving.store.ingest import add_rows
from serving.store.leads import NewLead, put_leads
from serving.store.migrate import migrate
from serving.store.tombstones import Tombstones, load_tombstones
from serving.timestamps import microseconds

sys.path.append(str(Path(__file__).parent))  # behind the package serving, which serving.py hides
from serving_lead import made_release


def fill(settings: Settings, count: int, events: int, now: datetime) -> Tombstones:
    """A store with ``count`` leads of three weeks ago, each with so many page views."""
    engine = connect(store_url(settings))
    migrate(engine)
    now_us = microseconds(now)
    created_us = microseconds(now - timedelta(days=20))
    leads = [NewLead(f"L-{i}", created_us, {"employees": i % 300}) for i in range(count)]
    rows = [
        {"lead_id": f"L-{i}", "kind": "page_view", "value": None, "duration_s": None,
         "occurred_us": now_us - (n + 1) * 3_600_000_000, "channel": None, "source": "web",
         "event_id": f"{i}-{n}", "received_us": now_us}
        for i in range(count)
        for n in range(events)
    ]  # fmt: skip
    with engine.execution_options(writes=True).begin() as connection:
        tombstones = load_tombstones(connection, settings.home)
        put_leads(connection, leads, now_us, tombstones)
        add_rows(connection, tables.interaction, rows, tombstones)
    engine.dispose()
    return tombstones


def work_off(refresher: Refresher, predictor: Predictor, now: datetime) -> tuple[int, float, float]:
    """(leads looked at, microseconds of this process, of the clock) until nothing is due."""
    looked_at, cpu, clock = 0, time.process_time(), time.perf_counter()
    while count := refresher.run_once(predictor, now, BATCH):
        looked_at += count
    return looked_at, (time.process_time() - cpu) * 1e6, (time.perf_counter() - clock) * 1e6


def main() -> None:
    """Print a line of JSON for the first scores and one for those after a month."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--release", type=Path, help="use this release instead of training one")
    parser.add_argument("--url", default="", help="an empty PostgreSQL; SQLite unless given")
    parser.add_argument("--leads", type=int, default=20_000)
    parser.add_argument("--events", type=int, default=5)
    given = parser.parse_args()
    predictor = prepare(given.release or made_release(), "", Settings())
    now = datetime.now(UTC)
    with tempfile.TemporaryDirectory(prefix="leadscore-refreshing-") as home:
        settings = Settings(home=Path(home), database_url=given.url or None)
        tombstones = fill(settings, given.leads, given.events, now)
        engine = connect(store_url(settings))
        refresher = Refresher(engine, settings, tombstones)
        for name, moment in (("first", now), ("again", now + timedelta(days=30))):
            looked_at, cpu, clock = work_off(refresher, predictor, moment)
            per_lead = {"cpu_us": round(cpu / looked_at), "clock_us": round(clock / looked_at)}
            print(json.dumps({"scores": name, "leads": looked_at, **per_lead}), flush=True)
        engine.dispose()


if __name__ == "__main__":
    main()
