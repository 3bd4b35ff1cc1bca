"""The explanation of one lead's score change as one HTML file."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib import resources

from markupsafe import Markup

from training.charts import svg
from training.charts.html import environment, percent
from training.explanation.explain import ScoreChange
from training.explanation.timeline import Timeline, timeline_picture

TEMPLATE = "page.html.j2"


UP, DOWN = "#2f855a", "#c0503f"


def explanation_html(change: ScoreChange, series: Timeline) -> str:
    """The page as text; words from the data are escaped, nothing is loaded."""
    env = environment()
    env.filters["day"] = day
    text = resources.files("training.explanation").joinpath(TEMPLATE).read_text(encoding="utf-8")
    return env.from_string(text).render(
        change=change,
        headline=headline(change),
        waterfall=waterfall(change),
        picture=timeline_picture(series, change.before.as_of_us),
        colours=svg.BAND_COLOURS,
    )


def day(moment_us: int) -> str:
    """A moment as a person writes it, UTC.

    >>> day(86_400_000_000)
    '2 Jan 1970 00:00'
    """
    at = datetime.fromtimestamp(moment_us / 1e6, UTC)
    return f"{at.day} {at:%b %Y %H:%M}"


def headline(change: ScoreChange) -> str:
    """The change in one sentence, with its largest cause."""
    difference = change.after.log_odds - change.before.log_odds
    if abs(difference) < 1e-9:
        return "The score did not move."
    largest = max(change.parts, key=lambda part: part.log_odds * (1 if difference > 0 else -1))
    verb = "rose" if difference > 0 else "fell"
    return (
        f"The probability {verb} from {percent(change.before.probability)} to "
        f"{percent(change.after.probability)}, mostly by: {largest.title}."
    )


def waterfall(change: ScoreChange) -> Markup:
    """Log-odds from before to after, one step a cause."""
    levels = [change.before.log_odds]
    for part in change.parts:
        levels.append(levels[-1] + part.log_odds)
    pad = (max(levels) - min(levels) or 0.1) * 0.12
    x = svg.Scale(min(levels) - pad, max(levels) + pad, 210, 800)
    height = 30 * len(change.parts) + 6
    parts = [svg.bottom_axis(x, height, 4, "log-odds")]
    for i, part in enumerate(change.parts):
        left, right = sorted((x(levels[i]), x(levels[i + 1])))
        y = 30 * i + 8
        colour = UP if part.log_odds >= 0 else DOWN
        parts.append(svg.text(200, y + 15, part.title, anchor="end"))
        parts.append(svg.box(left, y, max(right - left, 1.5), 22, colour, 2))
        parts.append(svg.text(812, y + 15, f"{part.log_odds:+.3f}", size=11))
    parts.append(svg.line(x(levels[0]), 0, x(levels[0]), height, svg.INK, 1, "3 3"))
    return svg.drawing(900, height + 42, parts, "What moved the score")
