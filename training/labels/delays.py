"""How late conversions and losses come: shares of them that are in after so much time.

Estimated per reference age, for a lead that is older decides differently, from everything that
could be watched, however briefly: Aalen and Johansen 1978, "An empirical transition matrix for
non-homogeneous Markov chains based on censored observations", Scand. J. Statist. 5:141-150.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.compute.array_types import Bools, Float64, Int64
from training.labels.references import IMMATURE, LabelledReferences

MIN_CONVERSIONS = 10
"""An age with fewer observed conversions, or none mature, has no delays of its own."""


@dataclass(frozen=True, slots=True)
class ObservedShares:
    """Of what a reference's horizon will bring, the share that is in by the cutoff, (n) each.

    ``converted``: of the conversions within the horizon. ``lost``: of those that will not
    convert within it, the share closed as lost. ``known``: false where the age says too little.
    """

    converted: Float64
    lost: Float64
    known: Bools


def observed_shares(
    labelled: LabelledReferences, before_cutoff: Bools, cutoff_us: int, age_us: Int64
) -> ObservedShares:
    """The shares of the references ``asked`` (n, bool), as known at ``cutoff_us``.

    ``age_us`` (n): as_of minus creation; the references of one age share their delays.
    """
    n = len(labelled)
    shares = ObservedShares(np.zeros(n), np.zeros(n), np.zeros(n, bool))
    mature = labelled.labels_as_of(cutoff_us) != IMMATURE
    for age in np.unique(age_us[before_cutoff]):
        rows = np.flatnonzero(before_cutoff & (age_us == age))
        watched = np.minimum(cutoff_us - labelled.as_of_us[rows], labelled.horizon_us)
        took = labelled.closed_us[rows] - labelled.as_of_us[rows]
        converts = labelled.converted[rows] & (took <= watched)
        if converts.sum() < MIN_CONVERSIONS or not mature[rows].any():
            continue
        curve = cumulative_incidence(took, watched, labelled.converted[rows])
        at = np.searchsorted(curve.at_us, watched, side="right") - 1
        shares.converted[rows] = curve.converted[at] / curve.converted[-1]
        shares.lost[rows] = curve.lost[at] / max(1 - curve.converted[-1], 1e-9)
        shares.known[rows] = True
    return shares


@dataclass(frozen=True, slots=True)
class Incidence:
    """``converted``, ``lost`` (k): share of all that closed so by ``at_us`` (k), which starts
    at 0."""

    at_us: Int64
    converted: Float64
    lost: Float64


def cumulative_incidence(took_us: Int64, watched_us: Int64, converted: Bools) -> Incidence:
    """Aalen-Johansen estimate: ``took_us`` (n) until closing, of which ``watched_us`` (n) is seen.

    Two leads watched for three days, one of which converts on day 2; one watched for one day:

    >>> day = np.array([2, 9, 9])
    >>> seen = cumulative_incidence(day, np.array([3, 3, 1]), np.array([True, False, False]))
    >>> seen.at_us.tolist(), seen.converted.tolist()
    ([0, 2], [0.0, 0.5])
    """
    closes = took_us <= watched_us
    ends = np.minimum(took_us, watched_us)
    times, place = np.unique(ends[closes], return_inverse=True)
    wins = np.bincount(place, weights=converted[closes], minlength=len(times))
    losses = np.bincount(place, minlength=len(times)) - wins
    at_risk = len(ends) - np.searchsorted(np.sort(ends), times, side="left")
    stays = np.cumprod(1 - (wins + losses) / at_risk)
    before = np.concatenate([[1.0], stays[:-1]]) / at_risk if len(times) else np.zeros(0)
    start: npt.NDArray[np.int64] = np.zeros(1, np.int64)
    return Incidence(
        np.concatenate([start, times]),
        np.concatenate([[0.0], np.cumsum(before * wins)]),
        np.concatenate([[0.0], np.cumsum(before * losses)]),
    )
