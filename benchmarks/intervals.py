"""How much of the truth the intervals hold: simulated leads, whose probability is known exactly.

Learns from one simulation, scores the references of another with the same world and its own seed,
and counts how often ``low <= true probability <= high``.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd

from features.building import histories_of
from features.dataset import Dataset
from features.histories import References
from features.reading import read_dataset
from features.vectors import vectors
from scoring.intervals import venn_abers
from training.calibration.score_spread import SPREADS, interval_table
from training.fit import source_of
from training.learning import Method, learn
from training.simulator.simulate import WORLDS, simulate, write_simulation

SETS = (("default", 2_000), ("noisy", 5_000), ("rare", 10_000), ("default", 10_000))
QUESTIONS = 5_000
TRIED = (SPREADS, 2.2)


def simulated(world: str, leads: int, seed: int, folder: Path) -> tuple[Dataset, pd.DataFrame]:
    """A simulation as a dataset, and its truth."""
    out = folder / f"{world}-{leads}-{seed}"
    write_simulation(simulate(leads, seed=seed, world=WORLDS[world]), out)
    return read_dataset(out), pd.read_csv(out / "truth.csv")


def measured(world: str, leads: int, folder: Path) -> str:
    """One row of the table."""
    source = source_of(simulated(world, leads, 1, folder)[0])
    everything = np.ones(len(source.labelled), bool)
    learned = learn(source, everything, source.labelled.observed_until_us, Method(seed=0))
    asked, truth = simulated(world, QUESTIONS, 2, folder)
    histories = histories_of(asked)
    moments = pd.to_datetime(truth.as_of, utc=True).dt.as_unit("us").astype("int64").to_numpy()
    lead = pd.Index(histories.lead_ids).get_indexer(truth.lead_id).astype(np.int64)
    found = learned.model.explain(vectors(learned.spec, histories, References(lead, moments)))
    true = truth.probability.to_numpy()
    label = learned.tested.label.astype(np.float64)
    plain = venn_abers(learned.log_odds, label, learned.tested.weight)
    cells = [world, f"{leads:,}", f"{int(label.sum()):,}", f"{true.mean():.1%}"]
    low, high = plain.interval(found.log_odds, found.probability)
    cells += [f"{np.mean((low <= true) & (true <= high)):.0%}", f"{np.mean(high - low):.3f}"]
    table = interval_table(learned, source)
    for spreads in TRIED:
        wide = table.with_spread(table.spread_at, table.spread, spreads)
        low, high = wide.interval(found.log_odds, found.probability)
        cells += [f"{np.mean((low <= true) & (true <= high)):.0%}", f"{np.mean(high - low):.3f}"]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    """Print the table; ``python benchmarks/intervals.py default 2000`` prints one row of it."""
    chosen = [(sys.argv[1], int(sys.argv[2]))] if len(sys.argv) == 3 else SETS
    tried = " | ".join(f"{spreads:g} spreads | width" for spreads in TRIED)
    print(f"| world | leads | conversions seen | mean truth | Venn-Abers | width | {tried} |")
    print("|---" * (6 + 2 * len(TRIED)) + "|")
    with tempfile.TemporaryDirectory() as folder:
        for world, leads in chosen:
            print(measured(world, leads, Path(folder)), flush=True)


if __name__ == "__main__":
    main()
