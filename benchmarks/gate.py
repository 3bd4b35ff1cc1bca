"""How often the promotion gate accepts good challengers, leaks and shuffled labels.

Simulated leads of ten attributes whose outcome can be ranked with an AUC of about 0.7. Each seed
trains a few quick releases (no search) and lets the gate judge them: good ones that should pass,
leaks and shuffled labels that should not. Saves benchmarks/results/gate.json and gate.md.

``python benchmarks/gate.py FIRST LAST`` runs these seeds and prints only; ``--work FOLDER`` keeps
the trainings, so that another version of the gate can judge the same ones.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from features.reading.read import read_dataset
from scoring.release.release import load_release, write_release
from training.config import TrainingConfig
from training.registry.backtest_artifact import backtest_table, out_of_fold_table
from training.registry.gate import GateSide, compare
from training.registry.mlflow_registry import Version
from training.train import train

RESULTS = Path(__file__).parent / "results"
SEEDS = range(20)
LEADS = 1_000
HOURS_BETWEEN = 2
HORIZON_DAYS = 10
AGED_DAYS = 120.0

Leak = Callable[[np.random.Generator, np.ndarray], dict[str, Any]]


def strong(rng: np.random.Generator, won: np.ndarray) -> dict[str, Any]:
    """A rating given after the deal: AUC about 0.87 of its own."""
    return {"rating": (rng.normal(size=len(won)) + 1.6 * won).round(2)}


def soft(rng: np.random.Generator, won: np.ndarray) -> dict[str, Any]:
    """The same with much noise: AUC about 0.75 of its own."""
    return {"rating": (rng.normal(size=len(won)) + 0.95 * won).round(2)}


def overwritten(rng: np.random.Generator, won: np.ndarray) -> dict[str, Any]:
    """A third of those that signed got a region of their own."""
    region = rng.choice(["north", "south", "east", "west"], len(won)).astype(object)
    region[won & (rng.random(len(won)) < 1 / 3)] = "key account"
    return {"region": region}


@dataclass(frozen=True)
class Material:
    """What one training learned from: the leads ``first`` … ``last`` of a seed's world."""

    first: int
    last: int
    leak: Leak | None = None
    shuffled: bool = False


TRAININGS = {
    "start": Material(0, LEADS),
    "twice": Material(0, 2 * LEADS),
    "later": Material(LEADS, 2 * LEADS),
    "strong": Material(0, 2 * LEADS, strong),
    "soft": Material(0, 2 * LEADS, soft),
    "overwritten": Material(0, 2 * LEADS, overwritten),
    "shuffled": Material(0, LEADS, shuffled=True),
}

CASES: dict[str, tuple[str, str | None, float, bool]] = {
    # what is judged: (challenger, champion, age of the champion, whether it should pass)
    "first release": ("start", None, 0.0, True),
    "twice the data": ("twice", "start", 83.0, True),
    "equal, aged champion": ("later", "start", AGED_DAYS, True),
    "after a champion without signal": ("twice", "shuffled", 83.0, True),
    "strong leak, first": ("strong", None, 0.0, False),
    "strong leak": ("strong", "start", AGED_DAYS, False),
    "soft leak, first": ("soft", None, 0.0, False),
    "soft leak": ("soft", "start", AGED_DAYS, False),
    "overwritten, first": ("overwritten", None, 0.0, False),
    "overwritten": ("overwritten", "start", AGED_DAYS, False),
    "shuffled, first": ("shuffled", None, 0.0, False),
    "shuffled": ("shuffled", "start", AGED_DAYS, False),
}


def write_world(folder: Path, material: Material, seed: int) -> Path:
    """The dataset folder of one training; the same leads have the same values in all of them."""
    n = 2 * LEADS
    rng = np.random.default_rng(seed)
    numbers = rng.normal(size=(5, n)).round(3)
    words = {f"word_{i}": rng.choice(list("abcde")[: i + 2], n) for i in range(5)}
    odds = -1.8 + 0.45 * numbers[0] + 0.35 * numbers[1] + 0.3 * numbers[2]
    odds = odds + 0.5 * (words["word_0"] == "a") + 0.4 * (words["word_1"] == "b")
    won = rng.random(n) < 1 / (1 + np.exp(-odds))
    days = rng.uniform(0.5, HORIZON_DAYS, n)
    leaked = material.leak(np.random.default_rng(seed + 1), won) if material.leak else {}
    if material.shuffled:
        won = np.random.default_rng(seed + 2).permutation(won)
    start = pd.Timestamp("2026-01-01", tz="UTC")
    created = start + pd.to_timedelta(np.arange(n) * HOURS_BETWEEN, "h")
    rows = slice(material.first, material.last)
    ids = np.array([f"L{i}" for i in range(n)])
    table = {f"number_{i}": column for i, column in enumerate(numbers)} | words | leaked
    folder.mkdir(parents=True)
    pd.DataFrame({"lead_id": ids, "created_at": created, **table})[rows].to_csv(
        folder / "leads.csv", index=False
    )
    closed = (created + pd.to_timedelta(days, "D")).round("s")
    outcome = np.where(won, "converted", "lost")
    pd.DataFrame({"lead_id": ids, "outcome": outcome, "occurred_at": closed})[rows].to_csv(
        folder / "outcomes.csv", index=False
    )
    until = created[material.last - 1] + pd.Timedelta(HORIZON_DAYS + 1, "D")
    (folder / "dataset.toml").write_text(
        f'name = "gate"\nhorizon_days = {HORIZON_DAYS}\nobserved_until = {until.isoformat()}\n'
    )
    return folder


def prepare(seed: int, name: str, work: Path) -> None:
    """Train one of ``TRAININGS``, unless it is there."""
    place = work / f"{seed}-{name}"
    if (place / "backtest.parquet").exists():
        return
    data = read_dataset(write_world(place / "data", TRAININGS[name], seed))
    trained = train(data, TrainingConfig(time_budget_s=0.0, jobs=1, seed=seed))
    write_release(place / "release", trained.contents)
    if trained.signal:
        out_of_fold_table(trained).to_parquet(place / "out_of_fold.parquet")
    backtest_table(trained).to_parquet(place / "backtest.parquet")


def side(place: Path) -> GateSide:
    """What the registry would give of a training."""
    release = load_release(place / "release")
    tables: list[Any] = [pd.read_parquet(place / "backtest.parquet")]
    if (place / "out_of_fold.parquet").exists() and hasattr(GateSide, "out_of_fold"):
        tables.append(pd.read_parquet(place / "out_of_fold.parquet"))
    return GateSide(release, Version("1", release.release_id, (), "", {}), *tables)


def judge(seed: int, case: str, work: Path) -> dict[str, Any]:
    """The gate's verdict on one case."""
    challenger, champion, age, good = CASES[case]
    report = compare(
        side(work / f"{seed}-{challenger}"),
        side(work / f"{seed}-{champion}") if champion else None,
        read_dataset(work / f"{seed}-{challenger}" / "data"),
        age_days=age,
    )
    return {"seed": seed, "case": case, "good": good, "passed": report.passed,
            "refusals": list(report.refusals)}  # fmt: skip


def run(seeds: range, work: Path) -> list[dict[str, Any]]:
    """Every case of every seed, told as it comes."""
    rows = []
    for seed in seeds:
        for name in TRAININGS:
            prepare(seed, name, work)
        for case in CASES:
            rows.append(judge(seed, case, work))
            row = rows[-1]
            verdict = "passes" if row["passed"] else "refused: " + "; ".join(row["refusals"])
            print(f"{seed} {case}: {verdict[:240]}", flush=True)
    return rows


def as_table(rows: list[dict[str, Any]]) -> str:
    """Share accepted of each case."""
    by_case = defaultdict(list)
    for row in rows:
        by_case[row["case"]].append(row)
    lines = ["| what is judged | should | seeds | accepted |", "|---|---|---:|---:|"]
    for case, some in by_case.items():
        accepted = sum(row["passed"] for row in some)
        should = "pass" if some[0]["good"] else "be refused"
        lines.append(f"| {case} | {should} | {len(some)} | {accepted} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("seeds", nargs="*", type=int)
    parser.add_argument("--work", type=Path)
    options = parser.parse_args()
    seeds = range(*options.seeds) if options.seeds else SEEDS
    with tempfile.TemporaryDirectory() as temporary:
        rows = run(seeds, options.work or Path(temporary))
    print(as_table(rows))
    if not options.seeds:
        RESULTS.mkdir(exist_ok=True)
        (RESULTS / "gate.json").write_text(json.dumps(rows, indent=1) + "\n")
        (RESULTS / "gate.md").write_text(as_table(rows))


if __name__ == "__main__":
    main()
