"""numpy: sort once, then prefix sums and binary searches on one composite key."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from feature_engines.asked import DAY_US, HALF_LIFE_DAYS, KINDS, START_US, WINDOWS_DAYS

LEAD_US = 1 << 45
"""Room for a year of microseconds below each lead's number."""


def _prefix(amounts: np.ndarray) -> np.ndarray:
    return np.concatenate(([0.0], np.cumsum(amounts)))


def _stream(key: np.ndarray, amounts: list[np.ndarray], lead: np.ndarray, now: np.ndarray) -> dict:
    """Positions of the references' edges among the sorted keys of one stream."""
    first = np.searchsorted(key, lead * LEAD_US)
    high = np.searchsorted(key, lead * LEAD_US + now)
    lows = [
        np.maximum(first, np.searchsorted(key, lead * LEAD_US + now - w * DAY_US))
        for w in WINDOWS_DAYS
    ]
    return {"first": first, "high": high, "lows": lows, "sums": [_prefix(a) for a in amounts]}


def _features(
    lead: np.ndarray, at: np.ndarray, kind: np.ndarray, value: np.ndarray, seconds: np.ndarray,
    asked_lead: np.ndarray, asked: np.ndarray,
) -> np.ndarray:  # fmt: skip
    """Of sorted rows, times relative to the start; a decayed sum is a scaled prefix sum."""
    key = lead * LEAD_US + at
    rate = np.log(2) / (HALF_LIFE_DAYS * DAY_US)
    grown = np.exp(at * rate)
    scale = np.exp(-asked * rate)
    columns = []
    for code in (*range(len(KINDS)), None):
        rows = slice(None) if code is None else np.flatnonzero(kind == code)
        keys = key[rows]
        edges = _stream(keys, [grown[rows]], asked_lead, asked)
        first, high = edges["first"], edges["high"]
        columns += [(high - low).astype(np.float64) for low in edges["lows"]]
        if code is None:
            columns.append((high - first).astype(np.float64))
        empty = high == first
        last = np.where(empty, 0, high - 1)
        times = keys % LEAD_US
        columns.append(np.where(empty, np.nan, (asked - times[last]) / DAY_US))
        if code is None:
            opening = np.where(empty, 0, first)
            columns.append(np.where(empty, np.nan, (asked - times[opening]) / DAY_US))
        sums = edges["sums"][0]
        columns.append((sums[high] - sums[first]) * scale)
    low = edges["lows"][1]
    new_day = np.concatenate(
        (
            [True],
            (lead[1:] != lead[:-1])
            | ((START_US + at[1:]) // DAY_US != (START_US + at[:-1]) // DAY_US),
        )
    )
    days = _prefix(new_day)
    bounded = np.minimum(low + 1, high)
    columns.append(np.where(high > low, 1 + days[high] - days[bounded], 0))
    for amounts in (seconds / 60, value):
        sums = _prefix(amounts)
        columns.append(sums[high] - sums[first])
    return np.column_stack(columns)


def compute(path: Path, moments: list[int]) -> np.ndarray:
    """The matrix, leads in order of id, each lead's moments in the order given."""
    table = pq.read_table(path, read_dictionary=["lead_id", "kind"]).unify_dictionaries()

    def codes(name: str, order: list[str]) -> np.ndarray:
        column = table[name].combine_chunks()
        rank = {word: i for i, word in enumerate(order)}
        lookup = np.array([rank[w] for w in column.dictionary.to_pylist()])
        return lookup[column.indices.to_numpy()]

    ids = sorted(table["lead_id"].chunk(0).dictionary.to_pylist())
    lead = codes("lead_id", ids)
    at = table["occurred_at"].cast("int64").to_numpy() - START_US
    order = np.argsort(lead * LEAD_US + at)
    asked_lead = np.repeat(np.arange(len(ids)), len(moments))
    asked = np.tile(np.array(moments) - START_US, len(ids))
    return _features(
        lead[order], at[order], codes("kind", list(KINDS))[order],
        table["value"].to_numpy()[order], table["duration_s"].to_numpy()[order],
        asked_lead, asked,
    )  # fmt: skip


def one(rows: dict[str, list], as_of: int) -> np.ndarray:
    """One lead from Python lists."""
    at = np.array(rows["at_us"]) - START_US
    order = np.argsort(at)
    kind = np.array([_CODE[k] for k in rows["kind"]])[order]
    zero = np.zeros(len(at), dtype=np.int64)
    return _features(
        zero, at[order], kind, np.array(rows["value"])[order], np.array(rows["duration_s"])[order],
        zero[:1], np.array([as_of - START_US]),
    )  # fmt: skip


_CODE = {kind: i for i, kind in enumerate(KINDS)}
