"""pandas: masks and grouped sums on integer codes, the way a careful analyst writes it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from feature_engines.asked import DAY_US, HALF_LIFE_DAYS, KINDS, WINDOWS_DAYS


def _features(seen: pd.DataFrame, n_leads: int) -> np.ndarray:
    """Of rows before as_of: lead (code), kind (code), age, day, value, duration_s."""
    seen = seen.assign(share=np.exp2(-seen["age"] / (HALF_LIFE_DAYS * DAY_US)))
    every = range(n_leads)
    columns = []

    def add(series: pd.Series, fill: float) -> None:
        columns.append(series.reindex(every, fill_value=fill).to_numpy(dtype=np.float64))

    for code in (*range(len(KINDS)), None):
        rows = seen if code is None else seen[seen["kind"] == code]
        by_lead = rows.groupby("lead", sort=False)
        for window in WINDOWS_DAYS:
            within = rows["lead"][rows["age"] <= window * DAY_US]
            add(within.value_counts(sort=False), 0)
        if code is None:
            add(by_lead.size(), 0)
        add(by_lead["age"].min() / DAY_US, np.nan)
        if code is None:
            add(by_lead["age"].max() / DAY_US, np.nan)
        add(by_lead["share"].sum(), 0)
    recent = seen[seen["age"] <= 30 * DAY_US]
    add(recent.groupby("lead", sort=False)["day"].nunique(), 0)
    add(seen.groupby("lead", sort=False)["duration_s"].sum() / 60, 0)
    add(seen.groupby("lead", sort=False)["value"].sum(), 0)
    return np.column_stack(columns)


def compute(path: Path, moments: list[int]) -> np.ndarray:
    """The matrix, leads in order of id, each lead's moments in the order given."""
    frame = pd.read_parquet(path)
    lead, ids = pd.factorize(frame["lead_id"], sort=True)
    kind = pd.Categorical(frame["kind"], categories=KINDS).codes
    at = frame["occurred_at"].astype("int64").to_numpy()
    table = pd.DataFrame({"lead": lead, "kind": kind, "at": at, "day": at // DAY_US}).join(
        frame[["value", "duration_s"]]
    )
    per_moment = []
    for as_of in moments:
        seen = table[table["at"] < as_of]
        per_moment.append(_features(seen.assign(age=as_of - seen["at"]), len(ids)))
    return np.stack(per_moment, axis=1).reshape(-1, per_moment[0].shape[1])


def one(rows: dict[str, list], as_of: int) -> np.ndarray:
    """One lead from Python lists."""
    frame = pd.DataFrame(rows)
    kind = pd.Categorical(frame["kind"], categories=KINDS).codes
    seen = frame.assign(lead=0, kind=kind, age=as_of - frame["at_us"], day=frame["at_us"] // DAY_US)
    return _features(seen[seen["age"] > 0], 1)
