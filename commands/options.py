"""The arguments and options that several commands share, each described once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

DatasetArgument = Annotated[
    str,
    typer.Argument(
        metavar="DATASET",
        help="A dataset folder, or sqlite:///FILE or postgresql://… with tables of the same names.",
        show_default=False,
    ),
]

JsonOption = Annotated[
    bool, typer.Option("--json", help="Print the result as JSON on stdout.", show_default=False)
]

SeedOption = Annotated[
    int, typer.Option("--seed", min=0, help="Same data and same seed give the same result.")
]

MaxBadOption = Annotated[
    float | None,
    typer.Option(
        "--max-bad",
        min=0.0,
        max=1.0,
        help="Stop when more than this share of a file's rows break the contract; "
        "max_bad of dataset.toml, or 0.01, otherwise.",
        show_default=False,
    ),
]

SampleOption = Annotated[
    float | None,
    typer.Option(
        "--sample",
        metavar="SHARE",
        min=0.0001,
        max=1.0,
        help="Read this share of the leads only, whole, chosen by a hash of the id.",
        show_default=False,
    ),
]

QuarantineOption = Annotated[
    Path | None,
    typer.Option(
        "--quarantine", metavar="DIR", help="Write the rows that break the contract here."
    ),
]

ScorecardOption = Annotated[
    Path | None,
    typer.Option(
        "--scorecard",
        metavar="FILE",
        help="The rules to stand beside the model, as TOML; the default scorecard otherwise.",
    ),
]

ReleaseOption = Annotated[
    str,
    typer.Option(
        "--release",
        metavar="RELEASE",
        help="A release folder, 'champion', 'challenger', 'previous' or a version number.",
    ),
]

HotPerWeekOption = Annotated[
    float | None,
    typer.Option(
        "--hot-per-week",
        metavar="N",
        min=0.0,
        help="Of the leads that are open in a week, how many the team can call.",
    ),
]

ValuePerConversionOption = Annotated[
    float | None,
    typer.Option(
        "--value-per-conversion", help="What a conversion is worth; with --cost-per-contact."
    ),
]

CostPerContactOption = Annotated[
    float | None,
    typer.Option("--cost-per-contact", help="What contacting a lead costs: sets the cuts."),
]

WarmOption = Annotated[
    float | None, typer.Option("--warm", help="Warm from this probability; with --hot.")
]

HotOption = Annotated[
    float | None, typer.Option("--hot", help="Hot from this probability; with --warm.")
]

ExcludeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--exclude",
        metavar="NAME",
        help="Do not use this attribute, or kind:KIND of interaction; may be repeated.",
    ),
]

TimeBudgetOption = Annotated[
    float | None,
    typer.Option(
        "--time-budget",
        metavar="SECONDS",
        min=0.0,
        help="Leave out what is estimated to take longer; the clock decides nothing.",
    ),
]

AnyDirectionOption = Annotated[
    bool,
    typer.Option(
        "--any-direction",
        help="Let a better answer on budget, authority, need or timeline (levels in order in "
        "dataset.toml) lower a score where the data say so.",
    ),
]

SignWithOption = Annotated[
    Path | None,
    typer.Option(
        "--sign-with",
        metavar="KEY.pem",
        help="Sign the release with this Ed25519 key; in production only signed ones answer.",
    ),
]

JobsOption = Annotated[
    int, typer.Option("--jobs", min=1, help="Fits side by side, in worker processes.")
]

ChooseOnOption = Annotated[
    int | None,
    typer.Option(
        "--choose-on",
        metavar="N",
        min=0,
        help="Choose the recipe on so many leads and fit it on all; 0: on all. Without it: on as "
        "many as have 100,000 references.",
    ),
]

CandidateOption = Annotated[
    list[str] | None,
    typer.Option(
        "--candidate",
        metavar="MODULE:FACTORY",
        help="A scikit-learn classifier of your own, to compete on the same folds; may be "
        "repeated. The module is looked for in this folder too.",
    ),
]
