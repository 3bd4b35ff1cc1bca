"""Quality of the probabilities: every model on the same out-of-time references.

Run: ``python benchmarks/quality.py [--only NAME ...] [--flaml-seconds 60] [--leads 20000]``.
Data: each folder of ../shared/data (or LEADSCORE_DATA) and three simulated worlds. Saves
benchmarks/results/quality/NAME.json per dataset, then quality.json and quality.md from all of
them. Columns that the audit is sure of or suspects, or that are known after the outcome only,
are left out for everyone. Everyone learns from the same vectors, labels and weights; the test is
the newest fifth of the mature references, or grouped folds where there is no time.
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
import quality_peers as peers
import quality_report as report

from features.dataset import Dataset
from features.reading.read import read_dataset
from features.vectors.compute import compute_vectors
from scoring.scorecard.scorecard import default_scorecard
from training.backtest import backtest_folds, predict
from training.config import TrainingConfig
from training.evaluation.metrics import evaluate, loss_difference
from training.feature_selection.choose import choose_spec
from training.labels.references import LabelledReferences
from training.labels.splits import Fold
from training.labels.training_data import TrainingData, load_training_data
from training.leakage.audit import LeakVerdict, audit
from training.model_selection.fit import select_and_fit
from training.simulator import SCENARIOS, simulate
from training.simulator.files import write_simulation

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).parent / "results"
WORLD_PREFIX = "simulated_"


def main() -> None:
    options = _options()
    warnings.simplefilter("ignore")
    folder = RESULTS / "quality"
    folder.mkdir(parents=True, exist_ok=True)
    for name in [] if options.report else options.only or every_dataset(options.data):
        found = measured(name, options)
        (folder / f"{name}.json").write_text(json.dumps(found, indent=1) + "\n")
        print(report.of_one(found), flush=True)
    everything = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    (RESULTS / "quality.json").write_text(json.dumps(everything, indent=1) + "\n")
    text = report.of_all(everything)
    (RESULTS / "quality.md").write_text(text)
    print(text)


def _options() -> argparse.Namespace:
    beside = ROOT.parent / "shared" / "data"
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", help="these datasets")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("LEADSCORE_DATA", beside)))
    parser.add_argument("--flaml-seconds", type=float, default=60.0, help="for all folds together")
    parser.add_argument("--leads", type=int, default=20_000, help="simulated leads a world")
    parser.add_argument("--report", action="store_true", help="only write the tables again")
    return parser.parse_args()


def every_dataset(data: Path) -> list[str]:
    real = sorted(path.name for path in data.iterdir() if path.is_dir()) if data.is_dir() else []
    return [*real, *(WORLD_PREFIX + world for world in SCENARIOS)]


def flagged(dataset: Dataset) -> list[str]:
    """Attributes that the audit is sure of, or suspects and nobody has confirmed."""
    report_of_audit = audit(dataset, costs=False)
    named = {
        s.name
        for s in report_of_audit.suspects
        if s.verdict in (LeakVerdict.SURE, LeakVerdict.SUSPECT)
    }
    return sorted(named & set(dataset.settings.attributes))


def measured(name: str, options: argparse.Namespace) -> dict[str, object]:
    """Metrics, paired intervals and times of every model on one dataset."""
    dataset, truth = _dataset(name, options)
    leaks = flagged(dataset)
    source = load_training_data(dataset, leaks)
    labelled = source.labelled
    folds = backtest_folds(source, labelled.observed_until_us, TrainingConfig().seed)
    print(f"{name}: {len(labelled):,} references, {len(folds)} folds, without {leaks}", flush=True)
    answers: dict[str, list[np.ndarray]] = {}
    seconds: dict[str, float] = {}
    chosen = ""
    for fold in folds:
        given = _given(source, fold, labelled, options.flaml_seconds / len(folds))
        for model, answer in peers.every_peer(given, source).items():
            started = time.perf_counter()
            try:
                answers.setdefault(model, []).append(answer())
            except Exception as error:
                print(f"  {model} failed: {error!r}", file=sys.stderr, flush=True)
            seconds[model] = seconds.get(model, 0.0) + time.perf_counter() - started
            print(f"  {model} {seconds[model]:.1f} s", file=sys.stderr, flush=True)
        started = time.perf_counter()
        mine, chosen = _ours(source, fold)
        seconds["leadscore"] = seconds.get("leadscore", 0.0) + time.perf_counter() - started
        answers.setdefault("leadscore", []).append(mine)
        if truth is not None:
            answers.setdefault("truth", []).append(truth(fold.test))
    rows = np.concatenate([fold.test for fold in folds])
    # a peer that failed on a fold is left out of the whole dataset, and said so above
    complete = {model: parts for model, parts in answers.items() if len(parts) == len(folds)}
    joined = {model: np.concatenate(parts) for model, parts in complete.items()}
    return {
        "name": name,
        "references": len(rows),
        "leads": len(np.unique(labelled.lead[rows])),
        "rate": float(np.average(labelled.label[rows], weights=labelled.weight[rows])),
        "by_time": folds[0].cutoff_us is not None,
        "excluded": list(leaks),
        "recipe": chosen,
        "models": _figures(labelled, rows, joined, seconds),
    }


def _dataset(name: str, options: argparse.Namespace):
    """The dataset and, where it is simulated, true probabilities by row of the references."""
    if not name.startswith(WORLD_PREFIX):
        return read_dataset(options.data / name), None
    world = SCENARIOS[name.removeprefix(WORLD_PREFIX)]
    simulation = simulate(options.leads, 7, world=world)
    with tempfile.TemporaryDirectory() as folder:
        write_simulation(simulation, Path(folder) / "made")
        dataset = read_dataset(Path(folder) / "made")
        known = report.read_truth(Path(folder) / "made" / "truth.csv")
    return dataset, _looked_up(dataset, known)


def _looked_up(dataset: Dataset, known: dict[tuple[str, int], float]):
    source = load_training_data(dataset)
    ids, labelled = source.histories.lead_ids, source.labelled

    def truth(rows: np.ndarray) -> np.ndarray:
        asked = zip(ids[labelled.lead[rows]], labelled.as_of_us[rows].tolist(), strict=True)
        return np.array([known[key] for key in asked])

    return truth


def _given(
    source: TrainingData, fold: Fold, labelled: LabelledReferences, flaml_seconds: float
) -> peers.Given:
    spec = choose_spec(source.settings, source.histories, labelled.take(fold.train).references)
    matrix = compute_vectors(spec, source.histories, labelled.references)
    return peers.Given(
        matrix[fold.train],
        labelled.label[fold.train],
        labelled.weight[fold.train],
        matrix[fold.test],
        fold,
        flaml_seconds,
    )


def _ours(source: TrainingData, fold: Fold) -> tuple[np.ndarray, str]:
    """What ``leadscore train`` does at the fold's cutoff, and the recipe it chose."""
    labelled = source.labelled
    card = default_scorecard().with_outbound(source.settings.outbound_kinds)
    config = TrainingConfig(scorecard=card)
    if fold.cutoff_us is None:
        allowed = np.isin(np.arange(len(labelled)), fold.train)
        learned = select_and_fit(source, allowed, labelled.observed_until_us, config)
    else:
        allowed = ~np.isin(labelled.lead, labelled.lead[fold.test])
        learned = select_and_fit(source, allowed, fold.cutoff_us, config)
    return predict(learned, source, fold.test), learned.ensemble.name


def _figures(
    labelled: LabelledReferences,
    rows: np.ndarray,
    answers: dict[str, np.ndarray],
    seconds: dict[str, float],
) -> dict[str, object]:
    label, weight, lead = labelled.label[rows], labelled.weight[rows], labelled.lead[rows]
    mine = answers["leadscore"]
    figures = {}
    for model, probability in answers.items():
        rng = np.random.default_rng(0)
        found = evaluate(label, probability, weight, lead, rng, resamples=100)
        gap = loss_difference(label, mine, probability, weight, lead, rng, resamples=1000)
        figures[model] = {
            **{name: interval.to_dict() for name, interval in found.items()},
            **_without_luck(probability, answers.get("truth"), weight),
            "leadscore_minus_this": gap.to_dict(),
            "seconds": round(seconds.get(model, 0.0), 1),
        }
    return figures


def _without_luck(
    probability: np.ndarray, truth: np.ndarray | None, weight: np.ndarray
) -> dict[str, float]:
    """Where the truth is known: the log loss that the answers have on average over outcomes."""
    if truth is None:
        return {}
    loss = truth * np.log(probability) + (1 - truth) * np.log1p(-probability)
    return {"expected_log_loss": -float(np.average(loss, weights=weight))}


if __name__ == "__main__":
    main()
