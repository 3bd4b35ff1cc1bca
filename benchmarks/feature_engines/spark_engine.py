"""PySpark: the same SQL on two local cores (start of the session not timed)."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from feature_engines.asked import NAMES
from feature_engines.sql import query
from pyspark.sql import SparkSession


def prepare() -> None:
    """Start the session once."""
    _session()


def _session() -> SparkSession:
    return (
        SparkSession.builder.master("local[2]")
        .config("spark.sql.shuffle.partitions", "8")
        .config("spark.ui.enabled", "false")
        .config("spark.driver.memory", "6g")
        .config("spark.driver.maxResultSize", "4g")
        .config("spark.sql.session.timeZone", "UTC")
        .config("spark.sql.execution.arrow.pyspark.enabled", "true")
        .getOrCreate()
    )


def compute(path: Path, moments: list[int]) -> np.ndarray:
    """The matrix, leads in order of id, each lead's moments newest first."""
    spark = _session()
    spark.read.parquet(str(path)).createOrReplaceTempView("interactions")
    asked = ", ".join(f"({m}L)" for m in moments)
    rows = (
        "(select lead_id, as_of, unix_micros(occurred_at) as moment, kind, value, duration_s"
        f" from interactions cross join (select * from values {asked} as v(as_of))) as r"
    )
    frame = spark.sql(query(rows)).toPandas()
    return frame[[f"f{i}" for i in range(len(NAMES))]].to_numpy(dtype=np.float64)
