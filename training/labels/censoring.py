"""What leads that are still open may teach: four treatments of labels that come late.

Two are common and wrong, kept as baselines for the benchmark: learning from closed leads only
(the quick and the lost are over-represented) and calling open leads negative. ``MATURE`` waits
until the horizon has passed. ``WEIGHTED`` also learns from younger references whose lead has
already closed, and makes up for those it cannot use yet by inverse-probability-of-censoring
weights: Vock et al. 2016, "Adapting machine learning techniques to censored time-to-event
health record data", J. Biomed. Inform. 61:119-131. A reference is censored at age C = cutoff −
as_of, which is known for all, so the censoring distribution needs no model. ``ADAPTIVE``, the
default, weights where there is something to win: where enough references are immature. Figures
and reasons: docs/decisions/0045-censoring.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from features.compute.array_types import Bools, Float64, Int8, Rows
from training.labels.references import IMMATURE, LabelledReferences


class CensoringTreatment(StrEnum):
    """How references that are immature at the cutoff are treated when learning."""

    MATURE = "mature_only"
    WEIGHTED = "censoring_weights"
    ADAPTIVE = "adaptive"
    CLOSED = "closed_only"
    NEGATIVE = "open_is_negative"


FEW_IMMATURE = 0.05
"""Below this share of immature references ``ADAPTIVE`` waits for them. They all come from the
last horizon, so where it is short they are one moment's, and can shift as much as they teach."""


@dataclass(frozen=True, slots=True)
class TrainingRows:
    """Rows of the labelled references to learn from, with label (0/1) and weight (> 0)."""

    rows: Rows
    label: Int8
    weight: Float64


def training_rows(
    labelled: LabelledReferences, allowed: Bools, cutoff_us: int, treatment: CensoringTreatment
) -> TrainingRows:
    """What may be learned at ``cutoff_us`` from the references ``allowed`` (n, bool).

    Nothing that happened after the cutoff is used. Without time every treatment is the same:
    closed leads, with their outcome.
    """
    treatment = treatment_at(labelled, cutoff_us, treatment)
    if not labelled.has_time or treatment == CensoringTreatment.MATURE:
        label = labelled.labels_as_of(cutoff_us)
        rows = np.flatnonzero(allowed & (label != IMMATURE))
        return TrainingRows(rows, label[rows], labelled.weight[rows])
    asked = labelled.as_of_us < cutoff_us
    closed = labelled.closed_us <= cutoff_us
    won = closed & labelled.converted_in_horizon()
    if treatment == CensoringTreatment.CLOSED:
        rows = np.flatnonzero(allowed & asked & closed)
        return TrainingRows(rows, labelled.converted[rows].astype(np.int8), labelled.weight[rows])
    if treatment == CensoringTreatment.NEGATIVE:
        rows = np.flatnonzero(allowed & asked)
        return TrainingRows(rows, won[rows].astype(np.int8), labelled.weight[rows])
    mature = labelled.labels_as_of(cutoff_us) != IMMATURE
    rows = np.flatnonzero(allowed & asked & (closed | mature))
    weight = labelled.weight * censoring_weights(labelled, asked, cutoff_us)
    return TrainingRows(rows, won[rows].astype(np.int8), weight[rows])


def treatment_at(
    labelled: LabelledReferences, cutoff_us: int, treatment: CensoringTreatment
) -> CensoringTreatment:
    """What ``ADAPTIVE`` means at a moment; any other treatment is itself."""
    if treatment != CensoringTreatment.ADAPTIVE:
        return treatment
    asked = labelled.as_of_us < cutoff_us
    immature = asked & (labelled.labels_as_of(cutoff_us) == IMMATURE)
    few = immature.sum() < FEW_IMMATURE * asked.sum()
    return CensoringTreatment.MATURE if few else CensoringTreatment.WEIGHTED


def censoring_weights(labelled: LabelledReferences, asked: Bools, cutoff_us: int) -> Float64:
    """1 / P(C >= min(T, H)) per reference, T the time to closing, H the horizon.

    P is the share of the references ``asked`` that had at least so much time before the cutoff
    (each lead counts once). Scaled so that the usable ones weigh as much as all that were asked.
    """
    had_us = np.where(asked, cutoff_us - labelled.as_of_us, -1)
    took_us = np.minimum(labelled.closed_us - labelled.as_of_us, labelled.horizon_us)
    order = np.argsort(had_us[asked], kind="stable")
    had = had_us[asked][order]
    mass = labelled.weight[asked][order]
    below = np.concatenate([[0.0], np.cumsum(mass)])
    share = 1 - below[np.searchsorted(had, took_us, side="left")] / mass.sum()
    usable = asked & (took_us <= had_us)
    raw = np.where(usable, 1 / np.maximum(share, 1e-9), 0.0)
    total = float((labelled.weight * raw).sum())
    return raw * (float(mass.sum()) / total if total > 0 else 1.0)
