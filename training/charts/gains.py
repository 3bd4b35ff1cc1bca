"""Gains and lift as drawings: one score in a model card, several beside each other in a report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from markupsafe import Markup

from training.charts import svg

WIDTH, HEIGHT = 450, 330
LEFT, RIGHT, FOOT, TOP = 46, 440, 290, 14
TENTHS = 10


@dataclass(frozen=True, slots=True)
class GainsCurve:
    """One score's line: shares of conversions found, evenly spaced over shares of leads called.

    ``stroke``: width of the line in pixels; ``dash``: its dashes, as SVG writes them.
    """

    title: str
    colour: str
    found: Sequence[float]
    stroke: float = 2.6
    dash: str = ""

    @property
    def lift(self) -> list[float]:
        """Rate of conversions in each tenth of the leads, best first, over the rate of all."""
        share = np.linspace(0.0, 1.0, len(self.found))
        at = np.interp(np.arange(TENTHS + 1) / TENTHS, share, self.found)
        return [float(TENTHS * (after - before)) for before, after in pairwise(at)]


def gains_chart(curves: Sequence[GainsCurve], title: str, about: str = "") -> Markup:
    """Share of conversions found against share of leads called; the first curve lies on top.

    One curve alone has a word on the diagonal, several have a legend.
    """
    x, y = svg.Scale(0, 1, LEFT, RIGHT - 10), svg.Scale(0, 1, FOOT, TOP)
    parts = [
        svg.bottom_axis(x, FOOT, TOP, "share of leads called, best first", svg.percent),
        svg.left_axis(y, LEFT, RIGHT, "", svg.percent),
        svg.line(x(0), y(0), x(1), y(1), svg.SOFT, 1, "4 4"),
    ]
    for curve in reversed(curves):
        last = len(curve.found) - 1
        points = [(x(i / last), y(value)) for i, value in enumerate(curve.found)]
        parts.append(svg.path(points, curve.colour, curve.stroke, curve.dash))
    if len(curves) == 1:
        parts.append(svg.text(x(0.52), y(0.47), "called by chance", colour=svg.SOFT, size=10.5))
    else:
        dashes = [curve.dash for curve in curves]
        parts.append(svg.box(284, 176, 150, 106, svg.PAPER, 4))
        parts.append(svg.legend(290, 192, _names(curves), gap=16, dashes=dashes))
    return svg.drawing(WIDTH, HEIGHT, parts, title, about)


def lift_chart(curves: Sequence[GainsCurve], title: str, about: str = "") -> Markup:
    """Conversion of each tenth of the leads, best first, relative to all: a bar for each score.

    One curve alone has its numbers above the bars, several have a legend.
    """
    lifts = [curve.lift for curve in curves]
    y = svg.Scale(0, max(1.2, *(max(lift) for lift in lifts)) * 1.08, FOOT, TOP)
    step = (RIGHT - LEFT) / TENTHS
    wide = 0.78 * step / len(curves)
    parts = [svg.left_axis(y, LEFT, RIGHT)]
    for tenth in range(TENTHS):
        left = LEFT + (tenth + 0.11) * step
        middle = left + 0.39 * step
        for i, (curve, lift) in enumerate(zip(curves, lifts, strict=True)):
            top = y(lift[tenth])
            bar = svg.box(left + i * wide, top, wide - 1, FOOT - top, curve.colour, 1.5)
            parts.append(bar)
            if len(curves) == 1:
                number = f"{lift[tenth]:.1f}"
                parts.append(svg.text(middle, top - 4, number, anchor="middle", size=10))
        parts.append(
            svg.text(middle, FOOT + 16, str(tenth + 1), anchor="middle", size=10, colour=svg.SOFT)
        )
    words = "tenth of the leads, best first"
    parts.append(svg.line(LEFT, y(1), RIGHT, y(1), svg.INK, 1, "4 4"))
    parts.append(svg.text(243, FOOT + 34, words, anchor="middle", colour=svg.SOFT))
    if len(curves) > 1:
        parts.append(svg.legend(330, 40, _names(curves)))
    return svg.drawing(WIDTH, HEIGHT, parts, title, about)


def _names(curves: Sequence[GainsCurve]) -> list[tuple[str, str]]:
    return [(curve.title, curve.colour) for curve in curves]
