"""``make bench-features``: sixty features by every engine, from Parquet to matrix.

The same rows twice: in order of time and in no order. Each engine runs in processes of its own,
one for one reference a lead and one for six (two cores, median of several runs after a warm-up);
its results are checked against this project's; its peak memory is what the operating system kept,
less what its program took before the data. Then one lead of 50 interactions, from Python lists.
Writes ``benchmarks/results/features.{json,md}``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from feature_engines.asked import (
    KINDS,
    ORDERS,
    SPAN_DAYS,
    START_US,
    as_ofs,
    write_interactions,
)

ENGINES = ("leadscore", "numpy", "polars", "duckdb", "pandas", "groupby", "spark")
SHOWN = {
    "polars": "Polars, tuned",
    "duckdb": "DuckDB",
    "pandas": "pandas, tuned (codes and masks)",
    "groupby": "pandas, a groupby per feature",
    "spark": "Spark",
}
REFERENCES = (1, 6)
RUNS = {"leadscore": 5, "numpy": 3, "polars": 3, "duckdb": 3, "pandas": 2, "groupby": 1, "spark": 2}
RESULTS = Path(__file__).parent / "results"


def timed(work, runs: int) -> tuple[float, object]:
    """Median seconds of several runs, and what the last one returned."""
    spent, found = [], None
    for _ in range(runs):
        start = time.perf_counter()
        found = work()
        spent.append(time.perf_counter() - start)
    return statistics.median(spent), found


def run_engine(name: str, path: Path, references: int, out: Path) -> None:
    """The child process: time one engine at so many references, keep its matrix to compare."""
    engine = import_module(f"feature_engines.{name}_engine")
    getattr(engine, "prepare", lambda: None)()
    before = peak_mb()
    figures: dict[str, float] = {}
    seconds, matrix = timed(lambda: engine.compute(path, as_ofs(references)), 1)
    figures[f"peak_mb_{references}"] = peak_mb()
    figures[f"peak_mb_above_program_{references}"] = peak_mb() - before
    if RUNS[name] > 1:  # the first run compiled and filled caches; its memory is that of one run
        seconds, matrix = timed(lambda: engine.compute(path, as_ofs(references)), RUNS[name])
    figures[f"seconds_{references}"] = seconds
    np.save(out / f"{name}_{references}.npy", matrix)
    if hasattr(engine, "one") and references == 1:
        figures["one_lead_us"] = one_lead(engine)
    print(json.dumps(figures))


def peak_mb() -> float:
    """Peak memory of this process since its program started (``ru_maxrss`` keeps the parent's)."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    line = next(row for row in status.splitlines() if row.startswith("VmHWM"))
    return int(line.split()[1]) * 1024 / 1e6


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
    """Run an engine in processes of its own; None when it cannot be had here."""
    found: dict[str, float] = {}
    for references in REFERENCES:
        command = [sys.executable, __file__, "--engine", name, "--references", str(references)]
        command += ["--data", str(path), "--out", str(out)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            print(f"{name}: not run ({last})", file=sys.stderr)
            return None
        found |= json.loads(done.stdout.strip().splitlines()[-1])
    return found


def differences(name: str, out: Path) -> float:
    """Largest relative difference from this project's matrices; sums differ in rounding."""
    worst = 0.0
    for references in REFERENCES:
        ours = np.load(out / f"leadscore_{references}.npy")
        theirs = np.load(out / f"{name}_{references}.npy")
        if (np.isnan(ours) != np.isnan(theirs)).any():
            raise SystemExit(f"{name} disagrees on what is unknown")
        gap = np.abs(ours - theirs) / np.maximum(1.0, np.abs(ours))
        worst = max(worst, float(np.nanmax(gap)))
    if worst > 1e-6:
        raise SystemExit(f"{name} differs from this project's engine by {worst:.2g}")
    return worst


def measure(order: str, n_leads: int, per_lead: int, engines: list[str]) -> dict[str, Any]:
    """Every engine on rows in one order."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "interactions.parquet"
        write_interactions(path, n_leads, per_lead, order)
        reading, table = timed(lambda: pq.read_table(path), 5)
        arrow_mb = table.nbytes / 1e6
        del table
        found: dict[str, dict[str, float]] = {}
        for name in engines:
            print(f"{order}: {name} …", file=sys.stderr, flush=True)
            figures = child(name, path, Path(folder))
            if figures is not None:
                figures["largest_difference"] = differences(name, Path(folder))
                found[name] = figures
    return {
        "rows": ORDERS[order],
        "reading_seconds": reading,
        "arrow_mb": arrow_mb,
        "engines": found,
    }


def table(of: dict[str, Any]) -> str:
    """The figures of one order as Markdown."""
    reading, arrow_mb = of["reading_seconds"], of["arrow_mb"]
    lines = [
        f"**{of['rows']}**; reading the Parquet file alone: {reading:.2f} s, "
        f"{arrow_mb:.0f} MB in Arrow.",
        "",
        "| engine | 1 reference a lead | × reading | ours is faster | peak memory | × Arrow "
        "| 6 references | ours is faster | peak memory | one lead |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    ours = of["engines"].get("leadscore", {})
    for name, figures in of["engines"].items():
        one = f"{figures['one_lead_us']:,.0f} µs" if "one_lead_us" in figures else "–"
        cells = [SHOWN.get(name, name)]
        for n in REFERENCES:
            spent, peak = figures[f"seconds_{n}"], figures[f"peak_mb_above_program_{n}"]
            times = f"{spent / ours[f'seconds_{n}']:.1f} ×" if ours and name != "leadscore" else ""
            first = [f"{spent / reading:.1f}"] if n == 1 else []
            last = [f"{peak / arrow_mb:.1f}"] if n == 1 else []
            cells += [f"{spent:.2f} s", *first, times, f"{peak:,.0f} MB", *last]
        lines.append("| " + " | ".join([*cells, one]) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Parse, run every engine, compare, print and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--leads", type=int, default=100_000)
    parser.add_argument("--per-lead", type=int, default=50)
    parser.add_argument("--engines", nargs="*", default=list(ENGINES), choices=ENGINES)
    parser.add_argument("--orders", nargs="*", default=list(ORDERS), choices=ORDERS)
    parser.add_argument("--results", type=Path, default=RESULTS, help="where the results go")
    parser.add_argument("--engine", help=argparse.SUPPRESS)
    parser.add_argument("--references", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--data", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.engine:
        run_engine(asked.engine, asked.data, asked.references, asked.out)
        return
    found = {o: measure(o, asked.leads, asked.per_lead, asked.engines) for o in asked.orders}
    shape = f"{asked.leads:,} leads × {asked.per_lead} interactions, 60 features"
    asked.results.mkdir(exist_ok=True)
    head = f"{shape}; two cores; medians; peak memory of one run, without the program's own.\n\n"
    text = head + "\n".join(table(of) for of in found.values())
    (asked.results / "features.md").write_text(text, encoding="utf-8")
    saved = json.dumps({"data": shape, "orders": found}, indent=1) + "\n"
    (asked.results / "features.json").write_text(saved, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
