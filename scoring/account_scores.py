"""Scores rolled up by account: what to expect of a firm's leads together."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from features.compute.array_types import Float64, Int64

ACCOUNT_SCORE_COLUMNS = pa.schema(
    [
        ("account_id", pa.string()),
        ("as_of", pa.timestamp("us", tz="UTC")),
        ("leads", pa.int64()),
        ("expected_conversions", pa.float64()),
        ("highest_probability", pa.float64()),
        ("highest_lead_id", pa.string()),
        ("hot", pa.int64()),
        ("warm", pa.int64()),
        ("cold", pa.int64()),
    ]
)


def account_scores(scores: pa.Table, accounts: dict[str, str]) -> pa.Table:
    """One row an account, the most expected conversions first.

    ``scores``: rows of ``scoring.scores.scores_table``; of a lead asked about several times the
    newest question counts, and rows with an error do not. ``accounts``: lead id → account; leads
    without one are left out. ``expected_conversions`` is the sum of the probabilities, which holds
    however the leads of a firm depend on each other; ``as_of`` is the newest of its leads'.
    """
    named = [accounts.get(str(lead)) for lead in scores["lead_id"].to_pylist()]
    usable = np.array([name is not None for name in named], dtype=bool)
    usable &= np.asarray(scores["probability"].is_valid().to_numpy(zero_copy_only=False), bool)
    rows = np.flatnonzero(usable)
    scores = scores.take(pa.array(rows))
    names, account = np.unique(np.array([named[i] for i in rows], dtype=str), return_inverse=True)
    as_of = np.asarray(scores["as_of"].cast(pa.int64()).to_numpy(zero_copy_only=False), np.int64)
    kept = _newest(scores["lead_id"].to_pylist(), as_of)
    probability = np.asarray(scores["probability"].to_numpy(zero_copy_only=False), np.float64)
    return _table(names, account[kept], as_of[kept], probability[kept], scores.take(pa.array(kept)))


def _newest(lead_ids: list[str], as_of: Int64) -> Int64:
    """Places of the newest question about each lead."""
    if not lead_ids:
        return np.zeros(0, np.int64)
    _, lead = np.unique(np.array(lead_ids, dtype=str), return_inverse=True)
    order = np.lexsort((as_of, lead))
    last = np.append(lead[order][1:] != lead[order][:-1], True)
    return np.sort(order[last]).astype(np.int64)


def _table(
    names: np.ndarray, account: Int64, as_of: Int64, probability: Float64, scores: pa.Table
) -> pa.Table:
    n = len(names)
    expected = np.bincount(account, weights=probability, minlength=n)
    lead_ids, bands = scores["lead_id"].to_pylist(), np.array(scores["band"].to_pylist(), dtype=str)
    # of equal probabilities the first lead by name, so that the order of the rows does not matter
    best = np.lexsort((np.array(lead_ids, dtype=str), -probability, account))
    _, first = np.unique(account[best], return_index=True)
    best = best[first]
    newest: Int64 = np.zeros(n, np.int64)
    newest[:] = np.iinfo(np.int64).min
    np.maximum.at(newest, account, as_of)
    counts = {b: np.bincount(account[bands == b], minlength=n) for b in ("hot", "warm", "cold")}
    order = np.lexsort((names, -expected))
    columns = {
        "account_id": pa.array(names[order].tolist(), pa.string()),
        "as_of": pa.array(newest[order], pa.int64()).cast(pa.timestamp("us", tz="UTC")),
        "leads": pa.array(np.bincount(account, minlength=n)[order], pa.int64()),
        "expected_conversions": pa.array(expected[order], pa.float64()),
        "highest_probability": pa.array(probability[best][order], pa.float64()),
        "highest_lead_id": pa.array([lead_ids[i] for i in best[order]], pa.string()),
        **{band: pa.array(counts[band][order], pa.int64()) for band in counts},
    }
    return pa.table(columns, schema=ACCOUNT_SCORE_COLUMNS)
