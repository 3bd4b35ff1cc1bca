"""Scoring beyond memory and beyond one machine: what ``leadscore score`` does when asked to."""

from __future__ import annotations

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


def score_by_buckets(
    dataset: str,
    release: Path,
    out: Path,
    references: Path | None,
    *,
    buckets: str,
    workers: int,
    version: str | None,
) -> dict[str, Any]:
    """Score in buckets on disk; the summary that the command prints."""
    from commands.leads import questions
    from commands.printing import progress_bar, say, step
    from scoring.buckets import BucketRun, score_in_buckets

    work = out.with_name(f"{out.name}.work")
    run = BucketRun(
        source=dataset,
        release=release,
        out=out,
        work=work,
        questions_from=references,
        model_version=version,
        buckets=bucket_count(buckets),
        workers=workers,
    )
    say(f"what is finished is kept in {work}: run the same command again to go on after a stop")
    with step(f"score {dataset} in buckets"), progress_bar() as tell:
        result = score_in_buckets(run, lambda data: questions(data, references), tell)
    return {
        "rows": result.rows,
        "bands": result.bands,
        "errors": result.errors,
        "buckets": result.buckets,
        "buckets_done_now": result.buckets_done_now,
        "resumed": result.resumed,
        "quarantined": sum(rows.rows for rows in result.quarantined if not rows.harmless),
    }
