"""How predictable the simulated worlds are: the truth against the base rate.

Run: ``python benchmarks/simulator.py [--leads N]``. Prints the table of
docs/explanation/simulator.md and
saves it as benchmarks/results/simulator.{csv,md}.
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from training.simulator import SCENARIOS, simulate
from training.simulator.bayes_limit import learnable

RESULTS = Path(__file__).parent / "results"


def table(n_leads: int) -> pd.DataFrame:
    rows = []
    for name, world in SCENARIOS.items():
        started = time.perf_counter()
        simulation = simulate(n_leads, 1, world=world)
        print(f"{name}: {time.perf_counter() - started:.1f} s", file=sys.stderr)
        rows += [{"world": name, **asdict(limit)} for limit in learnable(simulation)]
    found = pd.DataFrame(rows)
    found["age_days"] = [("all" if pd.isna(age) else f"{age:g}") for age in found["age_days"]]
    return found


def markdown(found: pd.DataFrame) -> str:
    lines = ["| " + " | ".join(found.columns) + " |", "|" + "---|" * len(found.columns)]
    for row in found.itertuples(index=False):
        cells = [f"{cell:.4f}" if isinstance(cell, float) else str(cell) for cell in row]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--leads", type=int, default=20_000)
    found = table(parser.parse_args().leads)
    RESULTS.mkdir(exist_ok=True)
    found.to_csv(RESULTS / "simulator.csv", index=False, float_format="%.6f")
    (RESULTS / "simulator.md").write_text(markdown(found), encoding="utf-8")
    print(markdown(found), end="")


if __name__ == "__main__":
    main()
