"""Two pictures of a training for the registry's pages: reliability, and gains."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from features.histories import Float64
from training.cards.gains import gains_curve
from training.references import Int8

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def reliability_points(
    label: Int8, probability: Float64, weight: Float64, bins: int = 10
) -> tuple[Float64, Float64, Float64]:
    """Mean prediction, observed rate and weight of ``bins`` groups of equal weight.

    Rows with one probability stay in one group, so fewer groups may come back.

    >>> y, p = np.array([0, 1, 1, 1], np.int8), np.array([0.2, 0.2, 0.8, 0.9])
    >>> [column.round(3).tolist() for column in reliability_points(y, p, np.ones(4), bins=2)]
    [[0.2, 0.85], [0.5, 1.0], [2.0, 2.0]]
    """
    order = np.argsort(probability, kind="stable")
    p, y, w = probability[order], label[order], weight[order]
    middle = (np.cumsum(w) - w / 2) / w.sum()
    group = np.minimum(middle * bins, bins - 1e-9).astype(np.int64)[np.searchsorted(p, p)]
    mass: Float64 = np.bincount(group, weights=w).astype(np.float64)
    used = mass > 0
    predicted = np.bincount(group, weights=w * p)[used] / mass[used]
    observed = np.bincount(group, weights=w * y)[used] / mass[used]
    return predicted, observed, mass[used]


def reliability_figure(label: Int8, probability: Float64, weight: Float64) -> Figure:
    """Observed against predicted rate; on the diagonal a probability means what it says."""
    predicted, observed, mass = reliability_points(label, probability, weight)
    figure, axes = _square("predicted probability", "observed rate", "Reliability, out of time")
    top = float(max(predicted.max(), observed.max())) * 1.08 + 1e-6
    axes.plot([0, top], [0, top], color="0.7", linewidth=1)
    axes.scatter(predicted, observed, s=20 + 80 * mass / mass.max(), color="#1b6ca8")
    axes.set_xlim(0, top)
    axes.set_ylim(0, top)
    return figure


def gains_figure(label: Int8, probability: Float64, weight: Float64) -> Figure:
    """Conversions found against leads called, best first; the diagonal is chance."""
    called, found = gains_curve(label, probability, weight)
    figure, axes = _square("share of leads called", "share of conversions found", "Gains")
    axes.plot([0, 1], [0, 1], color="0.7", linewidth=1)
    axes.plot(called, found, color="#1b6ca8")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1.01)
    return figure


def _square(x_label: str, y_label: str, title: str) -> tuple[Figure, Axes]:
    from matplotlib.figure import Figure  # no pyplot: no global state, no display

    figure = Figure(figsize=(4.5, 4.5), layout="constrained")
    axes = figure.add_subplot()
    axes.set_xlabel(x_label)
    axes.set_ylabel(y_label)
    axes.set_title(title)
    return figure, axes
