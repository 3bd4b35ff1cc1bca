"""Whether a text that should be French has English left in it."""

from __future__ import annotations

import re
from html import unescape

ENGLISH = re.compile(
    r"\b(the|of|and|with|without|is|are|was|were|not|than|from|which|that|this|these|its|their|they|"
    r"has|have|been|by|for|in|to|at|each|every|if|would|leads?' |worse|better|over|under|when|"
    r"what|who|why|share|called|found|learned|rules?|known|unknown|yes)\b"
)


def visible(page: str) -> str:
    """The text that a reader sees of an HTML page: without styles, tags and what is code."""
    page = re.sub(r"<(style|script|code|pre)\b.*?</\1>", " ", page, flags=re.DOTALL)
    return unescape(re.sub(r"<[^>]*>", " ", page))


def english_left(text: str, names: tuple[str, ...] = ()) -> list[str]:
    """Phrases with an English word, cut out with what stands around it.

    ``names``: names of the data, which are shown as they are. Names of features, files, options
    and what is quoted are none either.
    """
    for name in names:
        text = text.replace(name, " ")
    text = re.sub(r"`[^`]*`|«[^»]*»|'[^']*'|--\w[\w-]*|[\w-]+[._=][\w.=-]+", " ", text)
    return [text[max(0, m.start() - 40) : m.end() + 40] for m in ENGLISH.finditer(text)]
