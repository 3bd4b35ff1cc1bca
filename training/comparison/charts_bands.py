"""The pictures of what would change: bands, migration, swap set."""

from __future__ import annotations

from markupsafe import Markup

from training import svg
from training.comparison.bands import BANDS, BandRate, BandView
from training.comparison.compare import LEARNED, RULES
from training.evaluation import Interval

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
            left + 35, 241, f"{rate.leads:,} leads", anchor="middle", size=10, colour=svg.SOFT
        ),
    ]
    if rate.leads:
        parts.append(svg.upright_whisker(left + 35, y(rate.rate.low), y(rate.rate.high), svg.INK))
        label = f"{value:.1%}".replace("%", " %")
        parts.append(svg.text(left + 42, y(rate.rate.high) + 4, label, size=11, weight=600))
    return "".join(parts)


def migration_chart(view: BandView) -> Markup:
    """Where the leads of each rule band lie by the learned score; darker converts more."""
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
    dark = shade > 0.6
    ink = svg.PAPER if dark else svg.INK
    rate = f"{cell.rate.value:.1%} convert".replace("%", " %") if known else "–"
    return (
        f'<g fill-opacity="{shade:.2f}">{svg.box(x, y, 114, 54, HEAT, 4)}</g>'
        + svg.text(x + 57, y + 24, rate, anchor="middle", colour=ink, weight=600)
        + svg.text(x + 57, y + 41, f"{cell.leads:,} leads", anchor="middle", size=10.5, colour=ink)
    )


def swap_rows(view: BandView) -> list[tuple[str, str, Interval]]:
    """Conversion of the swap set, for :func:`forest`."""
    swap = view.swap
    return [
        (f"both ({swap.both.leads:,})", svg.INK, swap.both.rate),
        (
            f"only learned ({swap.only_learned.leads:,})",
            svg.COLOURS[LEARNED],
            swap.only_learned.rate,
        ),
        (f"only rules ({swap.only_rules.leads:,})", svg.COLOURS[RULES], swap.only_rules.rate),
        (f"neither ({swap.neither.leads:,})", svg.SOFT, swap.neither.rate),
    ]
