"""Standard errors and intervals of means, rates and areas under the curve, clustered by lead."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import erfc

from features.compute.array_types import Bools, Float64, Int8, Int64
from training.evaluation.metrics import Estimate

Z95 = 1.959963984540054
"""The 97.5 % point of the normal distribution."""


def wilson(rate: float, n: float, z: float = Z95) -> Estimate:
    """Wilson's score interval of a rate seen in ``n`` independent leads; NaN for none.

    Wilson 1927. Well behaved near 0 and 1 and for small numbers.

    >>> interval = wilson(0.1, 50)
    >>> round(interval.low, 4), round(interval.high, 4)
    (0.0435, 0.2136)
    """
    if not n > 0 or not np.isfinite(rate):
        return Estimate(float("nan"), float("nan"), float("nan"))
    middle = (rate + z * z / (2 * n)) / (1 + z * z / n)
    half = z * np.sqrt(rate * (1 - rate) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    low, high = max(middle - half, 0.0), min(middle + half, 1.0)
    return Estimate(rate, float(min(low, rate)), float(max(high, rate)))


def rate_of(label: Int8, weight: Float64, lead: Int64) -> Estimate:
    """Weighted rate of positives with Wilson's interval over :func:`effective_leads`.

    >>> rate_of(np.array([1, 0], np.int8), np.array([0.5, 0.5]), np.array([4, 4])).value
    0.5
    """
    if not len(label):
        return wilson(float("nan"), 0)
    rate = float(np.average(label == 1, weights=weight))
    return wilson(rate, effective_leads(lead, weight))


def effective_leads(lead: Int64, weight: Float64) -> float:
    """How many equal leads are worth as much as (n,) rows: Kish's (Σ w)² / Σ w².

    ``w``: a lead's weight, which is that of its rows together. Kish 1965, Survey Sampling.

    >>> effective_leads(np.array([4, 4, 7]), np.array([0.5, 0.5, 1.0]))
    2.0
    >>> effective_leads(np.array([1, 2]), np.array([1.0, 3.0]))
    1.6
    """
    _, member = np.unique(lead, return_inverse=True)
    mass = np.bincount(member, weights=weight)
    return float(mass.sum() ** 2 / (mass**2).sum())


def clustered_mean(values: Float64, weight: Float64, unit: Int64) -> tuple[float, float]:
    """Weighted mean of ``values`` (n) and its standard error, clustered by ``unit`` (n).

    The error is that of a ratio mean: rows of a unit count as one observation.

    >>> mean, error = clustered_mean(np.array([1.0, 1.0, 3.0]), np.ones(3), np.array([0, 0, 1]))
    >>> round(mean, 3), round(error, 3)
    (1.667, 0.889)
    """
    mean = float(np.average(values, weights=weight))
    _, member = np.unique(unit, return_inverse=True)
    share = np.bincount(member, weights=weight * (values - mean))
    n = len(share)
    error = float(np.sqrt((share**2).sum() * n / max(n - 1, 1)) / weight.sum())
    return mean, error


def clustered_z_score(values: Float64, weight: Float64, unit: Int64) -> float:
    """Weighted mean over its standard error; infinite where the error is 0 and the mean is not.

    >>> clustered_z_score(np.array([1.0, 1.0, 3.0]), np.ones(3), np.array([0, 0, 1])).__round__(3)
    1.875
    """
    mean, error = clustered_mean(values, weight, unit)
    if error == 0.0:
        return 0.0 if mean == 0.0 else float(np.sign(mean) * np.inf)
    return mean / error


@dataclass(frozen=True, slots=True)
class AucResult:
    """Area under the curve, and the influence of each lead on it (sums to about 0)."""

    value: float
    influence: Float64

    @property
    def standard_error(self) -> float:
        """Root of the summed squares of the leads' influences (DeLong's, clustered)."""
        return float(np.sqrt((self.influence**2).sum()))

    @property
    def interval(self) -> Estimate:
        """Normal interval at 95 %, kept inside [0, 1]."""
        half = Z95 * self.standard_error
        return Estimate(self.value, max(self.value - half, 0.0), min(self.value + half, 1.0))


def delong(label: Int8, score: Float64, weight: Float64, lead: Int64) -> AucResult:
    """AUC by DeLong, DeLong and Clarke-Pearson 1988, weighted, rows of a lead kept together.

    With one row a lead and equal weights the variance is DeLong's; several rows of a lead are
    summed first, as Obuchowski 1997 does. Ties count half. NaN when a class is missing.
    """
    _, member = np.unique(lead, return_inverse=True)
    positive = label == 1
    n_leads = int(member.max()) + 1 if len(member) else 0
    if not positive.any() or positive.all():
        return AucResult(float("nan"), np.full(n_leads, np.nan))
    above, share_p = _placements(score, weight * positive, positive, weight * ~positive)
    below, share_n = _placements(-score, weight * ~positive, ~positive, weight * positive)
    value = float(above @ share_p)
    by_row = np.where(positive, (above - value) * share_p, (below - value) * share_n)
    n_p, n_n = int(positive.sum()), int((~positive).sum())
    by_row *= np.sqrt(np.where(positive, n_p / max(n_p - 1, 1), n_n / max(n_n - 1, 1)))
    influence = np.bincount(member, weights=by_row, minlength=n_leads)
    return AucResult(value, influence.astype(np.float64))


def _placements(
    score: Float64, own: Float64, rows: Bools, others: Float64
) -> tuple[Float64, Float64]:
    """Per row: the share of the other class it is above (ties half); and its share of its own."""
    _, place = np.unique(score, return_inverse=True)
    mass = np.bincount(place, weights=others)
    under = np.cumsum(mass) - mass / 2
    return np.where(rows, under[place] / mass.sum(), 0.0), own / own.sum()


def auc_difference(first: AucResult, second: AucResult) -> tuple[Estimate, float]:
    """AUC of ``first`` minus that of ``second`` on the same rows: interval, and two-sided p-value.

    Both must come from :func:`delong` on the same leads.
    """
    gap = first.value - second.value
    error = float(np.sqrt(((first.influence - second.influence) ** 2).sum()))
    p = float(erfc(abs(gap) / error / np.sqrt(2))) if error > 0 else float(gap == 0)
    return Estimate(gap, gap - Z95 * error, gap + Z95 * error), p
