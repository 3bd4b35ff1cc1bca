"""Commands about leads: score them, show one as the API takes it."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from commands.options import DatasetArgument, JsonOption, ReleaseOption
from commands.scale import Engine, FarRun, score_by_buckets, score_by_spark
from commands.scoring import looked_up, score_here


def add_to(app: typer.Typer) -> None:
    """Add this family's commands."""
    app.command()(score)
    app.command()(lead)


def score(
    dataset: DatasetArgument,
    out: Annotated[
        str,
        typer.Option(
            "--out", metavar="FILE", help="Where to write: .csv or .parquet (a folder on Spark)."
        ),
    ],
    release: ReleaseOption = "champion",
    references: Annotated[
        str | None,
        typer.Option(
            "--references",
            metavar="FILE",
            help="lead_id and as_of of each question; else every open lead, now.",
        ),
    ] = None,
    buckets: Annotated[
        str | None,
        typer.Option(
            "--buckets",
            metavar="N|auto",
            help="Score in so many parts on disk, for more interactions than fit into memory; "
            "run again, it goes on where it was stopped.",
        ),
    ] = None,
    workers: Annotated[
        int, typer.Option("--workers", min=1, help="Processes that score buckets.")
    ] = 2,
    engine: Annotated[
        Engine, typer.Option("--engine", help="Where to compute: this process, or Spark.")
    ] = Engine.LOCAL,
    spark_master: Annotated[
        str | None,
        typer.Option(
            "--spark-master", metavar="URL", help="Where Spark runs; as Spark is configured else."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Score references: one row each, in the order asked, to a CSV or Parquet file.

    Without --references every open lead is scored as of the end of what was observed (every lead,
    where there is no time). A reference that cannot be scored keeps its row, with the reason in
    the column error.

    Examples:

      leadscore score my-leads --out scores.csv

      leadscore score my-leads --release my-release --references asked.csv --out scores.parquet

      leadscore score my-leads --buckets auto --out scores.parquet

      leadscore score hdfs://host/leads --engine spark --out hdfs://host/scores
    """
    from commands.printing import print_json
    from scoring.scores_file import check_ending

    if engine is Engine.LOCAL:
        check_ending(Path(out))
    with looked_up(release) as lookup:
        if engine is Engine.LOCAL and buckets is None:
            summary = score_here(dataset, Path(out), references, lookup)
        else:
            found, loaded = lookup.result()
            version = found.version or loaded.release_id
            far = FarRun(dataset, Path(found.path), out, references, buckets, version)
            summary = (
                score_by_spark(far, spark_master)
                if engine is Engine.SPARK
                else score_by_buckets(far, workers)
            )
        found, loaded = lookup.result()
    told = {"out": out, "release": loaded.release_id, "version": found.version, **summary}
    print_json(told) if as_json else print_summary(told)


def print_summary(summary: dict[str, object]) -> None:
    """What was written, in one line."""
    bands = summary["bands"]
    counts = ", ".join(f"{n:,} {name}" for name, n in bands.items())  # type: ignore[attr-defined]
    errors = f"; {summary['errors']:,} could not be scored" if summary["errors"] else ""
    print(f"{summary['out']}: {summary['rows']:,} rows: {counts}{errors}")


def lead(
    dataset: DatasetArgument,
    lead_id: Annotated[
        str, typer.Argument(metavar="LEAD_ID", help="Which lead.", show_default=False)
    ],
    as_of: Annotated[
        str | None,
        typer.Option("--as-of", metavar="MOMENT", help="Only what was known before; ISO 8601."),
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Print one lead with its history as JSON, as POST /v1/scores takes it.

    What it prints is the body of a request, with or without --json.

    Examples:

      leadscore lead my-leads L000042 --as-of 2024-06-01T00:00:00Z > lead.json

      curl --json @lead.json http://127.0.0.1:8000/v1/scores
    """
    from commands.printing import print_json, step
    from features.one_lead import lead_message
    from features.reading import read_dataset

    del as_json  # the result is JSON either way
    moment = None if as_of is None else moment_of(as_of)
    with step(f"read {dataset}"):
        data = read_dataset(dataset, outcomes_required=False)
    print_json(lead_message(data, lead_id, moment))


def moment_of(text: str) -> datetime:
    """A moment as typed, in UTC. Raises UsageError without a zone.

    >>> moment_of("2026-03-01T09:00:00+01:00").isoformat()
    '2026-03-01T09:00:00+01:00'
    """
    from features.errors import UsageError

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise UsageError(
            f"{text!r} is no moment with a zone; expected such as 2026-03-01T09:00:00Z"
        )
    return moment
