"""How far equally good models differ on a lead: what widens the interval of a score.

Venn-Abers says how well the *average* of leads with a score is known, which with thousands of leads
is very well. The true probability of one lead strays much further from its score, because the
model is one of many that the data allow. Outcomes alone cannot show how far. Three variances of
the log-odds, measured on references that were predicted out of time, stand in for it:

- learning again from other leads: final model against the out-of-time score, squared;
- another kind of model: the variance between the families, each on its own line;
- few conversions: 1 / (conversions + 1) among the twentieth of the leads scored alike, about the
  variance of the log-odds of their rate.

How much of the truth such intervals hold is measured with the simulator:
``python benchmarks/intervals.py``, docs/decisions/0007-intervals-hold-the-truth.md.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from features.compute.array_types import Float64
from features.vectors.compute import compute_vectors
from scoring.intervals import IntervalTable
from training.calibration.venn_abers import venn_abers
from training.candidates.scorecard import SCORECARD
from training.labels.training_data import TrainingData
from training.model_selection.fit import FittedModel
from training.model_selection.platt import platt

SPREADS = 1.8
"""Standard deviations on either side of the interval. A normal distribution has 90 % within 1.645;
the three variances fall a little short, and with 1.8 the intervals hold what they name."""


BINS = 20


FEWEST = 50
"""A bin of scores holds at least so many references."""


def interval_table(learned: FittedModel, source: TrainingData) -> IntervalTable:
    """The intervals of a release: Venn-Abers out of time, widened by the spread of models."""
    tested = learned.tested
    label = tested.label.astype(np.float64)
    table = venn_abers(learned.log_odds, label, tested.weight)
    references = source.labelled.take(tested.rows).references
    final = learned.model.log_odds(compute_vectors(learned.spec, source.histories, references))
    families = []
    learned_ones = [t for t in learned.trials[1:] if t.family.name != SCORECARD]
    for trial in learned_ones:  # the first is the base rate, the floor
        slope, intercept = platt(trial.log_odds, label, tested.weight)
        families.append(slope * trial.log_odds + intercept)
    at, spread = spread_by_score(final, learned.log_odds, families, label, tested.weight)
    return table.with_spread(at, spread, SPREADS)


def spread_by_score(
    final: Float64,
    out_of_time: Float64,
    families: Sequence[Float64],
    label: Float64,
    weight: Float64,
) -> tuple[Float64, Float64]:
    """(at, spread): the spread in log-odds as a function of the final score, at most BINS points.

    ``final``, ``out_of_time``, each of ``families`` (log-odds), ``label`` (0 or 1) and ``weight``
    (a lead's references share one unit): (n,). In bins of equal number the spread is the root of
    the mean of (final − out of time)² + the variance between families (0 with fewer than two),
    plus 1 / (conversions + 1).

    >>> final = np.zeros(4)
    >>> families = [final - 0.2, final + 0.2]
    >>> at, spread = spread_by_score(final, final + 0.3, families, np.ones(4), np.ones(4))
    >>> at.tolist(), (spread**2).round(4).tolist()
    ([0.0], [0.37])
    """
    variance = (final - out_of_time) ** 2
    if len(families) > 1:
        variance = variance + np.var(np.array(families), axis=0, ddof=1)
    order = np.argsort(final, kind="stable")
    place = np.empty(len(order), dtype=np.intp)
    bins = max(1, min(BINS, len(order) // FEWEST))
    place[order] = np.arange(len(order)) * bins // max(len(order), 1)
    # equal scores belong together, so they go where the first of them went
    _, first, group = np.unique(final, return_index=True, return_inverse=True)
    lowest = np.full(len(first), bins)
    np.minimum.at(lowest, group, place)
    _, place = np.unique(lowest[group], return_inverse=True)
    mass = np.bincount(place, weight)
    mean = np.bincount(place, weight * variance) / mass
    known = 1.0 / (np.bincount(place, weight * label) + 1.0)
    at = np.bincount(place, weight * final) / mass
    return at, np.sqrt(mean + known)
