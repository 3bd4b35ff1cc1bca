"""The pictures of the comparison report."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from training import svg
from training.calibration.reliability_chart import reliability_chart
from training.comparison.compare import LEARNED, REWEIGHTED, RULES, Comparison
from training.comparison.measures import Score
from training.evaluation import Interval

HALF, WHOLE = 450, 900
"""Widths of pictures that stand in pairs, and alone."""


def forest(
    rows: Sequence[tuple[str, str, Interval]], label: str, *, form: str, zero: bool = False
) -> Markup:
    """Values with intervals, one row each (name, colour, interval); a line at 0 if ``zero``."""
    known = [i for _, _, i in rows if i.value == i.value]
    lows = [min(i.low, i.value) if i.low == i.low else i.value for i in known]
    highs = [max(i.high, i.value) if i.high == i.high else i.value for i in known]
    low, high = min([*lows, *([0.0] if zero else [])]), max([*highs, *([0.0] if zero else [])])
    pad = (high - low or 1) * 0.06
    x = svg.Scale(low - pad, high + pad, 132, 380)
    height = 26 * len(rows)
    axis = svg.percent if form == "percent" else svg.plain
    parts = [svg.bottom_axis(x, height + 4, 4, label, axis)]
    if zero:
        parts.append(svg.line(x(0), 0, x(0), height + 4, svg.INK, 1.2))
    for i, (name, colour, interval) in enumerate(rows):
        y = 26 * i + 17
        parts.append(svg.text(124, y + 4, name, anchor="end"))
        if interval.low == interval.low:
            parts.append(svg.whisker(x(interval.low), x(interval.high), y, colour))
        if interval.value == interval.value:
            parts.append(svg.dot(x(interval.value), y, 5.5, colour))
            parts.append(svg.text(390, y + 4, _figure(interval, form), size=10.5))
    return svg.drawing(HALF, height + 44, parts, label)


def _figure(interval: Interval, form: str) -> str:
    if form == "percent":
        return f"{interval.value:.1%}".replace("%", " %")
    return f"{interval.value:+.4f}" if form == "signed" else f"{interval.value:.3f}"


def score_rows(scores: Sequence[Score], field: str) -> list[tuple[str, str, Interval]]:
    """One row per score for :func:`forest`."""
    return [(s.title, svg.COLOURS.get(s.name, svg.SOFT), getattr(s, field)) for s in scores]


def difference_rows(scores: Sequence[Score]) -> list[tuple[str, str, Interval]]:
    """How much lower the learned score's log loss is than each other's."""
    return [
        (s.title, svg.COLOURS.get(s.name, svg.SOFT), s.log_loss_difference)
        for s in scores
        if s.log_loss_difference is not None
    ]


def gains_chart(found: Comparison) -> Markup:
    """Share of conversions found against share of leads called."""
    x, y = svg.Scale(0, 1, 46, 430), svg.Scale(0, 1, 290, 14)
    parts = [
        svg.bottom_axis(x, 290, 14, "share of leads called, best first", svg.percent),
        svg.left_axis(y, 46, 440, "", svg.percent),
        svg.line(x(0), y(0), x(1), y(1), svg.SOFT, 1, "4 4"),
    ]
    for name, curve in reversed(found.gains.items()):
        points = [(x(i / (len(curve) - 1)), y(v)) for i, v in enumerate(curve)]
        parts.append(svg.path(points, svg.COLOURS.get(name, svg.SOFT), _stroke(name)))
    parts.append(svg.box(292, 176, 136, 106, svg.PAPER, 4))
    parts.append(svg.legend(300, 192, _names(found), gap=16))
    return svg.drawing(HALF, 330, parts, "Share of conversions found by share of leads called")


def _stroke(name: str) -> float:
    return 2.6 if name in (RULES, LEARNED) else 1.4


def _names(found: Comparison) -> list[tuple[str, str]]:
    return [(s.title, svg.COLOURS.get(s.name, svg.SOFT)) for s in found.scores]


def lift_chart(found: Comparison) -> Markup:
    """Conversion of each tenth of the leads, best first, relative to all: rules and learned."""
    tenths = {
        name: [10 * (curve[10 * d + 10] - curve[10 * d]) for d in range(10)]
        for name, curve in found.gains.items()
        if name in (RULES, LEARNED)
    }
    y = svg.Scale(0, max(1.2, *(max(v) for v in tenths.values())) * 1.05, 290, 14)
    parts = [svg.left_axis(y, 46, 440)]
    for d in range(10):
        left = 52 + d * 39.0
        for j, name in enumerate((RULES, LEARNED)):
            value = y(tenths[name][d])
            parts.append(svg.box(left + j * 16, value, 15, 290 - value, svg.COLOURS[name], 1.5))
        parts.append(
            svg.text(left + 15, 306, str(d + 1), anchor="middle", size=10, colour=svg.SOFT)
        )
    words = "tenth of the leads, best first"
    parts += [
        svg.line(46, y(1), 440, y(1), svg.INK, 1, "4 4"),
        svg.text(243, 324, words, anchor="middle", colour=svg.SOFT),
        svg.legend(
            330, 40, [(t, c) for t, c in _names(found) if c in map(svg.COLOURS.get, tenths)]
        ),
    ]
    return svg.drawing(HALF, 330, parts, "Lift by tenth of leads")


def calibration_chart(found: Comparison, name: str) -> Markup:
    """The reliability diagram of one score, in its colour."""
    title = f"{found.score_of(name).title}: what happened"
    colour = svg.COLOURS.get(name, svg.SOFT)
    return reliability_chart(found.calibration[name], title=title, colour=colour)


def split_chart(found: Comparison) -> Markup:
    """The gain in log loss in two steps: better weights, then better features."""
    losses = {s.name: s.log_loss.value for s in found.scores}
    if REWEIGHTED not in losses:
        return Markup("")
    steps = [
        (
            "better weights (same rules)",
            losses[RULES] - losses[REWEIGHTED],
            svg.COLOURS[REWEIGHTED],
        ),
        ("better features", losses[REWEIGHTED] - losses[LEARNED], svg.COLOURS[LEARNED]),
        ("in all", losses[RULES] - losses[LEARNED], svg.INK),
    ]
    ends = [0.0, steps[0][1], steps[2][1]]
    pad = (max(ends) - min(ends) or 1) * 0.08
    x = svg.Scale(min(ends) - pad, max(ends) + pad, 220, 800)
    parts = [svg.bottom_axis(x, 88, 4, "lower log loss than the rules (nats a lead)")]
    start = 0.0
    for i, (name, gain, colour) in enumerate(steps):
        begin = 0.0 if i == 2 else start
        left, right = sorted((x(begin), x(begin + gain)))
        parts.append(svg.box(left, 8 + i * 28, max(right - left, 1.5), 18, colour, 2))
        parts.append(svg.text(210, 21 + i * 28, name, anchor="end"))
        parts.append(svg.text(812, 21 + i * 28, f"{gain:+.4f}", size=10.5))
        start += gain
    parts.append(svg.line(x(0), 0, x(0), 88, svg.INK, 1.2))
    return svg.drawing(WHOLE, 128, parts, "Where the gain comes from")


def value_chart(found: Comparison) -> Markup:
    """What calling the best leads earns, by share of leads called."""
    if found.value is None:
        return Markup("")
    curves = {n: e.curve for n, e in found.value.by_score.items()}
    flat = [v for curve in curves.values() for v in curve]
    x = svg.Scale(0, 1, 62, 430)
    y = svg.Scale(min(min(flat), 0), max(flat) * 1.05 or 1, 270, 14)
    parts = [
        svg.bottom_axis(x, 270, 14, "share of leads called, best first", svg.percent),
        svg.left_axis(y, 62, 440, "", lambda v: f"{v:,.0f}"),
        svg.line(62, y(0), 440, y(0), svg.INK, 1),
    ]
    for name, curve in reversed(curves.items()):
        points = [(x(i / (len(curve) - 1)), y(v)) for i, v in enumerate(curve)]
        parts.append(svg.path(points, svg.COLOURS.get(name, svg.SOFT), _stroke(name)))
    return svg.drawing(HALF, 312, parts, "Value by share of leads called")
