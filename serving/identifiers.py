"""Identifiers nobody can guess, without a call to the system for each."""

from __future__ import annotations

import os

AT_ONCE = 512
_words: list[str] = []
"""Random words of 16 hexadecimal digits that nobody has been given; taking one is atomic."""


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


os.register_at_fork(after_in_child=_words.clear)
