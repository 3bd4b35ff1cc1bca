"""The card as one HTML file: pictures inside, no script, no network; for screen, dark and print."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import resources

from markupsafe import Markup, escape

from features.language.current import say
from training.charts import svg
from training.charts.html import environment, minus
from training.charts.reliability import BAND
from training.model_card.blocks import Block, Card, Facts, Pictures, Points, Table, Warn, Words
from training.report_texts import translated

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
    env = environment()
    env.filters["finish"] = finish
    env.filters["slug"] = slug
    text = resources.files("training.model_card").joinpath(TEMPLATE).read_text(encoding="utf-8")
    return env.from_string(text).render(
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
    spaced = re.sub(r"(?<=\d)[ \u00a0]?%", "\u202f%", minus(translated(words)))
    return Markup(escape(spaced))  # noqa: S704 - escaped here


def slug(title: str) -> str:
    """A heading as the name of a place in the page.

    >>> slug("What was left out, and why")
    'what-was-left-out-and-why'
    """
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")


def card_markdown(card: Card) -> str:
    """The whole card as text that ends with a line break; pictures are left out."""
    return "\n".join(_lines(card)) + "\n"


def _lines(card: Card) -> Iterator[str]:
    yield "# " + say("Model card: {name}", name=_safe(card.name))
    yield ""
    if card.verdict:
        yield f"{_safe(card.verdict)}."
        yield ""
    yield from _block(Facts(card.about))
    for section in card.sections:
        yield ""
        yield f"## {_safe(section.title)}"
        for block in section.blocks:
            lines = list(_block(block))
            if lines:
                yield ""
                yield from lines


def _block(block: Block) -> Iterator[str]:
    if isinstance(block, Words):
        yield _safe(block.text)
    elif isinstance(block, Warn):
        yield say("- **warning:** {text}", text=_safe(block.text))
    elif isinstance(block, Facts):
        yield from (
            say("- {name}: {value}", name=_safe(name), value=_safe(value))
            for name, value in block.pairs
        )
    elif isinstance(block, Points):
        yield from (f"- {_safe(sentence)}" for sentence in block.sentences)
    elif isinstance(block, Table):
        yield _row(block.columns)
        yield "|" + "|".join("---:" if c in block.right else "---" for c in block.columns) + "|"
        yield from (_row(row) for row in block.rows)


def _row(cells: tuple[str, ...]) -> str:
    return "| " + " | ".join(_safe(cell).replace("|", "\\|") for cell in cells) + " |"


def _safe(words: str) -> str:
    """Words on one line that Markdown takes for words and not for HTML.

    >>> _safe("a <b> & c")
    'a &lt;b&gt; & c'
    """
    return (
        " ".join(re.split(r"[ \t\n]+", translated(words).strip()))
        .replace("<", "&lt;")
        .replace(">", "&gt;")
    )
