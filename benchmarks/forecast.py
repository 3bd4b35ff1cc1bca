"""Do the intervals of a forecast hold? Rolling origins on simulated leads and on real histories.

Run: ``python benchmarks/forecast.py [--seeds 0 1 2] [--sets NAME ...]``. At every origin a model is
fitted on what was known then (the quickest candidates), the leads open then are forecast for
several horizons, and the conversions that came are counted. Adds to results/forecast.json
and writes results/forecast.md.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import warnings
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pandas as pd
import pyarrow.compute as pc
from scipy.stats import beta
from worlds import CATALOGUE
from worlds.files import make_world

from features.compute.array_types import DAY_US
from features.dataset import Dataset
from features.histories.arrays import References
from features.reading.read import read_dataset
from features.vectors.compute import compute_vectors
from scoring.forecast import ForecastLeads, forecast_rows
from scoring.model.log_odds import sigmoid
from training.config import TrainingConfig
from training.forecast.last_period import open_at
from training.forecast.timing import fit_timing
from training.labels.references import EPOCH, OPEN
from training.labels.training_data import load_training_data
from training.model_selection.fit import select_and_fit
from training.simulator import SCENARIOS, simulate

HERE = Path(__file__).parent
RESULT = HERE / "results" / "forecast.json"
TABLE = HERE / "results" / "forecast.md"
REAL = Path(os.environ.get("LEADSCORE_DATA", HERE.parent.parent / "shared" / "data"))
CONFIG = TrainingConfig(time_budget_s=0, jobs=1)
SETS = ["default", "noisy", "months", "wandering", "step_late", "bpi2012"]
AGES = (0.0, 7.0, 15.0, 30.0, 60.0)
"""Reference ages of the worlds, which ask for the first day alone."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", nargs="*", type=int, default=[0, 1, 2, 3])
    parser.add_argument("--sets", nargs="*", default=SETS)
    parser.add_argument("--leads", type=int, default=1500)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    for name in options.sets:
        seeds = [0] if name == "bpi2012" else options.seeds
        for seed in seeds:
            for row in forecasts(name, seed, options.leads):
                save(row)
    TABLE.write_text(markdown(json.loads(RESULT.read_text())), encoding="utf-8")
    print(TABLE.read_text(encoding="utf-8"), end="")


def forecasts(name: str, seed: int, leads: int) -> list[dict]:
    """One row per origin, horizon and group."""
    data, origins, horizons = made(name, seed, leads)
    rows = []
    for origin in origins:
        rows += at_origin(data, origin, horizons, {"set": name, "seed": seed})
    return rows


def made(name: str, seed: int, leads: int) -> tuple[Dataset, list[int], list[float]]:
    """(all that is known, origins in microseconds, horizons in days)."""
    if name == "bpi2012":
        data = read_dataset(REAL / name)
        first = pd.Timestamp("2011-11-18", tz="UTC")
        origins = [micros(first + pd.Timedelta(days=6 * k)) for k in range(4)]
        return data, origins, [7.0, 14.0, 30.0]
    if name in SCENARIOS:
        data = simulate(leads, seed, world=SCENARIOS[name]).to_dataset()
    else:
        with tempfile.TemporaryDirectory() as folder:
            make_world(CATALOGUE[name], seed, Path(folder), leads)
            data = read_dataset(Path(folder) / "train")
        ages = {"reference_ages_days": AGES}
        data = replace(data, settings=data.settings.model_copy(update=ages))
    until = micros(pd.Timestamp(data.settings.observed_until))
    longest = 90 if name in SCENARIOS else 60
    return data, [until - (longest + 60 * k) * DAY_US for k in (1, 0)], [10.0, 30.0, longest * 1.0]


def micros(moment: pd.Timestamp) -> int:
    return int((moment - EPOCH) // pd.Timedelta(1, "us"))


def known_at(data: Dataset, moment_us: int) -> Dataset:
    """The dataset as it was: leads that existed, and what had happened to them."""
    moment = pd.Timestamp(moment_us, unit="us", tz="UTC")
    leads = data.leads[data.leads["created_at"] <= moment]
    outcomes = data.outcomes[data.outcomes["occurred_at"] <= moment]
    there = set(leads["lead_id"])
    events = data.interactions.filter(pc.less(data.interactions["occurred_at"], moment))
    answers = data.answers.filter(pc.less(data.answers["answered_at"], moment))
    return replace(
        data,
        settings=data.settings.model_copy(update={"observed_until": moment.to_pydatetime()}),
        leads=leads.reset_index(drop=True),
        outcomes=outcomes[outcomes["lead_id"].isin(there)].reset_index(drop=True),
        interactions=events,
        answers=answers,
    )


def at_origin(data: Dataset, origin: int, horizons: list[float], about: dict) -> list[dict]:
    past = load_training_data(known_at(data, origin))
    everyone = np.ones(len(past.labelled), bool)
    fitted = select_and_fit(past, everyone, origin, CONFIG)
    timing = fit_timing(fitted, past)
    leads = open_at(past, origin)
    references = References(leads.astype(np.int64), np.full(len(leads), origin, np.int64))
    log_odds = fitted.model.log_odds(compute_vectors(fitted.spec, past.histories, references))
    age = (origin - past.histories.created_at_us[leads]) / DAY_US
    third = np.array(["low", "middle", "high"], object)[
        np.searchsorted(np.quantile(log_odds, [1 / 3, 2 / 3]), log_odds)
    ]
    some = ForecastLeads(log_odds, sigmoid(log_odds), age)
    known = [h for h in horizons if h <= timing.longest_days]
    found = forecast_rows(some, timing, known, {"third": third})
    ends = data.outcomes.set_index("lead_id").reindex(past.histories.lead_ids[leads])
    won = (ends["outcome"] == "converted").to_numpy()
    at = ends["occurred_at"].fillna(pd.Timestamp.max.tz_localize("UTC").floor("us"))
    closed = np.where(won, at.astype("datetime64[us, UTC]").astype("int64"), OPEN)
    rows = []
    for row in found:
        members = np.ones(len(leads), bool) if row.by == "all" else third == row.group
        came = int((closed[members] <= origin + row.horizon_days * DAY_US).sum())
        one = {
            **about, "origin": origin, "group": row.group, "days": row.horizon_days,
            "leads": row.leads, "expected": row.expected, "low": row.low, "high": row.high,
            "came": came, "level": float(timing.level_of(row.horizon_days)[95]),
        }  # fmt: skip
        rows.append(one)
        print(json.dumps(one), file=sys.stderr, flush=True)
    return rows


def save(row: dict) -> None:
    """Add or replace one forecast."""
    rows = json.loads(RESULT.read_text()) if RESULT.exists() else []
    key = ("set", "seed", "origin", "group", "days")
    rows = [r for r in rows if any(r[k] != row[k] for k in key)] + [row]
    RESULT.write_text(json.dumps(sorted(rows, key=lambda r: [str(r[k]) for k in key]), indent=0))


def markdown(rows: list[dict]) -> str:
    lines = [
        "# Do the intervals of a forecast hold?",
        "",
        "`python benchmarks/forecast.py`: rolling origins; a model fitted on what was known at "
        "each, its 90 % intervals, and the conversions that came from the leads open then. Last "
        "column: 95 % interval of the share that held (Clopper-Pearson; as if origins were "
        "independent). Groups are thirds by score.",
        "",
        "| set | days | of | forecasts | held | share | forecast | came | 95 % of the share |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for name, days in sorted({(r["set"], r["days"]) for r in rows}):
        for whole in (True, False):
            part = [
                r for r in rows
                if (r["set"], r["days"]) == (name, days) and (r["group"] == "all") == whole
            ]  # fmt: skip
            lines.append(f"| {name} | {days:g} | {'all' if whole else 'a third'} | {cells(part)} |")
    for whole in (True, False):
        part = [r for r in rows if (r["group"] == "all") == whole]
        what = "all" if whole else "a third"
        lines.append(f"| **every set** | any | {what} | {cells(part)} |")
    return "\n".join(lines) + "\n"


def cells(part: list[dict]) -> str:
    n, held = len(part), sum(r["low"] <= r["came"] <= r["high"] for r in part)
    low = beta.ppf(0.025, held, n - held + 1) if held else 0.0
    high = beta.ppf(0.975, held + 1, n - held) if held < n else 1.0
    expected, came = sum(r["expected"] for r in part), sum(r["came"] for r in part)
    return f"{n} | {held} | {held / n:.0%} | {expected:,.0f} | {came:,} | {low:.0%} to {high:.0%}"


if __name__ == "__main__":
    main()
