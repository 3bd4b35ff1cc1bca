"""The tables of the benchmark against the exact truth, losses named."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

OURS = "leadscore"
ALLOWED = 0.03
"""We may be worse than the best peer by this share of its excess, plus two standard errors."""
LEAST_HELD, MOST_HELD = 0.85, 0.95


def of_one(found: dict[str, Any]) -> str:
    """One world and seed, a line a model."""
    lines = [f"{found['world']} (seed {found['seed']}), rate {found['rate']:.3f}"]
    for model, figures in sorted(found["models"].items(), key=lambda item: item[1]["excess"]):
        line = f"  {model:20} excess {figures['excess']:7.2%}  bias {figures['bias']:+7.1%}"
        if "held" in figures:
            tenths = " ".join(f"{100 * held:.0f}" for held in figures["held_by_tenth"])
            line += f"  held {figures['held']:.0%} by tenth {tenths}  width {figures['width']:.3f}"
        lines.append(f"{line}  {figures['seconds']:.0f} s")
    return "\n".join(lines)


def of_all(everything: list[dict[str, Any]]) -> str:
    """Excess of every model, then bias, intervals and time, then what was lost."""
    if not everything:
        return "Nothing measured yet.\n"
    worlds = list(dict.fromkeys(found["world"] for found in everything))
    models = list(dict.fromkeys(model for found in everything for model in found["models"]))
    by_world = {w: [f for f in everything if f["world"] == w] for w in worlds}
    parts = [
        "# Against the exact truth",
        "",
        "From `make bench-worlds`. Means over seeds; in brackets the number of seeds.",
        "",
        "## Expected log loss above that of the truth",
        "",
        *_table(by_world, models, "excess", "{:.2%}"),
        "",
        "## Mean probability over mean truth, minus 1",
        "",
        *_table(by_world, models, "bias", "{:+.1%}"),
        "",
        "## What the intervals hold (90 % is meant)",
        "",
        *_intervals(by_world),
        "",
        "## Seconds",
        "",
        *_table(by_world, models, "seconds", "{:.0f}"),
        "",
        "## Lost",
        "",
        *_lost(everything),
        "",
    ]
    return "\n".join(parts)


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _table(
    by_world: dict[str, list[dict[str, Any]]], models: list[str], figure: str, form: str
) -> list[str]:
    lines = [_line(["world", *models]), _line(["---"] * (len(models) + 1))]
    columns: dict[str, list[float]] = {model: [] for model in models}
    for world, found in by_world.items():
        cells = [f"{world} ({len(found)})"]
        for model in models:
            values = [f["models"][model][figure] for f in found if model in f["models"]]
            cells.append(form.format(np.mean(values)) if values else "")
            columns[model].append(float(np.mean(values)) if values else np.nan)
        lines.append(_line(cells))
    whole = ~np.isnan(np.array([columns[model] for model in models])).any(axis=0)
    if whole.any():
        means = [form.format(np.array(columns[model])[whole].mean()) for model in models]
        lines.append(_line([f"mean of the {whole.sum()} with every model", *means]))
    return lines


def _intervals(by_world: dict[str, list[dict[str, Any]]]) -> list[str]:
    heads = ["world", "held", "lowest tenth", "highest tenth", "width"]
    lines = [_line(heads), _line(["---"] * len(heads))]
    for world, found in by_world.items():
        ours = [f["models"][OURS] for f in found if OURS in f["models"]]
        if not ours:
            continue
        tenths = np.mean([figures["held_by_tenth"] for figures in ours], axis=0)
        held, width = (np.mean([figures[name] for figures in ours]) for name in ("held", "width"))
        cells = [f"{held:.0%}", f"{tenths.min():.0%}", f"{tenths.max():.0%}", f"{width:.3f}"]
        lines.append(_line([f"{world} ({len(ours)})", *cells]))
    return lines


def _lost(everything: list[dict[str, Any]]) -> list[str]:
    """Runs in which a peer was better by more than the allowance, and intervals that hold less."""
    lines = []
    for found in everything:
        models = found["models"]
        peers = {k: v for k, v in models.items() if k != OURS and "ours_minus_this" in v}
        if OURS not in models:
            continue
        name = f"{found['world']} (seed {found['seed']})"
        if peers:
            best = min(peers, key=lambda model: peers[model]["excess"])
            gap = peers[best]["ours_minus_this"]
            if gap["value"] > ALLOWED * peers[best]["excess"] + 2 * gap["error"]:
                mine, theirs = models[OURS]["excess"], peers[best]["excess"]
                lines.append(f"- {name}: {mine:.2%}, {best} {theirs:.2%}")
        held = models[OURS].get("held")
        if held is not None and not LEAST_HELD <= held <= MOST_HELD:
            lines.append(f"- {name}: intervals hold {held:.0%}")
    return lines or ["Nothing."]
