"""The leads that are open in a week: what a capacity per week is taken from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from features.compute.array_types import DAY_US, Float64, Int64
from features.histories.arrays import References
from features.histories.subset import select_leads
from features.vectors.compute import compute_vectors
from features.vectors.spec import FeatureSpec
from scoring.model.model import Model
from training.labels.training_data import TrainingData

WEEK_US = 7 * DAY_US


MAX_WEEKS = 8
"""The newest weeks in which leads were open; as many as a worklist looks back."""


@dataclass(frozen=True)
class OpenLeads:
    """Probabilities (n,) of the leads open in ``weeks`` weeks, one for each lead and week."""

    probability: Float64
    weeks: int

    @property
    def per_week(self) -> float:
        """How many leads are open in a week."""
        return len(self.probability) / self.weeks


def open_in_recent_weeks(
    created_us: Int64,
    closed_us: Int64,
    reference_ages_us: Sequence[int],
    until_us: int,
    max_weeks: int = MAX_WEEKS,
) -> list[References]:
    """Who is open in each of the newest weeks before ``until_us``, newest first.

    A lead is open in the week ``[begin, begin + 7 days)`` when it was created before its end and
    closed after its begin (leads (n,): ``created_us``, ``closed_us``). Its moment is its last
    reference in that week, else the begin of the week, or its creation where that is later. Weeks
    without an open lead are left out, and those that begin before the first lead, but for one.
    """
    out: list[References] = []
    end = until_us
    first = int(created_us.min())
    while len(out) < max_weeks and end > first and (not out or end - WEEK_US >= first):
        begin = end - WEEK_US
        leads = np.flatnonzero((created_us < end) & (closed_us > max(begin, first)))
        if len(leads):
            moment = np.maximum(created_us[leads], begin)
            for age in sorted(reference_ages_us):
                at = created_us[leads] + age
                inside = (at >= begin) & (at < end) & (at < closed_us[leads])
                moment = np.where(inside, at, moment)
            out.append(References(leads.astype(np.int64), moment.astype(np.int64)))
        end = begin
    return out


def open_leads(data: TrainingData, model: Model, spec: FeatureSpec) -> OpenLeads | None:
    """The leads open in the newest weeks as a model scores them; None without time."""
    labelled, histories = data.labelled, data.histories
    if not labelled.has_time:
        return None
    closed = np.full(len(histories), np.iinfo(np.int64).min, np.int64)
    closed[labelled.lead] = labelled.closed_us  # a lead without a reference is open in no week
    weeks = open_in_recent_weeks(
        histories.created_at_us,
        closed,
        [round(age * DAY_US) for age in data.settings.reference_ages_days],
        labelled.observed_until_us,
    )
    scored = [
        model.probability(compute_vectors(spec, *select_leads(histories, week))) for week in weeks
    ]
    return OpenLeads(np.concatenate(scored), len(weeks)) if scored else None
