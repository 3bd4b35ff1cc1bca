"""Identifiers nobody can guess, without a call to the system for each."""

from __future__ import annotations

import os
import time

AT_ONCE = 512
_words: list[str] = []
"""Random words of 16 hexadecimal digits that nobody has been given; taking one is atomic."""

_ordered: list[str] = []
"""The same, each behind the moment at which the words were drawn."""


def random_id(words: int) -> str:
    """An identifier of so many words, 64 random bits each, in hexadecimal.

    >>> len(random_id(2)), random_id(2) == random_id(2)
    (32, False)
    """
    try:
        return "".join([_words.pop() for _ in range(words)])
    except IndexError:
        _words.extend(os.urandom(8 * AT_ONCE).hex(" ", 8).split(" "))
        return random_id(words)


def ordered_id() -> str:
    """32 hexadecimal digits, of which the last 16 are random; later ones sort behind earlier ones,
    those of the same few hundred in any order.

    As the key of a large table random ids would each change another page of its index.

    >>> len(ordered_id()), ordered_id() == ordered_id()
    (32, False)
    """
    try:
        return _ordered.pop()
    except IndexError:
        moment = f"{time.time_ns() // 1000:016x}"
        _ordered.extend(moment + random_id(1) for _ in range(AT_ONCE))
        return ordered_id()


def _forget() -> None:
    _words.clear()
    _ordered.clear()


os.register_at_fork(after_in_child=_forget)
