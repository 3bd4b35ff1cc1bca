"""Whether a lead is older than any that the model was trained on: its score extrapolates then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from features.compute.array_types import DAY_US, Bools, Int64, Object
from features.histories.arrays import NO_TIME
from features.language.plural import plural

if TYPE_CHECKING:
    import pandas as pd


def oldest_learned_days(data: Mapping[str, Any]) -> float | None:
    """Age in days of the oldest training reference; None where there is no time.

    ``data``: the release's record of its data.

    >>> oldest_learned_days({"reference_ages_days": [0, 7, 28]})
    28.0
    """
    ages = data.get("reference_ages_days") or ()
    return float(max(ages)) if len(ages) else None


def is_extrapolating(oldest_days: float | None, created_us: Int64, as_of_us: Int64) -> Bools:
    """Whether each reference is of a lead older than any trained on, (n,) bool.

    Never for a lead whose creation is unknown, nor where there is no time (``oldest_days`` None).
    """
    if oldest_days is None:
        return np.zeros(len(as_of_us), dtype=np.bool_)
    limit = created_us + extrapolation_limit_us(oldest_days)
    is_older: Bools = (created_us != NO_TIME) & (as_of_us >= limit)
    return is_older


def extrapolation_limit_us(oldest_days: float) -> int:
    """Microseconds after its creation from which on a lead is older than any trained on."""
    return round((oldest_days + 1) * DAY_US)


def count_extrapolating(
    oldest_days: float | None, leads: pd.DataFrame, lead_ids: Object, as_of_us: Int64
) -> int:
    """How many of the references are of a lead older than any trained on.

    ``leads``: a dataset's, with ``created_at`` where there is time; unknown leads count as young.
    """
    if oldest_days is None or "created_at" not in leads.columns:
        return 0
    created = leads.set_index("lead_id")["created_at"].reindex(lead_ids)
    moments = np.asarray(created.astype("datetime64[us, UTC]").astype("int64"), dtype=np.int64)
    return int(is_extrapolating(oldest_days, moments, as_of_us).sum())


def extrapolation_note(n_older: int, n_leads: int, oldest_days: float) -> str:
    """The warning about scores that extrapolate.

    >>> extrapolation_note(2, 1_000, 28.0).split(";")[0]
    '2 of 1,000 leads are older than any learned from (28 days)'
    """
    return plural(
        n_older,
        "{n:,} of {leads:,} leads is older than any learned from ({age}); its score "
        "extrapolates. Add later reference_ages_days in dataset.toml and train again",
        "{n:,} of {leads:,} leads are older than any learned from ({age}); their scores "
        "extrapolate. Add later reference_ages_days in dataset.toml and train again",
        leads=n_leads,
        age=plural(oldest_days, "{n:g} day", "{n:g} days"),
    )
