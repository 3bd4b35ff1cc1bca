"""Calibration by segment, corrected for the number of segments tested."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from scipy.special import erfc

from features.compute.array_types import Float64, Int8, Int64, Object
from training.evaluation.confidence import Z95

MIN_EXPECTED = 5.0
"""A segment is tested only if so many conversions, and so many others, are expected in it."""


LEVEL = 0.05


@dataclass(frozen=True, slots=True)
class SegmentCalibration:
    """Calibration in one segment.

    ``expected`` and ``observed``: the mean probability and the rate of conversions.
    ``low``, ``high``: where the rate would lie 19 times out of 20 if every probability were true.
    ``p_value``: chance of a gap this large if they were; ``adjusted``: the same after Holm's
    correction for all segments tested; both None where too few conversions are expected to tell.
    ``warning``: a sentence where calibration fails, else None.
    """

    by: str
    name: str
    leads: int
    references: int
    expected: float
    observed: float
    low: float
    high: float
    p_value: float | None
    adjusted: float | None
    warning: str | None

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def calibration_by_segment(
    label: Int8,
    probability: Float64,
    weight: Float64,
    lead: Int64,
    columns: Mapping[str, Object],
    *,
    level: float = LEVEL,
) -> list[SegmentCalibration]:
    """One entry per value of each of ``columns`` (name → (n,) of str), in order of name.

    The gap Σ weight × (label − probability) is compared with its standard deviation under the
    probabilities themselves; rows of one lead count as one draw (they rise and fall together),
    which is careful. Holm (1979) keeps the chance of any false warning at ``level``.
    """
    segments = [
        _segment(by, str(name), label, probability, weight, lead, column == name)
        for by, column in columns.items()
        for name in np.unique(column.astype(str))
    ]
    adjusted = holm([segment.p_value for segment in segments])
    return [_with_warning(segment, p, level) for segment, p in zip(segments, adjusted, strict=True)]


def _segment(
    by: str,
    name: str,
    label: Int8,
    probability: Float64,
    weight: Float64,
    lead: Int64,
    rows: Object,
) -> SegmentCalibration:
    y, p, w, leads = label[rows] == 1, probability[rows], weight[rows], lead[rows]
    total, expected = float(w.sum()), float(w @ p)
    spread = float(np.sqrt(gap_variance(p, w, leads)))
    gap = float(w @ y) - expected
    mean_weight = total / max(len(np.unique(leads)), 1)
    enough = min(expected, total - expected) >= MIN_EXPECTED * mean_weight
    tested = enough and spread > 0
    return SegmentCalibration(
        by=by,
        name=name,
        leads=len(np.unique(leads)),
        references=len(y),
        expected=expected / total,
        observed=float(w @ y) / total,
        low=max((expected - Z95 * spread) / total, 0.0),
        high=min((expected + Z95 * spread) / total, 1.0),
        p_value=float(erfc(abs(gap) / spread / np.sqrt(2))) if tested else None,
        adjusted=None,
        warning=None,
    )


def gap_variance(probability: Float64, weight: Float64, lead: Int64) -> float:
    """Variance of Σ weight × label if the probabilities are true.

    Rows of a lead convert together: one uniform number per lead is below each probability or
    not. Leads are independent. With one row a lead this is Σ weight² × p × (1 − p).

    >>> gap_variance(np.array([0.5, 0.5]), np.ones(2), np.array([1, 2]))
    0.5
    >>> gap_variance(np.array([0.5, 0.5]), np.ones(2), np.array([1, 1]))
    1.0
    """
    order = np.lexsort((probability, lead))
    p, w, leads = probability[order], weight[order], lead[order]
    first = np.concatenate([[True], leads[1:] != leads[:-1]])[: len(leads)]
    starts = np.flatnonzero(first)
    if not len(starts):
        return 0.0
    # E[(Σ w·1[u < p])²] = Σ_j p_j·w_j·(w_j + 2·Σ of the weights above j), as min(p_j, p_k) = p_j
    own = np.add.reduceat(w, starts)
    upto = np.cumsum(w) - np.repeat(np.cumsum(own) - own, np.diff(np.append(starts, len(w))))
    above = np.repeat(own, np.diff(np.append(starts, len(w)))) - upto
    second = float((p * w * (w + 2 * above)).sum())
    mean = np.add.reduceat(p * w, starts)
    return max(second - float((mean**2).sum()), 0.0)


def holm(p_values: list[float | None]) -> list[float | None]:
    """Holm's step-down correction; None stays None and is not counted as a test.

    >>> holm([0.01, None, 0.04, 0.03])
    [0.03, None, 0.06, 0.06]
    """
    tested_p = [(p, i) for i, p in enumerate(p_values) if p is not None]
    out: list[float | None] = [None] * len(p_values)
    highest = 0.0
    for rank, (p, i) in enumerate(sorted(tested_p)):
        highest = max(highest, min(1.0, p * (len(tested_p) - rank)))
        out[i] = highest
    return out


def _with_warning(
    segment: SegmentCalibration, adjusted: float | None, level: float
) -> SegmentCalibration:
    warning = None
    if adjusted is not None and adjusted < level:
        side = "too low" if segment.observed > segment.expected else "too high"
        warning = (
            f"{segment.by} = {segment.name}: probabilities are {side}; "
            f"{segment.expected:.1%} expected, {segment.observed:.1%} observed "
            f"among {segment.leads:,} leads"
        )
    return SegmentCalibration(**{**asdict(segment), "adjusted": adjusted, "warning": warning})
