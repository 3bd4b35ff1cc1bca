"""How far the model has learned: beyond the oldest lead it was asked about, it extrapolates."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from features.histories import NO_TIME, Bools, Int64
from features.memory import DAY_US


def oldest_learned_days(data: Mapping[str, Any]) -> float | None:
    """Age in days of the oldest lead that the training asked about; None where there is no time.

    ``data``: the release's record of its data.

    >>> oldest_learned_days({"reference_ages_days": [0, 7, 28]})
    28.0
    """
    ages = data.get("reference_ages_days") or ()
    return float(max(ages)) if len(ages) else None


def beyond_learned(oldest_days: float | None, created_us: Int64, as_of_us: Int64) -> Bools:
    """Whether each question is about an older lead than any learned from, (n,) bool.

    Never for a lead whose creation is unknown, nor where there is no time (``oldest_days`` None).
    """
    if oldest_days is None:
        return np.zeros(len(as_of_us), dtype=np.bool_)
    limit = created_us + round((oldest_days + 1) * DAY_US)
    beyond: Bools = (created_us != NO_TIME) & (as_of_us >= limit)
    return beyond
