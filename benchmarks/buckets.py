"""Score 100 million interactions on one machine in buckets: time, peak memory, and a kill -9.

    python benchmarks/buckets.py [--leads 2000000] [--folder DIR] [--like DIR --release DIR]

Leads are made up here (50 interactions each, of the simulator's kinds), the release is trained on
3,000 simulated leads (or given, with the leads to imitate). The run is killed once, together with
its workers, and started again; the peak is the resident memory of the whole process tree, sampled
four times a second.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

UTC = pa.timestamp("us", tz="UTC")
UNTIL_US = 1_735_603_200_000_000
DAY_US = 86_400_000_000
ACTIVE_DAYS = 60
ROWS_A_LEAD = 50
LEADS_AT_ONCE = 40_000
RESULTS = Path(__file__).parent / "results" / "buckets.json"
COMMAND = [sys.executable, "-c", "import leadscore; leadscore.main()"]


def make_data(
    folder: Path, n_leads: int, like: Path, ages_days: tuple[int, int] = (66, 366)
) -> None:
    """Leads and interactions with the columns and kinds of ``like``, all of them open.

    ``ages_days``: the youngest and the oldest lead (not reached) at the end of what is observed.
    A lead's interactions lie in its first 60 days, as far as those have been observed.
    """
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True)
    leads = read_csv(like / "leads")
    rows = leads.take(pa.array(rng.integers(0, leads.num_rows, n_leads)))
    ids = pa.array([f"L{i:08d}" for i in range(n_leads)])
    age = rng.integers(*ages_days, n_leads)
    created = UNTIL_US - age * DAY_US
    active = np.minimum(age, ACTIVE_DAYS) * DAY_US
    rows = rows.set_column(rows.schema.get_field_index("lead_id"), "lead_id", ids)
    rows = rows.set_column(rows.schema.get_field_index("created_at"), "created_at",
                           pa.array(created, UTC))  # fmt: skip
    parquet.write_table(rows, folder / "leads.parquet")
    (folder / "dataset.toml").write_text('name = "large"\nobserved_until = 2024-12-31T00:00:00Z\n')
    kinds = pa.array(sorted(set(read_csv(like / "interactions")["kind"].to_pylist())))
    with parquet.ParquetWriter(folder / "interactions.parquet", schema()) as writer:
        for start in range(0, n_leads, LEADS_AT_ONCE):
            count = min(LEADS_AT_ONCE, n_leads - start)
            # in no order within a part, so that a lead's rows lie apart
            who = start + rng.integers(0, count, count * ROWS_A_LEAD)
            n = len(who)
            at = created[who] + rng.integers(0, active[who])
            table = pa.table(
                [ids.take(pa.array(who)), pa.array(at, UTC),
                 kinds.take(pa.array(rng.integers(0, len(kinds), n))),
                 pa.array(rng.exponential(10.0, n)), pa.array(rng.exponential(60.0, n))],
                schema=schema(),
            )  # fmt: skip
            writer.write_table(table, row_group_size=1_000_000)


def schema() -> pa.Schema:
    return pa.schema(
        [("lead_id", pa.string()), ("occurred_at", UTC), ("kind", pa.string()),
         ("value", pa.float64()), ("duration_s", pa.float64())]
    )  # fmt: skip


def read_csv(stem: Path) -> pa.Table:
    from pyarrow import csv

    return csv.read_csv(next(stem.parent.glob(f"{stem.name}.csv*")))


def tree(root: int) -> list[int]:
    """The process and all its descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                stat = (entry / "stat").read_text()
            except OSError:
                continue
            parent = int(stat.rsplit(")", 1)[1].split()[1])
            children.setdefault(parent, []).append(int(entry.name))
    found, left = [], [root]
    while left:
        found.append(left.pop())
        left += children.get(found[-1], [])
    return found


def resident_mb(pids: list[int]) -> float:
    total = 0
    for pid in pids:
        try:
            total += int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        except OSError:
            continue
    return total * os.sysconf("SC_PAGE_SIZE") / 1e6


def run(arguments: list[str], kill_when: Any = None) -> tuple[float, float, str | None]:
    """(seconds, peak MB, stdout or None if it was killed)."""
    began = time.perf_counter()
    process = subprocess.Popen([*COMMAND, *arguments], stdout=subprocess.PIPE, text=True)
    peak, killed = 0.0, False
    while process.poll() is None:
        pids = tree(process.pid)
        peak = max(peak, resident_mb(pids))
        if kill_when is not None and kill_when():
            for pid in pids:
                os.kill(pid, signal.SIGKILL)
            killed = True
            break
        time.sleep(0.25)
    out, _ = process.communicate()
    seconds = time.perf_counter() - began
    if not killed and process.returncode != 0:
        raise SystemExit(f"leadscore failed with {process.returncode}")
    return seconds, peak, None if killed else out


def trained(folder: Path) -> tuple[Path, Path]:
    """Simulated leads, and a release trained on them."""
    sample, release = folder / "sample", folder / "release"
    run(["simulate", str(sample), "--leads", "3000"])
    run(["train", str(sample), "--out", str(release)])
    return sample, release


def cpu_seconds() -> float:
    """Processor time of all ended child processes and theirs."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(
    folder: Path, n_leads: int, like: Path | None, release: Path | None, large: Path | None
) -> dict[str, Any]:
    os.environ["LEADSCORE_HOME"] = str(folder / "home")
    if like is None or release is None:
        like, release = trained(folder)
    if large is None:
        large = folder / "large"
        make_data(large, n_leads, like)
    size = (large / "interactions.parquet").stat().st_size
    out = folder / "scores.parquet"
    command = ["score", str(large), "--release", str(release), "--out", str(out),
               "--buckets", "auto", "--json"]  # fmt: skip
    scores = folder / "scores.parquet.work" / "scores"

    def some_buckets_done() -> bool:
        return scores.is_dir() and len(list(scores.glob("bucket-*"))) >= 3

    first, first_peak, told = run(command, kill_when=some_buckets_done)
    finished = len(list(scores.glob("bucket-*"))) if told is None else 0
    began = cpu_seconds()
    if told is None:
        second, second_peak, told = run(command)
    else:
        second, second_peak = 0.0, 0.0
    assert told is not None
    result = json.loads(told)
    assert result["rows"] == n_leads
    assert result["buckets_done_now"] == result["buckets"] - finished
    return {
        "interactions": n_leads * ROWS_A_LEAD,
        "leads": n_leads,
        "interactions_file_mb": round(size / 1e6),
        "buckets": result["buckets"],
        "seconds_until_killed": round(first, 1),
        "buckets_finished_when_killed": finished,
        "seconds_after_restart": round(second, 1),
        "cpu_seconds_after_restart": round(cpu_seconds() - began, 1),
        "buckets_done_after_restart": result["buckets_done_now"],
        "seconds": round(first + second, 1),
        "interactions_a_second": round(n_leads * ROWS_A_LEAD / (first + second)),
        "peak_mb": round(max(first_peak, second_peak)),
        "rows_scored": result["rows"],
        "cores": os.cpu_count(),
        "load_average_at_the_end": round(os.getloadavg()[0], 1),
        "machine": platform.machine(),
        "python": platform.python_version(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--leads", type=int, default=2_000_000)
    parser.add_argument("--folder", type=Path, help="scratch (about 12 GB); removed in the end")
    parser.add_argument("--like", type=Path, help="simulated leads, if a release is given")
    parser.add_argument("--release", type=Path, help="a release trained on leads like those")
    parser.add_argument("--data", type=Path, help="what an earlier make_data wrote")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="leadscore-buckets-", dir=options.folder))
    try:
        result = measure(folder, options.leads, options.like, options.release, options.data)
    finally:
        shutil.rmtree(folder)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
