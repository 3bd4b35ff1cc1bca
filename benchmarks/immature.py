"""Leads that are still open: each way to treat them, on exact truth and on real sets.

Run: ``python benchmarks/immature.py``. Simulated worlds are cut after 75 to 330 days, as a young
or a grown firm would see them, before busy and before quiet months; a fixed learner learns what
was known then, once per treatment, and answers the next 30 days of *another* simulation of the
world, whose probabilities are known exactly. Real sets with time: rolling origins, mature test
labels. Saves benchmarks/results/immature.{json,md}. Data: ../shared/data, or LEADSCORE_DATA.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
import warnings
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
from immature_report import TreatedRows, markdown, of_group

from features.compute.array_types import DAY_US, Bools, Float64
from features.histories.arrays import References
from features.histories.build import histories_from_dataset
from features.reading.read import read_dataset
from features.vectors.compute import compute_vectors
from scoring.model.log_odds import sigmoid
from training.candidates.base import TrainingSet
from training.candidates.boosted import BoostedTrees
from training.candidates.linear import LinearCandidate
from training.evaluation.metrics import log_losses
from training.feature_selection.choose import choose_spec
from training.labels.censoring import CensoringTreatment, treatment_at
from training.labels.references import IMMATURE
from training.labels.splits import newest_fold, time_folds
from training.labels.training_data import TrainingData, load_training_data
from training.leakage.audit import LeakVerdict, audit
from training.model_selection.label_policy import LabelPolicy
from training.simulator import SCENARIOS, simulate
from training.simulator.files import write_simulation

BESIDE = Path(__file__).resolve().parents[2] / "shared" / "data"
RESULTS = Path(__file__).parent / "results"
LEADS = {"default": 4_000, "noisy": 4_000, "rare": 10_000}
CUTOFF_DAYS = (75, 180, 240, 330)
TEST_DAYS = 30
REAL = ("bpi2012", "online_shoppers", "bank_marketing")
LEARNER = (
    LinearCandidate(hyperparameter_grid=(0.03,)),
    BoostedTrees("boosted", additive=False, seed=0, hyperparameter_grid=(90,)),
)


def main() -> None:
    options = _options()
    warnings.simplefilter("ignore")
    started = time.process_time()
    groups: dict[str, list[TreatedRows]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for world in options.worlds:
            for seed in range(options.seeds):
                for day, answers in of_world(world, seed, Path(folder)):
                    groups.setdefault(f"{world}, day {day}", []).append(answers)
                print(f"{world} {seed}: {time.process_time() - started:.0f} s", file=sys.stderr)
    for name in options.real:
        groups[name] = [of_real(options.data / name)]
        print(f"{name}: {time.process_time() - started:.0f} s", file=sys.stderr)
    found = [of_group(name, parts, real=name in REAL) for name, parts in groups.items()]
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "immature.json").write_text(json.dumps(found, indent=1) + "\n")
    (RESULTS / "immature.md").write_text(markdown(found, options.seeds))
    print(markdown(found, options.seeds), end="")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--worlds", nargs="*", default=list(LEADS))
    parser.add_argument("--real", nargs="*", default=list(REAL))
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("LEADSCORE_DATA", BESIDE)))
    return parser.parse_args()


def of_world(world: str, seed: int, folder: Path) -> list[tuple[int, TreatedRows]]:
    """One pair of simulations, at each cutoff."""
    learned = folder / "learned"
    write_simulation(simulate(LEADS[world], 2 * seed, world=SCENARIOS[world]), learned)
    source = load_training_data(read_dataset(learned))
    asked = folder / "asked"
    write_simulation(simulate(LEADS[world], 2 * seed + 1, world=SCENARIOS[world]), asked)
    histories, truth = histories_from_dataset(read_dataset(asked)), pd.read_csv(asked / "truth.csv")
    moments = pd.to_datetime(truth["as_of"], utc=True).dt.as_unit("us").astype("int64").to_numpy()
    lead = pd.Index(histories.lead_ids).get_indexer(truth["lead_id"]).astype(np.int64)
    first = int(pd.Timestamp(SCENARIOS[world].first_day).timestamp()) * 1_000_000
    found = []
    for day in CUTOFF_DAYS:
        cutoff = first + day * DAY_US
        rows = (moments >= cutoff) & (moments < cutoff + TEST_DAYS * DAY_US)
        test = References(lead[rows], moments[rows])
        true = truth["probability"].to_numpy()[rows]
        spec = _spec(source, cutoff)
        there = compute_vectors(spec, histories, test)
        everyone = np.ones(len(source.labelled), bool)
        answer, taught = _answers(source, everyone, cutoff, spec, there)
        loss = {how: surplus(true, p) for how, p in answer.items()}
        found.append(
            (day, TreatedRows(test.lead, np.ones(len(true)), loss, answer, true, taught,
                          immature_share(source, cutoff)))
        )  # fmt: skip
    return found


def of_real(path: Path) -> TreatedRows:
    """All rolling origins of one real set (the newest fifth where its history is too short for
    them), without the columns that the audit names."""
    dataset = read_dataset(path)
    named = audit(dataset, costs=False).suspects
    leaks = {s.name for s in named if s.verdict in (LeakVerdict.SURE, LeakVerdict.SUSPECT)}
    source = load_training_data(dataset, sorted(leaks & set(dataset.settings.attributes)))
    labelled, parts = source.labelled, []
    until = labelled.observed_until_us
    newest = newest_fold(labelled, until)
    for fold in time_folds(labelled, until) or ([newest] if newest else []):
        cutoff = int(fold.cutoff_us or 0)
        spec = _spec(source, cutoff)
        test = labelled.take(fold.test)
        apart = ~np.isin(labelled.lead, test.lead)
        there = compute_vectors(spec, source.histories, test.references)
        answer, taught = _answers(source, apart, cutoff, spec, there)
        parts.append((test, answer, taught, immature_share(source, cutoff)))
    label = np.concatenate([part[0].label for part in parts])
    answer = {how: np.concatenate([part[1][how] for part in parts]) for how in CensoringTreatment}
    return TreatedRows(
        np.concatenate([part[0].lead for part in parts]),
        np.concatenate([part[0].weight for part in parts]),
        {how: log_losses(label, answer[how]) for how in CensoringTreatment},
        answer,
        label.astype(np.float64),
        {how: round(np.mean([part[2][how] for part in parts])) for how in CensoringTreatment},
        float(np.mean([part[3] for part in parts])),
    )


def surplus(true: Float64, p: Float64) -> Float64:
    """Expected log loss over that of the truth: the Kullback-Leibler divergence, in nats.

    >>> surplus(np.array([0.5]), np.array([0.5])).tolist()
    [0.0]
    """
    both = np.clip(np.stack([true, p]), 1e-12, 1 - 1e-12)
    t, q = both
    return np.asarray(t * np.log(t / q) + (1 - t) * np.log((1 - t) / (1 - q)))


def immature_share(source: TrainingData, cutoff_us: int) -> float:
    """Of the references asked before the cutoff, the share whose horizon has not passed."""
    asked = source.labelled.as_of_us < cutoff_us
    return float((source.labelled.labels_as_of(cutoff_us)[asked] == IMMATURE).mean())


def _spec(source: TrainingData, cutoff_us: int):
    """The features that the mature references can tell apart: the same for all treatments."""
    mature = source.labelled.labels_as_of(cutoff_us) != IMMATURE
    return choose_spec(source.settings, source.histories, source.labelled.take(mature).references)


def _answers(source: TrainingData, apart: Bools, cutoff_us: int, spec, there: Float64):
    """Probability (n) of the vectors ``there`` and rows learned from, per treatment."""
    matrix = compute_vectors(spec, source.histories, source.labelled.references)
    age = source.labelled.as_of_us - source.histories.created_at_us[source.labelled.lead]
    answer: dict[CensoringTreatment, Float64] = {}
    taught: dict[CensoringTreatment, int] = {}
    for how in CensoringTreatment:
        same = treatment_at(source.labelled, cutoff_us, how)
        if same in answer:  # adaptive is one of those before it
            answer[how], taught[how] = answer[same], taught[same]
            continue
        # where an open lead is called lost, it must be allowed to be: all leads teach
        allowed = np.ones(len(apart), bool) if how == CensoringTreatment.NEGATIVE else apart
        policy = LabelPolicy(source.labelled, matrix, age, same, 0)
        known = policy.rows_at(allowed, cutoff_us)
        sample = TrainingSet(matrix[known.rows], known.label, known.weight)
        paths = [candidate.fit_path(sample, there)[0] for candidate in LEARNER]
        answer[how], taught[how] = sigmoid(np.mean(paths, axis=0)), len(known.rows)
    return answer, taught


if __name__ == "__main__":
    main()
