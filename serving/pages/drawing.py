"""SVG drawn on the server, without a style of its own: classes take colours from the stylesheet, so
that one picture serves light, dark and print, and no inline style is needed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

from markupsafe import Markup

from scoring.axes import Scale, ticks

Point = tuple[float, float]


def text(x: float, y: float, words: str, anchor: str = "start", kind: str = "") -> str:
    """One line of text, escaped."""
    marked = f' class="{kind}"' if kind else ""
    return f'<text x="{x:g}" y="{y:g}" text-anchor="{anchor}"{marked}>{escape(words)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, kind: str = "grid") -> str:
    """A straight stroke."""
    return f'<line x1="{x1:g}" y1="{y1:g}" x2="{x2:g}" y2="{y2:g}" class="{kind}"/>'


def box(x: float, y: float, width: float, height: float, kind: str, radius: float = 0) -> str:
    """A filled rectangle."""
    rounded = f' rx="{radius:g}"' if radius else ""
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{max(width, 0):g}" height="{max(height, 0):g}"'
        f'{rounded} class="{kind}"/>'
    )


def trace(points: Sequence[Point], kind: str = "trace") -> str:
    """A polyline."""
    joined = " ".join(f"{x:g},{y:g}" for x, y in points)
    return f'<polyline points="{joined}" class="{kind}"/>'


def ribbon(upper: Sequence[Point], lower: Sequence[Point], kind: str = "ribbon") -> str:
    """The area between two lines."""
    corners = " ".join(f"{x:g},{y:g}" for x, y in [*upper, *reversed(lower)])
    return f'<polygon points="{corners}" class="{kind}"/>'


def marks(xs: Sequence[float], y: float, kind: str = "marks") -> str:
    """Dots on one line as a single path: thousands of them stay a few kilobytes."""
    path = "".join(f"M{x:g} {y:g}h0" for x in xs)
    return f'<path d="{path}" class="{kind}"/>'


def left_axis(
    scale: Scale, x: float, right: float, form: Callable[[float], str], about: int = 4
) -> str:
    """Grid lines and tick labels of a vertical scale."""
    return "".join(
        line(x, scale(tick), right, scale(tick))
        + text(x - 6, scale(tick) + 3.5, form(tick), "end", "tick")
        for tick in ticks(scale.low, scale.high, about)
    )


def picture(
    width: float, height: float, parts: Sequence[str], title: str, about: str = "",
    kind: str = "chart",
) -> Markup:  # fmt: skip
    """The whole picture; ``title`` and ``about`` are read aloud to those who cannot see it."""
    inside = f"<title>{escape(title)}</title>"
    inside += f"<desc>{escape(about)}</desc>" if about else ""
    opening = f'<svg viewBox="0 0 {width:g} {height:g}" role="img" class="{kind}">'
    return Markup(opening + inside + "".join(parts) + "</svg>")  # noqa: S704 - all was escaped


SPARK_WIDTH, SPARK_HEIGHT = 96, 28


def sparkline(past: Sequence[tuple[int, float]], title: str) -> Markup:
    """A lead's probability over time, small; nothing for fewer than two scores."""
    if len(past) < 2:
        return Markup("")
    x = Scale(past[0][0], past[-1][0], 3, SPARK_WIDTH - 5)
    top = max(p for _, p in past) * 1.1 or 0.01
    y = Scale(0.0, top, SPARK_HEIGHT - 3, 4)
    points = [(x(at), y(p)) for at, p in past]
    end = f'<circle cx="{points[-1][0]:g}" cy="{points[-1][1]:g}" r="2.6" class="end"/>'
    parts = [trace(points), end]
    return picture(SPARK_WIDTH, SPARK_HEIGHT, parts, title, kind="spark")
