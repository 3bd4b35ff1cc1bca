"""One bucket of leads, scored on its own: the same vectors and bits as if all were in memory."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import parquet

from features.building import histories_of
from features.contract import DatasetSettings
from features.dataset import ANSWERS_SCHEMA, INTERACTIONS_SCHEMA, UTC_MICROSECONDS, Dataset
from features.frames import leads_of
from features.histories import NO_TIME
from scoring.bucket_work import WorkFolder, read_parts, whole_file
from scoring.release import Release, load_release
from scoring.scores import SCORE_COLUMNS, scores_table

QUESTIONS = pa.schema(
    [("lead_id", pa.string()), ("as_of", UTC_MICROSECONDS), ("position", pa.int64())]
)
BUCKET_COLUMNS = pa.schema([*SCORE_COLUMNS, ("position", pa.int64())])
"""Scores with the position of the question: rows are brought back into the order asked by it."""


@dataclass(frozen=True, slots=True)
class BucketJob:
    """What a worker needs to know to score one bucket; plain data."""

    work: Path
    release: Path
    model_version: str
    bucket: int


@lru_cache(maxsize=2)
def _release(path: Path) -> Release:
    return load_release(path)


def score_bucket(job: BucketJob) -> tuple[int, int]:
    """Score the questions of one bucket into its file; (bucket, rows)."""
    work = WorkFolder(job.work)
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
    scored = dataset_scores(release, dataset, questions, model_version=job.model_version)
    with whole_file(work.scores(job.bucket)) as beside:
        parquet.write_table(scored, beside, compression="lz4")
    return job.bucket, scored.num_rows


def dataset_scores(
    release: Release, dataset: Dataset, questions: pa.Table, *, model_version: str
) -> pa.Table:
    """The scores of QUESTIONS about ``dataset``, row by row, as BUCKET_COLUMNS."""
    moments = pc.fill_null(questions.column("as_of").cast(pa.int64()), NO_TIME)
    table = scores_table(
        release,
        histories_of(dataset),
        questions.column("lead_id").to_numpy(zero_copy_only=False).astype(object),
        np.asarray(moments.to_numpy(), dtype=np.int64),
        model_version=model_version,
    )
    return table.append_column("position", questions.column("position"))


def _lead_parts(work: WorkFolder, bucket: int, questions: pa.Table) -> pa.Table:
    """The leads of a bucket that are asked about."""
    schema = parquet.read_schema(work.path / "leads.schema.parquet")
    leads = read_parts(work.parts("leads", bucket), schema)
    asked = pc.unique(questions.column("lead_id"))
    return leads.filter(pc.is_in(leads.column("lead_id"), value_set=asked))


def start_worker(parent: int, threads: int) -> None:
    """Prepare a worker process: few threads, and no life after its parent's."""
    os.environ["OMP_NUM_THREADS"] = str(threads)
    pa.set_cpu_count(threads)
    pa.set_io_thread_count(threads)
    threading.Thread(target=_end_with, args=(parent,), daemon=True).start()


def _end_with(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(1)
