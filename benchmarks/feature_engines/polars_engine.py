"""Polars, tuned: a lazy plan, categories as codes, one group-by for all features."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
from feature_engines.asked import DAY_US, HALF_LIFE_DAYS, KINDS, NAMES, WINDOWS_DAYS


def _expressions() -> list[pl.Expr]:
    found = []
    age, kind = pl.col("age"), pl.col("kind")
    for code in range(len(KINDS)):
        of = kind == code
        found += [(of & (age <= w * DAY_US)).sum() for w in WINDOWS_DAYS]
        found += [age.filter(of).min() / DAY_US]
        found += [pl.col("share").filter(of).sum()]
    found += [(age <= w * DAY_US).sum() for w in WINDOWS_DAYS]
    found += [pl.len(), age.min() / DAY_US, age.max() / DAY_US, pl.col("share").sum()]
    found += [pl.col("day").filter(age <= 30 * DAY_US).n_unique()]
    found += [pl.col("duration_s").sum() / 60, pl.col("value").sum()]
    return [e.cast(pl.Float64).alias(f"f{i}") for i, e in enumerate(found)]


def _aggregated(rows: pl.LazyFrame, as_of: int) -> pl.LazyFrame:
    age = pl.lit(as_of) - pl.col("at")
    return (
        rows.filter(pl.col("at") < as_of)
        .with_columns(
            age=age,
            share=(age * (-np.log(2) / (HALF_LIFE_DAYS * DAY_US))).exp(),
            day=pl.col("at") // DAY_US,
        )
        .group_by("lead_id")
        .agg(_expressions())
        .with_columns(as_of=pl.lit(as_of))
    )


def _coded(rows: pl.LazyFrame) -> pl.LazyFrame:
    return rows.with_columns(
        kind=pl.col("kind").replace_strict(
            list(KINDS), list(range(len(KINDS))), return_dtype=pl.UInt8
        )
    )


def compute(path: Path, moments: list[int]) -> np.ndarray:
    """The matrix, leads in order of id, each lead's moments newest first."""
    rows = _coded(
        pl.scan_parquet(path).with_columns(at=pl.col("occurred_at").dt.epoch("us"))
    ).select("lead_id", "at", "kind", "value", "duration_s")
    rows = rows.with_columns(pl.col("lead_id").rank("dense").cast(pl.UInt32)).collect().lazy()
    parts = pl.collect_all([_aggregated(rows, m) for m in moments])
    whole = pl.concat(parts).sort("lead_id", "as_of", descending=[False, True])
    return whole.select([f"f{i}" for i in range(len(NAMES))]).to_numpy()


def one(rows: dict[str, list], as_of: int) -> np.ndarray:
    """One lead from Python lists."""
    told = pl.DataFrame(rows).rename({"at_us": "at"}).with_columns(lead_id=pl.lit("L")).lazy()
    found = _aggregated(_coded(told), as_of).collect()
    return found.select([f"f{i}" for i in range(len(NAMES))]).to_numpy()
