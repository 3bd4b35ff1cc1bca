"""pandas as most people write it: a groupby per kind and window on the rows as they were read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from feature_engines.asked import HALF_LIFE_DAYS, KINDS, NAMES, WINDOWS_DAYS


def _features(events: pd.DataFrame, lead_ids: pd.Index, as_of: pd.Timestamp) -> pd.DataFrame:
    """One row a lead; every groupby is merged by the lead's id."""
    seen = events[events["occurred_at"] < as_of].copy()
    seen["age_days"] = (as_of - seen["occurred_at"]) / pd.Timedelta(days=1)
    seen["day"] = seen["occurred_at"].dt.floor("D")
    seen["share"] = 0.5 ** (seen["age_days"] / HALF_LIFE_DAYS)
    found = pd.DataFrame(index=lead_ids)
    for kind in (*KINDS, None):
        name = kind or "any"
        rows = seen if kind is None else seen[seen["kind"] == kind]
        by_lead = rows.groupby("lead_id")
        for days in WINDOWS_DAYS:
            within = rows[rows["age_days"] <= days]
            found[f"{name}.count_{days}d"] = within.groupby("lead_id").size()
        found[f"{name}.days_since_last"] = by_lead["age_days"].min()
        found[f"{name}.decayed_7d"] = by_lead["share"].sum()
    by_lead = seen.groupby("lead_id")
    recent = seen[seen["age_days"] <= 30]
    found["any.count_all"] = by_lead.size()
    found["any.days_since_first"] = by_lead["age_days"].max()
    found["any.active_days_30d"] = recent.groupby("lead_id")["day"].nunique()
    found["any.minutes_total_all"] = by_lead["duration_s"].sum() / 60
    found["any.value_total_all"] = by_lead["value"].sum()
    unknown = [name for name in NAMES if "days_since" in name]
    found = found[list(NAMES)]
    return found.fillna({name: 0 for name in NAMES if name not in unknown})


def compute(path: Path, moments: list[int]) -> np.ndarray:
    """The matrix, leads in order of id, each lead's moments in the order given."""
    events = pd.read_parquet(path)
    lead_ids = pd.Index(sorted(events["lead_id"].unique()), name="lead_id")
    per_moment = [
        _features(events, lead_ids, pd.Timestamp(as_of, unit="us", tz="UTC")).to_numpy(np.float64)
        for as_of in moments
    ]
    return np.stack(per_moment, axis=1).reshape(-1, len(NAMES))
