"""Sentences that count, in English: one form for 1, another for every other number."""

from __future__ import annotations


def plural(n: float, one: str, many: str, /, **values: object) -> str:
    """``one`` if ``n`` is 1, else ``many``; both hold the count as ``{n}``, in any format.

    For errors and notices, which are raised in English (:mod:`features.language.composed`): the
    pair becomes one message of the catalogue with the plural forms of each language. It must stand
    in the code as two literals. ``values`` fill further placeholders.

    >>> plural(1, "{n:,} row is set aside", "{n:,} rows are set aside")
    '1 row is set aside'
    >>> [plural(n, "{n:,} {kind} lead", "{n:,} {kind} leads", kind="open") for n in (0, 1200)]
    ['0 open leads', '1,200 open leads']
    """
    return (one if n == 1 else many).format(n=n, **values)
