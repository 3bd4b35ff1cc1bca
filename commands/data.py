"""Commands about data: make it, check it, look for leaks in it."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.options import (
    DatasetArgument,
    JsonOption,
    MaxBadOption,
    QuarantineOption,
    SampleOption,
    SeedOption,
)
from features.language.current import say, say_n
from features.language.plural import plural

if TYPE_CHECKING:
    from training.leakage.audit import AuditReport


class WorldName(StrEnum):
    """The worlds that can be simulated; the keys of ``training.simulator.SCENARIOS``."""

    DEFAULT = "default"
    RARE = "rare"
    NOISY = "noisy"


def add_to(app: typer.Typer) -> None:
    """Add this family's commands."""
    app.command()(simulate)
    app.command()(check)
    app.command()(audit)


def simulate(
    out: Annotated[
        Path, typer.Argument(metavar="OUT", help="The dataset folder to write.", show_default=False)
    ],
    leads: Annotated[int, typer.Option("--leads", min=1, help="How many leads.")] = 5000,
    seed: SeedOption = 0,
    world: Annotated[WorldName, typer.Option("--world", help="What the leads are like.")] = (
        WorldName.DEFAULT
    ),
    as_json: JsonOption = False,
) -> None:
    """Simulate leads of a small B2B firm as a dataset folder, with their true probabilities.

    The truth stands in truth.csv beside the tables: a model can be compared with it exactly.
    The same arguments give the same bytes.

    Examples:

      leadscore simulate my-leads

      leadscore simulate my-leads --leads 20000 --seed 7
    """
    from commands.output import print_json, timed
    from training import simulator

    with timed("simulate " + plural(leads, "{n:,} lead", "{n:,} leads")):
        made = simulator.simulate(leads, seed, world=simulator.SCENARIOS[world])
        simulator.write_simulation(made, out)
    counts: dict[str, Any] = {
        "folder": str(out),
        "leads": len(made.leads),
        "interactions": len(made.interactions),
        "answers": len(made.answers),
        "converted": int((made.outcomes["outcome"] == "converted").sum()),
        "observed_until": made.observed_until,
        "seed": seed,
        "world": world,
    }
    if as_json:
        print_json(counts)
        return
    print(
        say(
            "{out}: {leads}, {interactions}, {answers}, {converted}",
            out=out,
            leads=say_n("{n:,} lead", "{n:,} leads", counts["leads"]),
            interactions=say_n("{n:,} interaction", "{n:,} interactions", counts["interactions"]),
            answers=say_n("{n:,} answer", "{n:,} answers", counts["answers"]),
            converted=say_n("{n:,} converted", "{n:,} converted", counts["converted"]),
        )
    )
    print(say("Next: leadscore check {out}", out=out))


def check(
    dataset: DatasetArgument,
    max_bad: MaxBadOption = None,
    quarantine: QuarantineOption = None,
    as_json: JsonOption = False,
) -> None:
    """Check a dataset against the contract: counts, what was inferred, what was set aside.

    Stops with exit code 3 when too many rows break the contract, and says which and why.

    Examples:

      leadscore check my-leads

      leadscore check my-leads --quarantine bad-rows --json

      leadscore check sqlite:///crm.db
    """
    from commands.output import print_json, timed
    from features.reading.check.check import check as report_on

    with timed(f"read {dataset}"):
        report = report_on(dataset, max_bad_fraction=max_bad, quarantine_dir=quarantine)
    print_json(report.to_dict()) if as_json else print(report.to_text())


def audit(
    dataset: DatasetArgument,
    costs: Annotated[
        bool,
        typer.Option("--costs/--no-costs", help="Work out what excluding each suspect costs."),
    ] = True,
    max_bad: MaxBadOption = None,
    sample: SampleOption = None,
    as_json: JsonOption = False,
) -> None:
    """Look for leaks: attributes, answers and kinds that know the outcome before they can.

    One row per suspect, with the evidence, what it reaches alone and what leaving it out costs.
    Exits with 4 when a leak is sure: training stops there too. Nothing is judged by its name.

    Examples:

      leadscore audit my-leads

      leadscore audit my-leads --no-costs --json
    """
    from commands.output import print_json, timed
    from features.reading.read import read_dataset
    from training.leakage.audit import audit as examine
    from training.leakage.audit import sure_leaks

    with timed(f"read {dataset}"):
        data = read_dataset(dataset, max_bad_fraction=max_bad, sample=sample)
    with timed("look for leaks"):
        report = examine(data, costs=costs)
    print_json(report.to_dict()) if as_json else print_audit(report)
    if sure_leaks(report):
        raise typer.Exit(4)


def print_audit(report: AuditReport) -> None:
    """Each suspect with its evidence below it, and what each verdict asks for."""
    from textwrap import fill

    from training.leakage.report import VERDICT_MEANING
    from training.report_texts import translated

    print(report.summary() + "\n")
    for row in report.rows():
        alone = say("alone {alone}", alone=row["alone"]) if row["alone"] else ""
        cost = row["cost of excluding"]
        cost = say("without it {cost}", cost=cost) if cost else ""
        figures = "; ".join(words for words in (alone, cost, row["way out"]) if words)
        verdict = translated(row["verdict"])
        print(f"{verdict:<10}{row['what']} {row['suspect']!r}  {figures}".rstrip())
        print(fill(row["evidence"], 100, initial_indent=" " * 10, subsequent_indent=" " * 10))
    for verdict in dict.fromkeys(suspect.verdict for suspect in report.suspects):
        named = translated(verdict.value)
        print(
            "\n"
            + say(
                "{verdict}: {meaning}", verdict=named, meaning=translated(VERDICT_MEANING[verdict])
            ),
            end="",
        )
    print()
    for note in report.notes:
        print(say("Mind: {note}", note=translated(note)))
