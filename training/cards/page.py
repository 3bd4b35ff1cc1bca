"""The card as one HTML file: pictures inside, no script, no network; for screen, dark and print."""

from __future__ import annotations

import re
from importlib import resources

from markupsafe import Markup, escape

from training import svg
from training.calibration.reliability_chart import BAND
from training.cards.content import Card, Facts, Pictures, Points, Table, Warn, Words
from training.comparison.report import environment, minus

TEMPLATE = "card.html.j2"
KINDS = {Words: "words", Warn: "warn", Facts: "facts", Points: "points", Table: "table",
         Pictures: "pictures"}  # fmt: skip
DARK = {
    svg.INK: "var(--ink)",
    svg.SOFT: "var(--soft)",
    svg.FAINT: "var(--line)",
    svg.PAPER: "var(--paper)",
    BAND: "#2c3a46",
    svg.COLOURS["learned"]: "#4f9fd3",
}
"""Pictures are drawn for white paper; on a dark screen these inks turn."""


def card_html(card: Card) -> str:
    """The page as text; words from the data are escaped, nothing is loaded."""
    made = environment()
    made.filters["finish"] = finish
    made.filters["slug"] = slug
    text = resources.files("training.cards").joinpath(TEMPLATE).read_text(encoding="utf-8")
    return made.from_string(text).render(
        card=card, kind=lambda block: KINDS[type(block)], dark=dark_inks()
    )


def dark_inks() -> Markup:
    """Style rules that turn the inks of pictures for a dark screen."""
    rules = [
        f'svg [{paint}="{ink}"] {{ {paint}: {turned}; }}'
        for ink, turned in DARK.items()
        for paint in ("fill", "stroke")
    ]
    return Markup(" ".join(rules))  # noqa: S704 - constants of this room


def finish(words: str) -> Markup:
    """Words as they are set on a page: escaped, true minus signs, a narrow space before %.

    >>> finish("-0.5 <b> 12.3%")
    Markup('−0.5 &lt;b&gt; 12.3\\u202f%')
    """
    said = re.sub(r"(?<=\d)(?: )?%", "\u202f%", minus(words))
    return Markup(escape(said))  # noqa: S704 - escaped here


def slug(title: str) -> str:
    """A heading as the name of a place in the page.

    >>> slug("What was left out, and why")
    'what-was-left-out-and-why'
    """
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
