"""How often the gate's criteria accept, on made-up predictions of known quality (no training).

Leads that can be ranked with an AUC of about 0.72, a fifth of which convert; each side sees the
truth through noise, calibrated. Seconds instead of the hours of benchmarks/gate.py, which trains.
``python benchmarks/gate_criteria.py [SEEDS]`` prints the table.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from scoring.bands import BandThresholds
from training.registry.gate_criteria import GateLimits, PairedPredictions, apply_criteria

SEEDS = 20
CUTS = BandThresholds(0.15, 0.35)


@dataclass(frozen=True)
class GateCase:
    """``noise`` of either side (None: the base rate), references, and what the gate is told."""

    name: str
    good: bool
    challenger: float | None
    champion: float | None
    references: int
    first: bool = False
    aged: bool = False
    more_data: bool = False
    choice_z: float = 0.0


CASES = (
    GateCase("first release, 250 references", True, 0.5, None, 250, first=True, choice_z=4.0),
    GateCase("first release, 1,000 references", True, 0.5, None, 1_000, first=True, choice_z=6.0),
    GateCase("twice the data", True, 0.4, 0.6, 400, more_data=True),
    GateCase("equal, aged champion", True, 0.5, 0.5, 400, aged=True),
    GateCase("equal, aged champion, 5,000 references", True, 0.5, 0.5, 5_000, aged=True),
    GateCase("after a champion without signal", True, 0.5, None, 400),
    GateCase("shuffled labels, first", False, None, None, 400, first=True),
    GateCase("shuffled labels, champion with signal", False, None, 0.5, 400, aged=True),
    GateCase("much worse, aged champion", False, 4.0, 0.3, 1_000, aged=True),
)


def predictions(signal: np.ndarray, noise: float | None, rng: np.random.Generator) -> np.ndarray:
    """Calibrated probabilities of who sees ``signal`` (n) through noise of that variance ratio."""
    if noise is None:
        return np.full(len(signal), 0.2)
    seen = signal / (1 + noise) + rng.normal(0, np.sqrt(noise) / (1 + noise), len(signal))
    # the mean over what is not seen: probit-like shrinkage of the log-odds
    hidden = noise / (1 + noise)
    return np.asarray(1 / (1 + np.exp(-(seen - 1.65) / np.sqrt(1 + hidden * np.pi / 8))))


def pairs_of(case: GateCase, seed: int) -> PairedPredictions:
    """Made-up pairs; fields that the criteria of another version do not have are left out."""
    rng = np.random.default_rng(seed)
    signal = rng.normal(size=case.references)
    label = (rng.random(case.references) < 1 / (1 + np.exp(-(signal - 1.65)))).astype(np.int8)
    mine = predictions(signal, case.challenger, rng)
    if case.challenger is None:  # a fit of shuffled labels: the base rate but for rounding
        mine = mine - 1e-16 * label
    theirs = predictions(signal, case.champion, rng)
    rate = np.full(case.references, 0.2)
    everything: dict[str, Any] = {
        "label": label,
        "weight": np.ones(case.references),
        "lead": np.arange(case.references),
        "challenger": mine,
        "champion": theirs,
        "base_rate": rate,
        "released": mine,
        "challenger_band": CUTS.bands_of(mine),
        "champion_band": None if case.first else CUTS.bands_of(theirs),
        "signal": case.challenger is not None,
        "champion_signal": case.champion is not None or case.first,
        "choice_z": case.choice_z,
    }
    known = {field.name for field in fields(PairedPredictions)}
    return PairedPredictions(**{name: v for name, v in everything.items() if name in known})


def accepted(case: GateCase, seeds: int) -> int:
    """How many of the seeds pass."""
    follows = case.aged or (case.more_data and hasattr(GateLimits(), "more_data"))
    passed = 0
    for seed in range(seeds):
        report = apply_criteria(
            pairs_of(case, seed), aged=follows, limits=GateLimits(), rng=np.random.default_rng(0)
        )
        passed += report.passed
    return passed


def main() -> None:
    seeds = int(sys.argv[1]) if len(sys.argv) > 1 else SEEDS
    print("| what is judged | should | accepted |\n|---|---|---:|")
    for case in CASES:
        should = "pass" if case.good else "be refused"
        print(f"| {case.name} | {should} | {accepted(case, seeds)} of {seeds} |", flush=True)


if __name__ == "__main__":
    main()
