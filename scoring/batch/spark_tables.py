"""The tables of a dataset as Spark data frames: Parquet on any Hadoop file system, or a catalogue.

Nothing here looks at a row: what is checked is names and types. Rows are checked by the workers.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from features.contract import REQUIRED_COLUMNS, IdRule
from features.dataset_settings import DatasetSettings
from features.errors import DataError
from features.reading.inference.observation import US_PER_DAY, DailyMoments, end_of_observation
from features.settings_file import settings_of, toml_values

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession


CATALOGUE = "table:"
TIMES = {
    "leads": "created_at",
    "outcomes": "occurred_at",
    "interactions": "occurred_at",
    "answers": "answered_at",
    "references": "as_of",
}


NUMBERS = {"interactions": ("value", "duration_s")}
ORDER = ("order_file", "order_row")
"""Columns that hold the place of a row in its file; results are sorted by them."""


@dataclass(frozen=True)
class SparkTables:
    """``source``: a folder such as hdfs://…/leads, or ``table:NAME`` for tables of a database."""

    session: SparkSession
    source: str

    @cached_property
    def settings(self) -> DatasetSettings:
        """``dataset.toml`` of the folder, or defaults; ``observed_until`` as given there."""
        name = self.source.rstrip("/").rsplit("/", 1)[-1].removeprefix(CATALOGUE) or "dataset"
        place = f"{self.source.rstrip('/')}/dataset.toml"
        if self.source.startswith(CATALOGUE) or not exists(self.session, place):
            return DatasetSettings(name=name)
        text = self.session.read.text(place, wholetext=True).collect()[0][0]
        given = toml_values(text.removeprefix("\ufeff"))
        settings, names = settings_of(given, "dataset.toml", default_name=name)
        refuse_other_rules(settings, names)
        return settings

    def refuse_aliases(self) -> None:
        """DataError where ids have other names: their rows would be nobody's here."""
        place = f"{self.source.rstrip('/')}/aliases"
        if self.source.startswith(CATALOGUE):
            full = f"{self.source.removeprefix(CATALOGUE)}.aliases"
            there = self.session.catalog.tableExists(full)
        else:
            ends = ("", ".parquet", ".csv", ".csv.gz", ".jsonl")
            there = any(exists(self.session, place + end) for end in ends)
        if there:
            raise DataError(
                f"{self.source} has a table aliases, which the Spark engine does not follow; write "
                "the lead's own id into every table, or score without --engine spark"
            )

    def frame(self, name: str) -> DataFrame | None:
        """A table with its order columns, checked for names and types; None if it is not there."""
        if self.source.startswith(CATALOGUE):
            full = f"{self.source.removeprefix(CATALOGUE)}.{name}"
            found = self.session.table(full) if self.session.catalog.tableExists(full) else None
        else:
            found = self._parquet(name)
        return None if found is None else checked(found, name)

    def required(self, name: str) -> DataFrame:
        """A table that has to be there."""
        found = self.frame(name)
        if found is None:
            raise DataError(f"no table {name} in {self.source}; expected {name}.parquet")
        return found

    def _parquet(self, name: str) -> DataFrame | None:
        folder = self.source.rstrip("/")
        for place in (f"{folder}/{name}.parquet", f"{folder}/{name}"):
            if exists(self.session, place):
                return with_order(self.session.read.parquet(place))
        for ending in (".csv", ".csv.gz"):
            if exists(self.session, f"{folder}/{name}{ending}"):
                raise DataError(
                    f"{folder}/{name}{ending}: the Spark engine reads Parquet; write the table as "
                    "Parquet, or score without --engine spark"
                )
        return None


def refuse_other_rules(settings: DatasetSettings, given: frozenset[str]) -> None:
    """DataError where dataset.toml says how tables are read in a way that is not followed here.

    Tables of Spark have the contract's names, words and types; what only decides how texts become
    times (``time_zone``, ``date_formats``) says nothing of them, and signs of numbers are followed.
    """
    declared = {
        "[columns]": any(settings.columns.values()),
        "[tables] file": any(t.file is not None for t in settings.tables.values()),
        "[outcome_words]": "outcome_words" in given,
        "lead_ids": settings.lead_ids is not IdRule.AS_WRITTEN,
        "account_features": settings.account_features,
        "multiple": any(a.multiple is not None for a in settings.attributes.values()),
    }
    names = [name for name, is_declared in declared.items() if is_declared]
    if names:
        raise DataError(
            f"dataset.toml says {', '.join(names)}, which the Spark engine does not follow; write "
            "the tables as the contract has them (a view does), or score without --engine spark"
        )


def with_order(frame: DataFrame) -> DataFrame:
    """The frame with the place of each row: its file's name, and its number in that file."""
    from pyspark.sql import functions as f

    return frame.select(
        "*",
        f.col("_metadata.file_path").alias(ORDER[0]),
        f.col("_metadata.row_index").alias(ORDER[1]),
    )


def checked(frame: DataFrame, name: str) -> DataFrame:
    """Required columns are there, ids are words, times have a zone; order columns are added."""
    from pyspark.sql import functions as f
    from pyspark.sql.types import NumericType, TimestampType

    for column in REQUIRED_COLUMNS[name]:
        if column not in frame.columns:
            found = ", ".join(c for c in frame.columns if c not in ORDER)
            raise DataError(f"table {name} has no column {column!r}; found {found}")
    time = TIMES[name]
    if time in frame.columns and not isinstance(frame.schema[time].dataType, TimestampType):
        shown = frame.schema[time].dataType.simpleString()
        raise DataError(
            f"table {name}: {time} is of type {shown}, a time without a zone; expected timestamp "
            "(in UTC)"
        )
    for column in NUMBERS.get(name, ()):
        if column in frame.columns and not isinstance(frame.schema[column].dataType, NumericType):
            shown = frame.schema[column].dataType.simpleString()
            raise DataError(
                f"table {name}: {column} is of type {shown}; expected a number (signs of numbers "
                "are read in files alone)"
            )
    if ORDER[0] not in frame.columns:
        frame = frame.withColumns({ORDER[0]: f.lit(""), ORDER[1]: f.monotonically_increasing_id()})
    return frame.withColumn("lead_id", f.col("lead_id").cast("string"))


def exists(session: SparkSession, place: str) -> bool:
    """Whether a file or folder is there, on whatever file system its name says."""
    return bool(_file_system(session, place)[0].exists(_file_system(session, place)[1]))


def remove(session: SparkSession, place: str) -> None:
    """Remove a file or folder and what is in it; nothing happens if it is not there."""
    system, path = _file_system(session, place)
    system.delete(path, True)


def _file_system(session: SparkSession, place: str) -> tuple[Any, Any]:
    context = session.sparkContext
    path = context._jvm.org.apache.hadoop.fs.Path(place)
    return path.getFileSystem(context._jsc.hadoopConfiguration()), path


def questions_of(
    tables: SparkTables, references: str | None, settings: DatasetSettings
) -> DataFrame:
    """``lead_id``, ``as_of`` and order columns of the references given, or of the open leads."""
    from pyspark.sql import functions as f

    if references is not None:
        return references_in(tables.session, references)
    leads = tables.required("leads")
    if "created_at" not in leads.columns:
        return leads.select("lead_id", f.lit(None).cast("timestamp").alias("as_of"), *ORDER)
    outcomes = tables.frame("outcomes")
    if outcomes is not None:
        leads = leads.join(outcomes.select("lead_id").distinct(), "lead_id", "left_anti")
    until = f.lit(settings.observed_until).cast("timestamp").alias("as_of")
    return leads.select("lead_id", until, *ORDER)


def references_in(session: SparkSession, references: str) -> DataFrame:
    """The questions of a references file: Parquet anywhere, or a CSV file on this machine."""
    import pyarrow as pa

    if references.endswith((".csv", ".csv.gz")):
        from pathlib import Path

        from features.reading.read import read_references
        from features.schemas import arrow_of

        frame = arrow_of(read_references(Path(references)))
        frame = frame.append_column(ORDER[0], pa.array([""] * frame.num_rows))
        frame = frame.append_column(ORDER[1], pa.array(range(frame.num_rows), pa.int64()))
        return session.createDataFrame(frame)
    frame = checked(with_order(session.read.parquet(references)), "references")
    return frame.select("lead_id", "as_of", *ORDER)


def observed(tables: SparkTables) -> DatasetSettings:
    """The settings, with ``observed_until`` as given, or as the bulk of the moments has it.

    The same rule as for files: a few planned or mistyped moments do not decide it.
    """
    from pyspark.sql import functions as f

    settings = tables.settings
    tables.refuse_aliases()
    if settings.observed_until is not None:
        return settings
    moments = {
        name: frame.select(f.unix_micros(TIMES[name]).alias("us")).filter("us IS NOT NULL")
        for name in ("leads", "outcomes", "interactions", "answers")
        if (frame := tables.frame(name)) is not None and TIMES[name] in frame.columns
    }
    events = moments.pop("interactions", None)
    facts = [frame.toArrow().column(0).to_numpy() for frame in moments.values()]
    days = DailyMoments.of(np.zeros(0, dtype=np.int64)) if events is None else _days(events)
    end = end_of_observation(np.concatenate([np.zeros(0, dtype=np.int64), *facts]), days)
    if end is None:
        return settings
    import pandas as pd

    until = pd.Timestamp(end, unit="us", tz="UTC").to_pydatetime()
    return settings.model_copy(update={"observed_until": until})


def _days(moments: DataFrame) -> DailyMoments:
    """How many moments fall on each day and the last of each, counted by the executors."""
    from pyspark.sql import functions as f

    by_day = moments.groupBy(f.floor(f.col("us") / US_PER_DAY).alias("day"))
    found = by_day.agg(f.count("*").alias("rows"), f.max("us").alias("last")).orderBy("day")
    columns = found.toArrow().to_pydict()
    return DailyMoments.from_dict({name: columns[name] for name in ("day", "rows", "last")})
