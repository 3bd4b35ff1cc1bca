"""Does the audit find leaks, and only leaks? Planted in simulated sets, known in real ones.

Run: ``python benchmarks/audit.py [--seeds N --leads N]``. Prints and saves
benchmarks/results/audit.{csv,md}. Real sets are skipped where they are absent.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).parent))

from planted_leaks import LEAKS, SUBTLE, plant, with_decoys

from features.reading.read import read_dataset
from training.leakage.audit import audit
from training.simulator import SCENARIOS, simulate, write_simulation

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
REAL = Path(os.environ.get("LEADSCORE_DATA", ROOT.parent / "shared" / "data"))
KNOWN = {
    "bank_marketing": {"duration"},
    "online_shoppers": {"pagevalues"},
    "x_education": {
        "Tags",
        "Lead Quality",
        "Lead Profile",
        "Last Notable Activity",
        "Asymmetrique Activity Index",
        "Asymmetrique Profile Index",
        "Asymmetrique Activity Score",
        "Asymmetrique Profile Score",
    },
    "hillstrom": {"visit", "spend"},
    "bpi2012": set(),
    "caravan": set(),
    "salvirt_b2b": set(),
}


def row(group, leak, dataset, wanted):
    started = time.perf_counter()
    report = audit(dataset, costs=False)
    # closing events of a log, which no question sees, are told but are no alarm
    told = {s.name for s in report.suspects if s.verdict.value != "harmless"}
    seen = {s.name for s in report.suspects}
    sure = {s.name for s in report.suspects if s.verdict.value == "sure"}
    return {
        "set": group,
        "leak": leak,
        "wanted": len(wanted),
        "found": len(wanted & seen),
        "sure": len(wanted & sure),
        "false_alarms": len(told - wanted),
        "false_sure": len(sure - wanted),
        "seconds": time.perf_counter() - started,
        "missed": " ".join(sorted(wanted - seen)),
        "wrong": " ".join(sorted(told - wanted)),
    }


def simulated(n_leads: int, seeds: int):
    for world_name, world in SCENARIOS.items():
        for seed in range(seeds):
            simulation = simulate(n_leads, 100 + seed, world=world)
            with tempfile.TemporaryDirectory() as folder:
                write_simulation(simulation, Path(folder))
                dataset = read_dataset(folder)
            first = simulation.truth.drop_duplicates("lead_id").set_index("lead_id")["probability"]
            truth = dataset.leads["lead_id"].map(first).to_numpy(float)
            dataset = with_decoys(np.random.default_rng(seed), dataset, truth)
            group = f"{world_name}-{seed}"
            yield row(group, "none", dataset, set())
            for name in LEAKS | SUBTLE:
                planted, wanted = plant(name, dataset, seed)
                yield row(group, name, planted, set(wanted))
            print(group, "done", file=sys.stderr)


def real():
    for name, wanted in KNOWN.items():
        if (REAL / name).is_dir():
            yield row(name, "known leaks", read_dataset(REAL / name), wanted)
        else:
            print(f"{name}: skipped, {REAL / name} is absent", file=sys.stderr)


def markdown(found: pd.DataFrame) -> str:
    simulated_set = found["set"].str.contains("-")
    planted = found[simulated_set & ~found["leak"].isin(SUBTLE)]
    lines = [
        "| leak | sets | wanted | found | sure | false alarms |",
        "|---|---|---|---|---|---|",
    ]
    for leak, rows in planted.groupby("leak", sort=False):
        lines.append(_line(leak, rows))
    lines.append(_line("**all of these**", planted))
    for leak, rows in found[found["leak"].isin(SUBTLE)].groupby("leak", sort=False):
        lines.append(_line(leak, rows))
    for name, rows in found[~simulated_set].groupby("set", sort=False):
        lines.append(_line(f"{name} (real)", rows))
    recall = planted["found"].sum() / planted["wanted"].sum()
    alarms = planted["false_alarms"]
    lines.append(
        f"\nRecall on planted leaks, without the soft ones: {recall:.3f}. False alarms per "
        f"simulated set: {alarms.mean():.2f}, most in one set {alarms.max()}."
    )
    return "\n".join(lines) + "\n"


def _line(name: str, rows: pd.DataFrame) -> str:
    sums = [rows[column].sum() for column in ("wanted", "found", "sure", "false_alarms")]
    return f"| {name} | {len(rows)} | " + " | ".join(str(total) for total in sums) + " |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--leads", type=int, default=3_000)
    chosen = parser.parse_args()
    warnings.simplefilter("ignore", FutureWarning)
    found = pd.DataFrame([*real(), *simulated(chosen.leads, chosen.seeds)])
    RESULTS.mkdir(exist_ok=True)
    found.to_csv(RESULTS / "audit.csv", index=False, float_format="%.3f")
    (RESULTS / "audit.md").write_text(markdown(found), encoding="utf-8")
    print(markdown(found), end="")


if __name__ == "__main__":
    main()
