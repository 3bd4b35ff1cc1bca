"""The card as Markdown: one fact a line in a fixed order, so that `diff` shows a retrain."""

from __future__ import annotations

from collections.abc import Iterator

from training.cards.content import Block, Card, Facts, Points, Table, Warn, Words


def card_markdown(card: Card) -> str:
    """The whole card as text that ends with a line break; pictures are left out."""
    return "\n".join(_lines(card)) + "\n"


def _lines(card: Card) -> Iterator[str]:
    yield f"# Model card: {_safe(card.name)}"
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
        yield f"- **warning:** {_safe(block.text)}"
    elif isinstance(block, Facts):
        yield from (f"- {_safe(name)}: {_safe(value)}" for name, value in block.pairs)
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
    return " ".join(words.split()).replace("<", "&lt;").replace(">", "&gt;")
