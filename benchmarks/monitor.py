"""How often `leadscore monitor` gives each verdict, in worlds whose change is known.

Learns from a simulated year and looks at leads of the year after, which goes on as before or has
changed in one way. Saves benchmarks/results/monitor.json (every case, with what was found) and
monitor.md (the table). ``python benchmarks/monitor.py 0 2`` runs seeds 0 and 1 and prints only.
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from joblib import Parallel, delayed

from features.reading.read import read_dataset
from scoring.release.release import Release, write_release
from training.config import TrainingConfig
from training.monitoring.monitor import MonitoringReport, monitor, verdict_of
from training.simulator import simulate, write_simulation
from training.simulator.scenario import DEFAULT, Scenario
from training.simulator.simulation import Simulation
from training.train import train

RESULTS = Path(__file__).parent / "results"
SEEDS = range(100, 106)
"""Others than those that the thresholds were chosen on (0 to 5)."""
JOBS = 3
LEARNED_FROM = (600, 2_000)
LATER = (400, 2_000)
STEADY = replace(DEFAULT, drift=0.0)
NEXT_YEAR = replace(STEADY, first_day="2025-01-01")

# The mix: who comes has changed, what becomes of whom has not. A lead stays with this chance.
STAYS = {"referral": 0.1, "trade_fair": 0.1, "partner": 0.1, "organic_search": 0.3}
# Relations: names that meant one thing mean another.
SOURCES = {"referral": "social", "social": "referral", "trade_fair": "purchased_list",
           "purchased_list": "trade_fair"}  # fmt: skip
FIRST = {"trial_signup": "imported", "imported": "trial_signup", "contact_form":
         "newsletter_signup", "newsletter_signup": "contact_form"}  # fmt: skip
KINDS = {"inbound_call": "newsletter_signup", "newsletter_signup": "inbound_call",
         "meeting": "unsubscribe", "unsubscribe": "meeting"}  # fmt: skip


def as_it_was(n: int, seed: int) -> Simulation:
    return simulate(n, seed, world=NEXT_YEAR)


def with_world(**changes: Any) -> Callable[[int, int], Simulation]:
    world: Scenario = replace(NEXT_YEAR, **changes)
    return lambda n, seed: simulate(n, seed, world=world)


def other_mix(n: int, seed: int) -> Simulation:
    """Four in five leads come from where few convert; each converts as before."""
    made = simulate(3 * n, seed, world=NEXT_YEAR)
    chance = made.leads["source"].map(STAYS).fillna(1.0).to_numpy()
    kept = np.flatnonzero(np.random.default_rng(seed).random(len(chance)) < chance)[:n]
    return _only(made, set(made.leads["lead_id"].iloc[kept]))


def _only(made: Simulation, ids: set[str]) -> Simulation:
    tables = ("leads", "interactions", "outcomes", "answers", "truth")
    return replace(made, **{t: getattr(made, t)[getattr(made, t)["lead_id"].isin(ids)]
                            for t in tables})  # fmt: skip


def turned(n: int, seed: int) -> Simulation:
    """Sources, first actions and kinds change places: the same columns, other meanings."""
    made = simulate(n, seed, world=NEXT_YEAR)
    leads = made.leads.assign(
        source=made.leads["source"].replace(SOURCES),
        first_action=made.leads["first_action"].replace(FIRST),
    )
    seen = made.interactions.assign(kind=made.interactions["kind"].replace(KINDS))
    return replace(made, leads=leads, interactions=seen)


def unseen(n: int, seed: int) -> Simulation:
    """Visits of pages and offers are no longer recorded."""
    made = simulate(n, seed, world=NEXT_YEAR)
    lost = made.interactions["kind"].isin(("page_view", "offer_view"))
    return replace(made, interactions=made.interactions[~lost])


CHANGES: dict[str, Callable[[int, int], Simulation]] = {
    "nothing": as_it_was,
    "base rate × 0.5": with_world(conversion=0.5),
    "base rate × 1.6": with_world(conversion=1.6),
    "mix of leads": other_mix,
    "relations weaker": with_world(noise=0.7),
    "relations turned": turned,
    "visits not recorded": unseen,
}


@dataclass(frozen=True)
class MonitoredWorld:
    """One look at later leads; ``early``: the verdict before any outcome is in."""

    change: str
    learned_from: int
    later: int
    seed: int
    verdict: str
    early: str
    because: str
    auc: float | None
    auc_low: float | None
    auc_high: float | None
    auc_promised: float
    auc_promised_low: float
    auc_promised_high: float
    auc_expected: float
    p_value: float | None
    worth: float | None
    score_psi: float
    score_noise: float
    moved: float


def released(n: int, seed: int, folder: Path) -> Release:
    """A quick release (no search) that learned from a year of ``n`` leads."""
    write_simulation(simulate(n, seed, world=STEADY), folder / f"past-{n}-{seed}")
    trained = train(
        read_dataset(folder / f"past-{n}-{seed}"), TrainingConfig(time_budget_s=0.0, seed=seed)
    )
    return write_release(folder / f"release-{n}-{seed}", trained.contents)


def cases(seed: int, folder: Path) -> list[MonitoredWorld]:
    """Every change seen by every release, at every size."""
    releases = {n: released(n, seed, folder) for n in LEARNED_FROM}
    seen = []
    for change, make in CHANGES.items():
        for later in LATER:
            place = folder / f"later-{seed}-{change}-{later}"
            write_simulation(make(later, 1_000 + seed), place)
            data = read_dataset(place)
            for n, release in releases.items():
                found = monitor(release, data, seed=seed)
                seen.append(case_of(change, n, later, seed, release, found))
    return seen


def case_of(
    change: str, n: int, later: int, seed: int, release: Release, found: MonitoringReport
) -> MonitoredWorld:
    """What was found, in figures from which other thresholds can be tried."""
    real, promised = found.realised, release.metrics["auc"]
    early, _ = verdict_of(release, found.scores, list(found.features), None)
    return MonitoredWorld(
        change=change,
        learned_from=n,
        later=later,
        seed=seed,
        verdict=found.verdict.value,
        early=early.value,
        because="; ".join(found.because),
        auc=real.figures["auc"].value if real else None,
        auc_low=real.figures["auc"].low if real else None,
        auc_high=real.figures["auc"].high if real else None,
        auc_promised=promised["value"],
        auc_promised_low=promised["low"],
        auc_promised_high=promised["high"],
        auc_expected=found.expected["auc"],
        p_value=real.calibration.p_value if real else None,
        worth=real.worth if real else None,
        score_psi=found.scores.psi,
        score_noise=found.scores.noise,
        moved=float(np.mean([shift.is_large for shift in found.features])),
    )


def table(found: list[MonitoredWorld]) -> str:
    """One row per change and number of later leads; shares of the verdicts in per cent."""
    lines = [
        "Share of the verdicts, with the outcomes of matured leads and before any is in "
        f"({len({c.seed for c in found})} seeds, releases of "
        f"{' and '.join(f'{n:,}' for n in LEARNED_FROM)} leads).",
        "",
        "| what changed | later leads | keep | recalibrate | retrain | early: keep "
        "| early: retrain |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    for change in CHANGES:
        for later in LATER:
            mine = [c for c in found if c.change == change and c.later == later]
            said, early = (Counter(getattr(c, name) for c in mine) for name in ("verdict", "early"))
            shares = [said["keep"], said["recalibrate"], said["retrain"]]
            shares += [early["keep"], early["retrain"]]
            cells = " | ".join(f"{count / len(mine):.0%}" for count in shares)
            lines.append(f"| {change} | {later:,} | {cells} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run, print, and save unless only some seeds were asked for."""
    asked = range(int(sys.argv[1]), int(sys.argv[2])) if len(sys.argv) == 3 else SEEDS
    found: list[MonitoredWorld] = []
    with tempfile.TemporaryDirectory(prefix="leadscore-") as folder:
        work = (delayed(cases)(seed, Path(folder)) for seed in asked)
        for seen in Parallel(n_jobs=JOBS, return_as="generator")(work):
            found += seen
            print(f"seed {seen[0].seed}: {len(seen)} cases", file=sys.stderr, flush=True)
    text = table(found)
    print(text, end="")
    if asked == SEEDS:
        rows = [asdict(case) for case in found]
        (RESULTS / "monitor.json").write_text(json.dumps(rows, indent=1) + "\n")
        (RESULTS / "monitor.md").write_text(text)


if __name__ == "__main__":
    main()
