"""What a training found, as a person reads it on a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from commands.printing import print_pairs, print_table

if TYPE_CHECKING:
    from commands.training import Made

FIGURES = {
    "log_loss": "log loss (smaller is better)",
    "brier": "Brier score (smaller is better)",
    "auc": "AUC",
    "calibration_error": "calibration error",
    "top_decile_lift": "lift of the top tenth",
}


def print_training(made: Made) -> None:
    """The verdict, the figures with their intervals, the cuts, and what to do next."""
    metrics, manifest = made.release.metrics, made.release.manifest
    print(metrics["verdict"])
    print()
    print_pairs(about(metrics, manifest["data"]))
    print()
    print_figures(metrics)
    where = f" in {made.out}" if made.out else " in the release store"
    print_pairs(
        [("cuts", manifest["settings"]["cuts"]), ("release", made.release.release_id + where)]
    )
    if made.release.signed_by:
        print_pairs([("signed", f"by {made.release.signed_by} (goes into LEADSCORE_TRUSTED_KEYS)")])
    if made.version:
        print(f"\nRegistered as version {made.version}. Next: leadscore promote {made.version}")
    else:
        print("\nNot registered. Next: leadscore score DATASET --release DIR --out FILE.csv")


def about(metrics: Mapping[str, Any], data: Mapping[str, Any]) -> list[tuple[str, object]]:
    """What was learned from and tested on."""
    test = metrics["test"]
    learned = (
        f"{data['references']:,} references of {data['leads']:,} leads "
        f"({data['positives']:,} positive, {data['immature']:,} immature)"
    )
    tested = f"{test['references']:,} references of {test['leads']:,} leads"
    if test["from"]:
        tested += f", all from {test['from'][:10]} on and later than what was learned from"
    return [("learned from", learned), ("tested on", tested)]


def print_figures(metrics: Mapping[str, Any]) -> None:
    """The honest test beside the base rate's, each figure with its interval."""
    rows = [
        [words, figure(metrics[name]), figure(metrics["base_rate"][name])]
        for name, words in FIGURES.items()
    ]
    print_table(
        ["on the newest references", "model", "base rate"], rows, right=["model", "base rate"]
    )


def figure(value: Mapping[str, float]) -> str:
    """A figure with its 95 % interval.

    >>> figure({"value": 0.28173, "low": 0.25618, "high": 0.30737})
    '0.282 (0.256 to 0.307)'
    """
    return f"{value['value']:.3f} ({value['low']:.3f} to {value['high']:.3f})"
