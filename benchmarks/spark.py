"""Score generated interactions on Spark and in this process; equal results, both times.

    python benchmarks/spark.py [--leads 100000] [--master local[2]] [--folder DIR]
    python benchmarks/spark.py --leads 1000 --one-lead 20000000     # one of them with so many rows

The data are those of benchmarks/buckets.py (50 interactions a lead), the release is trained on
3,000 simulated leads. Needs PySpark and Java 17.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import platform
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from buckets import (
    ACTIVE_DAYS,
    DAY_US,
    ROWS_A_LEAD,
    UTC,
    make_data,
    resident_mb,
    run,
    schema,
    trained,
    tree,
)
from pyarrow import parquet

RESULTS = Path(__file__).parent / "results" / "spark.json"
RESULTS_ONE_LEAD = RESULTS.with_name("spark_one_lead.json")


def cpu_seconds() -> float:
    """Processor time of this process and all its living descendants: the JVM, its workers."""
    ticks = 0
    for pid in tree(os.getpid()):
        with contextlib.suppress(OSError):
            stat = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            ticks += int(stat[11]) + int(stat[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def give_one_lead(folder: Path, n_rows: int) -> None:
    """Add so many interactions to the first lead of what ``make_data`` wrote."""
    path, grown = folder / "interactions.parquet", folder / "grown.parquet"
    rng = np.random.default_rng(1)
    there = parquet.read_table(path)
    created = parquet.read_table(folder / "leads.parquet")["created_at"][0].value
    kinds = pc.unique(there["kind"])
    with parquet.ParquetWriter(grown, schema()) as writer:
        writer.write_table(there)
        for start in range(0, n_rows, 1_000_000):
            n = min(1_000_000, n_rows - start)
            columns = [
                pa.repeat("L00000000", n),
                pa.array(created + rng.integers(0, ACTIVE_DAYS * DAY_US, n), UTC),
                kinds.take(pa.array(rng.integers(0, len(kinds), n))),
                pa.array(rng.exponential(10.0, n)),
                pa.array(rng.exponential(60.0, n)),
            ]
            writer.write_table(pa.table(columns, schema=schema()))
    os.replace(grown, path)


def measure(
    folder: Path,
    n_leads: int,
    master: str,
    like: Path | None,
    release: Path | None,
    of_one_lead: int = 0,
) -> dict[str, Any]:
    from scoring.batch.spark import SparkRun, score_with_spark, spark_session

    os.environ["LEADSCORE_HOME"] = str(folder / "home")
    if like is None or release is None:
        like, release = trained(folder)
    large = folder / "large"
    make_data(large, n_leads, like)
    if of_one_lead:
        give_one_lead(large, of_one_lead)
    plain = folder / "plain.parquet"
    local, local_peak, _ = run(
        ["score", str(large), "--release", str(release), "--out", str(plain)]
    )
    session = spark_session(master, **{"spark.driver.memory": "2g", "spark.ui.enabled": "false"})
    session.sparkContext.setLogLevel("OFF")
    seconds = []
    peak = ProcessTreePeak()
    for attempt in range(1 if of_one_lead else 2):  # the first starts the Python workers
        out = folder / f"scores-{attempt}"
        asked = SparkRun(source=str(large), release=release, out=str(out))
        began, used = time.perf_counter(), cpu_seconds()
        result = score_with_spark(session, asked)
        seconds.append(time.perf_counter() - began)
        processor = cpu_seconds() - used
    peak.over.set()
    cores = int(session.sparkContext.defaultParallelism)
    session.stop()
    rows = n_leads * ROWS_A_LEAD + of_one_lead
    return {
        "interactions": rows,
        "leads": n_leads,
        "interactions_of_the_largest_lead": of_one_lead or ROWS_A_LEAD,
        "master": master,
        "buckets": result.buckets,
        "equal_to_local": same(out, plain),
        "seconds_first": round(seconds[0], 1),
        "seconds_last": round(seconds[-1], 1),
        "cpu_seconds_last": round(processor, 1),
        "peak_mb_of_all_processes": round(peak.mb),
        "interactions_a_second_and_core": round(rows / seconds[-1] / cores),
        "seconds_command_in_one_process": round(local, 1),
        "peak_mb_in_one_process": round(local_peak),
        "cores": os.cpu_count(),
        "load_average_at_the_end": round(os.getloadavg()[0], 1),
        "machine": platform.machine(),
        "python": platform.python_version(),
    }


class ProcessTreePeak:
    """The largest resident memory of this process and all its descendants together."""

    def __init__(self) -> None:
        self.mb = 0.0
        self.over = threading.Event()
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        while not self.over.wait(0.25):
            self.mb = max(self.mb, resident_mb(tree(os.getpid())))


def same(folder: Path, plain: Path) -> bool:
    expected = parquet.read_table(plain)
    files = sorted(folder.glob("part-*.parquet"))
    return bool(
        pa.concat_tables([parquet.read_table(f) for f in files]).cast(expected.schema) == expected
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--leads", type=int, default=100_000)
    parser.add_argument("--master", default="local[2]")
    parser.add_argument("--one-lead", type=int, default=0, help="rows of one lead beside these")
    parser.add_argument("--folder", type=Path, help="scratch; removed in the end")
    parser.add_argument("--like", type=Path, help="simulated leads, if a release is given")
    parser.add_argument("--release", type=Path, help="a release trained on leads like those")
    parser.add_argument("--out", type=Path, help="where the results go")
    options = parser.parse_args()
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    folder = Path(tempfile.mkdtemp(prefix="leadscore-spark-", dir=options.folder))
    try:
        result = measure(
            folder, options.leads, options.master, options.like, options.release, options.one_lead
        )
    finally:
        shutil.rmtree(folder)
    out = options.out or (RESULTS_ONE_LEAD if options.one_lead else RESULTS)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
