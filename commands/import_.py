"""``leadscore import``: an export of a known system becomes a dataset folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from commands.options import JsonOption
from features.language.composed import composed
from features.language.current import say

if TYPE_CHECKING:
    from integrations.recipe import Meaning
    from integrations.table_match import Matched


def add_to(app: typer.Typer) -> None:
    """Add this family's commands."""
    app.command("import")(import_)


def import_(
    system: Annotated[
        str | None,
        typer.Argument(
            metavar="SYSTEM",
            help="The system the export is from (--list names them), or auto.",
            show_default=False,
        ),
    ] = None,
    export: Annotated[
        Path | None,
        typer.Argument(
            metavar="EXPORT", help="The folder with the export's files.", show_default=False
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Argument(metavar="OUT", help="The dataset folder to write.", show_default=False),
    ] = None,
    detect: Annotated[
        Path | None,
        typer.Option("--detect", metavar="EXPORT", help="Only say which system an export is from."),
    ] = None,
    list_systems: Annotated[
        bool, typer.Option("--list", help="Name the systems that are known.", show_default=False)
    ] = False,
    zone: Annotated[
        str | None,
        typer.Option(
            "--zone",
            metavar="ZONE",
            help="The time zone of times and days without one, such as Europe/Paris.",
        ),
    ] = None,
    goal: Annotated[
        str | None,
        typer.Option(
            "--goal",
            metavar="GOAL",
            help="What counts as a conversion, where the system knows several.",
        ),
    ] = None,
    converted: Annotated[
        list[str] | None,
        typer.Option("--converted", metavar="WORD", help="A word that means converted."),
    ] = None,
    lost: Annotated[
        list[str] | None, typer.Option("--lost", metavar="WORD", help="A word that means lost.")
    ] = None,
    still_open: Annotated[
        list[str] | None,
        typer.Option("--open", metavar="WORD", help="A word that means still open."),
    ] = None,
    created: Annotated[
        list[str] | None,
        typer.Option("--created", metavar="EVENT", help="An event that makes a visitor a lead."),
    ] = None,
    as_at_creation: Annotated[
        list[str] | None,
        typer.Option(
            "--as-at-creation",
            metavar="FIELD",
            help="Take a field without a history as known at creation; '*' takes all of them.",
        ),
    ] = None,
    tracked_since: Annotated[
        str | None,
        typer.Option(
            "--tracked-since",
            metavar="MOMENT",
            help="When the system began to keep histories, if before its first change.",
        ),
    ] = None,
    exported_at: Annotated[
        str | None,
        typer.Option(
            "--exported-at",
            metavar="MOMENT",
            help="When the export was made, if its own times do not tell.",
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Turn an export of a known system into a dataset folder, and say what has a history.

    What is known only as it is now is not used: nobody knows when it was learned. Rows that
    cannot be used are counted by reason, first of all; a lead whose outcome cannot be read is set
    aside, never taken for open. docs/integrations/ says what to export from each system.

    Examples:

      leadscore import salesforce exports/ my-leads --zone Europe/Paris

      leadscore import auto exports/ my-leads --lost Recycled --as-at-creation LeadSource

      leadscore import --detect exports/
    """
    from commands.output import log, print_json, timed
    from features.errors import UsageError
    from integrations.recipe import Choices, systems
    from integrations.run import detect_system, import_export

    if list_systems:
        print_json(list(systems())) if as_json else print("\n".join(systems()))
        return
    if detect is not None:
        found = detect_system(detect)
        print_json(_found(found)) if as_json else _print_found(found)
        return
    if system is None or export is None or out is None:
        raise UsageError("import needs SYSTEM EXPORT OUT, or --detect EXPORT, or --list")
    choices = Choices(
        zone=zone,
        goal=goal,
        words=_words(converted, lost, still_open, created),
        as_at_creation=tuple(as_at_creation or ()),
        tracked_since=tracked_since,
    )
    with timed(f"import {export}"):
        report = import_export(system, export, out, choices, exported_at=exported_at)
    if as_json:
        print_json(report.to_dict())
        return
    print("\n".join(map(composed, report.to_text().split("\n"))))
    log(say("Next: leadscore check {out}", out=out))


def _words(
    converted: list[str] | None,
    lost: list[str] | None,
    still_open: list[str] | None,
    created: list[str] | None,
) -> dict[str, Meaning]:
    """Each word a person gave with its meaning."""
    words: dict[str, Meaning] = dict.fromkeys(converted or (), "converted")
    words |= dict.fromkeys(lost or (), "lost")
    words |= dict.fromkeys(still_open or (), "open")
    words |= dict.fromkeys(created or (), "created")
    return words


def _found(found: Matched) -> dict[str, object]:
    return {
        "recipe": found.recipe.name,
        "system": found.recipe.title,
        "tables": {name: [f.name for f in files] for name, files in found.tables.items()},
        "unread": [{"file": name, "reason": why} for name, why in found.unread],
    }


def _print_found(found: Matched) -> None:
    """The system, its tables, and the files that are none of them."""
    for name, why in found.unread:
        print(composed(f"not read: {name}: {why}"))
    print(f"{found.recipe.name}: {found.recipe.title}")
    for name, files in found.tables.items():
        print(f"  {name}: {', '.join(file.name for file in files)}")
