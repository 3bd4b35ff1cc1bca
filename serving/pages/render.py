"""The Jinja environment of the pages, one for each language: autoescape, gettext, figures."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined, select_autoescape

from features.language.catalogues import language_or_english
from features.language.composed import composed
from features.language.language import Language
from features.language.sentence_translator import SentenceTranslator
from features.vectors.sentences import humanize_name
from scoring.bands import label
from scoring.playbook import STEP_CONTEXT
from scoring.scorecard.rules import RULE_CONTEXT
from serving.problem_texts import in_language
from serving.timestamps import moment_of


@lru_cache(maxsize=16)
def environment(code: str) -> Environment:
    """Templates in one language; what they leave undefined is an error."""
    words = language_or_english(code)
    env = Environment(
        loader=PackageLoader("serving.pages"),
        autoescape=select_autoescape(default=True, default_for_string=True),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    env.install_gettext_translations(words.translations, newstyle=True)  # type: ignore[attr-defined]
    filters: dict[str, Callable[..., str]] = {
        "percent": lambda share, digits=0: percent(words, share, digits),
        "number": lambda value, digits=None: number(words, value, digits),
        "signed": lambda value, digits=2: signed(words, value, digits),
        "points": lambda share: points_of_percent(words, share),
        "day": lambda us: words.format_short_date(moment_of(us)),
        "moment": lambda us: words.format_moment(moment_of(us)),
        "month": lambda text: month(words, text),
        "written": lambda text: written(words, text),
        "joined": lambda texts: words.pgettext("between sentences", "; ").join(texts),
        "notice": lambda text: composed(text, words),
        "band": lambda band: label(band, words),
        "translated": lambda text: sentence(words, text),
        "problem": lambda text: in_language(text, words.code),
        "rule": lambda name: words.pgettext(RULE_CONTEXT, name),
        "attribute": lambda name: humanize_name(name, words),
        "step": lambda text: words.pgettext(STEP_CONTEXT, text),
    }
    env.filters |= filters
    return env


@lru_cache(maxsize=16)
def _sentences(words: Language) -> SentenceTranslator:
    """Sentences that reports are made of, with their numbers."""
    return SentenceTranslator(words.messages(None))


def sentence(words: Language, text: str) -> str:
    """A sentence or a label of a report, made again in the language."""
    return _sentences(words).of(text, words)


def percent(words: Language, share: float | None, digits: int = 0) -> str:
    """A probability in percent; below one per cent with a decimal, so that few are 0 %."""
    if share is None:
        return "–"
    if digits == 0 and (0 < share < 0.01 or 0.99 < share < 1):
        digits = 1
    return words.format_percent(share, digits)


def number(words: Language, value: float | None, digits: int | None = None) -> str:
    """A number; an en dash for none."""
    return "–" if value is None else minus(words.format_number(value, digits))


def month(words: Language, text: str) -> str:
    """A month of ``YYYY-MM`` as the language writes it."""
    return words.format_month(date.fromisoformat(f"{text}-01"))


def written(words: Language, text: str) -> str:
    """A day or a moment in ISO 8601 as the language writes it; what is neither, as it is."""
    try:
        if len(text) == len("2026-03-01"):
            return words.format_short_date(date.fromisoformat(text))
        return words.format_moment(datetime.fromisoformat(text))
    except ValueError:
        return text


def signed(words: Language, value: float, digits: int = 2) -> str:
    """A number with its sign, a true minus."""
    sign = "+" if value > 0 else ""
    return sign + minus(words.format_number(value, digits))


def points_of_percent(words: Language, share: float) -> str:
    """A change of a probability in percentage points, with its sign."""
    return signed(words, share * 100, 1)


def minus(text: str) -> str:
    """A number with a true minus sign."""
    return text.replace("-", "−", 1) if text.startswith("-") else text
