"""How much of the truth the intervals hold: simulated leads, whose probability is known exactly.

Learns from one simulation, scores the references of another with the same world and its own seed,
and counts how often ``low <= true probability <= high``; several times, with other leads each time.
Saves benchmarks/results/intervals.{json,md}. Takes some ten minutes of processor time.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from features.dataset import Dataset
from features.histories.arrays import References
from features.histories.build import histories_from_dataset
from features.reading.read import read_dataset
from features.vectors.compute import compute_vectors
from training.calibration.model_uncertainty import STANDARD_DEVIATIONS, interval_table
from training.calibration.venn_abers import venn_abers
from training.config import TrainingConfig
from training.labels.training_data import load_training_data
from training.model_selection.fit import select_and_fit
from training.simulator import SCENARIOS, simulate, write_simulation

SETS = (("default", 2_000), ("noisy", 5_000), ("rare", 10_000), ("default", 10_000))
QUESTIONS = 5_000
TRIED = (1.3, STANDARD_DEVIATIONS, 2.0)
RESULTS = Path(__file__).parent / "results"


def simulated(world: str, leads: int, seed: int, folder: Path) -> tuple[Dataset, pd.DataFrame]:
    """A simulation as a dataset, and its truth."""
    out = folder / f"{world}-{leads}-{seed}"
    write_simulation(simulate(leads, seed=seed, world=SCENARIOS[world]), out)
    return read_dataset(out), pd.read_csv(out / "truth.csv")


def measured(world: str, leads: int, seed: int, folder: Path) -> dict[str, float]:
    """What one release holds of the truths of other leads, and how wide its intervals are."""
    source = load_training_data(simulated(world, leads, 10 * seed + 1, folder)[0])
    everything = np.ones(len(source.labelled), bool)
    learned = select_and_fit(
        source, everything, source.labelled.observed_until_us, TrainingConfig(seed=0)
    )
    asked, truth = simulated(world, QUESTIONS, 10 * seed + 2, folder)
    histories = histories_from_dataset(asked)
    moments = pd.to_datetime(truth.as_of, utc=True).dt.as_unit("us").astype("int64").to_numpy()
    lead = pd.Index(histories.lead_ids).get_indexer(truth.lead_id).astype(np.int64)
    found = learned.model.explain(
        compute_vectors(learned.spec, histories, References(lead, moments))
    )
    true = truth.probability.to_numpy()
    label = learned.out_of_fold.label.astype(np.float64)
    served = interval_table(learned, source, TrainingConfig(seed=0))
    tables = {"Venn-Abers": venn_abers(learned.log_odds, label, learned.out_of_fold.weight)}
    for spreads in TRIED:
        mark = " (served)" if spreads == STANDARD_DEVIATIONS else ""
        wider = served.with_model_sd(served.sd_at, served.model_sd, spreads)
        tables[f"{spreads:g} spreads{mark}"] = wider
    cells = {"mean truth": float(true.mean())}
    for name, table in tables.items():
        low, high = table.interval(found.log_odds, found.probability)
        cells[f"{name} holds"] = float(np.mean((low <= true) & (true <= high)))
        cells[f"{name} width"] = float(np.mean(high - low))
    return cells


def row(world: str, leads: int, runs: list[dict[str, float]]) -> dict[str, str]:
    """One line of the table: means over the runs, and the lowest and highest coverage."""
    cells = {"world": world, "leads": f"{leads:,}"}
    for name in runs[0]:
        values = np.array([run[name] for run in runs])
        if name.endswith("holds"):
            cells[name] = f"{values.mean():.0%} ({values.min():.0%} to {values.max():.0%})"
        else:
            cells[name] = f"{values.mean():.1%}" if name == "mean truth" else f"{values.mean():.3f}"
    return cells


def markdown(found: list[dict[str, str]]) -> str:
    """The rows as a table."""
    lines = [list(found[0]), ["---"] * len(found[0]), *(list(cells.values()) for cells in found)]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3, help="simulations of each world")
    seeds = parser.parse_args().seeds
    found = []
    with tempfile.TemporaryDirectory() as folder:
        for world, leads in SETS:
            runs = [measured(world, leads, seed, Path(folder)) for seed in range(seeds)]
            found.append(row(world, leads, runs))
            print(found[-1], flush=True)
    table = markdown(found)
    command = f"`python benchmarks/intervals.py --seeds {seeds}`"
    heading = f"# What the intervals hold\n\nFrom {command}; lowest and highest in brackets.\n\n"
    (RESULTS / "intervals.md").write_text(heading + table)
    (RESULTS / "intervals.json").write_text(json.dumps(found, indent=1) + "\n")
    print(table, end="")


if __name__ == "__main__":
    main()
