"""``make bench-reading``: the same interactions in four places, read into one dataset.

100,000 leads with 5 million interactions as one Parquet file, as 200 partitions, through a query
(``interactions.sql``), and as one Parquet file on an object store that moto serves on the loopback
interface. Each place is read in a process of its own, several times, in turn; the
fingerprints must be one. Writes ``benchmarks/results/reading.{json,md}``.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from feature_engines.asked import START_US, write_interactions
from pyarrow import fs

RESULTS = Path(__file__).parent / "results"
PARTITIONS = 200
ALLOWED = {"200 partitions": 1.3}
"""How many times the time of one file a place may take, as promised."""
BUCKET = "leads"
TOML = (
    'name = "reading"\nobserved_until = 2024-06-01T00:00:00Z\nhorizon_days = 30\n'
    "reference_ages_days = [0, 7]\n\n"
    '[attributes.sector]\ntype = "category"\n'
)


def make_places(base: Path, n_leads: int, per_lead: int) -> dict[str, str]:
    """Write the data once for each place; the name of each to what reads it."""
    one = base / "one"
    one.mkdir()
    write_interactions(one / "interactions.parquet", n_leads, per_lead, "time")
    others(one, n_leads)
    rows = pq.read_table(one / "interactions.parquet")
    places = {"one Parquet file": one}
    places["200 partitions"] = parts(base / "parts", rows, n_leads)
    places["interactions.sql"] = queried(base / "query", rows, n_leads)
    return {name: str(place) for name, place in places.items()}


def others(place: Path, n_leads: int) -> None:
    """The tables beside the interactions, and the settings."""
    place.mkdir(exist_ok=True)
    ids = [f"L{i:06d}" for i in range(n_leads)]
    created = pa.array([START_US] * n_leads, pa.timestamp("us", "UTC"))
    sectors = [("software", "industry", "public")[i % 3] for i in range(n_leads)]
    leads = pa.table({"lead_id": ids, "created_at": created, "sector": sectors})
    pq.write_table(leads, place / "leads.parquet")
    closed = pa.array([START_US + 100 * 86_400_000_000] * (n_leads // 2), pa.timestamp("us", "UTC"))
    words = [("converted", "lost")[i % 2] for i in range(n_leads // 2)]
    outcomes = {"lead_id": ids[: n_leads // 2], "outcome": words, "occurred_at": closed}
    pq.write_table(pa.table(outcomes), place / "outcomes.parquet")
    (place / "dataset.toml").write_text(TOML, encoding="utf-8")


def parts(place: Path, rows: pa.Table, n_leads: int) -> Path:
    """The interactions in so many partitions of a folder, as a lake has them."""
    others(place, n_leads)
    size = -(-rows.num_rows // PARTITIONS)
    for number in range(PARTITIONS):
        folder = place / "interactions" / f"part={number:03d}"
        folder.mkdir(parents=True)
        pq.write_table(rows.slice(number * size, size), folder / "rows.parquet")
    return place


def queried(place: Path, rows: pa.Table, n_leads: int) -> Path:
    """The interactions behind a query."""
    others(place, n_leads)
    pq.write_table(rows, place / "events.parquet")
    query = "SELECT lead_id, occurred_at, kind, value, duration_s FROM 'events.parquet'"
    (place / "interactions.sql").write_text(query, encoding="utf-8")
    return place


@contextmanager
def object_store(folder: Path) -> Iterator[str]:
    """A folder's files on an S3 that moto serves on loopback; its URL."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line for each request otherwise
    os.environ |= {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        store = fs.S3FileSystem(
            endpoint_override=f"{host}:{port}", scheme="http", region="us-east-1",
            allow_bucket_creation=True, request_timeout=120, connect_timeout=30,
        )  # fmt: skip
        store.create_dir(BUCKET)
        fs.copy_files(str(folder), f"{BUCKET}/one", destination_filesystem=store)
        yield f"s3://{BUCKET}/one?endpoint_override={host}:{port}&scheme=http&region=us-east-1"
    finally:
        server.stop()


def child(source: str) -> None:
    """Read once to compile and fill the page cache, then once more against the clock."""
    from features.reading.read import read_dataset

    read_dataset(source)
    began, used = time.perf_counter(), time.process_time()
    found = read_dataset(source)
    seconds, processor = time.perf_counter() - began, time.process_time() - used
    rows = found.interactions.num_rows
    print(json.dumps({"s": seconds, "cpu": processor, "rows": rows, "print": found.fingerprint}))


def measured(sources: dict[str, str], runs: int) -> dict[str, dict[str, float | str]]:
    """Median seconds of several runs of each place, taken in turn, and its fingerprint."""
    seen: dict[str, list[dict[str, float | str]]] = {name: [] for name in sources}
    for _ in range(runs):
        for name, source in sources.items():
            command = [sys.executable, __file__, "--child", source]
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                raise SystemExit(f"{name}: {done.stderr[-2000:]}")
            seen[name].append(json.loads(done.stdout.splitlines()[-1]))
    return {
        name: {
            "seconds": round(statistics.median(float(r["s"]) for r in each), 2),
            "processor_seconds": round(statistics.median(float(r["cpu"]) for r in each), 2),
            "rows": each[0]["rows"],
            "fingerprint": each[0]["print"],
        }
        for name, each in seen.items()
    }


def table_of(found: dict[str, dict[str, float | str]]) -> str:
    """The table of the documentation."""
    one = float(found["one Parquet file"]["processor_seconds"])
    lines = ["| interactions | seconds | processor seconds | times one file |", "|---|---|---|---|"]
    for name, figures in found.items():
        times = float(figures["processor_seconds"]) / one
        lines.append(
            f"| {name} | {figures['seconds']:.1f} | {figures['processor_seconds']:.1f} "
            f"| {times:.2f} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the places, read each, compare, and keep the figures."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--leads", type=int, default=100_000)
    options.add_argument("--per-lead", type=int, default=50)
    options.add_argument("--runs", type=int, default=3)
    options.add_argument("--child", help=argparse.SUPPRESS)
    options.add_argument("--dry", action="store_true", help="write no results")
    given = options.parse_args()
    if given.child is not None:
        child(given.child)
        return
    with tempfile.TemporaryDirectory(prefix="leadscore-reading-") as name:
        places = make_places(Path(name), given.leads, given.per_lead)
        with object_store(Path(places["one Parquet file"])) as url:
            found = measured({**places, "an object store on loopback": url}, given.runs)
    prints = {str(figures["fingerprint"]) for figures in found.values()}
    if len(prints) != 1:
        raise SystemExit(f"the places give different datasets: {found}")
    shown = table_of(found)
    print(shown)
    if not given.dry:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "reading.md").write_text(shown, encoding="utf-8")
        where = {"machine": platform.machine(), "cores": os.cpu_count()}
        kept = {"leads": given.leads, "interactions": given.leads * given.per_lead, **where}
        text = json.dumps({**kept, "places": found}, indent=1)
        (RESULTS / "reading.json").write_text(text + "\n", encoding="utf-8")
    one = float(found["one Parquet file"]["processor_seconds"])
    for place, most in ALLOWED.items():
        if float(found[place]["processor_seconds"]) > most * one:
            raise SystemExit(f"{place} took more than {most} times as long as one file")


if __name__ == "__main__":
    main()
