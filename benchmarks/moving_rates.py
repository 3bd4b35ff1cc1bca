"""Steps, trends and seasons of the rate: the level that is carried into a release, on truth.

Run: ``python benchmarks/moving_rates.py [--seeds 3] [--worlds NAME ...]``. A fixed learner (linear
and boosted, averaged) on rolling origins; three levels are added to its final scores: none, half of
the newest fold's, and what the product's rule carries. Saves benchmarks/results/moving_rates.md.
"""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from short_histories import LEARNER
from worlds import CATALOGUE
from worlds.catalogue import moving_rates
from worlds.learning import Exam, exam

from features.vectors.compute import compute_vectors
from scoring.model.log_odds import sigmoid
from training.candidates.base import TrainingSet
from training.feature_selection.choose import choose_spec
from training.labels.censoring import CensoringTreatment
from training.model_selection.cross_validation import prepare_folds
from training.model_selection.label_policy import LabelPolicy
from training.model_selection.recalibration import (
    LEVEL_CARRYOVER,
    FoldScores,
    SlopeAndLevels,
    extrapolated_recalibration,
    fit_levels,
)

RESULT = Path(__file__).parent / "results" / "moving_rates.md"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--worlds", nargs="*", default=[w.name for w in moving_rates()])
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
    """Excess over truth and bias of the mean: no level, half of the newest, the rule's."""
    source, labelled = made.source, made.source.labelled
    until = labelled.observed_until_us
    everyone = np.ones(len(labelled), bool)
    spec = choose_spec(source.settings, source.histories, labelled.references)
    matrix = compute_vectors(spec, source.histories, labelled.references)
    age = labelled.as_of_us - source.histories.created_at_us[labelled.lead]
    policy = LabelPolicy(labelled, matrix, age, CensoringTreatment.MATURE, 0)
    plan = prepare_folds(
        labelled, matrix, everyone, until, policy.rows_at, np.random.default_rng(0)
    )
    parts = [(fold.test, *scored(matrix, fold.train, matrix[fold.test])) for fold in plan.folds]
    test = np.concatenate([rows for rows, _, _ in parts])
    scores = FoldScores(
        np.concatenate([z for _, z, _ in parts]),
        np.concatenate([np.full(len(rows), base) for rows, _, base in parts]),
        labelled.label[test],
        labelled.weight[test],
        np.repeat(np.arange(len(parts)), [len(rows) for rows, _, _ in parts]),
    )
    asked = compute_vectors(spec, made.histories, made.references)
    final, base = scored(matrix, policy.rows_at(everyone, until), asked)
    newest = float(fit_levels(*scores, fixed_slope=True).level[-1])
    line, carried = extrapolated_recalibration(scores)
    still = SlopeAndLevels(1.0, line.level)
    out = []
    for how, level in ((still, 0.0), (still, LEVEL_CARRYOVER * newest), (line, carried)):
        p = sigmoid(how.scaled(final, np.full(len(final), base)) + level)
        out += [made.excess(p), made.bias(p)]
    return out


def scored(matrix: np.ndarray, rows, asked: np.ndarray) -> tuple[np.ndarray, float]:
    """(log-odds of ``asked``, base log-odds trained at)."""
    sample = TrainingSet(matrix[rows.rows], rows.label, rows.weight)
    return np.mean([f.fit_path(sample, asked)[0] for f in LEARNER], axis=0), sample.base_log_odds


def markdown(rows: list[tuple]) -> str:
    lines = [
        "# Levels carried into a release",
        "",
        f"`python benchmarks/moving_rates.py --seeds {max(row[1] for row in rows) + 1}`: log loss "
        "beyond the truth's in % of it, mean over seeds, and the bias of the mean probability.",
        "",
        "| world | no level: excess | mean | half of the newest | mean | the rule | mean |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in dict.fromkeys(row[0] for row in rows):
        figures = np.mean([row[2:] for row in rows if row[0] == name], axis=0)
        cells = [f"{f:.2%} | {g:+.1%}" for f, g in zip(figures[::2], figures[1::2], strict=True)]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    main()
