"""The Jinja environment of the HTML reports, and its number formats."""

from __future__ import annotations

import re
from collections.abc import Callable

from jinja2 import Environment, StrictUndefined

from training.evaluation.metrics import Estimate


def environment() -> Environment:
    """Templates with escaping on, and the filters for figures."""
    env = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True)
    filters: dict[str, Callable[..., str]] = {
        "pct": percent,
        "three": lambda v: "–" if v != v else f"{v:.3f}",
        "count": lambda v: f"{round(v):,}",
        "money": lambda v: f"{v:,.0f}" if abs(v) >= 100 else f"{v:,.2f}",
        "span": span,
        "minus": minus,
    }
    env.filters |= filters
    return env


def percent(value: float) -> str:
    """A share with one decimal and a narrow space.

    >>> percent(0.1234)
    '12.3\\u202f%'
    """
    return "–" if value != value else f"{value * 100:.1f}\u202f%"


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
    return f"{interval.low * 100:.1f} to {interval.high * 100:.1f}"
