"""``leadscore lead``: one lead with its history, as the API takes it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer

from commands.options import DatasetArgument, JsonOption, MaxBadOption
from features.errors import UsageError


def add_to(app: typer.Typer) -> None:
    """Add this family's commands."""
    app.command()(lead)


def lead(
    dataset: DatasetArgument,
    lead_id: Annotated[
        str, typer.Argument(metavar="LEAD_ID", help="Which lead.", show_default=False)
    ],
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", metavar="MOMENT", help="Only what was known before; ISO 8601."),
    ] = None,
    max_bad: MaxBadOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print one lead with its history as JSON, as POST /v1/scores takes it.

    What it prints is the body of a request, with or without --json.

    Examples:

      leadscore lead my-leads L000042 --as-of 2024-06-01T00:00:00Z > lead.json

      curl --json @lead.json http://127.0.0.1:8000/v1/scores
    """
    from commands.output import print_json, timed
    from features.lead_message import lead_message
    from features.reading.read import read_dataset

    del as_json  # the result is JSON either way
    moment = None if as_of is None else moment_of(as_of)
    with timed(f"read {dataset}"):
        data = read_dataset(dataset, max_bad_fraction=max_bad, outcomes_required=False)
    print_json(lead_message(data, lead_id, moment))


def moment_of(text: str) -> datetime:
    """A moment as typed, in UTC. Raises UsageError without a zone.

    >>> moment_of("2026-03-01T09:00:00+01:00").isoformat()
    '2026-03-01T09:00:00+01:00'
    """

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise UsageError(
            f"{text!r} is no moment with a zone; expected such as 2026-03-01T09:00:00Z"
        )
    return moment
