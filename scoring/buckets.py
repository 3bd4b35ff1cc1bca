"""Score more interactions than fit into memory, on one machine: bucket by bucket, resumable.

Interactions are read part by part and sent to hash buckets of leads on disk. Every bucket is then
scored on its own, and the rows are put back into the order asked. What is finished when the run is
killed is not done again. Memory is bounded by one bucket for each worker.
"""

from __future__ import annotations

import multiprocessing
import os
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from features.dataset import INTERACTIONS_SCHEMA, UTC_MICROSECONDS, Dataset
from features.errors import StorageError
from features.frames import arrow_of
from features.histories import NO_TIME, Int64, Object
from features.quarantine import Quarantine, QuarantinedRows
from features.reading_files import FolderSource, TableSource
from features.reading_run import source_of, start_reading
from scoring.bucket_scores import QUESTIONS, BucketJob, score_bucket, start_worker
from scoring.bucket_split import connection, estimated_rows, split, split_interactions
from scoring.bucket_work import TABLES_DONE, WorkFolder, whole_file
from scoring.reach import count_beyond, oldest_learned_days
from scoring.release import load_release
from scoring.scores import SCORE_COLUMNS
from scoring.scores_file import check_ending
from scoring.scores_stream import ScoresStream

ROWS_A_BUCKET = 4_000_000
Tell = Callable[[str, int, int], None]
Questions = Callable[[Dataset], tuple[Object, Int64]]


@dataclass(frozen=True, slots=True)
class BucketRun:
    """What a run in buckets is to do.

    ``buckets``: how many, or None to choose from the number of rows. ``work``: where it keeps
    what is finished; it is removed in the end. ``workers``: processes that score.
    """

    source: str | Path
    release: Path
    out: Path
    work: Path
    questions_from: Path | None = None
    model_version: str | None = None
    buckets: int | None = None
    workers: int = 2
    max_bad_fraction: float = 0.01


@dataclass(frozen=True, slots=True)
class BucketResult:
    """What a run in buckets did: rows and buckets in all, buckets done by this very run.

    ``beyond``: questions about leads older than any learned from (``oldest_days``).
    """

    rows: int
    buckets: int
    buckets_done_now: int
    resumed: bool
    bands: dict[str, int]
    errors: int
    quarantined: tuple[QuarantinedRows, ...]
    beyond: int
    oldest_days: float | None


def score_in_buckets(run: BucketRun, questions: Questions, tell: Tell) -> BucketResult:
    """Write the scores of ``questions(dataset)`` to ``run.out``, in the order asked.

    ``questions`` is given the dataset without its interactions. ``tell(what, done, total)`` shows
    progress. Raises DataError, ReleaseError, StorageError; the work folder then stays for the
    next run.
    """
    check_ending(run.out)
    tables = source_of(run.source)
    release = load_release(run.release)
    n_buckets = run.buckets or buckets_for(estimated_rows(tables), run.workers)
    work = WorkFolder(run.work)
    with work.locked():
        plan = _plan(run, tables, release.release_id, n_buckets)
        resumed = work.take_up(plan)
        oldest = oldest_learned_days(release.manifest["data"])
        aside, beyond = _split_tables(run, tables, work, n_buckets, questions, oldest, tell)
        version = run.model_version or release.release_id
        done_now = _score_buckets(run, work, n_buckets, version, tell)
        result = _gather(run, work, n_buckets, tell)
        shutil.rmtree(run.work)
    return BucketResult(**result, buckets=n_buckets, buckets_done_now=done_now, resumed=resumed,
                        quarantined=aside, beyond=beyond, oldest_days=oldest)  # fmt: skip


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
        files += sorted(p for p in tables.folder.iterdir() if p.is_file())
    stats = [(str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files]
    return {
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
    work: WorkFolder,
    n_buckets: int,
    questions: Questions,
    oldest_days: float | None,
    tell: Tell,
) -> tuple[tuple[QuarantinedRows, ...], int]:
    """Interactions, leads, answers and questions by bucket; nothing if an earlier run did it.

    What was set aside, and how many questions lie beyond what was learned.
    """
    finished = work.read_json(TABLES_DONE)
    if finished is not None:
        set_aside = tuple(QuarantinedRows(**rows) for rows in finished["quarantined"])
        return set_aside, finished["beyond"]
    aside = Quarantine(None, run.max_bad_fraction)
    reading = start_reading(tables, aside, outcomes_required=False)
    total = estimated_rows(tables)
    with connection(work.path, run.workers) as database:
        latest = split_interactions(
            reading, work, n_buckets, database, lambda n: tell("split", n, max(total, n))
        )
        dataset = reading.dataset(INTERACTIONS_SCHEMA.empty_table(), latest)
        leads = arrow_of(dataset.leads)
        with whole_file(work.path / "leads.schema.parquet") as beside:
            parquet.write_table(leads.slice(0, 0), beside)
        split(leads, work.path / "leads", n_buckets, database)
        split(dataset.answers, work.path / "answers", n_buckets, database)
        asked = questions(dataset)
        split(_question_table(*asked), work.path / "questions", n_buckets, database)
    work.write_json("settings.json", dataset.settings.model_dump(mode="json"))
    beyond = count_beyond(oldest_days, dataset.leads, *asked)
    told = {"quarantined": [asdict(rows) for rows in aside.found], "beyond": beyond}
    work.write_json(TABLES_DONE, told)
    return aside.found, beyond


def _question_table(lead_ids: Object, as_of_us: Int64) -> pa.Table:
    moments = pa.array(as_of_us, mask=as_of_us == NO_TIME).cast(UTC_MICROSECONDS)
    positions = np.arange(len(lead_ids), dtype=np.int64)
    columns = [pa.array(lead_ids, pa.string()), moments, pa.array(positions)]
    return pa.Table.from_arrays(columns, schema=QUESTIONS)


def _score_buckets(
    run: BucketRun, work: WorkFolder, n_buckets: int, version: str, tell: Tell
) -> int:
    """Score every bucket that has no file yet; how many those were."""
    left = [b for b in range(n_buckets) if not work.scores(b).is_file()]
    done = n_buckets - len(left)
    tell("score", done, n_buckets)
    jobs = [BucketJob(work.path, run.release, version, bucket) for bucket in left]
    for _ in _results(jobs, run.workers):
        done += 1
        tell("score", done, n_buckets)
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


def _gather(run: BucketRun, work: WorkFolder, n_buckets: int, tell: Tell) -> dict[str, Any]:
    """All buckets' rows in the order asked, written whole; and what they count."""
    files = [str(work.scores(bucket)) for bucket in range(n_buckets)]
    names = ", ".join(SCORE_COLUMNS.names)
    counts: dict[str, Any] = {"rows": 0, "errors": 0, "bands": {"hot": 0, "warm": 0, "cold": 0}}
    run.out.parent.mkdir(parents=True, exist_ok=True)
    with connection(work.path, run.workers) as database, whole_file(run.out) as beside:
        total = sum(parquet.read_metadata(file).num_rows for file in files)
        sql = f"SELECT {names} FROM read_parquet($files) ORDER BY position"  # noqa: S608
        batches = database.sql(sql, params={"files": files}).to_arrow_reader(100_000)
        with ScoresStream(beside, run.out.suffix) as stream:
            for batch in batches:
                table = pa.Table.from_batches([batch]).cast(SCORE_COLUMNS)
                stream.write(table)
                _count(counts, table)
                tell("write", counts["rows"], total)
    return counts


def _count(counts: dict[str, Any], table: pa.Table) -> None:
    counts["rows"] += table.num_rows
    counts["errors"] += table.num_rows - table.column("error").null_count
    for name in counts["bands"]:
        counts["bands"][name] += int(pc.sum(pc.equal(table.column("band"), name)).as_py() or 0)
