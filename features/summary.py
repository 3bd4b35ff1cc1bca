"""What a dataset holds, in counts: the answer of ``leadscore check``. No lead's values leave it."""

from __future__ import annotations

from typing import Any

import pyarrow.compute as pc

from features.contract import Outcome
from features.dataset import Dataset


def summary_of(dataset: Dataset) -> dict[str, Any]:
    """Counts, the observed window, attributes as they are read, and what was inferred.

    ``created`` and ``observed_until`` are ISO moments, or None for a set without time.
    """
    settings = dataset.settings
    ended = dataset.outcomes["outcome"].value_counts()
    converted = int(ended.get(Outcome.CONVERTED, 0))
    lost = int(ended.get(Outcome.LOST, 0))
    return {
        "name": settings.name,
        "about": settings.about,
        "licence": settings.licence,
        "has_time": dataset.has_time,
        "leads": len(dataset.leads),
        "converted": converted,
        "lost": lost,
        "open": len(dataset.leads) - converted - lost,
        "created": created_range(dataset),
        "observed_until": settings.observed_until.isoformat() if settings.observed_until else None,
        "horizon_days": settings.horizon_days,
        "reference_ages_days": list(settings.reference_ages_days),
        "interactions": dataset.interactions.num_rows,
        "kinds": kind_counts(dataset),
        "answers": dataset.answers.num_rows,
        "attributes": attribute_rows(dataset),
        "inferred": list(dataset.inferred),
        "quarantined": [
            {"file": bad.file, "reason": bad.reason, "rows": bad.rows, "example": bad.example}
            for bad in dataset.quarantined
        ],
        "fingerprint": dataset.fingerprint,
    }


def created_range(dataset: Dataset) -> list[str] | None:
    """First and last ``created_at``, or None where there is no time."""
    if not dataset.has_time or dataset.leads.empty:
        return None
    created = dataset.leads["created_at"]
    return [created.min().isoformat(), created.max().isoformat()]


def kind_counts(dataset: Dataset) -> dict[str, int]:
    """Interactions of each kind, most frequent first; equal counts by name."""
    counts = pc.value_counts(dataset.interactions["kind"]).to_pylist()
    ranked = sorted(counts, key=lambda row: (-row["counts"], row["values"]))
    return {row["values"]: row["counts"] for row in ranked}


def attribute_rows(dataset: Dataset) -> list[dict[str, Any]]:
    """One row per attribute: how it is read, how often it is known, how many values it has.

    An attribute that is only ever answered later counts as known for leads with an answer.
    """
    rows = []
    for name, declared in dataset.settings.attributes.items():
        known, distinct = 0, 0
        if name in dataset.leads:
            known, distinct = int(dataset.leads[name].count()), int(dataset.leads[name].nunique())
        else:
            mine = dataset.answers.filter(pc.equal(dataset.answers["attribute"], name))
            known = len(pc.unique(mine["lead_id"]))
            distinct = len(pc.unique(mine["value"]))
        rows.append(
            {
                "attribute": name,
                "type": declared.type,
                "group": declared.group,
                "available": declared.available,
                "known_share": known / max(len(dataset.leads), 1),
                "distinct": distinct,
            }
        )
    return rows
