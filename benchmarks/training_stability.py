"""Does training ever die, and are its bytes always the same? Many trainings of one dataset folder.

    make stability DATASET=my-leads RUNS=300
    python benchmarks/training_stability.py my-leads --runs 300 --jobs 2 --out stability.jsonl

Every run is the command ``leadscore train DATASET --no-register --jobs 2`` in a process of its own;
every second one starts with an empty cache of compiled kernels (``NUMBA_CACHE_DIR`` at a fresh
folder), because compiling shifts what happens at the same time. Each run adds a line to ``--out``
as soon as it ends: seconds, exit code (negative: the signal that ended it), a hash of all files of
the release, and the last words on stderr if it failed. The summary on stdout counts the runs, the
deaths and the different hashes. The exit code is 1 after any death, or with more than one hash.

``--until HH:MM`` starts no run after that time of day (local), for a machine that is shared.

With n runs and no death, deaths are rarer than 3 / n of all runs at 95 % confidence (the rule of
three): 300 runs show less than 1 in 100.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from datetime import datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
COMMAND = "from leadscore import main; main()"
LAST_WORDS = 500
"""Characters of stderr that are kept of a run that failed."""


def one_run(dataset: Path, jobs: int, *, cold: bool, folder: Path) -> dict[str, Any]:
    """One training in ``folder``: seconds, exit code, hash of the release, words on stderr."""
    out = folder / "release"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    if cold:
        environment["NUMBA_CACHE_DIR"] = str(folder / "numba")
    arguments = ["train", str(dataset), "--out", str(out), "--no-register", "--jobs", str(jobs)]
    began = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", COMMAND, *arguments],
        env=environment,
        cwd=folder,
        capture_output=True,
        text=True,
        errors="replace",
    )
    ended = {
        "at": datetime.now().isoformat(timespec="seconds"),
        "cold": cold,
        "seconds": round(time.perf_counter() - began, 1),
        "exit_code": done.returncode,
    }
    if done.returncode == 0:
        return {**ended, "release": release_hash(out)}
    return {**ended, "stderr": done.stderr[-LAST_WORDS:], "left_behind": out.exists()}


def release_hash(folder: Path) -> str:
    """SHA-256 over the names and bytes of all files of a release."""
    found = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        found.update(f"{path.relative_to(folder).as_posix()}\0{path.stat().st_size}\0".encode())
        found.update(path.read_bytes())
    return found.hexdigest()


def summary(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """Runs, deaths by exit code, and how many different releases were made.

    >>> summary([{"cold": True, "exit_code": 0, "release": "a", "seconds": 2.0},
    ...          {"cold": False, "exit_code": -11, "seconds": 1.0}])["deaths"]
    {'-11': 1}
    """
    deaths = Counter(str(run["exit_code"]) for run in runs if run["exit_code"] != 0)
    return {
        "runs": len(runs),
        "from_an_empty_cache": sum(run["cold"] for run in runs),
        "deaths": dict(deaths),
        "releases": dict(Counter(run["release"] for run in runs if "release" in run)),
        "seconds": round(sum(run["seconds"] for run in runs), 1),
    }


def is_late(until: str | None) -> bool:
    """Whether the time of day is ``until`` (HH:MM) or later."""
    return until is not None and datetime.now().strftime("%H:%M") >= until


def main() -> int:
    """Run, write a line per run, print the summary."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--runs", type=int, default=300)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--until", help="start no run at or after HH:MM")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "stability.jsonl")
    wanted = parser.parse_args()
    wanted.out.parent.mkdir(parents=True, exist_ok=True)
    runs: list[dict[str, Any]] = []
    with wanted.out.open("w") as lines:
        while len(runs) < wanted.runs and not is_late(wanted.until):
            with tempfile.TemporaryDirectory(prefix="stability-") as folder:
                run = one_run(
                    wanted.dataset.resolve(), wanted.jobs, cold=len(runs) % 2 == 1,
                    folder=Path(folder),
                )  # fmt: skip
            runs.append(run)
            print(json.dumps(run), file=lines, flush=True)
            print(f"run {len(runs)} of {wanted.runs}: {run}", file=sys.stderr, flush=True)
    found = summary(runs)
    print(json.dumps(found, indent=2))
    return int(bool(found["deaths"]) or len(found["releases"]) != 1)


if __name__ == "__main__":
    sys.exit(main())
