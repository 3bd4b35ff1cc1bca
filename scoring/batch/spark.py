"""Score on Spark: any number of interactions, on as many machines as there are.

The same checks, the same kernel and the same arithmetic as everywhere else run in each executor,
so the scores are the same to the last bit. See ``docs/explanation/scale.md`` for sizes and limits.
"""

from __future__ import annotations

import json
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from features.errors import DataError, LeadscoreError, ReleaseError, StorageError, UsageError
from features.language.language import ENGLISH, Language
from features.reading.quarantine import Quarantine
from features.schemas import QuarantinedRows
from scoring.batch.out_of_core import dataset_scores
from scoring.batch.spark_partition import (
    WorkerPlan,
    bucket_count,
    bucket_of,
    by_bucket,
    refused_json,
    required_columns,
)
from scoring.batch.spark_tables import ORDER, SparkTables, observed, questions_of, remove
from scoring.extrapolation import extrapolation_limit_us, oldest_learned_days
from scoring.release.release import Release, load_release
from scoring.scores import SCORE_COLUMNS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
import shutil
import tempfile

from scoring.release.files import file_names, read_file, write_folder

REFUSED = "refused"


STAGE_COLUMNS = pa.schema(
    [*SCORE_COLUMNS, (ORDER[0], pa.string()), (ORDER[1], pa.int64()), (REFUSED, pa.string())]
)


_RAISED = re.compile(r"features\.errors\.(\w+): (.*)")


_ERRORS: dict[str, type[LeadscoreError]] = {
    error.__name__: error for error in (DataError, ReleaseError, StorageError)
}


@dataclass(frozen=True, slots=True)
class SparkRun:
    """What a run on Spark is to do.

    ``source``: a folder on any Hadoop file system, or ``table:DATABASE``. ``release``: a release
    folder on this machine. ``out``: where the Parquet files go. ``buckets``: None to choose.
    ``language``: of the reasons.
    """

    source: str
    release: Path
    out: str
    references: str | None = None
    model_version: str | None = None
    buckets: int | None = None
    max_bad_fraction: float = 0.01
    language: Language = ENGLISH


@dataclass(frozen=True, slots=True)
class SparkResult:
    """What a run on Spark wrote.

    ``n_extrapolating``: references of leads older than any trained on (``oldest_days``).
    """

    rows: int
    buckets: int
    bands: dict[str, int]
    errors: int
    quarantined: tuple[QuarantinedRows, ...]
    n_extrapolating: int
    oldest_days: float | None


def spark_session(master: str | None = None, **settings: str) -> SparkSession:
    """A session as Spark is configured here, in UTC; ``master`` overrules where it runs.

    Raises UsageError where PySpark is not installed, StorageError where Spark does not start.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            from pyspark.sql import SparkSession
    except ImportError:
        raise UsageError("the Spark engine needs PySpark: pip install 'leadscore[spark]'") from None
    builder = SparkSession.builder.appName("leadscore")
    if master is not None:
        builder = builder.master(master)
    for key, value in {"spark.sql.session.timeZone": "UTC", **settings}.items():
        builder = builder.config(key, value)
    try:
        return builder.getOrCreate()
    except Exception as error:  # the gateway raises its own kinds
        raise StorageError(
            f"Spark does not start: {str(error).splitlines()[0][:200]}; is Java 17 or newer here?"
        ) from error


def score_with_spark(session: SparkSession, run: SparkRun) -> SparkResult:
    """Write the scores as a folder of Parquet files, in the order given when read by name.

    Raises DataError, ReleaseError or StorageError. As everywhere in Spark, a folder without the
    file ``_SUCCESS`` is not finished.
    """
    session.conf.set("spark.sql.session.timeZone", "UTC")
    release = load_release(run.release)
    stage = f"{run.out.rstrip('/')}.work"
    tables = SparkTables(session, run.source)
    with plain_errors():
        try:
            return _score(session, run, release, tables, stage)
        finally:
            remove(session, stage)


def _score(
    session: SparkSession, run: SparkRun, release: Release, tables: SparkTables, stage: str
) -> SparkResult:
    settings = observed(tables)
    card = () if release.scorecard is None else (release.scorecard.spec,)
    needs = required_columns(tables, settings, (release.spec, *card))
    n_buckets = run.buckets or bucket_count(tables)
    files = session.sparkContext.broadcast(shipped(run.release))
    release_id = release.release_id
    version = run.model_version or release_id
    language = run.language

    def work(rows: pa.Table) -> pa.Table:  # Spark reads the kind of function from these types
        return _score_rows(needs, release_id, version, language, files, rows)

    schema = spark_schema(STAGE_COLUMNS)
    references = questions_of(tables, run.references, settings)
    by_bucket(tables, references, needs, n_buckets, work, schema).write.mode("overwrite").parquet(
        stage
    )
    scored = session.read.parquet(stage)
    quarantined = check_refused(tables, scored, run.max_bad_fraction)
    rows = scored.filter(scored[REFUSED].isNull())
    ordered = rows.orderBy(*ORDER).select(*SCORE_COLUMNS.names)
    ordered.write.mode("overwrite").parquet(run.out)
    oldest = oldest_learned_days(release.manifest["data"])
    bands = {row["band"]: row["count"] for row in rows.groupBy("band").count().collect()}
    return SparkResult(
        rows=sum(bands.values()),
        buckets=n_buckets,
        bands={name: bands.get(name, 0) for name in ("hot", "warm", "cold")},
        errors=rows.filter(rows["error"].isNotNull()).count(),
        quarantined=quarantined,
        n_extrapolating=_count_extrapolating(tables.required("leads"), references, oldest),
        oldest_days=oldest,
    )


def _count_extrapolating(leads: DataFrame, references: DataFrame, oldest_days: float | None) -> int:
    """How many references are of a lead older than any trained on."""
    from pyspark.sql import functions as f

    if oldest_days is None or "created_at" not in leads.columns:
        return 0
    created = leads.select("lead_id", f.unix_micros("created_at").alias("created_us"))
    limit = f.col("created_us") + f.lit(extrapolation_limit_us(oldest_days))
    return int(references.join(created, "lead_id").filter(f.unix_micros("as_of") >= limit).count())


def _score_rows(
    needs: WorkerPlan,
    release_id: str,
    version: str,
    language: Language,
    files: Any,
    rows: pa.Table,
) -> pa.Table:
    """In an executor: the scores of one bucket, and a row that tells what was set aside."""
    bucket = bucket_of(rows, needs)
    release = received(release_id, files.value)
    table = dataset_scores(
        release, bucket.dataset, bucket.questions, model_version=version, language=language
    )
    table = table.drop_columns(["position"])
    for name in ORDER:
        table = table.append_column(name, bucket.order.column(name))
    table = table.append_column(REFUSED, pa.nulls(table.num_rows, pa.string()))
    return pa.concat_tables([table, refused_row(bucket.refused, refused_json(bucket))])


def refused_row(refused: tuple[QuarantinedRows, ...], text: str | None) -> pa.Table:
    """A row of STAGE_COLUMNS that holds only what was set aside; none if nothing was."""
    if not refused:
        return STAGE_COLUMNS.empty_table()
    row = dict.fromkeys(STAGE_COLUMNS.names) | {REFUSED: text}
    return pa.Table.from_pylist([row], schema=STAGE_COLUMNS)


def check_refused(
    tables: SparkTables, scored: DataFrame, max_bad_fraction: float
) -> tuple[QuarantinedRows, ...]:
    """What all buckets set aside, together; DataError if it is more than the limit allows."""
    aside = Quarantine(None, max_bad_fraction)
    found = scored.filter(scored[REFUSED].isNotNull()).select(REFUSED).collect()
    for row in found:
        for rows in json.loads(row[0]):
            aside.add(QuarantinedRows(**rows))
    for name in {rows.file.removeprefix("table ") for rows in aside.found if not rows.harmless}:
        aside.check_limit(f"table {name}", tables.required(name).count())
    return aside.found


def spark_schema(schema: pa.Schema) -> str:
    """An Arrow schema in Spark's words.

    >>> spark_schema(pa.schema([("a", pa.string()), ("b", pa.int64())]))
    '`a` string, `b` bigint'
    """
    words = {"string": "string", "binary": "binary", "double": "double", "int64": "bigint",
             "timestamp[us, tz=UTC]": "timestamp"}  # fmt: skip
    return ", ".join(f"`{field.name}` {words[str(field.type)]}" for field in schema)


@contextmanager
def plain_errors() -> Iterator[None]:
    """Turn what Spark raises into a LeadscoreError: the worker's own one if it raised one."""
    from pyspark.errors import PySparkException

    try:
        with warnings.catch_warnings():  # PySpark warns of pandas 3 whatever is asked of it
            warnings.simplefilter("ignore", FutureWarning)
            yield
    except LeadscoreError:
        raise
    except PySparkException as error:
        raise _plain(str(error)) from None
    except Exception as error:
        if type(error).__module__.startswith("py4j"):
            raise _plain(str(error)) from None
        raise


def _plain(text: str) -> LeadscoreError:
    raised = _RAISED.findall(text)
    if raised and raised[-1][0] in _ERRORS:
        return _ERRORS[raised[-1][0]](raised[-1][1].strip())
    first = next((line for line in text.splitlines() if line.strip()), "no message")
    return StorageError(f"Spark could not finish: {first.strip()[:300]}")


_LOADED: dict[str, Release] = {}


def shipped(folder: Path) -> dict[str, bytes]:
    """Every file of a release, as bytes."""
    return {name: read_file(folder, name) for name in sorted(file_names(folder))}


def received(release_id: str, files: dict[str, bytes]) -> Release:
    """The release in ``files``, verified as on disk; once in each process.

    Raises ReleaseError naming the file if a bit of it differs, or if it is another release.
    """
    if release_id not in _LOADED:
        place = Path(tempfile.mkdtemp(prefix="leadscore-release-"))
        try:
            write_folder(place / release_id, files)
            found = load_release(place / release_id)
        finally:
            shutil.rmtree(place)
        if found.release_id != release_id:
            raise ReleaseError(
                f"manifest.json: release {found.release_id} arrived where {release_id} was sent"
            )
        _LOADED[release_id] = found
    return _LOADED[release_id]
