"""What a card is made of: sections of words, facts, tables and pictures, in no format yet.

Built once from a release and written twice: as Markdown (``training.model_card.render``) and as a
page
(``training.model_card.render``). Words are plain text; numbers are written already, so both say
the same.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

NOT_RECORDED = "not recorded"


@dataclass(frozen=True, slots=True)
class Words:
    """A sentence or two."""

    text: str


@dataclass(frozen=True, slots=True)
class Warn:
    """A sentence that must not be missed."""

    text: str


@dataclass(frozen=True, slots=True)
class Facts:
    """Names and values, one a line."""

    pairs: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Points:
    """Sentences, one a line."""

    sentences: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of text under ``columns``; those in ``right`` hold figures.

    ``row_charts``: a small chart for each row, in a column of its own on the page;
    ``row_chart_title`` says what it shows. ``marked``: rows that warn. ``about``: what the table
    shows, for screen readers. ``folded``: the figures behind a chart, closed on the page until
    opened.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    right: frozenset[str] = frozenset()
    row_charts: tuple[Markup, ...] = ()
    row_chart_title: str = ""
    marked: frozenset[int] = frozenset()
    about: str = ""
    folded: bool = False


@dataclass(frozen=True, slots=True)
class Pictures:
    """Drawings side by side with their captions; on the page only. ``wide``: one, across it."""

    drawn: tuple[tuple[Markup, str], ...]
    wide: bool = False


Block = Words | Warn | Facts | Points | Table | Pictures


@dataclass(frozen=True, slots=True)
class Section:
    """A heading and its blocks."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True, slots=True)
class Card:
    """The whole card. ``tiles``: the few figures to see first (figure, what it is)."""

    name: str
    about: tuple[tuple[str, str], ...]
    verdict: str
    tiles: tuple[tuple[str, str], ...]
    sections: tuple[Section, ...]

    def __repr__(self) -> str:
        return f"<model card of {self.name}: {self.verdict}>"

    def to_html(self) -> str:
        """The page that ``leadscore card --format html`` writes; nothing is loaded."""
        from training.model_card.render import card_html

        return card_html(self)

    def to_markdown(self) -> str:
        """The text that ``leadscore card --format md`` writes, one fact a line."""
        from training.model_card.render import card_markdown

        return card_markdown(self)

    def _repr_html_(self) -> str:
        from training.html_frame import embedded

        return embedded(self.to_html(), f"Model card of {self.name}")

    def to_dict(self) -> dict[str, Any]:
        """Plain data without the pictures: facts, tables and sentences by section."""
        return {
            "name": self.name,
            "verdict": self.verdict,
            "about": dict(self.about),
            "sections": {s.title: [plain_block(b) for b in s.blocks if not isinstance(b, Pictures)]
                         for s in self.sections},
        }  # fmt: skip


def plain_block(block: Block) -> dict[str, Any]:
    """A block as plain data, under the name of its kind.

    >>> plain_block(Facts((("leads", "40"),)))
    {'facts': {'leads': '40'}}
    """
    if isinstance(block, Facts):
        return {"facts": dict(block.pairs)}
    if isinstance(block, Points):
        return {"points": list(block.sentences)}
    if isinstance(block, Table):
        return {"table": [dict(zip(block.columns, row, strict=True)) for row in block.rows]}
    if isinstance(block, Warn):
        return {"warning": block.text}
    return {"words": block.text} if isinstance(block, Words) else {}


def figure(value: Any) -> str:
    """Four significant digits; empty for unknown.

    >>> figure(0.123456), figure(None)
    ('0.1235', '')
    """
    return "" if value is None else f"{float(value):.4g}"


def share(value: Any) -> str:
    """A share in per cent with one decimal; empty for unknown.

    >>> share(0.1234), share(None)
    ('12.3%', '')
    """
    return "" if value is None else f"{float(value):.1%}"


def count(value: Any) -> str:
    """A whole number with separators; empty for unknown.

    >>> count(12345), count(None)
    ('12,345', '')
    """
    return "" if value is None else f"{round(value):,}"


def interval(estimate: Mapping[str, Any] | None, *, signed: bool = False) -> str:
    """The ends of a recorded {value, low, high}; empty where there are none.

    >>> interval({"value": 0.4, "low": 0.38, "high": 0.44})
    '0.38 to 0.44'
    """
    if not estimate or estimate.get("low") is None or estimate.get("high") is None:
        return ""
    low, high = estimate["low"], estimate["high"]
    return f"{low:+.4f} to {high:+.4f}" if signed else f"{figure(low)} to {figure(high)}"


def plain(value: Any) -> str:
    """Recorded data in words.

    >>> plain(True), plain([1, 2]), plain({"warm": 0.25}), plain(())
    ('yes', '1, 2', 'warm 0.25', 'none')
    """
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "none"}[value]
    if isinstance(value, float):
        return figure(value)
    if isinstance(value, int):
        return count(value)
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {plain(inner)}" for key, inner in sorted(value.items()))
    if isinstance(value, list | tuple):
        return ", ".join(plain(inner) for inner in value) or "none"
    return str(value)
