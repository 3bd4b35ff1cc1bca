"""A page inside another page, which is how results show themselves in a notebook."""

from __future__ import annotations

from html import escape


def embedded(page: str, title: str, height: int = 640) -> str:
    """A whole page inside another, such as a notebook: its styles stay its own, no script runs.

    >>> embedded("<p>hello</p>", "A greeting")[:55]
    '<iframe title="A greeting" sandbox srcdoc="&lt;p&gt;hel'
    """
    style = f"width:100%;height:{height}px;border:1px solid #d8dee4;background:#fff"
    return (
        f'<iframe title="{escape(title)}" sandbox srcdoc="{escape(page)}" style="{style}"></iframe>'
    )
