"""Commands about leads: score them, show one as the API takes it."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands.options import DatasetArgument, JsonOption, ReleaseOption
from features.errors import LeadscoreError, UsageError

if TYPE_CHECKING:
    import pyarrow as pa

    from features.compute.array_types import Int64, Object
    from features.dataset import Dataset
    from scoring.release.release import Release
    from scoring.release.store import StoredRelease
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.contract import AttributeType
from features.dataset import Dataset
from features.errors import DataError


def add_to(app: typer.Typer) -> None:
    """Add this family's commands."""
    app.command()(score)
    app.command()(lead)


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
    from commands.output import print_json
    from scoring.scores_io import check_ending

    if engine is Engine.LOCAL:
        check_ending(Path(out))
    with release_lookup(release) as lookup:
        if engine is Engine.LOCAL and buckets is None:
            summary = score_locally(dataset, Path(out), references, lookup)
        else:
            found, loaded = lookup.result()
            version = found.version or loaded.release_id
            far = BatchJob(dataset, Path(found.path), out, references, buckets, version)
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
    from commands.output import print_json, timed
    from features.reading.read import read_dataset

    del as_json  # the result is JSON either way
    moment = None if as_of is None else moment_of(as_of)
    with timed(f"read {dataset}"):
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


def bucket_count(buckets: str) -> int | None:
    """``--buckets``: a number from 1 to 65,536, or None for auto. Raises UsageError.

    >>> bucket_count("auto"), bucket_count("12")
    (None, 12)
    """
    if buckets == "auto":
        return None
    if not buckets.isdigit() or not 1 <= int(buckets) <= 65_536:
        raise UsageError(f"--buckets {buckets}: expected auto or a number from 1 to 65536")
    return int(buckets)


@dataclass(frozen=True, slots=True)
class BatchJob:
    """What the command was asked to score, as it stands on the command line."""

    dataset: str
    release: Path
    out: str
    references: str | None
    buckets: str | None
    version: str


def score_by_buckets(asked: BatchJob, workers: int) -> dict[str, Any]:
    """Score in buckets on disk; the summary that the command prints."""
    from commands.output import log, progress_bar, report_set_aside, timed
    from scoring.batch.out_of_core import BucketRun, score_in_buckets

    out = Path(asked.out)
    work = out.with_name(f"{out.name}.work")
    run = BucketRun(
        source=asked.dataset,
        release=asked.release,
        out=out,
        work=work,
        questions_from=Path(asked.references) if asked.references else None,
        model_version=asked.version,
        buckets=bucket_count(asked.buckets or "auto"),
        workers=workers,
    )
    log(f"what is finished is kept in {work}: run the same command again to go on after a stop")
    with timed(f"score {asked.dataset} in buckets"), progress_bar() as tell:
        result = score_in_buckets(run, lambda data: questions(data, asked.references), tell)
    report_set_aside(result.quarantined)
    report_extrapolation(result.beyond, result.rows, result.oldest_days)
    return {
        "rows": result.rows,
        "bands": result.bands,
        "errors": result.errors,
        "buckets": result.buckets,
        "buckets_done_now": result.buckets_done_now,
        "resumed": result.resumed,
        "quarantined": sum(rows.rows for rows in result.quarantined if not rows.harmless),
    }


def score_by_spark(asked: BatchJob, master: str | None) -> dict[str, Any]:
    """Score on Spark, which shows its own progress; the summary that the command prints."""
    from commands.output import report_set_aside, timed
    from scoring.batch.spark import SparkRun, score_with_spark, spark_session

    run = SparkRun(
        source=asked.dataset,
        release=asked.release,
        out=asked.out,
        references=asked.references,
        model_version=asked.version,
        buckets=bucket_count(asked.buckets or "auto"),
    )
    session = spark_session(master)
    session.sparkContext.setLogLevel("OFF")  # an error is told once, in words, by us
    try:
        with timed(f"score {asked.dataset} on Spark ({session.sparkContext.master})"):
            result = score_with_spark(session, run)
    finally:
        session.stop()
    report_set_aside(result.quarantined)
    report_extrapolation(result.beyond, result.rows, result.oldest_days)
    return {
        "rows": result.rows,
        "bands": result.bands,
        "errors": result.errors,
        "buckets": result.buckets,
        "quarantined": sum(rows.rows for rows in result.quarantined if not rows.harmless),
    }


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

    def prepare_reading() -> None:
        from features.schemas import prepare

        prepare()

    with ThreadPoolExecutor(1) as pool:
        lookup = pool.submit(look_up)
        pool.submit(prepare_reading)  # by the same thread, when the release is there
        try:
            yield lookup
        except LeadscoreError:
            lookup.result()
            raise


def score_locally(
    dataset: str, out: Path, references: str | None, lookup: Future[tuple[StoredRelease, Release]]
) -> dict[str, object]:
    """Score in this process; the summary that the command prints."""
    from commands.output import report_reading, timed
    from features.reading.read import read_dataset
    from scoring.scores_io import write_scores

    def stop_early(_: int) -> None:
        if lookup.done():
            lookup.result()  # raises what is wrong with the release, before all is read

    with timed(f"read {dataset}"):
        data = read_dataset(dataset, outcomes_required=False, progress=stop_early)
    report_reading(data)
    asked = questions(data, references)
    found, release = lookup.result()
    table = score_all(release, data, *asked, version=found.version or release.release_id)
    warn_extrapolation(release, data, *asked)
    with timed(f"write {out}"):
        write_scores(table, out)
    bands = table["band"].to_pylist()
    return {
        "rows": table.num_rows,
        "bands": {name: bands.count(name) for name in ("hot", "warm", "cold")},
        "errors": table.num_rows - table["error"].null_count,
    }


def questions(data: Dataset, references: str | None) -> tuple[Object, Int64]:
    """(lead_ids, as_of in microseconds) of the references asked about."""
    from commands.output import log
    from features.reading.read import open_leads, read_references

    if references is None:
        lead_ids, moments = open_leads(data)
        if not len(lead_ids):
            log("no lead is open, so there is nothing to ask; name questions by --references FILE")
        return lead_ids, moments
    asked = read_references(Path(references))
    moments = asked["as_of"].to_numpy(dtype="datetime64[us]").astype("int64")
    return asked["lead_id"].to_numpy(dtype=object), moments


def score_all(
    release: Release, data: Dataset, lead_ids: Object, as_of_us: Int64, *, version: str
) -> pa.Table:
    """The table of scores, with a progress bar while it grows."""
    from commands.output import progress_bar, timed
    from features.histories.build import histories_from_dataset
    from scoring.scores import scores_table

    with timed(f"score {len(lead_ids):,} references"), progress_bar() as tell:
        return scores_table(
            release,
            histories_from_dataset(data),
            lead_ids,
            as_of_us,
            model_version=version,
            progress=lambda done, total: tell("score", done, total),
        )


def warn_extrapolation(release: Release, data: Dataset, lead_ids: Object, as_of_us: Int64) -> None:
    """Say how many leads are older than any that the release has learned from."""
    from scoring.extrapolation import count_extrapolating, oldest_learned_days

    oldest = oldest_learned_days(release.manifest["data"])
    report_extrapolation(
        count_extrapolating(oldest, data.leads, lead_ids, as_of_us), len(lead_ids), oldest
    )


def report_extrapolation(beyond: int, asked: int, oldest_days: float | None) -> None:
    """The note about leads older than any learned from, if there are some."""
    from commands.output import log
    from scoring.extrapolation import extrapolation_note

    if beyond and oldest_days is not None:
        log(f"note: {extrapolation_note(beyond, asked, oldest_days)}")


Message = dict[str, Any]


def lead_message(dataset: Dataset, lead_id: str, as_of: datetime | None = None) -> Message:
    """The lead as JSON-ready data; unknown values are left out, moments are ISO 8601 in UTC.

    ``as_of``: only what happened before it is told; None: everything, and the answer is as of
    the moment of the request. Raises DataError if the lead is not in the dataset, or has no
    time to hold ``as_of`` against.
    """
    rows = dataset.leads[dataset.leads["lead_id"] == lead_id]
    if rows.empty:
        some = ", ".join(dataset.leads["lead_id"].head(3))
        raise DataError(f"no lead {lead_id!r} in {dataset.settings.name}; there are {some}, …")
    if as_of is not None and not dataset.has_time:
        raise DataError(f"{dataset.settings.name} has no time; leave --as-of out")
    lead = rows.iloc[0]
    message: Message = {"lead_id": lead_id}
    if dataset.has_time:
        message["created_at"] = iso(lead["created_at"])
    if as_of is not None:
        message["as_of"] = iso(as_of)
    message["attributes"] = attributes_of(dataset, lead)
    message["answers"] = rows_before(dataset.answers, "answered_at", lead_id, as_of)
    message["interactions"] = rows_before(dataset.interactions, "occurred_at", lead_id, as_of)
    return message


def attributes_of(dataset: Dataset, lead: pd.Series) -> Message:
    """The known attributes of one row of leads; booleans as booleans."""
    known: Message = {}
    for name, declared in dataset.settings.attributes.items():
        if name not in lead.index or pd.isna(lead[name]):
            continue
        value = lead[name]
        if declared.type is AttributeType.BOOLEAN:
            known[name] = bool(value)
        else:
            known[name] = value if isinstance(value, str) else float(value)
    return known


def rows_before(
    table: pa.Table, moment: str, lead_id: str, as_of: datetime | None
) -> list[Message]:
    """One lead's rows of a table with ``moment < as_of``, oldest first, without its id."""
    mine = table.filter(pc.equal(table["lead_id"], lead_id)).drop_columns(["lead_id"])
    if as_of is not None:
        mine = mine.filter(pc.less(mine[moment], pa.scalar(as_of, mine.schema.field(moment).type)))
    told = []
    for row in mine.sort_by(moment).to_pylist():
        row[moment] = iso(row[moment])
        told.append({name: value for name, value in row.items() if value is not None})
    return told


def iso(moment: datetime) -> str:
    """ISO 8601 in UTC with a Z; microseconds only where there are any.

    >>> from datetime import UTC
    >>> iso(datetime(2026, 3, 1, 9, tzinfo=UTC))
    '2026-03-01T09:00:00Z'
    """
    return pd.Timestamp(moment).tz_convert("UTC").isoformat().replace("+00:00", "Z")
