"""``make bench-features``: sixty features by every engine, from Parquet to matrix.

Each engine runs in a process of its own (two cores, one or six references a lead, median of
several runs after a warm-up), its results are checked against this project's, and its peak
memory is read from the operating system. Then one lead of 50 interactions, from Python lists.
Writes ``benchmarks/results/features.{json,md}``.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from feature_engines.asked import KINDS, SPAN_DAYS, START_US, as_ofs, write_interactions

ENGINES = ("leadscore", "numpy", "polars", "duckdb", "pandas", "spark")
RUNS = {"leadscore": 5, "numpy": 3, "polars": 3, "duckdb": 3, "pandas": 2, "spark": 2}
RESULTS = Path(__file__).parent / "results"


def timed(work, runs: int) -> tuple[float, object]:
    """Median seconds of several runs, and what the last one returned."""
    spent, found = [], None
    for _ in range(runs):
        start = time.perf_counter()
        found = work()
        spent.append(time.perf_counter() - start)
    return statistics.median(spent), found


def run_engine(name: str, path: Path, out: Path) -> None:
    """The child process: time one engine, keep its matrices for comparison."""
    engine = import_module(f"feature_engines.{name}_engine")
    getattr(engine, "prepare", lambda: None)()
    engine.compute(path, as_ofs(1))  # compile, fill caches
    figures: dict[str, float] = {}
    for references in (1, 6):
        seconds, matrix = timed(lambda n=references: engine.compute(path, as_ofs(n)), RUNS[name])
        figures[f"seconds_{references}"] = seconds
        np.save(out / f"{name}_{references}.npy", matrix)
    if hasattr(engine, "one"):
        figures["one_lead_us"] = one_lead(engine)
    figures["peak_mb"] = peak_mb()
    print(json.dumps(figures))


def peak_mb() -> float:
    """Peak memory of this process since its program started (``ru_maxrss`` keeps the parent's)."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    line = next(row for row in status.splitlines() if row.startswith("VmHWM"))
    return int(line.split()[1]) / 1024


def one_lead(engine) -> float:
    """Median microseconds for one lead of 50 interactions, from Python lists."""
    rng = np.random.default_rng(1)
    rows = {
        "kind": [KINDS[i] for i in rng.integers(0, len(KINDS), 50)],
        "at_us": [START_US + int(t * SPAN_DAYS * 86_400e6) for t in np.sort(rng.random(50))],
        "value": rng.integers(0, 1000, 50).astype(float).tolist(),
        "duration_s": rng.integers(0, 600, 50).astype(float).tolist(),
    }
    as_of = as_ofs(1)[0]
    engine.one(rows, as_of)
    repeats = 2000 if engine.__name__.endswith("leadscore_engine") else 50
    spent = []
    for _ in range(repeats):
        start = time.perf_counter()
        engine.one(rows, as_of)
        spent.append(time.perf_counter() - start)
    return statistics.median(spent) * 1e6


def child(name: str, path: Path, out: Path) -> dict[str, float] | None:
    """Run an engine in its own process; None when it cannot be had here."""
    command = [sys.executable, __file__, "--engine", name, "--data", str(path), "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ}, check=False)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        print(f"{name}: not run ({last})", file=sys.stderr)
        return None
    return json.loads(done.stdout.strip().splitlines()[-1])


def differences(name: str, out: Path) -> float:
    """Largest relative difference from this project's matrices; sums differ in rounding."""
    worst = 0.0
    for references in (1, 6):
        ours = np.load(out / f"leadscore_{references}.npy")
        theirs = np.load(out / f"{name}_{references}.npy")
        if (np.isnan(ours) != np.isnan(theirs)).any():
            raise SystemExit(f"{name} disagrees on what is unknown")
        gap = np.abs(ours - theirs) / np.maximum(1.0, np.abs(ours))
        worst = max(worst, float(np.nanmax(gap)))
    if worst > 1e-6:
        raise SystemExit(f"{name} differs from this project's engine by {worst:.2g}")
    return worst


def table(found: dict[str, dict[str, float]], reading: float, shape: str) -> str:
    """The figures as Markdown."""
    lines = [
        f"{shape}; reading the Parquet file alone: {reading:.2f} s; two cores; medians.",
        "",
        "| engine | 1 reference a lead | × reading | 6 references | one lead | peak memory |",
        "|---|---|---|---|---|---|",
    ]
    for name, of in found.items():
        one = f"{of['one_lead_us']:,.0f} µs" if "one_lead_us" in of else "–"
        lines.append(
            f"| {name} | {of['seconds_1']:.2f} s | {of['seconds_1'] / reading:.1f} "
            f"| {of['seconds_6']:.2f} s | {one} | {of['peak_mb']:,.0f} MB |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    """Parse, run every engine, compare, print and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--leads", type=int, default=100_000)
    parser.add_argument("--per-lead", type=int, default=50)
    parser.add_argument("--engines", nargs="*", default=list(ENGINES), choices=ENGINES)
    parser.add_argument("--engine", help=argparse.SUPPRESS)
    parser.add_argument("--data", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.engine:
        run_engine(asked.engine, asked.data, asked.out)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "interactions.parquet"
        write_interactions(path, asked.leads, asked.per_lead)
        reading, _ = timed(lambda: pq.read_table(path), 5)
        found: dict[str, dict[str, float]] = {}
        for name in asked.engines:
            print(f"{name} …", file=sys.stderr, flush=True)
            figures = child(name, path, Path(folder))
            if figures is not None:
                figures["largest_difference"] = differences(name, Path(folder))
                found[name] = figures
    shape = f"{asked.leads:,} leads × {asked.per_lead} interactions, 60 features"
    RESULTS.mkdir(exist_ok=True)
    text = table(found, reading, shape)
    (RESULTS / "features.md").write_text(text, encoding="utf-8")
    saved = {"data": shape, "reading_seconds": reading, "engines": found}
    (RESULTS / "features.json").write_text(json.dumps(saved, indent=1) + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
