"""Commands about data: make it, check it, look for leaks in it."""

from __future__ import annotations

import typer

from commands.options import DatasetArgument, JsonOption, MaxBadOption, QuarantineOption


def add_to(app: typer.Typer) -> None:
    """Add this family's commands."""
    app.command()(check)


def check(
    dataset: DatasetArgument,
    max_bad: MaxBadOption = 0.01,
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
    from commands.dataset_report import print_summary
    from commands.printing import print_json, step
    from features.reading import read_dataset
    from features.summary import summary_of

    with step(f"read {dataset}"):
        found = read_dataset(dataset, max_bad_fraction=max_bad, quarantine_dir=quarantine)
    summary = summary_of(found)
    print_json(summary) if as_json else print_summary(summary)
