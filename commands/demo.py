"""The command that shows everything once: from simulated leads to scores with reasons."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.options import JsonOption, SeedOption

if TYPE_CHECKING:
    from commands.demo_run import Shown


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
    from commands.demo_run import print_shown, run_demo
    from commands.printing import print_json

    shown: Shown = run_demo(leads, seed, folder)
    print_json(shown.to_dict()) if as_json else print_shown(shown)
