"""``leadscore store``: a whole dataset into the service's store, and out of it again."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from commands.options import DatasetArgument, JsonOption, MaxBadOption
from features.language.composed import composed
from features.language.current import say_n

store = typer.Typer(no_args_is_help=True, help="The service's store: load a dataset, export one.")


def add_to(app: typer.Typer) -> None:
    """Add this family's commands."""
    store.command("load")(load)
    store.command("export")(export)
    app.add_typer(store, name="store")


def load(
    dataset: DatasetArgument,
    source: Annotated[
        str,
        typer.Option(help="Where the events come from; an event is known by source and event_id."),
    ] = "import",
    max_bad: MaxBadOption = None,
    as_json: JsonOption = False,
) -> None:
    """Load a dataset into the store of the service, which may be running.

    Loading it again changes nothing. What the store refuses is counted by its reason. The settings
    of the dataset become the store's, unless it has some.

    Examples:

      leadscore store load my-leads

      leadscore store load my-leads --source hubspot --json
    """
    from datetime import UTC, datetime

    from sqlalchemy.exc import SQLAlchemyError

    from commands.output import log, print_json, print_pairs, progress_bar, report_reading
    from commands.store_load import Loader, summary
    from features.errors import StorageError, UsageError
    from features.reading.read import read_dataset
    from serving.messages.fields import LONGEST_NAME
    from serving.settings import Settings
    from serving.store.database import connect, failure, store_url
    from serving.store.migrate import migrate
    from serving.store.restore import not_while_restoring
    from serving.store.tombstones import load_tombstones
    from serving.timestamps import microseconds

    if not 1 <= len(source) <= LONGEST_NAME:
        raise UsageError(f"--source needs 1 to {LONGEST_NAME} characters")
    data = read_dataset(dataset, max_bad_fraction=max_bad, outcomes_required=False)
    report_reading(data)
    settings = Settings()
    engine = connect(store_url(settings), settings.database_wait_s)
    try:
        with not_while_restoring(settings):
            migrate(engine)
        with engine.execution_options(writes=True).begin() as connection:
            tombstones = load_tombstones(connection, settings.home)
        loader = Loader(engine, tombstones, microseconds(datetime.now(UTC)), source)
        with progress_bar(quiet=as_json) as report_progress:
            loader.load(data, report_progress)
        from serving.store.views import ViewRefresher

        ViewRefresher(engine).refresh()
    except SQLAlchemyError as error:
        trouble = failure(error)
        raise StorageError(f"{trouble}; what was loaded stays, load it again") from error
    finally:
        engine.dispose()
    if as_json:
        print_json({"rows": loader.counts, "attributes_left_out": loader.left_out})
        return
    for name in loader.left_out:
        log(composed(f"left out: {name!r}, which cannot be the name of a column in a database"))
    print_pairs(list(summary(loader.counts)))


def export(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A new folder.")],
    as_json: JsonOption = False,
) -> None:
    """Write what the store holds as a dataset folder, as training would read it from the store.

    Merged leads are one, withdrawn rows are left out, scores and the audit trail stay where they
    are.

    Examples:

      leadscore store export leads-of-today
    """
    from commands.output import print_json, print_pairs
    from commands.store_export import export_store
    from serving.settings import Settings

    counts = export_store(Settings(), out)
    if as_json:
        print_json({"folder": str(out), "rows": counts})
    else:
        print_pairs(
            [(name, say_n("{n:,} row", "{n:,} rows", count)) for name, count in counts.items()]
        )
