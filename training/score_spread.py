"""How far equally good models differ on a lead: what widens the interval of a score.

Venn-Abers says how well the *average* of leads with a score is known, which with thousands of leads
is very well. The true probability of one lead strays much further from its score, because the
model is one of many that the data allow. Outcomes alone cannot show how far; models can. Two
differences are measured on references that were predicted out of time:

- what learning again from other leads changes: final model against the out-of-time score;
- what another kind of model says: the variance between the families, each on its own line.

How much of the truth such intervals hold is measured with the simulator: docs/decisions.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from features.histories import Float64
from features.vectors import vectors
from scoring.calibration import platt
from scoring.intervals import IntervalTable, venn_abers
from training.learning import Learned, Source

SPREADS = 2.2
BINS = 20
FEWEST = 50
"""A bin of scores holds at least so many references."""


def interval_table(learned: Learned, source: Source) -> IntervalTable:
    """The intervals of a release: Venn-Abers out of time, widened by the spread of models."""
    tested = learned.tested
    label = tested.label.astype(np.float64)
    table = venn_abers(learned.log_odds, label, tested.weight)
    references = source.labelled.take(tested.rows).references
    final = learned.model.log_odds(vectors(learned.spec, source.histories, references))
    families = []
    for trial in learned.trials[1:]:  # the first is the base rate, the floor
        slope, intercept = platt(trial.log_odds, label, tested.weight)
        families.append(slope * trial.log_odds + intercept)
    at, spread = spread_by_score(final, learned.log_odds, families, tested.weight)
    return table.with_spread(at, spread, SPREADS)


def spread_by_score(
    final: Float64, out_of_time: Float64, families: Sequence[Float64], weight: Float64
) -> tuple[Float64, Float64]:
    """(at, spread): the spread in log-odds as a function of the final score, at most BINS points.

    ``final``, ``out_of_time``, each of ``families`` and ``weight``: (n,). Within bins of equal
    number the spread is the root of the mean of (final − out of time)² plus the variance
    between families (0 with fewer than two).

    >>> final = np.zeros(4)
    >>> at, spread = spread_by_score(final, final + 0.3, [final - 0.2, final + 0.2], np.ones(4))
    >>> at.tolist(), spread.round(4).tolist()
    ([0.0], [0.4123])
    """
    variance = (final - out_of_time) ** 2
    if len(families) > 1:
        variance = variance + np.var(np.array(families), axis=0, ddof=1)
    order = np.argsort(final, kind="stable")
    bins = np.array_split(order, max(1, min(BINS, len(order) // FEWEST)))
    at = np.array([np.average(final[rows], weights=weight[rows]) for rows in bins if len(rows)])
    mean = [np.average(variance[rows], weights=weight[rows]) for rows in bins if len(rows)]
    at, where = np.unique(at, return_inverse=True)
    mass = np.bincount(where)
    return at, np.sqrt(np.bincount(where, np.array(mean)) / mass)
