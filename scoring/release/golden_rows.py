"""Golden rows: made-up vectors with their scores, recomputed at every load to the last bit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from features.compute.array_types import Float64
from features.errors import ReleaseError
from scoring.intervals import IntervalTable
from scoring.model.model import Model

MAX_ROWS = 100


def synthetic_vectors(n_features: int) -> Float64:
    """(8, F) vectors of no lead: all unknown, all 0, all 1, and mixes of sizes and unknowns."""
    column = np.arange(n_features)
    rows = [
        np.full(n_features, np.nan),
        np.zeros(n_features),
        np.ones(n_features),
        np.where(column % 2 == 0, np.nan, 1.0),
        np.where(column % 3 == 0, 0.0, 2.5),
        2.0 ** (column % 11),
        np.where(column % 5 == 0, np.nan, column % 7 - 3.0),
        (column * 37 % 101) / 10.0,
    ]
    return np.array(rows, dtype=np.float64).reshape(len(rows), n_features)


def golden_rows(
    model: Model, intervals: IntervalTable, further: Float64 | None = None
) -> dict[str, Any]:
    """What golden.json holds: ``vectors`` (null is unknown) and all outputs for them."""
    vectors = synthetic_vectors(model.n_features)
    if further is not None:
        vectors = np.vstack([vectors, further])[:MAX_ROWS]
    return _outputs(model, intervals, vectors)


def check_golden(model: Model, intervals: IntervalTable, golden: Mapping[str, Any]) -> None:
    """Raises ReleaseError unless every row scores exactly as it did when it was written."""
    vectors = golden.get("vectors")
    if not isinstance(vectors, list) or not 0 < len(vectors) <= MAX_ROWS:
        raise ReleaseError("golden.json: holds no vectors, or too many")
    try:
        table = np.array(vectors, dtype=np.float64)
    except (TypeError, ValueError) as problem:
        raise ReleaseError("golden.json: a vector is not a list of numbers") from problem
    if table.shape != (len(vectors), model.n_features):
        raise ReleaseError(f"golden.json: vectors are not {model.n_features} features wide")
    recomputed = _outputs(model, intervals, table)
    wrong = sorted(
        name for name in {*recomputed, *golden} if recomputed.get(name) != golden.get(name)
    )
    if wrong:
        raise ReleaseError(
            f"golden.json: {', '.join(wrong)} come out differently here than when it was trained. "
            "If leadscore or a library is newer here than there (manifest.json names both), train "
            "the release again; if not, its files were changed"
        )


def _outputs(model: Model, intervals: IntervalTable, vectors: Float64) -> dict[str, Any]:
    explained = model.explain(vectors)
    low, high = intervals.interval(explained.log_odds, explained.probability)
    return {
        "base": explained.base,
        "contributions": explained.contributions.tolist(),
        "high": high.tolist(),
        "log_odds": explained.log_odds.tolist(),
        "low": low.tolist(),
        "probability": explained.probability.tolist(),
        "vectors": [[None if v != v else v for v in row] for row in vectors.tolist()],
    }
