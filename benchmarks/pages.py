"""How fast the pages answer: a worklist over 100,000 stored leads, a lead with 5,000 interactions.

    python -m benchmarks.pages [--leads 100000] [--interactions 5000] [--rounds 30]

The store is SQLite in a temporary folder, filled through the store's own functions; each stored
score carries the answer of a real prediction. Requests go one after the other over the loopback to
a service in this process, so the times hold all of it: HTTP, the store, scoring, templates.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import msgspec
import sqlalchemy as sa

from serving.settings import Settings
from serving.store import tables
from serving.store.database import connect, store_url
from serving.store.migrate import migrate
from serving.store.scores import ScoreRow, move_in
from serving.store.tombstones import Tombstones
from serving.store.worklist_lines import chosen_of, prepare

DAY_US = 86_400_000_000
AT_ONCE = 5000
BANDS = ((0.45, "hot"), (0.12, "warm"), (0.0, "cold"))


def answer_of(client: httpx.Client) -> dict[str, Any]:
    """A real answer, as the score log keeps it."""
    acts = [
        {"kind": kind, "occurred_at": f"2026-03-{day:02d}T10:00:00Z"}
        for kind in ("page_view", "offer_view", "webinar")
        for day in (12, 15, 18)
    ]
    body = {
        "lead_id": "x", "created_at": "2026-03-01T09:00:00Z", "as_of": "2026-03-20T08:00:00Z",
        "attributes": {"employees": 50, "sector": "software"}, "interactions": acts,
    }  # fmt: skip
    answer: dict[str, Any] = client.post("/v1/scores", json=body).json()
    return answer


def fill(settings: Settings, n_leads: int, n_acts: int, answer: dict[str, Any]) -> None:
    """Leads with owners, sources, accounts and a few past scores; one with many interactions."""
    rng = random.Random(0)
    now_us = round(datetime.now(UTC).timestamp() * 1e6)
    engine = connect(store_url(settings))
    migrate(engine)
    writing = engine.execution_options(writes=True)
    for start in range(0, n_leads, AT_ONCE):
        leads, scores = [], []
        for i in range(start, min(start + AT_ONCE, n_leads)):
            attributes = {
                "name": f"Person {i}", "company": f"Firm {i % 9000}", "owner": f"rep {i % 25}",
                "source": f"source {i % 12}", "sector": ("software", "retail")[i % 2],
                "employees": i % 500, "cost": i % 90,
            }  # fmt: skip
            leads.append(
                {"lead_id": f"L{i}", "created_us": now_us - (i % 300) * DAY_US,
                 "attributes": json.dumps(attributes), "received_us": now_us}
            )  # fmt: skip
            for k in range(3):
                scores.append(
                    _score(f"L{i}", now_us - (2 - k) * 7 * DAY_US, rng.random() ** 3, answer)
                )
        with writing.begin() as connection:
            connection.execute(sa.insert(tables.lead), leads)
            move_in(connection, scores, Tombstones(b""))
            if start == 0:
                _busy_lead(connection, n_acts, now_us)
        print(f"\r{min(start + AT_ONCE, n_leads):,} leads", end="", file=sys.stderr)
    with writing.begin() as connection:
        prepare(connection, chosen_of(settings))
    print(file=sys.stderr)
    engine.dispose()


def _score(lead_id: str, as_of_us: int, p: float, answer: dict[str, Any]) -> ScoreRow:
    band = next(name for least, name in BANDS if p >= least)
    said = {**answer, "lead_id": lead_id, "probability": p, "band": band}
    return ScoreRow(
        f"{random.getrandbits(128):032x}", lead_id, as_of_us, as_of_us, "r", "1", "champion", p,
        band, "0" * 32, "store", "en", 3, msgspec.Raw(b"{}"),
        msgspec.Raw(json.dumps(said).encode()), "A" * 70,
    )  # fmt: skip


def _busy_lead(connection: sa.Connection, n_acts: int, now_us: int) -> None:
    kinds = ("page_view", "offer_view", "email_open", "webinar", "contact_attempt", "inbound_call")
    rows = [
        {"lead_id": "L0", "kind": kinds[i % len(kinds)], "source": "crm", "event_id": str(i),
         "occurred_us": now_us - 290 * DAY_US + i * (289 * DAY_US // n_acts), "value": None,
         "duration_s": 30.0, "channel": None, "received_us": now_us}
        for i in range(n_acts)
    ]  # fmt: skip
    connection.execute(sa.insert(tables.interaction), rows)
    connection.execute(
        sa.update(tables.lead).where(tables.lead.c.lead_id == "L0").values(
            created_us=now_us - 300 * DAY_US
        )
    )  # fmt: skip


def measured(client: httpx.Client, path: str, rounds: int) -> tuple[float, float, float, int]:
    """(median, 95th percentile, median of processor time in milliseconds, bytes) of a page, after
    one to warm up.

    ``{round}`` in the path is another number each time. The processor time is that of service and
    caller together: on a machine that does nothing else, a page takes no longer than that.
    """
    size = len(client.get(path.format(round=0)).raise_for_status().content)
    times, processor = [], []
    for i in range(1, rounds + 1):
        began, used = time.perf_counter(), time.process_time()
        client.get(path.format(round=i)).raise_for_status()
        times.append(1000 * (time.perf_counter() - began))
        processor.append(1000 * (time.process_time() - used))
    high = statistics.quantiles(times, n=20)[-1]
    return statistics.median(times), high, statistics.median(processor), size


def main() -> None:
    """Fill a store, measure, print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--leads", type=int, default=100_000)
    parser.add_argument("--interactions", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=30)
    asked = parser.parse_args()
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "support"))
    from live_service import served
    from pages_service import page_home

    with tempfile.TemporaryDirectory() as folder:
        home = page_home(Path(folder))
        settings = Settings(home=home)
        with served(settings) as client:
            answer = answer_of(client)
        fill(settings, asked.leads, asked.interactions, answer)
        pages = {
            "worklist": "/", "worklist, page 400": "/?page=400",
            "worklist of one owner": "/?owner=rep+7",
            "worklist of one account": "/?account=Firm+77",
            "worklist, hot and one source": "/?band=hot&source=source+3",
            "worklist, searched": "/?q=firm+123", "who is left alone": "/?show=left_alone",
            f"a lead with {asked.interactions:,} interactions": "/lead?id=L0",
            "a lead": "/lead?id=L1", "what if": "/what-if?id=L1", "funnel": "/funnel",
            "matrix": "/comparison", "models": "/models", "forecast, kept": "/forecast",
            "forecast, computed": "/forecast?value={round}",
        }  # fmt: skip
        print(f"{asked.leads:,} leads, 3 scores each; {os.cpu_count()} cores\n")
        print("| page | median ms | 95 % ms | processor ms | kB |\n|---|---:|---:|---:|---:|")
        with served(settings) as client:
            for name, path in pages.items():
                median, high, used, size = measured(client, path, asked.rounds)
                print(
                    f"| {name} | {median:.0f} | {high:.0f} | {used:.0f} | {size / 1000:.0f} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
