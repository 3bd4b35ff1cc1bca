"""Last period's forecast against what came: the recipe fitted on what was known at its start."""

from __future__ import annotations

from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from features.compute.array_types import Float64, Rows
from features.histories.arrays import References
from features.vectors.compute import compute_vectors
from scoring.forecast import COVERAGE, drawn_totals, interval_of
from scoring.model.log_odds import sigmoid
from scoring.model.model import Model
from training.candidates.base import TrainingSet
from training.labels.censoring import CensoringTreatment, training_rows
from training.labels.references import OPEN, LabelledReferences, label_counts
from training.labels.training_data import TrainingData
from training.model_selection.cross_validation import recency_weighted
from training.model_selection.fit import FittedModel, fit_ensemble
from training.model_selection.worker_pool import WorkerPool

MIN_LABELS_PER_CLASS = 25
"""With fewer mature references of either class at the start there is nothing to forecast from."""
SEED = 0


def last_period(
    fitted: FittedModel, data: TrainingData, level: Float64, *, pool: WorkerPool | None = None
) -> dict[str, Any] | None:
    """The last ``horizon_days`` of the data: forecast at their start, and what came.

    Plain data: ``start_us``, ``horizon_days``, ``leads`` open then, ``expected``, ``low``,
    ``high``, ``converted``. The choice of the recipe, not its fit, has seen the period. None where
    too little was known at the start, or no lead was open. A recipe that was chosen on a sample of
    leads is fitted on that sample here, and asked about all of them.
    """
    labelled = data.labelled
    start = labelled.observed_until_us - labelled.horizon_us
    model = _known_at(fitted, data, start, pool)
    leads = open_at(data, start)
    if model is None or not len(leads):
        return None
    references = References(leads, np.full(len(leads), start, np.int64))
    # sorted, so that the draws do not depend on the order in which leads were read
    log_odds = np.sort(model.log_odds(compute_vectors(fitted.spec, data.histories, references)))
    totals, _ = drawn_totals(log_odds, np.ones(len(leads)), None, level, SEED)
    low, high = interval_of(totals, COVERAGE)
    closed, converted = _ends(labelled, len(data.histories))
    came = converted[leads] & (closed[leads] <= labelled.observed_until_us)
    return {
        "start_us": start,
        "horizon_days": data.settings.horizon_days,
        "leads": len(leads),
        "expected": float(sigmoid(log_odds).sum()),
        "low": low,
        "high": high,
        "converted": int(came.sum()),
    }


def _known_at(
    fitted: FittedModel, data: TrainingData, start: int, pool: WorkerPool | None
) -> Model | None:
    labelled = data.labelled
    everyone = np.ones(len(labelled), bool)
    if fitted.sample is not None:
        everyone[:] = False
        everyone[fitted.sample.rows] = True
    known = training_rows(labelled, everyone, start, CensoringTreatment.MATURE)
    if min(label_counts(known.label)) < MIN_LABELS_PER_CLASS:
        return None
    if fitted.ensemble.recency_weighted:
        known = recency_weighted(known, labelled, start)
    references = labelled.take(known.rows).references
    vectors = compute_vectors(fitted.spec, data.histories, references)
    with threadpool_limits(1):
        sample = TrainingSet(vectors, known.label, known.weight)
        return fit_ensemble(fitted.ensemble, fitted.candidates, sample, pool=pool)


def open_at(data: TrainingData, moment_us: int) -> Rows:
    """Rows of the leads that had a reference by then, and were open."""
    labelled = data.labelled
    closed, _ = _ends(labelled, len(data.histories))
    created = data.histories.created_at_us
    known = np.zeros(len(created), bool)
    known[labelled.lead] = True
    return np.flatnonzero(known & (created <= moment_us) & (closed > moment_us))


def _ends(labelled: LabelledReferences, n_leads: int) -> tuple[Any, Any]:
    """Per lead: when it closed (``OPEN`` if not), and whether it converted."""
    closed = np.full(n_leads, OPEN, np.int64)
    converted = np.zeros(n_leads, bool)
    closed[labelled.lead], converted[labelled.lead] = labelled.closed_us, labelled.converted
    return closed, converted
