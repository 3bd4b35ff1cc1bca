"""A page inside another page, which is how results show themselves in a notebook."""

from __future__ import annotations

import re
from html import escape, unescape

from jinja2 import Environment, StrictUndefined

from features.language.current import current
from features.language.language import ENGLISH
from training.report_texts import translated


def page_environment() -> Environment:
    """Templates with escaping on, in the language in use (``lang``).

    The filter ``text`` tells a sentence that was composed in English in that language.
    """
    env = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, extensions=["jinja2.ext.i18n"]
    )
    env.install_gettext_translations(current().translations, newstyle=True)  # type: ignore[attr-defined]
    env.globals["lang"] = current().code
    env.filters["text"] = translated
    return env


_PIECES = re.compile(r"(<(?:style|script|svg)\b.*?</(?:style|script|svg)>|<[^>]*>)", re.DOTALL)


def page_in_language(page: str) -> str:
    """A page that was written in English, with what stands between its tags told again.

    Pictures are left as they are: their words were translated when they were drawn.

    >>> page_in_language("<h2>Bands</h2>")
    '<h2>Bands</h2>'
    """
    if current() is ENGLISH:
        return page
    pieces = _PIECES.split(page.replace('<html lang="en">', f'<html lang="{current().code}">'))
    return "".join(_translated(piece) if i % 2 == 0 else piece for i, piece in enumerate(pieces))


def _translated(text: str) -> str:
    words = " ".join(re.split(r"[ \t\n]+", unescape(text).strip()))
    if not words:
        return text
    before = text[: len(text) - len(text.lstrip())]
    after = text[len(text.rstrip()) :]
    return f"{before}{escape(translated(words), quote=False)}{after}"


def embedded(page: str, title: str, height: int = 640) -> str:
    """A whole page inside another, such as a notebook: its styles stay its own, no script runs.

    >>> embedded("<p>hello</p>", "A greeting")[:55]
    '<iframe title="A greeting" sandbox srcdoc="&lt;p&gt;hel'
    """
    style = f"width:100%;height:{height}px;border:1px solid #d8dee4;background:#fff"
    return (
        f'<iframe title="{escape(title)}" sandbox srcdoc="{escape(page)}" style="{style}"></iframe>'
    )
