"""A page inside another page, which is how results show themselves in a notebook."""

from __future__ import annotations

from html import escape

from jinja2 import Environment, StrictUndefined

from features.language.current import current
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


def embedded(page: str, title: str, height: int = 640) -> str:
    """A whole page inside another, such as a notebook: its styles stay its own, no script runs.

    >>> embedded("<p>hello</p>", "A greeting")[:55]
    '<iframe title="A greeting" sandbox srcdoc="&lt;p&gt;hel'
    """
    style = f"width:100%;height:{height}px;border:1px solid #d8dee4;background:#fff"
    return (
        f'<iframe title="{escape(title)}" sandbox srcdoc="{escape(page)}" style="{style}"></iframe>'
    )
