"""The Jinja environment of the HTML reports, and its number formats."""

from __future__ import annotations

import re
from collections.abc import Callable

from jinja2 import Environment

from features.language.current import current, number, pgettext, say
from scoring.bands import label
from training.evaluation.metrics import Estimate
from training.html_frame import page_environment


def environment() -> Environment:
    """Templates with escaping on, in the language in use, and the filters for figures."""
    env = page_environment()
    filters: dict[str, Callable[..., str]] = {
        "pct": percent,
        "three": lambda v: "–" if v != v else number(f"{v:.3f}"),
        "count": lambda v: number(f"{round(v):,}"),
        "money": lambda v: number(f"{v:,.0f}" if abs(v) >= 100 else f"{v:,.2f}"),
        "fixed": lambda v, digits: number(f"{v:.{digits}f}"),
        "signed": lambda v, digits: minus(number(f"{v:+.{digits}f}")),
        "span": span,
        "minus": minus,
        "band": lambda v: label(v, current()),
    }
    env.filters |= filters
    return env


def percent(value: float) -> str:
    """A share with one decimal and a narrow space.

    >>> percent(0.1234)
    '12.3\\u202f%'
    """
    if value != value:
        return "–"
    return pgettext("percent with one decimal", "{number}\u202f%").format(
        number=number(f"{value * 100:.1f}")
    )


def minus(words: object) -> str:
    """Words in which a negative number has a true minus sign.

    >>> minus("from -0.5 to +0.1, re-weighted")
    'from −0.5 to +0.1, re-weighted'
    """
    return re.sub(r"(?<!\w)-(?=\d)", "−", str(words))


def span(interval: Estimate) -> str:
    """The ends of an interval of shares."""
    if interval.low != interval.low:
        return "–"
    return say("{low:.1f} to {high:.1f}", low=interval.low * 100, high=interval.high * 100)
