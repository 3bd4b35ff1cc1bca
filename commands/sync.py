"""``leadscore sync`` and ``leadscore push``: a system's records in, scores back out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.options import JsonOption
from features.language.composed import composed
from features.language.current import say
from features.language.plural import plural

if TYPE_CHECKING:
    from integrations.connectors.push import PushReport

REFUSED = 3
"""Exit code when the system refused some rows; the others are written."""

SystemArgument = Annotated[
    str,
    typer.Argument(
        metavar="SYSTEM",
        help="hubspot, salesforce, odoo, pipedrive or dynamics.",
        show_default=False,
    ),
]
UrlOption = Annotated[
    str | None,
    typer.Option("--url", metavar="URL", help="The address of the API, if it is not the usual."),
]


def add_to(app: typer.Typer) -> None:
    """Add this family's commands."""
    app.command()(sync)
    app.command()(push)


def sync(
    system: SystemArgument,
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER",
            help="The folder of the export; sync.db in it knows how far each kind is.",
            show_default=False,
        ),
    ],
    into: Annotated[
        Path | None,
        typer.Option(
            "--import",
            metavar="OUT",
            help="Import into this dataset folder afterwards, as `import` does.",
        ),
    ] = None,
    named: Annotated[
        list[str] | None,
        typer.Option(
            "--property",
            metavar="NAME",
            help="A field to read beside those chosen; may be repeated.",
        ),
    ] = None,
    without: Annotated[
        list[str] | None,
        typer.Option(
            "--without",
            metavar="NAME",
            help="A kind (emails) or fields (x_draft*) not to read; may be repeated.",
        ),
    ] = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Read what changed in a system over its API, as the export that `leadscore import` reads.

    The first run reads everything, each later one what was modified since, with the history of its
    fields. A run that ends in the middle goes on where it stopped when the command is given again.
    Then `leadscore import SYSTEM FOLDER OUT`, or --import OUT here, makes the dataset.

    Tokens come from the environment and are never shown; docs/integrations/ names the variables
    and the rights.

    Examples:

      leadscore sync hubspot exports/ --import my-leads

      leadscore sync hubspot exports/ --property budget_text --without emails
    """
    import os
    import time
    from datetime import UTC, datetime

    from commands.output import log, print_json, timed
    from integrations.connectors.systems import sync_system, system_named

    made = system_named(system)
    now = datetime.now(UTC)
    with timed(f"sync {system}"):
        notes, rows = sync_system(
            system, folder, os.environ, url, now, time.sleep,
            named=named or (), without=without or (),
        )  # fmt: skip
    for note in notes:
        log(composed(note))
    report: dict[str, Any] = {"files": rows, "notes": notes}
    if into is None:
        if as_json:
            print_json(report)
            return
        _print_rows(rows)
        zone = f" --zone {made.zone}" if made.zone else ""
        log(composed(f"Next: leadscore import {made.recipe} {folder} OUT{zone}"))
        return
    from integrations.recipe import Choices
    from integrations.run import import_export

    choices = Choices(zone=made.zone)
    imported = import_export(made.recipe, folder, into, choices, exported_at=now.isoformat())
    if as_json:
        print_json({**report, "import": imported.to_dict()})
        return
    _print_rows(rows)
    print("\n".join(map(composed, imported.to_text().split("\n"))))
    log(say("Next: leadscore check {out}", out=into))


def _print_rows(rows: dict[str, int]) -> None:
    for name, count in rows.items():
        print(composed(f"{name}: {plural(count, '{n:,} row', '{n:,} rows')}"))


def push(
    system: SystemArgument,
    scores: Annotated[
        Path,
        typer.Argument(
            metavar="SCORES", help="The scores that `leadscore score` wrote.", show_default=False
        ),
    ],
    field: Annotated[
        list[str] | None,
        typer.Option(
            "--field",
            metavar="NAME=FIELD",
            help="The system's field for probability, band, reasons or as_of; may be repeated.",
        ),
    ] = None,
    into: Annotated[
        str | None,
        typer.Option(
            "--into",
            metavar="TABLE",
            help="A table of the system's own for scores, in place of fields: "
            "msdyn_predictivescores (dynamics).",
        ),
    ] = None,
    state: Annotated[
        Path | None,
        typer.Option(
            "--state",
            metavar="FILE",
            help="What was sent before; push-SYSTEM.db beside SCORES otherwise.",
        ),
    ] = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Write scores into a system's fields: probability, band, reasons and their moment (as_of).

    Only leads whose probability (to four digits), band or reasons changed since the last push are
    sent, in batches. A lead that the system refuses is listed with the reason and tried again by
    the next push; the exit code is then 3.

    Examples:

      leadscore push hubspot scores.csv

      leadscore push hubspot scores.csv --field band=ml_band --state state/push.db

      leadscore push dynamics scores.csv --into msdyn_predictivescores
    """
    import os
    import time

    from commands.output import print_json
    from integrations.connectors.systems import push_system

    file = state or scores.parent / f"push-{system}.db"
    report = push_system(
        system, scores, file, os.environ, url, time.sleep, fields=field or (), into=into
    )
    if as_json:
        print_json(_as_json(report))
    else:
        for lead_id, reason in report.failures:
            print(composed(f"refused: {lead_id}: {reason}"))
        text = (
            f"{plural(report.sent, '{n:,} sent', '{n:,} sent')}, {report.unchanged:,} unchanged, "
            f"{plural(len(report.failures), '{n:,} refused', '{n:,} refused')}, "
            f"{report.unscored:,} without a score"
        )
        print(composed(text))
    if report.failures:
        raise typer.Exit(REFUSED)


def _as_json(report: PushReport) -> dict[str, object]:
    return {
        "sent": report.sent,
        "unchanged": report.unchanged,
        "unscored": report.unscored,
        "refused": [{"lead_id": lead_id, "reason": why} for lead_id, why in report.failures],
    }
