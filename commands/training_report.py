"""What ``leadscore train`` prints: the verdict, the figures with their intervals, the next step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from commands.output import print_pairs, print_table
from features.language.current import N_, _, day_of, say

if TYPE_CHECKING:
    from commands.train import TrainOutcome

FIGURES = {
    "log_loss": N_("log loss (smaller is better)"),
    "brier": N_("Brier score (smaller is better)"),
    "auc": N_("AUC"),
    "calibration_error": N_("calibration error"),
    "top_decile_lift": N_("lift of the top tenth"),
}


def print_training(made: TrainOutcome) -> None:
    """The verdict, the figures with their intervals, the cuts, and what to do next."""
    from scoring.release.texts import translated_text

    metrics, manifest = made.release.metrics, made.release.manifest
    print(translated_text(metrics["verdict"]))
    print()
    print_pairs(about(metrics, manifest["data"]))
    print()
    print_figures(metrics)
    where = say(" in {out}", out=made.out) if made.out else _(" in the release store")
    print_pairs(
        [
            (N_("cuts"), translated_text(manifest["settings"]["cuts"])),
            (N_("release"), made.release.release_id + where),
        ]
    )
    if made.release.signed_by:
        print_pairs(
            [
                (
                    N_("signed"),
                    say(
                        "by {signed_by} (goes into LEADSCORE_TRUSTED_KEYS)",
                        signed_by=made.release.signed_by,
                    ),
                )
            ]
        )
    if metrics["signal"] is False:
        if made.version:
            print("\n" + say("Registered as version {version}.", version=made.version))
        print(
            _(
                "There is nothing to promote: every lead gets the same probability. Next: more "
                "leads, or attributes and interactions that say more (leadscore check DATASET)"
            )
        )
    elif made.version:
        print(
            "\n"
            + say(
                "Registered as version {version}. Next: leadscore promote {version}",
                version=made.version,
            )
        )
    else:
        print()
        print(_("Not registered. Next: leadscore score DATASET --release DIR --out FILE.csv"))


def about(metrics: Mapping[str, Any], data: Mapping[str, Any]) -> list[tuple[str, object]]:
    """What was learned from and tested on."""
    from scoring.release.texts import translated_text

    test = metrics["test"]
    learned = say(
        "{references:,} references of {leads:,} leads ({positives:,} positive, "
        "{immature:,} immature)",
        references=data["references"],
        leads=data["leads"],
        positives=data["positives"],
        immature=data["immature"],
    )
    tested = say(
        "{references:,} references of {leads:,} leads",
        references=test["references"],
        leads=test["leads"],
    )
    if test["from"]:
        tested += say(
            ", all from {day} on and later than what was learned from", day=day_of(test["from"])
        )
    lines: list[tuple[str, object]] = [(N_("learned from"), learned), (N_("tested on"), tested)]
    if data["immature"] and metrics["choice"].get("immature"):
        lines.insert(
            1, (N_("immature leads"), translated_text(metrics["choice"]["immature"]["words"]))
        )
    if sample := metrics["choice"].get("sample"):
        lines.insert(1, (N_("recipe chosen on"), translated_text(sample["words"])))
    return lines


def print_figures(metrics: Mapping[str, Any]) -> None:
    """The backtest beside the base rate's, each figure with its interval."""
    rows = [
        [_(words), figure(metrics[name]), figure(metrics["base_rate"][name])]
        for name, words in FIGURES.items()
    ]
    print_table(
        [N_("on the newest references"), N_("model"), N_("base rate")],
        rows,
        right=["model", "base rate"],
    )


def figure(value: Mapping[str, float]) -> str:
    """A figure with its 95 % interval.

    >>> figure({"value": 0.28173, "low": 0.25618, "high": 0.30737})
    '0.282 (0.256 to 0.307)'
    """
    return say(
        "{value:.3f} ({low:.3f} to {high:.3f})",
        value=value["value"],
        low=value["low"],
        high=value["high"],
    )
