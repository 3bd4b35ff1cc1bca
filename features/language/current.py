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

from features.language.language import ENGLISH, Language

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


def _(message: str) -> str:
    """The message in the language in use."""
    return _current.get().gettext(message)


def ngettext(one: str, many: str, n: float) -> str:
    """The plural form for ``n`` in the language in use."""
    return _current.get().ngettext(one, many, n)


def pgettext(context: str, message: str) -> str:
    """The message with a context in the language in use."""
    return _current.get().pgettext(context, message)
