"""The language of what is being written now: set at the edge, read where sentences are made.

Reports, cards and tables are made by many small functions. The command and the endpoint say once
for which language (:func:`use`); nothing below sets it. Where texts are held or made by other
threads, as reasons are, the :class:`~features.language.language.Language` is an argument instead.
What goes into a release is never read from here: a release has the same bytes in any language.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import date

from features.language.catalogues import language as find_language
from features.language.language import ENGLISH, N_, Language

__all__ = [
    "N_",
    "_",
    "current",
    "day_of",
    "language",
    "ngettext",
    "number",
    "pgettext",
    "say",
    "say_n",
    "use",
]

_current: ContextVar[Language] = ContextVar("language", default=ENGLISH)


def current() -> Language:
    """The language in use; English unless :func:`use` says otherwise."""
    return _current.get()


@contextmanager
def use(language: Language) -> Iterator[Language]:
    """Write in this language until the block ends; other threads and requests keep theirs."""
    token = _current.set(language)
    try:
        yield language
    finally:
        _current.reset(token)


@contextmanager
def language(code: str) -> Iterator[Language]:
    """Speak a language until the block ends, in reasons, reports, cards and sentences.

    ``code``: ``fr``, ``fr-CH`` … Raises UsageError when there is no such language.

    >>> with language("fr"):
    ...     say_n("{n} day", "{n} days", 2)
    '2 jours'
    """
    with use(find_language(code)) as active:
        yield active


def _(message: str) -> str:
    """The message in the language in use."""
    return _current.get().gettext(message)


def say(message: str, **values: object) -> str:
    """The message in the language in use, with its placeholders filled in.

    >>> say("{n:,} leads, {share:.1%}", n=1200, share=0.351)
    '1,200 leads, 35.1%'
    """
    active = _current.get()
    return active.filled(active.gettext(message), values)


def say_n(one: str, many: str, n: float, **values: object) -> str:
    """:func:`say` with the plural form for ``n``, which the texts may hold as ``{n}``.

    >>> say_n("{n:,} lead", "{n:,} leads", 1), say_n("{n:,} lead", "{n:,} leads", 1200)
    ('1 lead', '1,200 leads')
    """
    active = _current.get()
    return active.filled(active.ngettext(one, many, n), {"n": n, **values})


def ngettext(one: str, many: str, n: float) -> str:
    """The plural form for ``n`` in the language in use."""
    return _current.get().ngettext(one, many, n)


def number(text: str) -> str:
    """A number that Python has written, with the signs of the language in use.

    >>> number(f"{1234.5:,}")
    '1,234.5'
    """
    return _current.get().localized(text)


def day_of(moment: str) -> str:
    """The day of an ISO 8601 moment as the language in use writes it; "" for "".

    >>> day_of("2026-03-01T08:00:00Z"), day_of("")
    ('2026-03-01', '')
    """
    return _current.get().format_date(date.fromisoformat(moment[:10])) if moment else ""


def pgettext(context: str, message: str) -> str:
    """The message with a context in the language in use."""
    return _current.get().pgettext(context, message)
