"""Which labels an immature reference may teach: the treatments of leads that are still open.

``MATURE`` waits until the horizon has passed. ``EXPECTED`` also learns from younger references:
one that has closed teaches its outcome; one that is open enters twice, as converted with weight
q and as not with 1 - q, where q is its chance of converting in the rest of its horizon, given that
it has not by now (one step of expectation-maximisation: Chapelle 2014, "Modeling delayed feedback
in display advertising", KDD; the delays are counted, see ``training.labels.delays``). Nothing is
selected by outcome, so a column that tells the calendar learns nothing false. ``ADAPTIVE``, the
default, is ``EXPECTED`` where enough references are immature and ``MATURE`` elsewhere.

Three are kept as baselines for the benchmark. ``CLOSED`` learns from closed leads only (the quick
and the lost are over-represented), ``NEGATIVE`` calls open leads lost, and ``WEIGHTED`` uses
inverse-probability-of-censoring weights (Vock et al. 2016, J. Biomed. Inform. 61:119-131), which
assume that no column tells the calendar. Figures: docs/decisions/0051-expected-labels.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from features.compute.array_types import Bools, Float64, Int8, Int64, Rows
from training.labels.delays import observed_shares
from training.labels.references import IMMATURE, LabelledReferences


class CensoringTreatment(StrEnum):
    """How references that are immature at the cutoff are treated when learning."""

    MATURE = "mature_only"
    EXPECTED = "expected_labels"
    WEIGHTED = "censoring_weights"
    ADAPTIVE = "adaptive"
    CLOSED = "closed_only"
    NEGATIVE = "open_is_negative"


MIN_IMMATURE_SHARE = 0.15
"""Below this share of immature references ``ADAPTIVE`` waits for them: there is little to win,
and where the horizon is short they are one moment's, which can mislead as much as teach."""
MIN_LABELS_PER_CLASS = 25
"""With fewer mature references of either class nothing can be expected of the others."""


@dataclass(frozen=True, slots=True)
class TrainingRows:
    """Rows of the labelled references to learn from, with label (0/1) and weight (> 0).

    A row stands twice, once with each label, where its label is only expected.
    """

    rows: Rows
    label: Int8
    weight: Float64


def training_rows(
    labelled: LabelledReferences, allowed: Bools, cutoff_us: int, treatment: CensoringTreatment
) -> TrainingRows:
    """What may be learned at ``cutoff_us`` from the references ``allowed`` (n, bool).

    Nothing that happened after the cutoff is used. Without time every treatment is the same:
    closed leads, with their outcome. ``EXPECTED`` needs a model and is made by
    :func:`expected_training_rows`; here it is ``MATURE``, and so is ``ADAPTIVE``.
    """
    waits = (CensoringTreatment.MATURE, CensoringTreatment.EXPECTED, CensoringTreatment.ADAPTIVE)
    if not labelled.has_time or treatment in waits:
        label = labelled.labels_as_of(cutoff_us)
        rows = np.flatnonzero(allowed & (label != IMMATURE))
        return TrainingRows(rows, label[rows], labelled.weight[rows])
    before_cutoff = labelled.as_of_us < cutoff_us
    closed = labelled.closed_us <= cutoff_us
    won = closed & labelled.converted_in_horizon()
    if treatment == CensoringTreatment.CLOSED:
        rows = np.flatnonzero(allowed & before_cutoff & closed)
        return TrainingRows(rows, labelled.converted[rows].astype(np.int8), labelled.weight[rows])
    if treatment == CensoringTreatment.NEGATIVE:
        rows = np.flatnonzero(allowed & before_cutoff)
        return TrainingRows(rows, won[rows].astype(np.int8), labelled.weight[rows])
    mature = labelled.labels_as_of(cutoff_us) != IMMATURE
    rows = np.flatnonzero(allowed & before_cutoff & (closed | mature))
    weight = labelled.weight * censoring_weights(labelled, before_cutoff, cutoff_us)
    return TrainingRows(rows, won[rows].astype(np.int8), weight[rows])


def treatment_at(
    labelled: LabelledReferences, cutoff_us: int, treatment: CensoringTreatment
) -> CensoringTreatment:
    """What ``ADAPTIVE`` means at a moment; any other treatment is itself."""
    if treatment != CensoringTreatment.ADAPTIVE:
        return treatment
    before_cutoff = labelled.as_of_us < cutoff_us
    label = labelled.labels_as_of(cutoff_us)
    few_immature = (
        before_cutoff & (label == IMMATURE)
    ).sum() < MIN_IMMATURE_SHARE * before_cutoff.sum()
    few_labels = min((label == 1).sum(), (label == 0).sum()) < MIN_LABELS_PER_CLASS
    waits = not labelled.has_time or few_immature or few_labels
    return CensoringTreatment.MATURE if waits else CensoringTreatment.EXPECTED


def expected_training_rows(
    labelled: LabelledReferences,
    allowed: Bools,
    cutoff_us: int,
    age_us: Int64,
    chance: Float64,
) -> TrainingRows:
    """All references asked before the cutoff, with known or expected labels.

    ``age_us`` (n): as_of minus creation. ``chance`` (n): of converting within the horizon, by a
    model of the mature references. An age that says too little of its delays teaches by its mature
    references only: those that closed young are its winners.
    """
    before_cutoff = allowed & (labelled.as_of_us < cutoff_us)
    mature = labelled.labels_as_of(cutoff_us) != IMMATURE
    closed = labelled.closed_us <= cutoff_us
    shares = observed_shares(labelled, before_cutoff, cutoff_us, age_us)
    known = np.flatnonzero(before_cutoff & (mature | (closed & shares.known)))
    label = (closed & labelled.converted_in_horizon())[known].astype(np.int8)
    waiting = np.flatnonzero(before_cutoff & ~mature & ~closed & shares.known)
    wins = chance[waiting] * (1 - shares.converted[waiting])
    fails = (1 - chance[waiting]) * (1 - shares.lost[waiting])
    expected = wins / np.maximum(wins + fails, 1e-12)
    halves = np.concatenate([expected, 1 - expected])
    rows = np.concatenate([known, waiting, waiting])
    labels = np.concatenate([label, np.ones(len(waiting)), np.zeros(len(waiting))])
    weight = labelled.weight[rows] * np.concatenate([np.ones(len(known)), halves])
    kept = weight > 0
    return TrainingRows(rows[kept], labels[kept].astype(np.int8), weight[kept])


def censoring_weights(
    labelled: LabelledReferences, before_cutoff: Bools, cutoff_us: int
) -> Float64:
    """1 / P(C >= min(T, H)) per reference, T the time to closing, H the horizon.

    P is the share of the references ``asked`` that had at least so much time before the cutoff
    (each lead counts once). Scaled so that the usable ones weigh as much as all that were asked.
    """
    had_us = np.where(before_cutoff, cutoff_us - labelled.as_of_us, -1)
    took_us = np.minimum(labelled.closed_us - labelled.as_of_us, labelled.horizon_us)
    order = np.argsort(had_us[before_cutoff], kind="stable")
    had = had_us[before_cutoff][order]
    mass = labelled.weight[before_cutoff][order]
    below = np.concatenate([[0.0], np.cumsum(mass)])
    share = 1 - below[np.searchsorted(had, took_us, side="left")] / mass.sum()
    usable = before_cutoff & (took_us <= had_us)
    raw = np.where(usable, 1 / np.maximum(share, 1e-9), 0.0)
    total = float((labelled.weight * raw).sum())
    return raw * (float(mass.sum()) / total if total > 0 else 1.0)
