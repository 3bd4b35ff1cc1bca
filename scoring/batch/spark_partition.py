"""Hash buckets of leads on Spark, each handed to the same kernel that runs everywhere else.

All tables are laid under one another (a tag says which row is of which), grouped by the hash of
the lead, and a bucket arrives in a Python worker as one Arrow table. There the rows are checked as
when they are read from files, and vectors and scores are computed by the very same functions.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from features.contract import AttributeType
from features.dataset import Dataset
from features.dataset_settings import AttributeSettings, DatasetSettings
from features.errors import DataError
from features.reading.dataset_reader import until_of
from features.reading.inference.attribute_types import type_of
from features.reading.inference.inference import Inference
from features.reading.inference.typed_attributes import typed_answers, typed_leads
from features.reading.open_dataset import ids_of
from features.reading.quarantine import Chunk, Quarantine
from features.reading.validation.columns import AFTER_OBSERVED_UNTIL
from features.reading.validation.lead_index import LeadIndex
from features.reading.validation.tables import clean_answers, clean_interactions, clean_leads
from features.schemas import UTC_MICROSECONDS, QuarantinedRows
from features.vectors.spec import FeatureSpec
from scoring.batch.out_of_core import QUESTIONS
from scoring.batch.spark_tables import ORDER, SparkTables

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame


ROWS_A_BUCKET = 1_000_000
"""Interactions in a bucket; a worker needs about 1 kB of memory for each."""


TAGS = {"leads": 0, "interactions": 1, "answers": 2, "questions": 3}
ANY = {
    "lead_id": "string",
    "at": "timestamp",
    "word": "string",
    "text": "string",
    "value": "double",
    "duration_s": "double",
    ORDER[0]: "string",
    ORDER[1]: "bigint",
}
"""Columns that hold the rows of every table; attributes of leads are added to them."""


@dataclass(frozen=True, slots=True)
class WorkerPlan:
    """What a worker has to know of the dataset; plain data.

    ``later_is_harmless``: ``observed_until`` is inferred, so what lies after it counts toward no
    limit, as when it is read from files.
    """

    settings: DatasetSettings
    attributes: tuple[str, ...]
    has_time: bool
    later_is_harmless: bool = False


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket as it arrives in a worker, checked: a dataset, and the references to score.

    ``order``: the order columns of the questions, row by row. ``refused``: rows set aside.
    """

    dataset: Dataset
    questions: pa.Table
    order: pa.Table
    refused: tuple[QuarantinedRows, ...]


def required_columns(
    tables: SparkTables, settings: DatasetSettings, specs: tuple[FeatureSpec, ...]
) -> WorkerPlan:
    """The attributes that ``specs`` need, typed by the settings, the first spec, or the values."""
    leads = tables.required("leads")
    split = sorted({n for spec in specs if spec.cleaning for n in spec.cleaning.multiple})
    if split:
        raise DataError(
            f"the release splits {', '.join(split)} into its words, which the Spark engine does "
            "not; score without --engine spark"
        )
    named = {a.name: a.type for spec in reversed(specs) for a in spec.attributes}
    sure = {a.name for a in specs[0].attributes}
    types = {}
    for name, kind in named.items():
        given = settings.attributes.get(name, AttributeSettings())
        unsure = given.type is None and name not in sure and name in leads.columns
        types[name] = given.model_copy(
            update={"type": given.type or (_type_in(leads, name) if unsure else None) or kind}
        )
    return WorkerPlan(
        settings=settings.model_copy(update={"attributes": types}),
        attributes=tuple(name for name in types if name in leads.columns),
        has_time="created_at" in leads.columns,
        later_is_harmless=tables.settings.observed_until is None,
    )


def _type_in(leads: DataFrame, name: str) -> AttributeType | None:
    """The type that the values of a column suggest, as when it is read from a file."""
    column = leads.select(f"`{name}`").toArrow().column(0)
    return type_of(name, column)[0]


def bucket_count(tables: SparkTables) -> int:
    """Buckets for about ROWS_A_BUCKET interactions each, and at least one for every core."""
    interactions = tables.frame("interactions")
    rows = 0 if interactions is None else interactions.count()
    return max(-(-rows // ROWS_A_BUCKET), int(tables.session.sparkContext.defaultParallelism))


def by_bucket(
    tables: SparkTables,
    questions: DataFrame,
    needs: WorkerPlan,
    n_buckets: int,
    work: Callable[[pa.Table], pa.Table],
    schema: str,
) -> DataFrame:
    """``work`` applied to every bucket; it gets the rows that ``bucket_of`` understands."""
    from pyspark.sql import functions as f

    rows = _laid_out(tables.required("leads"), "leads", needs)
    for name in ("interactions", "answers"):
        frame = tables.frame(name)
        if frame is not None:
            if name == "answers":
                frame = frame.filter(f.col("attribute").isin(list(needs.settings.attributes)))
            rows = rows.unionByName(_laid_out(frame, name, needs), allowMissingColumns=True)
    rows = rows.unionByName(_laid_out(questions, "questions", needs), allowMissingColumns=True)
    bucket = f.pmod(f.xxhash64("lead_id"), f.lit(n_buckets)).cast("int")
    spread = rows.withColumn("bucket", bucket).repartition(n_buckets, "bucket")
    return spread.groupBy("bucket").applyInArrow(work, schema)


def _laid_out(frame: DataFrame, name: str, needs: WorkerPlan) -> DataFrame:
    """The rows of one table in the columns that all tables share."""
    from pyspark.sql import functions as f

    sources = {
        "leads": {"at": "created_at"},
        "interactions": {
            "at": "occurred_at", "word": "kind", "text": "event_id",
            "value": "value", "duration_s": "duration_s",
        },
        "answers": {"at": "answered_at", "word": "attribute", "text": "value"},
        "questions": {"at": "as_of", ORDER[0]: ORDER[0], ORDER[1]: ORDER[1]},
    }[name] | {"lead_id": "lead_id"}  # fmt: skip

    def column(target: str, kind: str) -> Column:
        source = sources.get(target)
        known = source is not None and source in frame.columns
        return (f.col(f"`{source}`") if known else f.lit(None)).cast(kind).alias(target)

    columns = [f.lit(TAGS[name]).cast("int").alias("tag")]
    columns += [column(target, kind) for target, kind in ANY.items()]
    if name == "leads":
        columns += [f.col(f"`{a}`").alias(f"a{i}") for i, a in enumerate(needs.attributes)]
    return frame.select(*columns)


def bucket_of(rows: pa.Table, needs: WorkerPlan) -> Bucket:
    """The rows of a bucket as a dataset within the contract, and the questions about it."""
    aside, until = Quarantine(), until_of(needs.settings)
    of = {name: rows.filter(pc.equal(rows.column("tag"), tag)) for name, tag in TAGS.items()}
    raw = _chunk("leads", of["leads"], _lead_columns(needs))
    leads = typed_leads(clean_leads(raw, aside, until), needs.settings, aside, Inference())
    known = LeadIndex(pa.array(leads["lead_id"], pa.string()), ids_of(raw))
    events = _chunk("interactions", of["interactions"], {
        "lead_id": "lead_id", "occurred_at": "at", "kind": "word", "value": "value",
        "duration_s": "duration_s", "event_id": "text",
    })  # fmt: skip
    raw_answers = _chunk("answers", of["answers"], {
        "lead_id": "lead_id", "answered_at": "at", "attribute": "word", "value": "text",
    })  # fmt: skip
    interactions = clean_interactions(events, aside, known, until)
    answers = typed_answers(
        clean_answers(raw_answers, aside, known, until), needs.settings, aside, Inference()
    )
    references = of["questions"]
    positions = pa.array(np.arange(references.num_rows, dtype=np.int64))
    questions = pa.table(
        [references["lead_id"], references["at"], positions], names=QUESTIONS.names
    )
    return Bucket(
        Dataset(needs.settings, leads, interactions, _no_outcomes(), answers),
        questions.cast(QUESTIONS),
        references.select(list(ORDER)),
        tuple(
            replace(
                q,
                example=f"{q.file}: {q.reason}",
                harmless=q.harmless
                or (needs.later_is_harmless and q.reason.endswith(AFTER_OBSERVED_UNTIL)),
            )
            for q in aside.found
        ),
    )


def _lead_columns(needs: WorkerPlan) -> dict[str, str]:
    columns = {"lead_id": "lead_id"} | ({"created_at": "at"} if needs.has_time else {})
    return columns | {name: f"a{i}" for i, name in enumerate(needs.attributes)}


def _chunk(name: str, rows: pa.Table, columns: dict[str, str]) -> Chunk:
    table = pa.table({target: _zoned(rows.column(source)) for target, source in columns.items()})
    return Chunk(name, f"table {name}", table, np.arange(1, rows.num_rows + 1, dtype=np.int64))


def _zoned(column: pa.ChunkedArray) -> pa.ChunkedArray:
    is_time = pa.types.is_timestamp(column.type) and column.type.tz is not None
    return column.cast(UTC_MICROSECONDS) if is_time else column


def _no_outcomes() -> pd.DataFrame:
    return pd.DataFrame({"lead_id": [], "outcome": [], "occurred_at": []})


def refused_json(bucket: Bucket) -> str | None:
    """What was set aside in a bucket, as JSON; None if nothing was."""
    if not bucket.refused:
        return None
    return json.dumps([asdict(rows) for rows in bucket.refused])
