"""Score generated interactions on Spark and in this process; equal results, both times.

    python benchmarks/spark.py [--leads 100000] [--master local[2]] [--folder DIR]

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
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
from buckets import ROWS_A_LEAD, make_data, run, trained, tree
from pyarrow import parquet

RESULTS = Path(__file__).parent / "results" / "spark.json"


def cpu_seconds() -> float:
    """Processor time of this process and all its living descendants: the JVM, its workers."""
    ticks = 0
    for pid in tree(os.getpid()):
        with contextlib.suppress(OSError):
            stat = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            ticks += int(stat[11]) + int(stat[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def measure(
    folder: Path, n_leads: int, master: str, like: Path | None, release: Path | None
) -> dict[str, Any]:
    from scoring.spark import SparkRun, score_with_spark, spark_session

    os.environ["LEADSCORE_HOME"] = str(folder / "home")
    if like is None or release is None:
        like, release = trained(folder)
    large = folder / "large"
    make_data(large, n_leads, like)
    plain = folder / "plain.parquet"
    local, local_peak, _ = run(
        ["score", str(large), "--release", str(release), "--out", str(plain)]
    )
    session = spark_session(master, **{"spark.driver.memory": "2g", "spark.ui.enabled": "false"})
    session.sparkContext.setLogLevel("OFF")
    seconds = []
    for attempt in range(2):  # the first starts the Python workers
        out = folder / f"scores-{attempt}"
        asked = SparkRun(source=str(large), release=release, out=str(out))
        began, used = time.perf_counter(), cpu_seconds()
        result = score_with_spark(session, asked)
        seconds.append(time.perf_counter() - began)
        processor = cpu_seconds() - used
    cores = int(session.sparkContext.defaultParallelism)
    session.stop()
    rows = n_leads * ROWS_A_LEAD
    return {
        "interactions": rows,
        "leads": n_leads,
        "master": master,
        "buckets": result.buckets,
        "equal_to_local": same(out, plain),
        "seconds_first": round(seconds[0], 1),
        "seconds_second": round(seconds[1], 1),
        "cpu_seconds_second": round(processor, 1),
        "interactions_a_second_and_core": round(rows / seconds[1] / cores),
        "seconds_command_in_one_process": round(local, 1),
        "peak_mb_in_one_process": round(local_peak),
        "cores": os.cpu_count(),
        "load_average_at_the_end": round(os.getloadavg()[0], 1),
        "machine": platform.machine(),
        "python": platform.python_version(),
    }


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
    parser.add_argument("--folder", type=Path, help="scratch; removed in the end")
    parser.add_argument("--like", type=Path, help="simulated leads, if a release is given")
    parser.add_argument("--release", type=Path, help="a release trained on leads like those")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    folder = Path(tempfile.mkdtemp(prefix="leadscore-spark-", dir=options.folder))
    try:
        result = measure(folder, options.leads, options.master, options.like, options.release)
    finally:
        shutil.rmtree(folder)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
