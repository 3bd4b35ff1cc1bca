"""Immature leads on short histories: every treatment beside mature references only, on truth.

Run: ``python benchmarks/short_histories.py [--seeds 2] [--worlds NAME ...]``. A fixed learner
(linear and boosted, averaged) learns once per treatment from worlds of 1.2 to 6 horizons with
cities and sources that open late, columns that tell the calendar, delays short and long, losses
recorded and not. Saves benchmarks/results/short_histories.md.
"""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from worlds import CATALOGUE
from worlds.catalogue import short_histories
from worlds.learning import Exam, exam

from features.vectors.compute import compute_vectors
from scoring.model.log_odds import sigmoid
from training.candidates.base import TrainingSet
from training.candidates.boosted import BoostedTrees
from training.candidates.linear import LinearCandidate
from training.feature_selection.choose import choose_spec
from training.labels.censoring import CensoringTreatment
from training.model_selection.label_policy import LabelPolicy

RESULT = Path(__file__).parent / "results" / "short_histories.md"
LEARNER = (
    LinearCandidate(hyperparameter_grid=(0.03,)),
    BoostedTrees("b", additive=False, seed=0, hyperparameter_grid=(70,), feature_share=1.0),
)
TREATMENTS = (
    CensoringTreatment.MATURE,
    CensoringTreatment.WEIGHTED,
    CensoringTreatment.EXPECTED,
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--worlds", nargs="*", default=[w.name for w in short_histories()])
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    rows = []
    for name in options.worlds:
        for seed in range(options.seeds):
            rows.append((name, seed, *measured(exam(CATALOGUE[name], seed))))
            print(rows[-1], file=sys.stderr, flush=True)
    RESULT.write_text(markdown(rows))
    print(RESULT.read_text(), end="")


def measured(made: Exam) -> list[float]:
    """Excess over truth and bias of the mean, per treatment."""
    labelled, out = made.source.labelled, []
    until = labelled.observed_until_us
    everyone = np.ones(len(labelled), bool)
    age = labelled.as_of_us - made.source.histories.created_at_us[labelled.lead]
    spec = choose_spec(made.source.settings, made.source.histories, labelled.references)
    matrix = compute_vectors(spec, made.source.histories, labelled.references)
    asked = compute_vectors(spec, made.histories, made.references)
    for treatment in TREATMENTS:
        rows = LabelPolicy(labelled, matrix, age, treatment, 0).rows_at(everyone, until)
        sample = TrainingSet(matrix[rows.rows], rows.label, rows.weight)
        paths = [family.fit_path(sample, asked)[0] for family in LEARNER]
        p = sigmoid(np.mean(paths, axis=0))
        out += [made.excess(p), made.bias(p)]
    return out


def markdown(rows: list[tuple]) -> str:
    names = [str(t).replace("_", " ") for t in TREATMENTS]
    head = " | ".join(f"{name}: excess | mean" for name in names)
    lines = [
        "# Immature leads on short histories",
        "",
        f"`python benchmarks/short_histories.py --seeds {max(row[1] for row in rows) + 1}`: "
        "log loss beyond the truth's in % of it, and how far the mean probability is off.",
        "",
        f"| world | seed | {head} |",
        "|---|---|" + "---|" * (2 * len(names)),
    ]
    for name, seed, *figures in rows:
        cells = [f"{f:.2%} | {g:+.1%}" for f, g in zip(figures[::2], figures[1::2], strict=True)]
        lines.append(f"| {name} | {seed} | {' | '.join(cells)} |")
    worse = max(row[-2] - row[2] for row in rows)
    better = np.mean([row[-2] < row[2] for row in rows])
    lines += [
        "",
        f"Expected labels are better than mature references only in {better:.0%} of {len(rows)} "
        f"runs; where they are worse, by at most {max(worse, 0):.2%} of the truth's log loss.",
    ]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
