"""Training that grows: time, memory and quality where the recipe is chosen on a sample of leads.

    python -m benchmarks.growth speed --leads 20000 100000      # leadscore train, by itself
    python -m benchmarks.growth quality my-leads --choose-on 5000
    python -m benchmarks.growth quality --simulated 10000 --seeds 3 --choose-on 3000

``speed`` simulates leads (five reference ages, 26 interactions each) and trains on them with the
command, in a process of its own. Memory is the proportional set size of the process and its
workers together, watched every two seconds: pages that they share are counted once. Processor
seconds are those of all of them, so that a machine at work on other things shows.

``quality`` runs the backtest twice, the recipe chosen on all leads and on ``--choose-on`` of them,
and prints the difference of the log losses on the same references with its 95 % interval over
leads. Each line goes to ``--out`` as soon as it is known (JSON lines).
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from features.dataset import Dataset
from features.reading.read import read_dataset
from scoring.scorecard.scorecard import default_scorecard
from training.backtest import BacktestResult, backtest
from training.config import TrainingConfig
from training.evaluation.confidence import Z95, clustered_mean
from training.evaluation.metrics import log_losses
from training.labels.training_data import load_training_data
from training.simulator import simulate
from training.simulator.files import write_simulation

ROOT = Path(__file__).resolve().parents[1]
COMMAND = "from leadscore import main; main()"
WATCH_SECONDS = 2.0


def trained(folder: Path, jobs: int, extra: Iterable[str]) -> dict[str, Any]:
    """One ``leadscore train`` of a dataset folder: seconds, memory and its log loss."""
    with tempfile.TemporaryDirectory(prefix="leadscore-growth-") as scratch:
        out = Path(scratch) / "release"
        arguments = ["train", str(folder), "--out", str(out), "--no-register", "--jobs", str(jobs)]
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        began = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-c", COMMAND, *arguments, *extra],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
        )
        watch = _Watch(process.pid)
        code = process.wait()
        seconds = time.perf_counter() - began
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        if code != 0:
            return {"exit_code": code, "seconds": seconds, "memory_gb": watch.stopped() / 1e9}
        metrics = json.loads((out / "metrics.json").read_text(encoding="utf-8"))
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {
        "seconds": round(seconds, 1),
        "processor_seconds": round(processor, 1),
        "memory_gb": round(watch.stopped() / 1e9, 2),
        "recipe": metrics["choice"]["recipe"],
        "sample": metrics["choice"].get("sample"),
        "log_loss": metrics["log_loss"],
    }


class _Watch(threading.Thread):
    """The largest proportional set size, bytes, of a process and its children."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.pid, self.most, self.ended = pid, 0, threading.Event()
        self.start()

    def run(self) -> None:
        while not self.ended.wait(WATCH_SECONDS):
            self.most = max(self.most, sum(_bytes(pid) for pid in _family(self.pid)))

    def stopped(self) -> int:
        self.ended.set()
        self.join()
        return self.most


def _family(pid: int) -> list[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return [pid]
    return [pid, *(each for child in children for each in _family(int(child)))]


def _bytes(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def compared(name: str, dataset: Dataset, choose_on: int, jobs: int) -> dict[str, Any]:
    """The backtest with the recipe chosen on all leads, and on some."""
    data = load_training_data(dataset)
    until = data.labelled.observed_until_us
    results: dict[str, BacktestResult] = {}
    seconds: dict[str, float] = {}
    for way, leads in (("whole", 0), ("sampled", choose_on)):
        began = time.perf_counter()
        config = TrainingConfig(scorecard=default_scorecard(), jobs=jobs, choose_on=leads)
        results[way] = backtest(data, until, config)
        seconds[way] = time.perf_counter() - began
    whole, sampled = results["whole"], results["sampled"]
    losses = {way: log_losses(r.label, r.probability) for way, r in results.items()}
    gap, error = clustered_mean(losses["sampled"] - losses["whole"], whole.weight, whole.unit)
    loss = float(np.average(losses["whole"], weights=whole.weight))
    return {
        "dataset": name,
        "leads": len(data.histories),
        "chosen_on": choose_on,
        "whole": {"log_loss": loss, "recipe": whole.ensemble, "seconds": seconds["whole"]},
        "sampled": {
            "log_loss": float(np.average(losses["sampled"], weights=whole.weight)),
            "recipe": sampled.ensemble,
            "seconds": seconds["sampled"],
        },
        "sampled_minus_whole_percent": [
            100 * each / loss for each in (gap, gap - Z95 * error, gap + Z95 * error)
        ],
    }


def speed(asked: argparse.Namespace) -> Iterable[dict[str, Any]]:
    for leads in asked.leads:
        with tempfile.TemporaryDirectory(prefix="leadscore-growth-") as folder:
            source = asked.folder or Path(folder) / "leads"
            if asked.folder is None:
                write_simulation(simulate(leads, 1), source)
            extra = [] if asked.choose_on is None else ["--choose-on", str(asked.choose_on)]
            yield {"leads": leads, "jobs": asked.jobs, **trained(source, asked.jobs, extra)}


def quality(asked: argparse.Namespace) -> Iterable[dict[str, Any]]:
    for folder in asked.datasets:
        yield compared(folder.name, read_dataset(folder), asked.choose_on, asked.jobs)
    if asked.simulated:
        for seed in range(1, asked.seeds + 1):
            dataset = simulate(asked.simulated, seed).to_dataset()
            yield compared(f"simulated, seed {seed}", dataset, asked.choose_on, asked.jobs)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    ways = parser.add_subparsers(required=True)
    fast = ways.add_parser("speed")
    fast.add_argument("--leads", type=int, nargs="+", default=[20_000, 100_000])
    fast.add_argument("--folder", type=Path, help="a dataset folder there is already")
    fast.add_argument("--choose-on", type=int)
    fast.set_defaults(run=speed)
    good = ways.add_parser("quality")
    good.add_argument("datasets", type=Path, nargs="*")
    good.add_argument("--simulated", type=int, default=0, metavar="LEADS")
    good.add_argument("--seeds", type=int, default=1)
    good.add_argument("--choose-on", type=int, required=True)
    good.set_defaults(run=quality)
    for each in (fast, good):
        each.add_argument("--jobs", type=int, default=2)
        each.add_argument("--out", type=Path, default=ROOT / "benchmarks/results/growth.jsonl")
    asked = parser.parse_args()
    for line in asked.run(asked):
        text = json.dumps(line)
        print(text, flush=True)
        with asked.out.open("a", encoding="utf-8") as file:
            file.write(text + "\n")


if __name__ == "__main__":
    main()
