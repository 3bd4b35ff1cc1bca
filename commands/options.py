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
