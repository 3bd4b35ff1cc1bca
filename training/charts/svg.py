"""A few SVG strokes: scales, ticks, axes. Pictures are text, so a report is one file."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from html import escape

from markupsafe import Markup

from features.language.current import number, say
from scoring.axes import Scale as Scale
from scoring.axes import ticks as ticks
from training.report_texts import translated

INK, FAINT, PAPER = "#22303c", "#d7dee4", "#ffffff"


SOFT = "#5b6975"


COLOURS = {
    "rules": "#d55e00",
    "reweighted": "#8f4a9e",
    "learned": "#0072b2",
    "odoo": "#00875f",
    "tiers": "#8a6d00",
    "newest": "#4d4d4d",
}
"""Six colours that differ for all common kinds of colour blindness (after Okabe and Ito 2008),
each with a contrast of 3 or more on white."""


DASHES = {"reweighted": "7 3", "odoo": "2 3", "tiers": "9 3 2 3", "newest": "4 4"}
"""How lines are dashed, so that they can be told apart without colour."""


BAND_COLOURS = {"cold": "#7ba7c7", "warm": "#e8b04a", "hot": "#cf5440"}


DARK = {
    INK: "#e3e9ee",
    SOFT: "#a3b0bb",
    FAINT: "#3a4650",
    PAPER: "#182028",
    "#fff": "#182028",
    "#dfe7ee": "#33404a",
    "#8a95a0": "#8b98a3",
    "#d55e00": "#f08a3c",
    "#8f4a9e": "#c58ad3",
    "#0072b2": "#56b4e9",
    "#00875f": "#3fc79a",
    "#8a6d00": "#d8b62e",
    "#4d4d4d": "#b8b8b8",
}
"""What each colour of the pictures becomes on a dark screen."""


def dark_rules(others: Mapping[str, str] | None = None) -> Markup:
    """Style rules that give the pictures of a page their dark colours; they win over attributes.

    ``others``: colours of these pictures alone, and what they become.
    """
    rules = "".join(
        f'    svg [fill="{light}"] {{ fill: {dark}; }} '
        f'svg [stroke="{light}"] {{ stroke: {dark}; }}\n'
        for light, dark in {**DARK, **(others or {})}.items()
    )
    return Markup(rules)  # noqa: S704 - made of the constants above


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


def path(
    points: Sequence[tuple[float, float]], colour: str, width: float = 2, dash: str = ""
) -> str:
    """A polyline."""
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    joined = " ".join(f"{x:g},{y:g}" for x, y in points)
    return (
        f'<polyline points="{joined}" fill="none" stroke="{colour}" stroke-width="{width:g}" '
        f'stroke-linejoin="round"{dashed}/>'
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


def legend(
    x: float,
    y: float,
    entries: Sequence[tuple[str, str]],
    gap: float = 18,
    dashes: Sequence[str] = (),
) -> str:
    """Colour (and dashes, if any) and name of each line, one under the other."""
    strokes = [*dashes, *[""] * len(entries)]
    return "".join(
        line(x, y + i * gap - 6, x + 22, y + i * gap - 6, colour, 3, strokes[i])
        + text(x + 28, y + i * gap - 2, name)
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
