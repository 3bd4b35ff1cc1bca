"""A few SVG strokes: scales, ticks, axes. Pictures are text, so a report is one file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

from markupsafe import Markup

from features.language.current import number, say
from scoring.axes import Scale as Scale
from scoring.axes import ticks as ticks
from training.report_texts import translated

INK, FAINT, PAPER = "#22303c", "#d7dee4", "#ffffff"


SOFT = "#6b7a87"


COLOURS = {
    "rules": "#c8711b",
    "reweighted": "#8d6bb0",
    "learned": "#1c6ea4",
    "odoo": "#5d8a5a",
    "tiers": "#a8a29a",
    "newest": "#c9b8a8",
}


BAND_COLOURS = {"cold": "#7ba7c7", "warm": "#e8b04a", "hot": "#cf5440"}


def percent(value: float) -> str:
    """A share as a tick label.

    >>> percent(0.25), percent(0.025)
    ('25 %', '2.5 %')
    """
    return say("{percent:g} %", percent=round(value * 100, 6))


def plain(value: float) -> str:
    """A number as a tick label.

    >>> plain(-0.5)
    '−0.5'
    """
    return number(f"{value:g}").replace("-", "−")


def text(
    x: float, y: float, words: str, *, anchor: str = "start", size: float = 11, colour: str = INK,
    weight: int = 400,
) -> str:  # fmt: skip
    """One line of text, escaped."""
    return (
        f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}" font-size="{size:g}" fill="{colour}" '
        f'font-weight="{weight}">{escape(translated(words))}</text>'
    )


def line(
    x1: float, y1: float, x2: float, y2: float, colour: str = FAINT, width: float = 1,
    dash: str = "",
) -> str:  # fmt: skip
    """A straight stroke."""
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return (
        f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" stroke="{colour}" '
        f'stroke-width="{width:g}"{dashed}/>'
    )


def box(x: float, y: float, w: float, h: float, colour: str, radius: float = 0) -> str:
    """A filled rectangle."""
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{max(w, 0):g}" height="{max(h, 0):g}" '
        f'fill="{colour}" rx="{radius:g}"/>'
    )


def dot(x: float, y: float, r: float, colour: str) -> str:
    """A disc with a white rim, so that it stands out from lines."""
    return f'<circle cx="{x:g}" cy="{y:g}" r="{r:g}" fill="{colour}" stroke="#fff"/>'


def path(points: Sequence[tuple[float, float]], colour: str, width: float = 2) -> str:
    """A polyline."""
    joined = " ".join(f"{x:g},{y:g}" for x, y in points)
    return (
        f'<polyline points="{joined}" fill="none" stroke="{colour}" stroke-width="{width:g}" '
        'stroke-linejoin="round"/>'
    )


def whisker(x1: float, x2: float, y: float, colour: str, width: float = 2) -> str:
    """A horizontal interval with ends."""
    return (
        line(x1, y, x2, y, colour, width)
        + line(x1, y - 4, x1, y + 4, colour, width)
        + line(x2, y - 4, x2, y + 4, colour, width)
    )


def upright_whisker(x: float, y1: float, y2: float, colour: str, width: float = 1.5) -> str:
    """A vertical interval with ends."""
    return (
        line(x, y1, x, y2, colour, width)
        + line(x - 4, y1, x + 4, y1, colour, width)
        + line(x - 4, y2, x + 4, y2, colour, width)
    )


def bottom_axis(
    scale: Scale, y: float, top: float, label: str = "", form: Callable[[float], str] = plain
) -> str:
    """Grid lines from ``y`` up to ``top``, tick labels, and what the axis shows."""
    parts = []
    for tick in ticks(scale.low, scale.high):
        x = scale(tick)
        parts.append(line(x, top, x, y))
        parts.append(text(x, y + 16, form(tick), anchor="middle", size=10, colour=SOFT))
    if label:
        middle = (scale.start + scale.end) / 2
        parts.append(text(middle, y + 34, label, anchor="middle", colour=SOFT))
    return "".join(parts)


def left_axis(
    scale: Scale, x: float, right: float, label: str = "", form: Callable[[float], str] = plain
) -> str:
    """Grid lines from ``x`` to ``right``, tick labels, and what the axis shows (on top)."""
    parts = []
    for tick in ticks(scale.low, scale.high):
        y = scale(tick)
        parts.append(line(x, y, right, y))
        parts.append(text(x - 6, y + 3.5, form(tick), anchor="end", size=10, colour=SOFT))
    if label:
        parts.append(text(x - 6, min(scale.start, scale.end) - 12, label, colour=SOFT))
    return "".join(parts)


def legend(x: float, y: float, entries: Sequence[tuple[str, str]], gap: float = 18) -> str:
    """Colour and name of each line, one under the other."""
    return "".join(
        box(x, y + i * gap - 8, 14, 4, colour, 2) + text(x + 20, y + i * gap - 2, name)
        for i, (name, colour) in enumerate(entries)
    )


def drawing(
    width: float, height: float, parts: Sequence[str], title: str, about: str = ""
) -> Markup:
    """The whole picture, scaling to the page.

    ``title`` and ``about`` (what is to be seen in it) are read aloud to those who cannot see.
    """
    opening = f'<svg viewBox="0 0 {width:g} {height:g}" role="img" font-family="inherit"'
    opening += ' xmlns="http://www.w3.org/2000/svg">'
    inside = f"<title>{escape(translated(title))}</title>"
    inside += (f"<desc>{escape(translated(about))}</desc>" if about else "") + "".join(parts)
    return Markup(opening + inside + "</svg>")  # noqa: S704 - every word in it was escaped
