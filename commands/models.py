"""Commands about models: train one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from commands.options import (
    DatasetArgument,
    HotPerWeekOption,
    JsonOption,
    ScorecardOption,
    SeedOption,
)


def add_to(app: typer.Typer) -> None:
    """Add this family's commands."""
    app.command()(train)


def train(
    dataset: DatasetArgument,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="RELEASE_DIR", help="Write the release folder here as well."),
    ] = None,
    seed: SeedOption = 0,
    hot_per_week: HotPerWeekOption = None,
    value_per_conversion: Annotated[
        float | None,
        typer.Option(
            "--value-per-conversion", help="What a conversion is worth; with --cost-per-contact."
        ),
    ] = None,
    cost_per_contact: Annotated[
        float | None,
        typer.Option("--cost-per-contact", help="What contacting a lead costs: sets the cuts."),
    ] = None,
    warm: Annotated[
        float | None, typer.Option("--warm", help="Warm from this probability; with --hot.")
    ] = None,
    hot: Annotated[
        float | None, typer.Option("--hot", help="Hot from this probability; with --warm.")
    ] = None,
    scorecard: ScorecardOption = None,
    exclude: Annotated[
        list[str] | None,
        typer.Option(
            "--exclude",
            metavar="NAME",
            help="Do not use this attribute, or kind:KIND of interaction; may be repeated.",
        ),
    ] = None,
    allow_leaks: Annotated[
        bool, typer.Option("--allow-leaks", help="Train although a leak is sure (leadscore audit).")
    ] = False,
    time_budget: Annotated[
        float | None,
        typer.Option(
            "--time-budget",
            metavar="SECONDS",
            min=0.0,
            help="Leave out what is estimated to take longer; the clock decides nothing.",
        ),
    ] = None,
    any_direction: Annotated[
        bool,
        typer.Option(
            "--any-direction",
            help="Let a better answer on budget, authority, need or timeline (levels in order in "
            "dataset.toml) lower a score where the data say so.",
        ),
    ] = False,
    sign_with: Annotated[
        Path | None,
        typer.Option(
            "--sign-with",
            metavar="KEY.pem",
            help="Sign the release with this Ed25519 key; in production only signed ones answer.",
        ),
    ] = None,
    jobs: Annotated[
        int, typer.Option("--jobs", min=1, help="Fits side by side, in worker processes.")
    ] = 2,
    no_register: Annotated[
        bool, typer.Option("--no-register", help="Write --out only; leave the registry alone.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Train on a dataset: choose by later references, calibrate, log, register a version.

    The model is chosen by log loss on references later than those it learned from, with the base
    rate as the floor: a dataset without signal gets a release that says so. The cuts between cold,
    warm and hot come from one source: the average probability (default), a capacity, a value, or
    as given. A sure leak stops it (exit code 4): exclude it, or say in dataset.toml when it is
    known.

    Examples:

      leadscore train my-leads

      leadscore train my-leads --out my-release --hot-per-week 40

      leadscore train my-leads --out my-release --no-register --warm 0.1 --hot 0.3
    """
    from commands.printing import print_json
    from commands.training import Wanted, train_release
    from commands.training_report import print_training
    from features.errors import UsageError
    from training.cuts import CutsChoice

    if no_register and out is None:
        raise UsageError("--no-register without --out keeps nothing; give --out RELEASE_DIR")
    cuts = CutsChoice(hot_per_week, value_per_conversion, cost_per_contact, warm, hot)
    wanted = Wanted(
        dataset=dataset, out=out, register=not no_register, scorecard=scorecard, seed=seed,
        cuts=cuts, exclude=tuple(exclude or ()), jobs=jobs, allow_leaks=allow_leaks,
        time_budget_s=time_budget, insist=not any_direction,
        sign_with=sign_with,
    )  # fmt: skip
    made = train_release(wanted)
    print_json(made.to_dict()) if as_json else print_training(made)
