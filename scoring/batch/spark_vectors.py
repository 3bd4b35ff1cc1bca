"""Training's vector step on Spark: vectors of any number of references, equal to the local ones.

What is learned from (references, labels) is small and stays on one machine; what it is computed
from (all interactions) may be large. So Spark computes the vectors, and the matrix comes back.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.compute.array_types import Float64, Int64, Object
from features.errors import DataError
from features.histories.arrays import NO_TIME, References
from features.histories.build import histories_from_dataset
from features.language.plural import plural
from features.schemas import UTC_MICROSECONDS
from features.vectors.compute import before_creation, compute_vectors
from features.vectors.spec import FeatureSpec
from scoring.batch.spark import check_refused, plain_errors, spark_schema
from scoring.batch.spark_partition import (
    WorkerPlan,
    bucket_count,
    bucket_of,
    by_bucket,
    refused_json,
    required_columns,
)
from scoring.batch.spark_tables import ORDER, SparkTables, observed, remove

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


VECTOR_COLUMNS = pa.schema(
    [
        (ORDER[1], pa.int64()),
        ("vector", pa.binary()),
        ("error", pa.string()),
        ("refused", pa.string()),
    ]
)
"""``vector``: the bytes of the row's float64 numbers, so that nothing can change a bit of them."""


@dataclass(frozen=True, slots=True)
class SparkVectors:
    """What is to be computed: references of leads of ``source``, vectors as ``spec`` says.

    ``work``: a place for intermediate files that executors can write; removed in the end.
    """

    source: str
    spec: FeatureSpec
    work: str
    buckets: int | None = None
    max_bad_fraction: float = 0.01


def vectors_with_spark(
    session: SparkSession, run: SparkVectors, lead_ids: Object, as_of_us: Int64
) -> Float64:
    """The vectors of (lead_ids, as_of_us), in that order: float64 (n, F), equal to
    ``compute_vectors``.

    Raises DataError for a lead that is not there, or a reference before its lead's creation.
    """
    session.conf.set("spark.sql.session.timeZone", "UTC")
    tables = SparkTables(session, run.source)
    with plain_errors():
        try:
            _write(run, tables, _references(session, lead_ids, as_of_us))
            found = session.read.parquet(run.work)
            check_refused(tables, found, run.max_bad_fraction)
            rows = found.filter(found["refused"].isNull()).toArrow()
        finally:
            remove(session, run.work)
    return _matrix(rows, len(lead_ids), len(run.spec))


def _references(session: SparkSession, lead_ids: Object, as_of_us: Int64) -> DataFrame:
    moments = pa.array(as_of_us, mask=as_of_us == NO_TIME).cast(UTC_MICROSECONDS)
    n = len(lead_ids)
    table = pa.table(
        {
            "lead_id": pa.array(lead_ids, pa.string()),
            "as_of": moments,
            ORDER[0]: pa.array([""] * n, pa.string()),
            ORDER[1]: pa.array(np.arange(n, dtype=np.int64)),
        }
    )
    return session.createDataFrame(table)


def _write(run: SparkVectors, tables: SparkTables, references: DataFrame) -> None:
    needs = required_columns(tables, observed(tables), (run.spec,))
    n_buckets = run.buckets or bucket_count(tables)
    plain = run.spec.to_dict()

    def work(rows: pa.Table) -> pa.Table:  # Spark reads the kind of function from these types
        return _bucket_vectors(needs, FeatureSpec.from_dict(plain), rows)

    computed = by_bucket(tables, references, needs, n_buckets, work, spark_schema(VECTOR_COLUMNS))
    computed.write.mode("overwrite").parquet(run.work)


def _bucket_vectors(needs: WorkerPlan, spec: FeatureSpec, rows: pa.Table) -> pa.Table:
    """In an executor: the vectors of one bucket, and a row that tells what was set aside."""
    bucket = bucket_of(rows, needs)
    histories = histories_from_dataset(bucket.dataset)
    ids = bucket.questions.column("lead_id").to_pylist()
    lead = pd.Index(histories.lead_ids).get_indexer(pd.Index(ids, dtype=object)).astype(np.int64)
    moments = pc.fill_null(bucket.questions.column("as_of").cast(pa.int64()), 0).to_numpy()
    errors = np.full(len(ids), None, dtype=object)
    errors[lead < 0] = "unknown lead: no row in leads has this lead_id"
    known = np.flatnonzero(lead >= 0)
    as_of = moments[known] if needs.has_time else 0 * lead[known]
    early = before_creation(histories, References(lead[known], as_of))
    errors[known[early]] = "as_of is before the lead's created_at"
    good = known[~early]
    matrix = compute_vectors(spec, histories, References(lead[good], as_of[~early]))
    packed: list[bytes | None] = [None] * len(ids)
    for row, vector in zip(good.tolist(), matrix, strict=True):
        packed[row] = vector.tobytes()
    refused = refused_json(bucket)
    found = {
        ORDER[1]: bucket.order.column(ORDER[1]).to_pylist(),
        "vector": packed,
        "error": errors.tolist(),
        "refused": [None] * len(ids),
    }
    if refused is not None:
        for name, value in ((ORDER[1], None), ("vector", None), ("error", None)):
            found[name] = [*found[name], value]
        found["refused"] = [*found["refused"], refused]
    return pa.table(found, schema=VECTOR_COLUMNS)


def _matrix(rows: pa.Table, n: int, width: int) -> Float64:
    """The rows that came back, in the order given."""
    errors = [e for e in rows.column("error").to_pylist() if e is not None]
    if errors:
        raise DataError(
            plural(
                len(errors),
                "{n:,} reference cannot be computed: {first}",
                "{n:,} references cannot be computed; the first: {first}",
                first=errors[0],
            )
        )
    matrix = np.empty((n, width), dtype=np.float64)
    places = rows.column(ORDER[1]).to_numpy()
    for place, packed in zip(places.tolist(), rows.column("vector").to_pylist(), strict=True):
        matrix[place] = np.frombuffer(packed, dtype=np.float64)
    return matrix
