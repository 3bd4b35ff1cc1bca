"""``leadscore score``: references or open leads to a file of scores."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.options import DatasetArgument, JsonOption, MaxBadOption, ReleaseOption
from features.errors import LeadscoreError, UsageError
from features.language.composed import composed
from features.language.current import current, number, say_n
from features.language.plural import plural

if TYPE_CHECKING:
    import pyarrow as pa

    from features.compute.array_types import Int64, Object
    from features.dataset import Dataset
    from scoring.release.release import Release
    from scoring.release.store import StoredRelease


def add_to(app: typer.Typer) -> None:
    """Add this family's commands."""
    app.command()(score)


class Engine(StrEnum):
    """Where scores are computed."""

    LOCAL = "local"
    SPARK = "spark"


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
    by_account: Annotated[
        str | None,
        typer.Option(
            "--by-account",
            metavar="FILE",
            help="Also write one row an account: expected conversions, best lead, bands.",
        ),
    ] = None,
    max_bad: MaxBadOption = None,
    as_json: JsonOption = False,
) -> None:
    """Score references: one row each, in the order asked, to a CSV or Parquet file.

    Without --references every open lead is scored as of the end of what was observed (every lead,
    where there is no time). A reference that cannot be scored keeps its row, with the reason in
    the column error.

    Examples:

      leadscore score my-leads --out scores.csv

      leadscore score my-leads --release my-release --references asked.csv --out scores.parquet

      leadscore score my-leads --out scores.csv --by-account accounts.csv

      leadscore score my-leads --buckets auto --out scores.parquet

      leadscore score hdfs://host/leads --engine spark --out hdfs://host/scores
    """
    from commands.batch_scoring import (
        BatchJob,
        refuse_account_features,
        score_by_buckets,
        score_by_spark,
    )
    from commands.output import log, print_json
    from scoring.scores_io import check_ending

    is_local = engine is Engine.LOCAL and buckets is None
    if engine is Engine.LOCAL:
        check_ending(Path(out))
    if by_account is not None:
        check_ending(Path(by_account))
        if not is_local:
            raise UsageError("--by-account is for scores in memory: without --buckets and Spark")
    with release_lookup(release) as lookup:
        if is_local:
            summary = score_locally(dataset, Path(out), references, lookup, max_bad, by_account)
        else:
            found, loaded = lookup.result()
            version = found.version or loaded.release_id
            if engine is Engine.SPARK:
                refuse_account_features(loaded)
            job = BatchJob(dataset, Path(found.path), out, references, buckets, version, max_bad)
            summary = (
                score_by_spark(job, spark_master)
                if engine is Engine.SPARK
                else score_by_buckets(job, workers)
            )
        found, loaded = lookup.result()
    summary_of_run = {"out": out, "release": loaded.release_id, "version": found.version, **summary}
    print_json(summary_of_run) if as_json else print_summary(summary_of_run)
    if loaded.metrics.get("signal") is False:
        log(
            composed(
                "note: this release found no signal: every lead has the same probability and band"
            )
        )


def print_summary(summary: dict[str, Any]) -> None:
    """What was written, in one line."""
    from scoring.bands import label

    bands = summary["bands"]
    counts = ", ".join(number(f"{n:,} ") + label(name, current()) for name, n in bands.items())
    errors = (
        say_n("; {n:,} could not be scored", "; {n:,} could not be scored", summary["errors"])
        if summary["errors"]
        else ""
    )
    print(
        say_n(
            "{out}: {n:,} row: {counts}{errors}",
            "{out}: {n:,} rows: {counts}{errors}",
            summary["rows"],
            out=summary["out"],
            counts=counts,
            errors=errors,
        )
    )


@contextmanager
def release_lookup(release: str) -> Iterator[Future[tuple[StoredRelease, Release]]]:
    """A release found and verified by another thread, while this one reads what is to be scored.

    If both fail, the release's error is the one that is raised.
    """

    def look_up() -> tuple[StoredRelease, Release]:
        from commands.output import log
        from scoring.release.release import load_release
        from training.registry.resolve import locate

        found = locate(release, warn=log)
        return found, load_release(Path(found.path))

    with ThreadPoolExecutor(1) as pool:
        lookup = pool.submit(look_up)
        try:
            yield lookup
        except LeadscoreError:
            lookup.result()
            raise


def score_locally(
    dataset: str,
    out: Path,
    references: str | None,
    lookup: Future[tuple[StoredRelease, Release]],
    max_bad: float | None = None,
    by_account: str | None = None,
) -> dict[str, object]:
    """Score in this process; the summary that the command prints."""
    from commands.output import report_reading, timed
    from commands.requested_references import requested_references, warn_extrapolation
    from features.reading.read import read_dataset
    from scoring.scores_io import write_scores

    def stop_early(_: int) -> None:
        if lookup.done():
            lookup.result()  # raises what is wrong with the release, before all is read

    with timed(f"read {dataset}"):
        data = read_dataset(
            dataset, max_bad_fraction=max_bad, outcomes_required=False, progress=stop_early
        )
    report_reading(data)
    requested = requested_references(data, references)
    found, release = lookup.result()
    table = score_all(release, data, *requested, version=found.version or release.release_id)
    warn_extrapolation(release, data, *requested)
    with timed(f"write {out}"):
        write_scores(table, out)
    bands = table["band"].to_pylist()
    return {
        "rows": table.num_rows,
        "bands": {name: bands.count(name) for name in ("hot", "warm", "cold")},
        "errors": table.num_rows - table["error"].null_count,
        **({} if by_account is None else {"accounts": write_accounts(table, data, by_account)}),
    }


def write_accounts(table: pa.Table, data: Dataset, path: str) -> int:
    """Write the roll-up by account, and how many accounts it has.

    Raises UsageError where the data name no accounts.
    """
    from commands.output import timed
    from features.accounts import lead_accounts
    from scoring.account_scores import account_scores
    from scoring.scores_io import write_scores

    accounts = lead_accounts(data)
    if accounts is None:
        raise UsageError(
            "--by-account needs a column account_id in leads; if it has another name, say so in "
            'dataset.toml: [columns.leads] account_id = "…"'
        )
    rolled_up = account_scores(table, accounts)
    with timed(f"write {path}"):
        write_scores(rolled_up, Path(path))
    return int(rolled_up.num_rows)


def score_all(
    release: Release, data: Dataset, lead_ids: Object, as_of_us: Int64, *, version: str
) -> pa.Table:
    """The table of scores, with a progress bar while it grows."""
    from commands.output import progress_bar, timed
    from features.histories.build import histories_from_dataset
    from scoring.scores import scores_table

    with (
        timed("score " + plural(len(lead_ids), "{n:,} reference", "{n:,} references")),
        progress_bar() as report_progress,
    ):
        return scores_table(
            release,
            histories_from_dataset(data),
            lead_ids,
            as_of_us,
            model_version=version,
            language=current(),
            progress=lambda done, total: report_progress("score the leads", done, total),
        )
