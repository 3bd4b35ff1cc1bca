"""Colours of the pages, light and dark: text and lines can be told from what is behind them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

STYLESHEET = Path(__file__).resolve().parents[2] / "serving" / "pages" / "static" / "page.css"

TEXT = [
    ("ink", "paper"), ("ink", "card"), ("ink", "faint"), ("ink", "note-bg"), ("soft", "paper"),
    ("soft", "card"), ("soft", "note-bg"), ("link", "card"), ("link", "paper"), ("link", "note-bg"),
    ("on-main", "main"), ("cold-ink", "cold-bg"), ("warm-ink", "warm-bg"), ("hot-ink", "hot-bg"),
    ("fault", "fault-bg"), ("for", "card"), ("for", "paper"), ("against", "card"),
    ("against", "paper"),
]  # fmt: skip
"""Text on what is behind it: 4.5 to 1 (WCAG 2.2, 1.4.3)."""
LINES = [(name, "card") for name in ("learned", "rules", "ours", "for", "against", "hot", "cold")]
"""What a picture says by a line or a bar: 3 to 1 (WCAG 2.2, 1.4.11)."""


def colours(scheme: str) -> dict[str, str]:
    text = STYLESHEET.read_text(encoding="utf-8")
    blocks = re.findall(r":root \{(.*?)\}", text, flags=re.DOTALL)
    found = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", blocks[0]))
    if scheme == "dark":
        found |= dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", blocks[1]))
    return found


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_black_on_white_is_21_to_1() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_can_be_told_apart(scheme: str) -> None:
    known = colours(scheme)
    for least, pairs in ((4.5, TEXT), (3.0, LINES)):
        for front, back in pairs:
            assert contrast(known[front], known[back]) >= least, (scheme, front, back)
