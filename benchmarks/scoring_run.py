"""``make bench-scoring``: ``leadscore score`` from the command to written Parquet with reasons.

100,000 leads with 5 million interactions (benchmarks/buckets.py; created within the last 90 days,
all open, every interaction seen) are scored three times by the real command in a process of its
own, with a release trained here on 3,000 simulated leads. Told: wall time with start-up, processor
time, peak memory, and what the command itself says of its stages.
Writes ``benchmarks/results/scoring.{json,md}``.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from buckets import COMMAND, ROWS_A_LEAD, make_data, trained
from pyarrow import parquet

RESULTS = Path(__file__).parent / "results"
AGES_DAYS = (1, 90)
AIM_SECONDS = 8.0
STAGE = re.compile(r"^(read|score|write) .*\((\d+\.\d) s\)$", re.MULTILINE)


def measured(arguments: list[str]) -> dict[str, Any]:
    """One run of the command: seconds, processor seconds, peak MB, and its own stages."""
    peak = ProcessPeak()
    began = time.perf_counter()
    process = subprocess.Popen(
        [*COMMAND, *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    watching = threading.Thread(target=peak.watch, args=(process.pid,))
    watching.start()
    assert process.stderr is not None
    told = process.stderr.read()
    _, status, used = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - began
    peak.over.set()
    watching.join()
    if status:
        raise SystemExit(f"leadscore {' '.join(arguments)} failed:\n{told}")
    stages = {name: float(spent) for name, spent in STAGE.findall(told)}
    return {
        "seconds": round(seconds, 2),
        "processor_seconds": round(used.ru_utime + used.ru_stime, 2),
        "peak_mb": round(peak.mb),
        "stages": {**stages, "start and end": round(seconds - sum(stages.values()), 1)},
    }


class ProcessPeak:
    """The peak memory of a process as the system keeps it, asked for until the process is over.

    (``ru_maxrss`` of a child begins with what its parent had.)
    """

    def __init__(self) -> None:
        self.mb = 0.0
        self.over = threading.Event()

    def watch(self, pid: int) -> None:
        while not self.over.wait(0.02):
            try:
                status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
            except OSError:
                return
            for line in status.splitlines():
                if line.startswith("VmHWM"):
                    self.mb = max(self.mb, int(line.split()[1]) * 1024 / 1e6)


def measure(folder: Path, n_leads: int, runs: int, release: Path | None) -> dict[str, Any]:
    """Make the data and the release, score, and look at what was written."""
    os.environ["LEADSCORE_HOME"] = str(folder / "home")
    sample, made = trained(folder) if release is None else (simulated(folder), release)
    data, out = folder / "data", folder / "scores.parquet"
    make_data(data, n_leads, sample, AGES_DAYS)
    command = ["score", str(data), "--release", str(made), "--out", str(out)]
    measured(command)  # compiles, where it was never done
    found = [measured(command) for _ in range(runs)]
    scores = parquet.read_table(out)
    assert scores.num_rows == n_leads
    assert scores["reason_3"].null_count == 0
    assert scores["error"].null_count == n_leads
    return {
        "leads": n_leads,
        "interactions": n_leads * ROWS_A_LEAD,
        "features": len(json.loads((made / "spec.json").read_text())["features"]),
        "parts": [p["kind"] for p in json.loads((made / "model.json").read_text())["parts"]],
        "interactions_file_mb": round((data / "interactions.parquet").stat().st_size / 1e6),
        "runs": found,
        "median_seconds": round(statistics.median(run["seconds"] for run in found), 2),
        "slowest_seconds": max(run["seconds"] for run in found),
        "cores": os.cpu_count(),
        "load_average_at_the_end": round(os.getloadavg()[0], 1),
        "machine": platform.machine(),
        "python": platform.python_version(),
    }


def simulated(folder: Path) -> Path:
    """Leads to imitate, where the release is given."""
    sample = folder / "sample"
    subprocess.run([*COMMAND, "simulate", str(sample), "--leads", "3000"], check=True)
    return sample


def table(found: dict[str, Any]) -> str:
    """The figures as Markdown."""
    stages = list(found["runs"][0]["stages"])
    rows = [
        f"`leadscore score` of {found['leads']:,} leads with {found['interactions']:,} "
        f"interactions ({found['interactions_file_mb']} MB of Parquet), {found['features']} "
        f"features, {len(found['parts'])} parts ({', '.join(found['parts'])}), rules beside "
        f"them, three reasons a lead; from the command to the file, start-up included; "
        f"{found['cores']} cores. "
        f"Aim: under {AIM_SECONDS:g} s.",
        "",
        f"| run | wall | processor | peak memory | {' | '.join(stages)} |",
        "|---|---|---|---|" + "---|" * len(stages),
    ]
    for i, run in enumerate(found["runs"], start=1):
        spent = " | ".join(f"{run['stages'][stage]:.1f} s" for stage in stages)
        rows.append(
            f"| {i} | {run['seconds']:.2f} s | {run['processor_seconds']:.2f} s "
            f"| {run['peak_mb']:,} MB | {spent} |"
        )
    return "\n".join(rows) + "\n"


def main() -> None:
    """Parse, measure, print and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--leads", type=int, default=100_000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="scratch; removed in the end")
    parser.add_argument("--release", type=Path, help="trained on simulated leads, as here")
    parser.add_argument("--out", type=Path, default=RESULTS, help="where the results go")
    asked = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="leadscore-scoring-", dir=asked.folder))
    try:
        found = measure(folder, asked.leads, asked.runs, asked.release)
    finally:
        shutil.rmtree(folder)
    asked.out.mkdir(exist_ok=True)
    text = table(found)
    (asked.out / "scoring.md").write_text(text, encoding="utf-8")
    (asked.out / "scoring.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
