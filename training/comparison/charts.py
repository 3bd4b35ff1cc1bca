"""The pictures of the comparison report."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from features.language.plural import plural
from training.charts import svg
from training.charts.gains import GainsCurve
from training.charts.reliability import largest_of, reliability_chart
from training.comparison.bands import BANDS, BandRate, BandView
from training.comparison.compare import LEARNED, REWEIGHTED, RULES, Comparison
from training.comparison.metrics import ScoreMetrics
from training.evaluation.metrics import Estimate

HALF_WIDTH, FULL_WIDTH = 450, 900
"""Widths of charts in pairs, and alone."""


MIN_LEADS = 30
"""Figures of fewer leads are grey."""


FEW_INK = "#8a95a0"


def forest(
    rows: Sequence[tuple[str, str, Estimate]], label: str, *, form: str, zero: bool = False
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
    return svg.drawing(HALF_WIDTH, height + 44, parts, label)


def _figure(interval: Estimate, form: str) -> str:
    if form == "percent":
        return f"{interval.value:.1%}".replace("%", " %")
    return f"{interval.value:+.4f}" if form == "signed" else f"{interval.value:.3f}"


def score_rows(scores: Sequence[ScoreMetrics], field: str) -> list[tuple[str, str, Estimate]]:
    """One row per score for :func:`forest`."""
    return [(s.title, svg.COLOURS.get(s.name, svg.SOFT), getattr(s, field)) for s in scores]


def difference_rows(scores: Sequence[ScoreMetrics]) -> list[tuple[str, str, Estimate]]:
    """How much lower the learned score's log loss is than each other's, all recalibrated alike."""
    return [
        (s.title, svg.COLOURS.get(s.name, svg.SOFT), s.recalibrated_difference)
        for s in scores
        if s.recalibrated_difference is not None
    ]


def gains_curves(comparison: Comparison, only: Sequence[str] = ()) -> list[GainsCurve]:
    """The scores' gains as curves, of those named in ``only`` where it is not empty."""
    return [
        GainsCurve(
            score.title,
            svg.COLOURS.get(score.name, svg.SOFT),
            comparison.gains[score.name],
            _stroke(score.name),
            svg.DASHES.get(score.name, ""),
        )
        for score in comparison.scores
        if score.name in comparison.gains and (not only or score.name in only)
    ]


def _stroke(name: str) -> float:
    return 2.6 if name in (RULES, LEARNED) else 1.4


def calibration_chart(comparison: Comparison, name: str) -> Markup:
    """The reliability diagram of one score, in its colour; the axes are the same for all."""
    title = f"{comparison.score_of(name).title}: what happened"
    colour = svg.COLOURS.get(name, svg.SOFT)
    top = max(largest_of(diagram) for diagram in comparison.calibration.values())
    return reliability_chart(comparison.calibration[name], title=title, colour=colour, largest=top)


def split_chart(comparison: Comparison) -> Markup:
    """The gain in log loss in two steps, all recalibrated alike: better weights, then features."""
    losses = {s.name: s.recalibrated_log_loss.value for s in comparison.scores}
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
    return svg.drawing(FULL_WIDTH, 128, parts, "Where the gain comes from")


def value_chart(comparison: Comparison) -> Markup:
    """What calling the best leads earns, by share of leads called."""
    if comparison.value is None:
        return Markup("")
    curves = {n: e.curve for n, e in comparison.value.by_score.items()}
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
        parts.append(
            svg.path(
                points, svg.COLOURS.get(name, svg.SOFT), _stroke(name), svg.DASHES.get(name, "")
            )
        )
    return svg.drawing(HALF_WIDTH, 312, parts, "Value by share of leads called")


HEAT = svg.BAND_COLOURS["hot"]


def band_chart(view: BandView) -> Markup:
    """Observed conversion by band, rules and learned side by side, with Wilson's intervals."""
    rates = [r.rate.high for r in (*view.rules, *view.learned) if r.rate.high == r.rate.high]
    y = svg.Scale(0, min(1.0, max([*rates, 0.05]) * 1.1), 210, 24)
    parts = [svg.left_axis(y, 52, 890, "", svg.percent)]
    for j, (title, side) in enumerate((("by rules", view.rules), ("learned", view.learned))):
        for i, rate in enumerate(side):
            parts.append(_band_bar(rate, y, 110 + j * 410 + i * 125))
        parts.append(svg.text(110 + j * 410 + 160, 266, title, anchor="middle", weight=600))
    return svg.drawing(900, 276, parts, "Observed conversion by band")


def _band_bar(rate: BandRate, y: svg.Scale, left: float) -> str:
    value = rate.rate.value if rate.rate.value == rate.rate.value else 0.0
    parts = [
        svg.box(left, y(value), 70, y(0) - y(value), svg.BAND_COLOURS[rate.band], 3),
        svg.text(left + 35, 226, rate.band, anchor="middle"),
        svg.text(
            left + 35,
            241,
            plural(rate.leads, "{n:,} lead", "{n:,} leads"),
            anchor="middle",
            size=10,
            colour=svg.SOFT,
        ),
    ]
    if rate.leads:
        ink = FEW_INK if rate.leads < MIN_LEADS else svg.INK
        parts.append(svg.upright_whisker(left + 35, y(rate.rate.low), y(rate.rate.high), ink))
        label = f"{value:.1%}".replace("%", " %")
        parts.append(
            svg.text(left + 42, y(rate.rate.high) + 4, label, size=11, weight=600, colour=ink)
        )
    return "".join(parts)


def migration_chart(view: BandView) -> Markup:
    """Bands by the learned score of the leads in each rule band; darker converts more."""
    rates = [c.rate.value for row in view.migration for c in row if c.rate.value == c.rate.value]
    top = max([*rates, 1e-9])
    parts = [svg.text(270, 12, "by the learned score", anchor="middle", weight=600)]
    for j, band in enumerate(BANDS):
        parts.append(svg.text(144 + j * 120, 30, band, anchor="middle", colour=svg.SOFT))
    for i, row in enumerate(view.migration):
        parts.append(svg.text(78, 69 + i * 60, f"{BANDS[i]} by rules", anchor="end"))
        parts += [_cell(cell, 88 + j * 120, 38 + i * 60, top) for j, cell in enumerate(row)]
    return svg.drawing(450, 222, parts, "Migration of leads between bands")


def _cell(cell: BandRate, x: float, y: float, top: float) -> str:
    known = cell.rate.value == cell.rate.value
    shade = 0.06 + 0.7 * (cell.rate.value / top if known else 0.0)
    if cell.leads < MIN_LEADS:
        shade = min(shade, 0.12)
    dark = shade > 0.6
    ink = FEW_INK if cell.leads < MIN_LEADS else svg.PAPER if dark else svg.INK
    rate = f"{cell.rate.value:.1%} convert".replace("%", " %") if known else "–"
    return (
        f'<g fill-opacity="{shade:.2f}">{svg.box(x, y, 114, 54, HEAT, 4)}</g>'
        + svg.text(x + 57, y + 24, rate, anchor="middle", colour=ink, weight=600)
        + svg.text(
            x + 57,
            y + 41,
            plural(cell.leads, "{n:,} lead", "{n:,} leads"),
            anchor="middle",
            size=10.5,
            colour=ink,
        )
    )


def swap_rows(view: BandView) -> list[tuple[str, str, Estimate]]:
    """Conversion of the swap set, for :func:`forest`."""
    swap = view.swap
    rows = [
        ("both", svg.INK, swap.both),
        ("only learned", svg.COLOURS[LEARNED], swap.only_learned),
        ("only rules", svg.COLOURS[RULES], swap.only_rules),
        ("neither", svg.SOFT, swap.neither),
    ]
    return [
        (f"{name} ({side.leads:,})", colour if side.leads >= MIN_LEADS else FEW_INK, side.rate)
        for name, colour, side in rows
    ]
