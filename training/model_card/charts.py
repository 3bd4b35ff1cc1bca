"""The charts of a model card: whole ones, and small ones in the rows of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from training.charts import svg
from training.charts.gains import GainsCurve, gains_chart, lift_chart

ROW_CHART_WIDTH, ROW_CHART_HEIGHT = 150, 18


LEARNED, BAD = svg.COLOURS["learned"], "#b23a2e"


GOOD = "#1d7a46"


def gains_picture(gains: Sequence[float]) -> Markup:
    """Share of conversions found against share of leads called, evenly spaced from 0 to 1."""
    half = gains[len(gains) // 2]
    about = f"Calling the better half finds {half:.0%} of the conversions; chance finds 50 %."
    return gains_chart(_learned(gains), "Gains: conversions found by share called", about)


def lift_picture(gains: Sequence[float]) -> Markup:
    """Conversion of each tenth of the leads, best first, relative to all."""
    (curve,) = _learned(gains)
    about = (
        f"The best tenth converts {curve.lift[0]:.1f} times as often as all, the worst "
        f"{curve.lift[-1]:.1f}."
    )
    return lift_chart((curve,), "Lift by tenth of the leads", about)


def _learned(gains: Sequence[float]) -> tuple[GainsCurve]:
    return (GainsCurve("learned", LEARNED, gains),)


def bands_chart(bands: Sequence[Mapping[str, Any]]) -> Markup:
    """Observed rate of each band with its interval; the line in it is what was predicted."""
    known = [band for band in bands if band["rate"]["value"] is not None]
    top = max([0.05, *(band["rate"]["high"] or band["rate"]["value"] for band in known)])
    x = svg.Scale(0, min(1.0, top * 1.08), 150, 780)
    height = 46 * len(bands)
    parts = [svg.bottom_axis(x, height, 4, "converted within the horizon", svg.percent)]
    for i, band in enumerate(bands):
        parts.append(_band(band, x, 46 * i))
    rates = ", ".join(f"{band['band']} {band['rate']['value']:.1%}" for band in known)
    return svg.drawing(
        900, height + 44, parts, "Observed conversion by band", f"Observed: {rates}."
    )


def _band(band: Mapping[str, Any], x: svg.Scale, top: float) -> str:
    rate = band["rate"]
    counted = f"{band['leads']:,} {'lead' if band['leads'] == 1 else 'leads'}"
    parts = [
        svg.text(138, top + 20, str(band["band"]), anchor="end", weight=600, size=12.5),
        svg.text(138, top + 35, counted, anchor="end", size=10.5, colour=svg.SOFT),
    ]
    if rate["value"] is None:
        return "".join([*parts, svg.text(158, top + 26, "none in the test", colour=svg.SOFT)])
    colour = svg.BAND_COLOURS[str(band["band"])]
    parts.append(svg.box(x(0), top + 10, x(rate["value"]) - x(0), 26, colour, 3))
    end = x(rate["value"])
    if rate["low"] is not None:
        parts.append(svg.whisker(x(rate["low"]), x(rate["high"]), top + 23, svg.INK, 1.5))
        end = x(rate["high"])
    predicted = x(band["predicted"])
    parts.append(svg.line(predicted, top + 6, predicted, top + 40, svg.INK, 1.5, "2 2"))
    label = f"{rate['value']:.1%}, predicted {band['predicted']:.1%}".replace("%", " %")
    parts.append(svg.text(max(end, predicted) + 10, top + 27, label, size=11.5))
    return "".join(parts)


def share_bars(shares: Sequence[float], effects: Sequence[float]) -> tuple[Markup, ...]:
    """A bar each, scaled to the largest share; green raises the score, red lowers it."""
    most = max([*shares, 1e-12])
    return tuple(
        _row_chart([svg.box(0, 4, ROW_CHART_WIDTH * s / most, 10, GOOD if effect > 0 else BAD, 2)])
        for s, effect in zip(shares, effects, strict=True)
    )


def gain_whiskers(gains: Sequence[Mapping[str, Any] | None]) -> tuple[Markup, ...]:
    """A whisker each around a common line at 0; an empty chart where there is no gain."""
    ends = [g[end] for g in gains if g for end in ("low", "high", "value") if g[end] is not None]
    x = _scale([0.0, *ends])
    drawn = []
    for gain in gains:
        parts = [svg.line(x(0), 0, x(0), ROW_CHART_HEIGHT, svg.INK, 1)]
        if gain and gain["low"] is not None:
            sure = gain["high"] < 0 or gain["low"] > 0
            colour = svg.SOFT if not sure else GOOD if gain["value"] < 0 else BAD
            parts.append(
                svg.whisker(x(gain["low"]), x(gain["high"]), ROW_CHART_HEIGHT / 2, colour, 1.5)
            )
            parts.append(svg.dot(x(gain["value"]), ROW_CHART_HEIGHT / 2, 4, colour))
        drawn.append(_row_chart(parts))
    return tuple(drawn)


def segment_ranges(segments: Sequence[Mapping[str, Any]]) -> tuple[Markup, ...]:
    """The range of calibrated models as a bar, the observed rate as a dot; red where it fails."""
    x = _scale([0.0, *(v for s in segments for v in (s["high"], s["observed"]))])
    drawn = []
    for segment in segments:
        colour = BAD if segment["warning"] else LEARNED
        low, high = x(segment["low"]), x(segment["high"])
        drawn.append(
            _row_chart(
                [
                    svg.box(low, 5, max(high - low, 1), 8, svg.FAINT, 3),
                    svg.dot(x(segment["observed"]), ROW_CHART_HEIGHT / 2, 4, colour),
                ]
            )
        )
    return tuple(drawn)


def psi_bars(values: Sequence[float], much: float) -> tuple[Markup, ...]:
    """A bar each with a line where an index counts as large."""
    x = svg.Scale(0.0, max([2 * much, *values]), 0, ROW_CHART_WIDTH)
    return tuple(
        _row_chart(
            [
                svg.box(0, 4, x(value), 10, BAD if value > much else LEARNED, 2),
                svg.line(x(much), 0, x(much), ROW_CHART_HEIGHT, svg.INK, 1, "2 2"),
            ]
        )
        for value in values
    )


def _scale(values: Sequence[float]) -> svg.Scale:
    low, high = min(values), max(values)
    pad = (high - low or 1.0) * 0.05
    return svg.Scale(low - pad, high + pad, 4, ROW_CHART_WIDTH - 4)


def _row_chart(parts: Sequence[str]) -> Markup:
    """A small chart whose figures are beside it, so a screen reader skips it."""
    box = f"0 0 {ROW_CHART_WIDTH} {ROW_CHART_HEIGHT}"
    opening = f'<svg class="stroke" viewBox="{box}" aria-hidden="true">'
    return Markup(opening + "".join(parts) + "</svg>")  # noqa: S704 - numbers and colours only
