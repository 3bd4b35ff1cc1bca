"""Scoring more than fits into memory: in buckets on disk, or on Spark."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from commands.requested_references import report_extrapolation, requested_references
from features.errors import UsageError
from features.language.composed import composed
from features.language.current import current

if TYPE_CHECKING:
    from scoring.batch.out_of_core import BucketResult
    from scoring.batch.spark import SparkResult
    from scoring.release.release import Release


def refuse_account_features(release: Release) -> None:
    """Spark's partitions hold some leads of an account: UsageError if the others are needed."""
    from features.contract import ACCOUNT_ATTRIBUTES

    used = {feature.topic for feature in release.spec.features} & set(ACCOUNT_ATTRIBUTES)
    if used:
        raise UsageError(
            f"release {release.release_id} uses {', '.join(sorted(used))} of a lead's account, "
            "which Spark's partitions do not know; score without --engine spark"
        )


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
    """What to score, as the command line states it."""

    dataset: str
    release: Path
    out: str
    references: str | None
    buckets: str | None
    version: str
    max_bad: float | None = None


def score_by_buckets(job: BatchJob, workers: int) -> dict[str, Any]:
    """Score in buckets on disk; the summary that the command prints."""
    from commands.output import log, progress_bar, timed
    from scoring.batch.out_of_core import BucketRun, score_in_buckets

    out = Path(job.out)
    work = out.with_name(f"{out.name}.work")
    run = BucketRun(
        source=job.dataset,
        release=job.release,
        out=out,
        work=work,
        questions_from=Path(job.references) if job.references else None,
        model_version=job.version,
        buckets=bucket_count(job.buckets or "auto"),
        workers=workers,
        max_bad_fraction=job.max_bad,
        language=current(),
    )
    log(
        composed(
            f"what is finished is kept in {work}: run the same command again to go on after a stop"
        )
    )
    with timed(f"score {job.dataset} in buckets"), progress_bar() as report_progress:
        result = score_in_buckets(
            run, lambda data: requested_references(data, job.references), report_progress
        )
    return {
        **_summary(result),
        "buckets_done_now": result.buckets_done_now,
        "resumed": result.resumed,
    }


def score_by_spark(job: BatchJob, master: str | None) -> dict[str, Any]:
    """Score on Spark, which shows its own progress; the summary that the command prints."""
    from commands.output import timed
    from scoring.batch.spark import SparkRun, score_with_spark, spark_session

    run = SparkRun(
        source=job.dataset,
        release=job.release,
        out=job.out,
        references=job.references,
        model_version=job.version,
        buckets=bucket_count(job.buckets or "auto"),
        language=current(),
    )
    session = spark_session(master)
    session.sparkContext.setLogLevel("OFF")  # an error is reported once, in words, by us
    try:
        with timed(f"score {job.dataset} on Spark ({session.sparkContext.master})"):
            result = score_with_spark(session, run)
    finally:
        session.stop()
    return _summary(result)


def _summary(result: BucketResult | SparkResult) -> dict[str, Any]:
    """What the command prints of a run, once it has said what was set aside and extrapolated."""
    from commands.output import report_set_aside

    report_set_aside(result.quarantined)
    report_extrapolation(result.n_extrapolating, result.rows, result.oldest_days)
    return {
        "rows": result.rows,
        "bands": result.bands,
        "errors": result.errors,
        "buckets": result.buckets,
        "quarantined": sum(rows.rows for rows in result.quarantined if not rows.harmless),
    }
