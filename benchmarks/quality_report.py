"""The tables of the quality benchmark, wins and losses alike."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

NOT_PEERS = ("leadscore", "truth", "base rate", "default scorecard")
COLUMNS = ("log_loss", "brier", "auc", "calibration_error", "top_decile_lift")


def read_truth(path: Path) -> dict[tuple[str, int], float]:
    """(lead, as_of in microseconds) → true probability."""
    table = pd.read_csv(path)
    moments = pd.to_datetime(table["as_of"], utc=True, format="ISO8601")
    at = (moments - pd.Timestamp(0, tz="UTC")) // pd.Timedelta(1, "us")
    return dict(zip(zip(table["lead_id"], at, strict=True), table["probability"], strict=True))


def of_one(found: dict[str, Any]) -> str:
    """One dataset: every model, then what was won and lost."""
    how = "newest fifth" if found["by_time"] else "grouped folds, no time: figures are optimistic"
    lines = [
        f"### {found['name']}",
        "",
        f"{found['references']:,} references of {found['leads']:,} leads ({how}), rate "
        f"{found['rate']:.3f}; left out: {', '.join(found['excluded']) or 'nothing'}; "
        f"recipe: {found['recipe']}.",
        "",
        "| model | log loss | Brier | AUC | calibration error | top-decile lift | "
        "leadscore's log loss minus this one's | s |",
        "|---|---|---|---|---|---|---|---|",
    ]
    ranked = sorted(found["models"].items(), key=lambda item: item[1]["log_loss"]["value"])
    for model, figures in ranked:
        values = " | ".join(f"{figures[column]['value']:.4f}" for column in COLUMNS)
        gap = figures["leadscore_minus_this"]
        paired = "" if model == "leadscore" else _paired(gap)
        lines.append(f"| {model} | {values} | {paired} | {figures['seconds']:.0f} |")
    return "\n".join([*lines, ""])


def _paired(gap: dict[str, float]) -> str:
    word = "better" if gap["high"] < 0 else "WORSE" if gap["low"] > 0 else "even"
    return f"{gap['value']:+.4f} [{gap['low']:+.4f}, {gap['high']:+.4f}] {word}"


def _expected_above(
    mine: dict[str, Any], peers: Iterable[dict[str, Any]], truth: dict[str, Any]
) -> list[str]:
    """Percent above the truth's expected log loss: ours, and the lowest of the peers'."""
    if "expected_log_loss" not in mine:  # measured before it was asked
        return ["", ""]
    least = min(peer["expected_log_loss"] for peer in peers)
    losses = (mine["expected_log_loss"], least)
    return [f"{100 * (loss / truth['expected_log_loss'] - 1):.1f} %" for loss in losses]


def of_all(everything: list[dict[str, Any]]) -> str:
    """Summary first: the best peer of each dataset, wins, losses, distance to the truth."""
    lines = [
        "# Quality of the probabilities",
        "",
        "From `make bench-quality`. Log loss in nats on references that no model had seen; "
        "intervals are 95 % paired bootstraps over leads; below zero leadscore is better.",
        "",
        "Above truth: on these outcomes, and as expected over all outcomes (less luck in it).",
        "",
        "| dataset | base rate | best peer | leadscore | minus the best peer | above truth | "
        "expected | best peer's |",
        "|---|---|---|---|---|---|---|---|",
    ]
    won: list[str] = []
    lost: list[str] = []
    for found in everything:
        models = found["models"]
        peers = {k: v for k, v in models.items() if k not in NOT_PEERS}
        best = min(peers, key=lambda k: peers[k]["log_loss"]["value"])
        mine = models["leadscore"]["log_loss"]["value"]
        above = [""] * 3
        if "truth" in models:
            above[0] = f"{100 * (mine / models['truth']['log_loss']['value'] - 1):.1f} %"
            above[1:] = _expected_above(models["leadscore"], peers.values(), models["truth"])
        lines.append(
            f"| {found['name']} | {models['base rate']['log_loss']['value']:.4f} | {best} "
            f"{peers[best]['log_loss']['value']:.4f} | {mine:.4f} | "
            f"{_paired(peers[best]['leadscore_minus_this'])} | {' | '.join(above)} |"
        )
        for model, figures in models.items():
            gap = figures["leadscore_minus_this"]
            if model not in ("leadscore", "truth") and gap["high"] < 0:
                won.append(f"{found['name']}: {model}")
            if model not in ("leadscore", "truth") and gap["low"] > 0:
                lost.append(f"{found['name']}: {model} ({gap['value']:+.4f})")
    lines += ["", f"Significantly better than {len(won)}: {'; '.join(won) or 'none'}.", ""]
    lines += [f"Significantly worse than {len(lost)}: {'; '.join(lost) or 'none'}.", ""]
    return "\n".join([*lines, *(of_one(found) for found in everything)])
