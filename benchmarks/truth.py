"""Every model against the exact truth, in worlds that the product's own simulator did not make.

Run: ``python benchmarks/truth.py [--worlds NAME ...] [--seeds 3] [--models NAME ...]``. Worlds: the
folders of ../shared/worlds (or LEADSCORE_WORLDS), and those of ``benchmarks/worlds`` once for each
seed. Saves benchmarks/results/worlds/NAME-SEED.json, then worlds.json and worlds.md from all of
them. Peers learn from the same mature references, vectors and weights. Of each model:

- excess: expected log loss on the test references minus that of the truth, in % of the latter;
- bias: mean probability over mean truth, minus 1;
- of ours, how many of the true probabilities the intervals hold, overall and by tenth of the score.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
import quality_peers
import truth_report
from worlds import CATALOGUE, make_world

from features.histories.arrays import References
from features.histories.build import histories_from_dataset
from features.reading.read import read_dataset
from features.vectors.compute import compute_vectors
from scoring.scorecard.scorecard import default_scorecard
from training.calibration.model_uncertainty import interval_table
from training.config import TrainingConfig
from training.feature_selection.choose import choose_spec
from training.labels.splits import Fold
from training.labels.training_data import TrainingData, load_training_data
from training.model_selection.fit import select_and_fit

ROOT = Path(__file__).resolve().parents[1]
RESULTS = Path(__file__).parent / "results"
OURS = "leadscore"
TUNED = "CatBoost tuned"
PEERS = ("logistic regression", "LightGBM", "CatBoost", TUNED, "FLAML")
TENTHS = 10


@dataclass(frozen=True)
class WorldData:
    """One world: what to learn from, whom to score, and the truth of it."""

    source: TrainingData
    asked: References
    asked_source: TrainingData
    truth: np.ndarray


def main() -> None:
    options = _options()
    warnings.simplefilter("ignore")
    folder = RESULTS / "worlds"
    folder.mkdir(parents=True, exist_ok=True)
    for name, seed in [] if options.report else _chosen(options):
        with _folder(name, seed, options) as data:
            found = measured(data, options)
        path = folder / f"{name}-{seed}.json"
        if path.exists():  # keep the models that were not asked for this time
            found["models"] = {**json.loads(path.read_text())["models"], **found["models"]}
        path.write_text(json.dumps({"world": name, "seed": seed, **found}, indent=1) + "\n")
        print(truth_report.of_one({"world": name, "seed": seed, **found}), flush=True)
    everything = [json.loads(path.read_text()) for path in sorted(folder.glob("*.json"))]
    (RESULTS / "worlds.json").write_text(json.dumps(everything, indent=1) + "\n")
    text = truth_report.of_all(everything)
    (RESULTS / "worlds.md").write_text(text)
    print(text)


def _options() -> argparse.Namespace:
    beside = ROOT.parent / "shared" / "worlds"
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worlds", nargs="*", help="these worlds; default: all")
    parser.add_argument("--seeds", type=int, default=3, help="seeds 1 … of each generated world")
    parser.add_argument("--models", nargs="*", default=[OURS, *PEERS], help="these models")
    parser.add_argument("--leads", type=int, help="another number of leads to learn from")
    parser.add_argument("--flaml-seconds", type=float, default=60.0)
    parser.add_argument("--jobs", type=int, default=1, help="our fits run side by side")
    parser.add_argument(
        "--shared", type=Path, default=Path(os.environ.get("LEADSCORE_WORLDS", beside))
    )
    parser.add_argument("--report", action="store_true", help="only write the tables again")
    options = parser.parse_args()
    if unknown := set(options.models) - {OURS, *PEERS}:
        parser.error(f"no model {sorted(unknown)[0]!r}; there are {', '.join([OURS, *PEERS])}")
    return options


def _chosen(options: argparse.Namespace) -> list[tuple[str, int]]:
    """(world, seed); a world that is given as a folder has the one seed 0."""
    given = sorted(p.parent.name for p in options.shared.glob("*/truth.csv*"))
    wanted = options.worlds or [*given, *CATALOGUE]
    if unknown := set(wanted) - {*given, *CATALOGUE}:
        sys.exit(f"no world {sorted(unknown)[0]!r}; there are {', '.join([*given, *CATALOGUE])}")
    return [
        (name, seed)
        for name in wanted
        for seed in ([0] if name in given else range(1, options.seeds + 1))
    ]


@contextmanager
def _folder(name: str, seed: int, options: argparse.Namespace) -> Iterator[Path]:
    if seed == 0:
        yield options.shared / name
        return
    with tempfile.TemporaryDirectory() as made:
        make_world(CATALOGUE[name], seed, Path(made), leads=options.leads)
        yield Path(made)


def measured(folder: Path, options: argparse.Namespace) -> dict[str, object]:
    """Figures of every model that was asked for."""
    world = _read(folder)
    models: dict[str, dict[str, object]] = {}
    losses: dict[str, np.ndarray] = {}
    for model in options.models:
        started = time.perf_counter()
        try:
            probability, more = _answer(model, world, options)
        except Exception as error:
            print(f"  {model} failed: {error!r}", file=sys.stderr, flush=True)
            continue
        seconds = time.perf_counter() - started
        losses[model] = expected_losses(world.truth, probability)
        models[model] = {**_figures(world.truth, probability), **more, "seconds": seconds}
    if OURS in losses:
        for model, loss in losses.items():
            models[model]["ours_minus_this"] = _difference(world.truth, losses[OURS], loss)
    return {
        "references": len(world.truth),
        "training_references": len(world.source.labelled),
        "rate": float(world.truth.mean()),
        "models": models,
    }


def _read(folder: Path) -> WorldData:
    source = load_training_data(read_dataset(folder / "train"))
    asked = read_dataset(folder / "test", outcomes_required=False)
    histories = histories_from_dataset(asked)
    path = next(folder.glob("truth.csv*"))
    truth = pd.read_csv(path)
    moments = pd.to_datetime(truth["as_of"], utc=True, format="ISO8601").dt.as_unit("us")
    lead = pd.Index(histories.lead_ids).get_indexer(truth["lead_id"]).astype(np.int64)
    if (lead < 0).any():
        raise SystemExit(f"{path}: a lead of the truth is not in {folder / 'test'}")
    references = References(lead, moments.astype("int64").to_numpy())
    there = TrainingData(asked.settings, histories, source.labelled)
    return WorldData(source, references, there, truth["probability"].to_numpy())


def _answer(
    model: str, world: WorldData, options: argparse.Namespace
) -> tuple[np.ndarray, dict[str, object]]:
    if model == OURS:
        return _ours(world, options.jobs)
    labelled = world.source.labelled
    rows = np.flatnonzero(labelled.mature)
    known = labelled.take(rows)
    spec = choose_spec(world.source.settings, world.source.histories, known.references)
    given = quality_peers.Given(
        compute_vectors(spec, world.source.histories, known.references),
        known.label,
        known.weight,
        compute_vectors(spec, world.asked_source.histories, world.asked),
        Fold(rows, rows, labelled.observed_until_us if labelled.has_time else None),
        options.flaml_seconds,
    )
    answers: dict[str, Callable[[], np.ndarray]] = quality_peers.every_peer(given, world.source)
    answers[TUNED] = lambda: quality_peers.tuned_catboost(given)
    return answers[model](), {}


def _ours(world: WorldData, jobs: int) -> tuple[np.ndarray, dict[str, object]]:
    """What ``leadscore train`` does, without its backtest, and what the intervals hold."""
    source = world.source
    card = default_scorecard().with_outbound(source.settings.outbound_kinds)
    everything = np.ones(len(source.labelled), bool)
    method = TrainingConfig(scorecard=card, jobs=jobs)
    learned = select_and_fit(source, everything, source.labelled.observed_until_us, method)
    intervals = interval_table(learned, source, method)
    matrix = compute_vectors(learned.spec, world.asked_source.histories, world.asked)
    found = learned.model.explain(matrix)
    low, high = intervals.interval(found.log_odds, found.probability)
    held = (low <= world.truth) & (world.truth <= high)
    rank = np.argsort(np.argsort(found.log_odds, kind="stable"), kind="stable")
    tenth = rank * TENTHS // len(rank)
    more = {
        "recipe": learned.ensemble.name,
        "held": float(held.mean()),
        "held_by_tenth": [float(held[tenth == k].mean()) for k in range(TENTHS)],
        "width": float((high - low).mean()),
    }
    return found.probability, more


def expected_losses(truth: np.ndarray, probability: np.ndarray) -> np.ndarray:
    """Log loss of each reference in nats, expected over its outcome."""
    p = np.clip(probability, 1e-6, 1 - 1e-6)
    return -(truth * np.log(p) + (1 - truth) * np.log(1 - p))


def _figures(truth: np.ndarray, probability: np.ndarray) -> dict[str, object]:
    least = expected_losses(truth, truth)
    return {
        "excess": float(expected_losses(truth, probability).mean() / least.mean() - 1),
        "bias": float(probability.mean() / truth.mean() - 1),
    }


def _difference(truth: np.ndarray, mine: np.ndarray, other: np.ndarray) -> dict[str, float]:
    """Our excess minus the other's, and the standard error of that over references."""
    least = expected_losses(truth, truth).mean()
    gap = (mine - other) / least
    return {"value": float(gap.mean()), "error": float(gap.std() / np.sqrt(len(gap)))}


if __name__ == "__main__":
    main()
