"""The command that shows everything once: from simulated leads to scores with reasons."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.options import JsonOption, SeedOption
from commands.output import console_on, print_pairs, progress_bar, timed
from commands.registry import now
from commands.train import (
    TrainOptions,
    TrainOutcome,
    chosen_scorecard,
    save_and_register,
    stop_on_leaks,
)
from commands.training_report import figure
from features.language.current import N_, _, current, say
from features.language.plural import plural

if TYPE_CHECKING:
    import pyarrow as pa

    from features.dataset import Dataset
    from training.comparison.compare import Comparison
    from training.train import TrainedModel


def add_to(app: typer.Typer) -> None:
    """Add this family's command."""
    app.command()(demo)


def demo(
    leads: Annotated[int, typer.Option("--leads", min=500, help="How many leads.")] = 5000,
    seed: SeedOption = 0,
    folder: Annotated[
        Path | None,
        typer.Option("--folder", metavar="DIR", help="Where to put it; demo/ in the home else."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Simulate leads, train, compare with the rules, promote, score ten leads: a first look.

    Everything lands in one folder and in the release store ($LEADSCORE_HOME, ./var by default);
    leadscore serve then answers with the model it made.

    Examples:

      leadscore demo

      leadscore demo --leads 20000 --seed 7
    """
    from commands.output import print_json

    shown: DemoResult = run_demo(leads, seed, folder)
    print_json(shown.to_dict()) if as_json else print_shown(shown)


SHOWN_OF = {"hot": 4, "warm": 3, "cold": 3}
"""How many open leads of each band the demo shows: the surest of each."""


LEADS_TO_CHOOSE_ON = 2_500
"""A first look shall not take minutes: the recipe is chosen on so many leads, and fitted on all."""


SIMULATED = "default"
"""Name of the simulated world, by which a champion of the demo is known."""


@dataclass(frozen=True)
class DemoResult:
    """What the demo made and found."""

    made: TrainOutcome
    comparison: Comparison
    scores: pa.Table
    data: Path
    scores_file: Path
    promoted: bool

    def to_dict(self) -> dict[str, Any]:
        """Plain data for ``--json``."""
        return {
            "data": str(self.data),
            "scores": str(self.scores_file),
            "promoted": self.promoted,
            **self.made.to_dict(),
            "verdict": self.comparison.verdict.headline,
            "leads": ten_leads(self.scores),
        }


def run_demo(n_leads: int, seed: int, folder: Path | None) -> DemoResult:
    """Simulate, check, train, compare, promote and score."""
    from training.settings import TrackingSettings

    folder = folder or TrackingSettings().home / "demo"
    dataset = simulated(n_leads, seed, folder / "leads")
    made, trained = trained_on(dataset, folder, seed)
    comparison = compared(dataset, trained)
    promoted = promote_if_free(made)
    scores = scored(dataset, made, folder / "scores.csv")
    show_on_page(dataset, made)
    if promoted:
        show_comparison(comparison)
    return DemoResult(made, comparison, scores, folder / "leads", folder / "scores.csv", promoted)


def simulated(n_leads: int, seed: int, out: Path) -> Dataset:
    """Write simulated leads and read them back within the contract."""
    from commands.output import report_reading
    from features.reading.read import read_dataset
    from training.simulator import SCENARIOS, simulate, write_simulation

    with timed("simulate " + plural(n_leads, "{n:,} lead", "{n:,} leads")):
        write_simulation(simulate(n_leads, seed, world=SCENARIOS[SIMULATED]), out, truth=False)
    with timed("check them against the data contract"):
        dataset = read_dataset(out)
    report_reading(dataset)
    return dataset


def trained_on(dataset: Dataset, folder: Path, seed: int) -> tuple[TrainOutcome, TrainedModel]:
    """Train, write the release folder and register it."""
    from training.config import TrainingConfig
    from training.thresholds import ThresholdPolicy
    from training.train import train

    audit = stop_on_leaks(dataset, ())
    with timed("train"), progress_bar() as report_progress:
        card = chosen_scorecard(None)
        config = TrainingConfig(seed=seed, scorecard=card, choose_on=LEADS_TO_CHOOSE_ON)
        trained = train(dataset, config, audit=audit, progress=report_progress)
    wanted = TrainOptions(
        str(folder / "leads"), folder / "release", True, None, seed, ThresholdPolicy()
    )
    return save_and_register(wanted, trained, folder), trained


def compared(dataset: Dataset, trained: TrainedModel) -> Comparison:
    """The learned score beside the default scorecard, on the references it was tested on."""
    from training.comparison.run import compare_backtest

    with timed("compare with the rules"):
        result = compare_backtest(dataset, trained.data, trained.backtest, chosen_scorecard(None))
    return result.comparison


def promote_if_free(made: TrainOutcome) -> bool:
    """Promote, unless a champion answers that is not a demo's: nobody's own is replaced."""
    from scoring.release.release import load_release
    from scoring.release.store import ReleaseStore
    from training.registry.gate_criteria import GateReport
    from training.registry.promote import promote
    from training.settings import TrackingSettings

    pointer = ReleaseStore(TrackingSettings().home).pointer()
    if pointer is not None and load_release(Path(pointer.path)).name != SIMULATED:
        return False
    with timed(f"promote version {made.version}"):
        passed = GateReport((), {"demo": True})  # a demo run again is no better than before
        promote(made.version, who="leadscore demo", now=now(), gate=lambda *_: passed)
    return True


def scored(dataset: Dataset, made: TrainOutcome, out: Path) -> pa.Table:
    """Scores of every open lead, written to ``out``."""
    from commands.score import score_all
    from features.reading.read import open_leads
    from scoring.scores_io import write_scores

    table = score_all(made.release, dataset, *open_leads(dataset), version=made.version)
    write_scores(table, out)
    return table


def show_on_page(dataset: Dataset, made: TrainOutcome) -> None:
    """Put the newest leads into the service's store, unless it holds leads already."""
    if os.name == "nt":  # the service does not run there
        return
    from datetime import UTC, datetime

    from commands.demo_store import fill_store
    from serving.predictor.predictor import Predictor
    from serving.settings import Settings

    with timed("put the newest leads into the store of the service"):
        fill_store(dataset, Predictor(made.release, made.version), Settings(), datetime.now(UTC))


def show_comparison(comparison: Comparison) -> None:
    """Keep the comparison where the page looks for it."""
    from commands.output import json_text
    from serving.settings import COMPARISON_FILE
    from training.settings import TrackingSettings

    file = TrackingSettings().home / COMPARISON_FILE
    file.write_text(json_text(comparison.to_dict()), encoding="utf-8")


def ten_leads(scores: pa.Table) -> list[dict[str, Any]]:
    """The surest leads of each band, hottest first."""
    ranked = sorted(
        (row for row in scores.to_pylist() if row["error"] is None),
        key=lambda row: (-row["probability"], row["lead_id"]),
    )
    chosen: list[dict[str, Any]] = []
    for band, count in SHOWN_OF.items():
        chosen += [row for row in ranked if row["band"] == band][:count]
    return chosen


def print_shown(shown: DemoResult) -> None:
    """Ten leads with their reasons, what the comparison found, and what to type next."""
    from scoring.release.texts import translated_text
    from training.report_texts import translated

    print_leads(ten_leads(shown.scores))
    metrics = shown.made.release.metrics
    print_pairs(
        [
            (N_("model"), translated_text(metrics["verdict"])),
            (
                N_("log loss"),
                say(
                    "{figure}; base rate {base_rate}",
                    figure=figure(metrics["log_loss"]),
                    base_rate=figure(metrics["base_rate"]["log_loss"]),
                ),
            ),
            (N_("and the rules?"), translated(shown.comparison.verdict.headline)),
            (N_("leads"), shown.data),
            (N_("scores"), shown.scores_file),
            (N_("release"), shown.made.out),
            (
                N_("version"),
                say("{version} in the registry (leadscore models)", version=shown.made.version),
            ),
        ]
    )  # fmt: skip
    print()
    if not shown.promoted:
        print(
            say(
                "Not promoted: a champion of your own answers. leadscore promote {version}",
                version=shown.made.version,
            )
        )
    print(say("Serve it:  {typed} serve     then open http://127.0.0.1:8000/", typed=typed()))


def typed() -> str:
    """The command as it is typed here: by name when the shell finds it, else by its path."""
    if shutil.which("leadscore"):
        return "leadscore"
    return os.path.relpath(sys.argv[0])


def print_leads(rows: list[dict[str, Any]]) -> None:
    """Leads with probability, band, the rules' points and the reasons."""
    from rich import box
    from rich.table import Table

    from scoring.bands import label

    colour = {"hot": "red", "warm": "yellow", "cold": "blue"}
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    names = (
        N_("lead"), N_("converts in 30 days"), N_("band"), N_("rules"),
        N_("because (share of the log-odds)"),
    )  # fmt: skip
    for name in names:
        table.add_column(_(name), justify="right" if name == "rules" else "left")
    for row in rows:
        reasons = [row[f"reason_{i}"] for i in (1, 2, 3) if row[f"reason_{i}"]]
        table.add_row(
            row["lead_id"],
            say(
                "{probability:.0%}  ({low:.0%} to {high:.0%})",
                probability=row["probability"],
                low=row["low"],
                high=row["high"],
            ),
            f"[{colour[row['band']]}]{label(row['band'], current())}[/]",
            f"{row['rule_points']:z.0f} {label(row['rule_band'], current())}",
            "\n".join(reasons),
        )
    console_on(sys.stdout).print(table)
