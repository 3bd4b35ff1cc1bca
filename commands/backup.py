"""``leadscore backup`` and ``leadscore restore``: the store in one file, while it is in use."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from commands.options import JsonOption
from features.language.composed import composed
from features.language.plural import plural


def add_to(app: typer.Typer) -> None:
    """Add this family's commands."""
    app.command()(backup)
    app.command()(restore)


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where the copy goes.")],
    as_json: JsonOption = False,
) -> None:
    """Copy the service's store to FILE while it runs: whole, or not at all.

    The copy holds every lead, event, outcome and score, those on their way as well, and no API
    keys. For a store on PostgreSQL the message says how to use pg_dump.

    Examples:

      leadscore backup /backups/store-2026-03-01.db
    """
    from datetime import UTC, datetime

    from commands.output import log, print_json
    from serving.settings import Settings
    from serving.store.backup import backup as copy
    from serving.timestamps import microseconds

    made = copy(Settings(), file, microseconds(datetime.now(UTC)))
    if as_json:
        print_json(
            {"file": str(made.path), "bytes": made.size_bytes, "from_journal": made.from_journal}
        )
    else:
        log(composed(f"{made.path}: {made.size_bytes:,} bytes, verified"))


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `leadscore backup` made.")],
    as_json: JsonOption = False,
) -> None:
    """Put a backup in the place of the store; stop the service first.

    Whoever was erased since the backup is erased from it again. All else that the store knows and
    the backup does not is replaced: make a backup of it first if it may still be of use.

    Examples:

      leadscore restore /backups/store-2026-03-01.db
    """
    from commands.output import log, print_json
    from serving.settings import Settings
    from serving.store.restore import restore as put_back

    done = put_back(Settings(), file)
    if as_json:
        print_json(
            {"store": str(done.path), "leads": done.leads, "erased_again": done.erased_again}
        )
    else:
        log(
            composed(
                plural(done.leads, "{n:,} lead is back", "{n:,} leads are back")
                + "; "
                + plural(
                    done.erased_again,
                    "{n:,} was erased again",
                    "{n:,} were erased again",
                )
            )
        )
