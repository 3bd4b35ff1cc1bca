"""Score more interactions than fit into memory, on one machine: bucket by bucket, resumable.

Interactions are read part by part and sent to hash buckets of leads on disk. Every bucket is then
scored on its own, and the rows are put back into the order given. What is finished when the run is
killed is not done again. Memory is bounded by one bucket for each worker.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from features.compute.array_types import Int64, Object
from features.compute.atomic import atomic_path
from features.dataset import Dataset
from features.dataset_settings import DatasetSettings
from features.errors import StorageError
from features.histories.arrays import NO_TIME
from features.histories.build import histories_from_dataset
from features.language.language import ENGLISH, Language
from features.reading.open_dataset import open_dataset
from features.reading.read import quarantine_for, source_of
from features.reading.sources.folder import FolderSource
from features.reading.sources.table_source import TableSource
from features.schemas import (
    ANSWERS_SCHEMA,
    INTERACTIONS_SCHEMA,
    UTC_MICROSECONDS,
    QuarantinedRows,
    arrow_of,
    leads_of,
)
from scoring.batch.checkpoint import TABLES_DONE, CheckpointDir, read_parts
from scoring.batch.partition import connection, estimated_rows, split, split_interactions
from scoring.extrapolation import count_extrapolating, oldest_learned_days
from scoring.release.release import Release, load_release
from scoring.scores import SCORE_COLUMNS, scores_table
from scoring.scores_io import ScoresStream, check_ending

ROWS_A_BUCKET = 4_000_000
ProgressCallback = Callable[[str, int, int], None]
Questions = Callable[[Dataset], tuple[Object, Int64]]


@dataclass(frozen=True, slots=True)
class BucketRun:
    """What a run in buckets is to do.

    ``buckets``: how many, or None to choose from the number of rows. ``work``: where it keeps
    what is finished; it is removed in the end. ``workers``: processes that score. ``language``: of
    the reasons.
    """

    source: str | Path
    release: Path
    out: Path
    work: Path
    questions_from: Path | None = None
    model_version: str | None = None
    buckets: int | None = None
    workers: int = 2
    max_bad_fraction: float | None = None
    language: Language = ENGLISH


@dataclass(frozen=True, slots=True)
class BucketResult:
    """What a run in buckets did: rows and buckets in all, buckets done by this very run.

    ``n_extrapolating``: references of leads older than any trained on (``oldest_days``).
    """

    rows: int
    buckets: int
    buckets_done_now: int
    resumed: bool
    bands: dict[str, int]
    errors: int
    quarantined: tuple[QuarantinedRows, ...]
    n_extrapolating: int
    oldest_days: float | None


def score_in_buckets(
    run: BucketRun, questions: Questions, progress: ProgressCallback
) -> BucketResult:
    """Write the scores of ``questions(dataset)`` to ``run.out``, in the order given.

    ``questions`` is called with the dataset without its interactions, ``tell(what, done, total)``
    to show progress. Raises DataError, ReleaseError, StorageError; the work folder then stays for
    the next run.
    """
    check_ending(run.out)
    tables = source_of(run.source)
    release = load_release(run.release)
    n_buckets = run.buckets or buckets_for(estimated_rows(tables), run.workers)
    work = CheckpointDir(run.work)
    with work.locked():
        plan = _plan(run, tables, release.release_id, n_buckets)
        resumed = work.resume(plan)
        oldest = oldest_learned_days(release.manifest["data"])
        aside, n_extrapolating = _split_tables(
            run, tables, work, n_buckets, questions, oldest, progress
        )
        version = run.model_version or release.release_id
        done_now = _score_buckets(run, work, n_buckets, version, progress)
        result = _gather(run, work, n_buckets, progress)
        shutil.rmtree(run.work)
    return BucketResult(**result, buckets=n_buckets, buckets_done_now=done_now, resumed=resumed,
                        quarantined=aside, n_extrapolating=n_extrapolating,
                        oldest_days=oldest)  # fmt: skip


def buckets_for(rows: int, workers: int) -> int:
    """How many buckets so that each holds about ROWS_A_BUCKET rows.

    >>> buckets_for(100_000_000, workers=2), buckets_for(10, workers=2)
    (25, 2)
    """
    return max(workers, -(-rows // ROWS_A_BUCKET))


def _plan(run: BucketRun, tables: TableSource, release_id: str, n_buckets: int) -> dict[str, Any]:
    """What must be the same for an earlier run to be continued."""
    files = [run.questions_from] if run.questions_from else []
    if isinstance(tables, FolderSource):
        files += sorted(p for p in tables.folder.rglob("*") if p.is_file())
    stats = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    language = {} if run.language is ENGLISH else {"language": run.language.code}
    return {
        **language,
        "source": str(run.source),
        "files": stats,
        "release": release_id,
        "version": run.model_version,
        "buckets": n_buckets,
        "duckdb": duckdb.__version__,
        "max_bad_fraction": run.max_bad_fraction,
    }


def _split_tables(
    run: BucketRun,
    tables: TableSource,
    work: CheckpointDir,
    n_buckets: int,
    questions: Questions,
    oldest_days: float | None,
    progress: ProgressCallback,
) -> tuple[tuple[QuarantinedRows, ...], int]:
    """Interactions, leads, answers and questions by bucket; nothing if an earlier run did it.

    Returns what was set aside, and how many references extrapolate.
    """
    finished = work.read_json(TABLES_DONE)
    if finished is not None:
        set_aside = tuple(QuarantinedRows(**rows) for rows in finished["quarantined"])
        return set_aside, finished["beyond"]
    aside = quarantine_for(run.max_bad_fraction)
    reading = open_dataset(tables, aside, outcomes_required=False)
    total = estimated_rows(tables)
    with connection(work.path, run.workers) as database:
        days = split_interactions(
            reading,
            work,
            n_buckets,
            database,
            lambda n: progress("split the leads", n, max(total, n)),
        )
        dataset = reading.dataset(INTERACTIONS_SCHEMA.empty_table(), days)
        leads = arrow_of(dataset.leads)
        with atomic_path(work.path / "leads.schema.parquet") as beside:
            parquet.write_table(leads.slice(0, 0), beside)
        split(leads, work.path / "leads", n_buckets, database)
        split(dataset.answers, work.path / "answers", n_buckets, database)
        requested = questions(dataset)
        split(_question_table(*requested), work.path / "questions", n_buckets, database)
    work.write_json("settings.json", dataset.settings.model_dump(mode="json"))
    n_extrapolating = count_extrapolating(oldest_days, dataset.leads, *requested)
    finished = {
        "quarantined": [asdict(rows) for rows in aside.found],
        "beyond": n_extrapolating,
    }
    work.write_json(TABLES_DONE, finished)
    return aside.found, n_extrapolating


def _question_table(lead_ids: Object, as_of_us: Int64) -> pa.Table:
    moments = pa.array(as_of_us, mask=as_of_us == NO_TIME).cast(UTC_MICROSECONDS)
    positions = np.arange(len(lead_ids), dtype=np.int64)
    columns = [pa.array(lead_ids, pa.string()), moments, pa.array(positions)]
    return pa.Table.from_arrays(columns, schema=QUESTIONS)


def _score_buckets(
    run: BucketRun, work: CheckpointDir, n_buckets: int, version: str, progress: ProgressCallback
) -> int:
    """Score every bucket that has no file yet; how many those were."""
    left = [b for b in range(n_buckets) if not work.scores(b).is_file()]
    done = n_buckets - len(left)
    progress("score the leads", done, n_buckets)
    jobs = [BucketJob(work.path, run.release, version, bucket, run.language) for bucket in left]
    for _ in _results(jobs, run.workers):
        done += 1
        progress("score the leads", done, n_buckets)
    return len(left)


def _results(jobs: list[BucketJob], workers: int) -> Iterator[tuple[int, int]]:
    """Results as they come; with one worker in this process, else in fresh ones."""
    if workers == 1 or len(jobs) <= 1:
        yield from map(score_bucket, jobs)
        return
    pool = ProcessPoolExecutor(
        min(workers, len(jobs)),
        mp_context=multiprocessing.get_context("spawn"),
        initializer=start_worker,
        initargs=(os.getpid(), 1),
    )
    with pool:
        futures = [pool.submit(score_bucket, job) for job in jobs]
        try:
            for future in as_completed(futures):
                yield future.result()
        except BrokenProcessPool as error:
            raise StorageError(
                "a worker process was killed, perhaps for want of memory; run the same command "
                "again to go on with the buckets that are left, or give more --buckets"
            ) from error
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


def _gather(
    run: BucketRun, work: CheckpointDir, n_buckets: int, progress: ProgressCallback
) -> dict[str, Any]:
    """All buckets' rows in the order given, as one file; and their counts."""
    files = [str(work.scores(bucket)) for bucket in range(n_buckets)]
    names = ", ".join(SCORE_COLUMNS.names)
    counts: dict[str, Any] = {"rows": 0, "errors": 0, "bands": {"hot": 0, "warm": 0, "cold": 0}}
    run.out.parent.mkdir(parents=True, exist_ok=True)
    with connection(work.path, run.workers) as database, atomic_path(run.out) as beside:
        total = sum(parquet.read_metadata(file).num_rows for file in files)
        sql = f"SELECT {names} FROM read_parquet($files) ORDER BY position"  # noqa: S608
        batches = database.sql(sql, params={"files": files}).to_arrow_reader(100_000)
        with ScoresStream(beside, run.out.suffix) as stream:
            for batch in batches:
                table = pa.Table.from_batches([batch]).cast(SCORE_COLUMNS)
                stream.write(table)
                _count(counts, table)
                progress("write the scores", counts["rows"], total)
    return counts


def _count(counts: dict[str, Any], table: pa.Table) -> None:
    counts["rows"] += table.num_rows
    counts["errors"] += table.num_rows - table.column("error").null_count
    for name in counts["bands"]:
        counts["bands"][name] += int(pc.sum(pc.equal(table.column("band"), name)).as_py() or 0)


QUESTIONS = pa.schema(
    [("lead_id", pa.string()), ("as_of", UTC_MICROSECONDS), ("position", pa.int64())]
)


BUCKET_COLUMNS = pa.schema([*SCORE_COLUMNS, ("position", pa.int64())])
"""Scores with the position of the question: rows are sorted by it in the end."""


@dataclass(frozen=True, slots=True)
class BucketJob:
    """What a worker needs to know to score one bucket; plain data."""

    work: Path
    release: Path
    model_version: str
    bucket: int
    language: Language = ENGLISH


@lru_cache(maxsize=2)
def _release(path: Path) -> Release:
    return load_release(path)


def score_bucket(job: BucketJob) -> tuple[int, int]:
    """Score the questions of one bucket into its file; (bucket, rows)."""
    work = CheckpointDir(job.work)
    questions = read_parts(work.parts("questions", job.bucket), QUESTIONS).sort_by("position")
    leads = leads_of(_lead_parts(work, job.bucket, questions))
    dataset = Dataset(
        DatasetSettings.model_validate(work.read_json("settings.json")),
        leads,
        read_parts(work.interaction_parts(job.bucket), INTERACTIONS_SCHEMA),
        leads.iloc[:0][["lead_id"]],
        read_parts(work.parts("answers", job.bucket), ANSWERS_SCHEMA),
    )
    release = _release(job.release)
    scored = dataset_scores(
        release, dataset, questions, model_version=job.model_version, language=job.language
    )
    with atomic_path(work.scores(job.bucket)) as beside:
        parquet.write_table(scored, beside, compression="lz4")
    return job.bucket, scored.num_rows


def dataset_scores(
    release: Release,
    dataset: Dataset,
    questions: pa.Table,
    *,
    model_version: str,
    language: Language = ENGLISH,
) -> pa.Table:
    """The scores of QUESTIONS about ``dataset``, row by row, as BUCKET_COLUMNS."""
    moments = pc.fill_null(questions.column("as_of").cast(pa.int64()), NO_TIME)
    table = scores_table(
        release,
        histories_from_dataset(dataset),
        questions.column("lead_id").to_numpy(zero_copy_only=False).astype(object),
        np.asarray(moments.to_numpy(), dtype=np.int64),
        model_version=model_version,
        language=language,
    )
    return table.append_column("position", questions.column("position"))


def _lead_parts(work: CheckpointDir, bucket: int, questions: pa.Table) -> pa.Table:
    """The leads of a bucket that have a reference."""
    schema = parquet.read_schema(work.path / "leads.schema.parquet")
    leads = read_parts(work.parts("leads", bucket), schema)
    requested = pc.unique(questions.column("lead_id"))
    return leads.filter(pc.is_in(leads.column("lead_id"), value_set=requested))


def start_worker(parent: int, threads: int) -> None:
    """Prepare a worker process: few threads, and it ends with its parent."""
    os.environ["OMP_NUM_THREADS"] = str(threads)
    pa.set_cpu_count(threads)
    pa.set_io_thread_count(threads)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)
