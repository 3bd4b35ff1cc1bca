"""Scoring beyond memory and beyond one machine: what ``leadscore score`` does when asked to."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from features.errors import UsageError


class Engine(StrEnum):
    """Where scores are computed."""

    LOCAL = "local"
    SPARK = "spark"


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
class FarRun:
    """What the command was asked to score, as it stands on the command line."""

    dataset: str
    release: Path
    out: str
    references: str | None
    buckets: str | None
    version: str


def score_by_buckets(asked: FarRun, workers: int) -> dict[str, Any]:
    """Score in buckets on disk; the summary that the command prints."""
    from commands.printing import progress_bar, say, step
    from commands.reading import tell_set_aside
    from commands.scoring import questions, tell_beyond
    from scoring.buckets import BucketRun, score_in_buckets

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
    say(f"what is finished is kept in {work}: run the same command again to go on after a stop")
    with step(f"score {asked.dataset} in buckets"), progress_bar() as tell:
        result = score_in_buckets(run, lambda data: questions(data, asked.references), tell)
    tell_set_aside(result.quarantined)
    tell_beyond(result.beyond, result.rows, result.oldest_days)
    return {
        "rows": result.rows,
        "bands": result.bands,
        "errors": result.errors,
        "buckets": result.buckets,
        "buckets_done_now": result.buckets_done_now,
        "resumed": result.resumed,
        "quarantined": sum(rows.rows for rows in result.quarantined if not rows.harmless),
    }


def score_by_spark(asked: FarRun, master: str | None) -> dict[str, Any]:
    """Score on Spark, which shows its own progress; the summary that the command prints."""
    from commands.printing import step
    from commands.reading import tell_set_aside
    from commands.scoring import tell_beyond
    from scoring.spark import SparkRun, score_with_spark, spark_session

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
        with step(f"score {asked.dataset} on Spark ({session.sparkContext.master})"):
            result = score_with_spark(session, run)
    finally:
        session.stop()
    tell_set_aside(result.quarantined)
    tell_beyond(result.beyond, result.rows, result.oldest_days)
    return {
        "rows": result.rows,
        "bands": result.bands,
        "errors": result.errors,
        "buckets": result.buckets,
        "quarantined": sum(rows.rows for rows in result.quarantined if not rows.harmless),
    }
