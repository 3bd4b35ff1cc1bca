"""Calls at random on leads on which a call has a known effect: do the intervals hold it?

Run: ``python benchmarks/exploration.py [--runs 200]``. Twelve weekly lists of 100 calls among 1,000
open leads, 10 % of them at random; a call adds log-odds to a chance that the score knows or not.
Saves benchmarks/results/exploration.md.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from scoring.model.log_odds import sigmoid
from training.exploration import CallingEffect, estimate, explore

RESULT = Path(__file__).parent / "results" / "exploration.md"
WEEKS, OPEN_LEADS, CALLS, SHARE = 12, 1_000, 100, 0.1
CASES = {
    "calls do nothing, the score finds": (0.0, 1.5),
    "calls help, the score finds": (0.8, 1.0),
    "calls make all of it, the score is noise": (1.5, 0.0),
    "calls put leads off": (-0.8, 1.0),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=200)
    runs = parser.parse_args().runs
    lines = [
        "# What calls at random tell",
        "",
        f"`python benchmarks/exploration.py --runs {runs}`: effect of being on the list on the "
        "best, in points of conversion; how often its 95 % interval held it, and what was said.",
        "",
        "| case | truth | mean estimate | interval held | calling helps | finds by itself | "
        "made its own truth |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, (effect, ranks) in CASES.items():
        made = [simulated(effect, ranks, seed) for seed in range(runs)]
        truth = np.mean([true for _, true in made])
        found = [one for one, _ in made]
        held = np.mean([one.effect_best.low <= truth <= one.effect_best.high for one in found])
        said = [
            np.mean([one.effect_best.low > 0 for one in found]),
            np.mean([one.ranks_alone.low > 0 for one in found]),
            np.mean(["own truth" in one.words[1] for one in found]),
        ]
        mean = np.mean([one.effect_best.value for one in found])
        cells = " | ".join(f"{share:.0%}" for share in (held, *said))
        lines.append(f"| {name} | {100 * truth:+.1f} | {100 * mean:+.1f} | {cells} |")
    RESULT.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(RESULT.read_text(encoding="utf-8"), end="")


def simulated(effect: float, ranks: float, seed: int) -> tuple[CallingEffect, float]:
    """(what is estimated from all weeks, the mean effect on the best)."""
    rng = np.random.default_rng(seed)
    parts, truths = [], []
    for week in range(WEEKS):
        score = rng.normal(0, 1, OPEN_LEADS)
        order = np.argsort(-score).tolist()
        best, others = order[:CALLS], order[CALLS:]
        made = explore(best, others, SHARE, rng)
        called = np.isin(np.arange(OPEN_LEADS), made.called)
        is_best = np.isin(np.arange(OPEN_LEADS), best)
        alone, if_called = sigmoid(-3 + ranks * score), sigmoid(-3 + ranks * score + effect)
        truths.append(float((if_called - alone)[is_best].mean()))
        label = rng.random(OPEN_LEADS) < np.where(called, if_called, alone)
        chance = np.where(is_best, made.propensity_best, made.propensity_other)
        parts.append((label, is_best, called, chance, np.arange(OPEN_LEADS) + week * OPEN_LEADS))
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    return estimate(*columns, seed=seed), float(np.mean(truths))


if __name__ == "__main__":
    main()
