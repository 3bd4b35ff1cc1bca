"""What a JSON decoder lets through and we do not: one pass over the raw bytes before decoding.

Refused: the same key twice in one object (the decoder would silently keep the last), nesting
deeper than asked, a NUL in a string (PostgreSQL cannot store it), numbers of absurd length,
objects of absurd width. Everything else that is not JSON is left to the decoder.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import numpy.typing as npt

from features.jit import compiled
from serving.problems import Problem

MAX_KEYS_OF_ONE_OBJECT = 2000
MAX_NUMBER_LENGTH = 64

FINE, DUPLICATE_KEY, TOO_DEEP, NUL, LONG_NUMBER, TOO_WIDE, ESCAPED_KEY = range(7)

COMPLAINTS = {
    DUPLICATE_KEY: "the same key stands twice in one object; send each key once",
    TOO_DEEP: "the body is nested too deeply",
    NUL: "a string holds the character NUL (U+0000); remove it",
    LONG_NUMBER: f"a number is written with more than {MAX_NUMBER_LENGTH} characters",
    TOO_WIDE: f"an object has more than {MAX_KEYS_OF_ONE_OBJECT} keys",
}

_QUOTE, _BACKSLASH, _COMMA, _ZERO = 34, 92, 44, 48


@compiled
def _string_end(text: npt.NDArray[np.uint8], start: int) -> tuple[int, int, int]:
    """(position of the closing quote, escapes seen, NULs seen) of a string's inside."""
    n = len(text)
    i = start
    escapes = 0
    nuls = 0
    while i < n and text[i] != _QUOTE:
        if text[i] == _BACKSLASH:
            escapes += 1
            if (
                i + 5 < n
                and text[i + 1] == 117
                and text[i + 2] == _ZERO
                and text[i + 3] == _ZERO
                and text[i + 4] == _ZERO
                and text[i + 5] == _ZERO
            ):
                nuls += 1
            i += 1
        i += 1
    return i, escapes, nuls


@compiled
def _same_key(text: npt.NDArray[np.uint8], a: int, a_end: int, b: int, b_end: int) -> bool:
    if a_end - a != b_end - b:
        return False
    for k in range(a_end - a):  # noqa: SIM110  (a kernel: loops are what it is made of)
        if text[a + k] != text[b + k]:
            return False
    return True


@compiled
def scan(text: npt.NDArray[np.uint8], max_depth: int, max_keys: int, max_number: int) -> int:
    """The first complaint of this body as a code; ``FINE`` says nothing about its syntax."""
    n = len(text)
    room = max_depth + 2
    in_object = np.zeros(room, np.bool_)
    wants_key = np.zeros(room, np.bool_)
    first_key = np.zeros(room, np.int64)
    start = np.empty(64, np.int64)
    end = np.empty(64, np.int64)
    n_keys = 0
    depth = 0
    number = 0
    escaped = False
    i = 0
    while i < n:
        c = text[i]
        if c == _QUOTE:
            number = 0
            close, escapes, nuls = _string_end(text, i + 1)
            if nuls > 0:
                return NUL
            if in_object[depth] and wants_key[depth]:
                wants_key[depth] = False
                if escapes > 0:
                    escaped = True
                if n_keys - first_key[depth] >= max_keys:
                    return TOO_WIDE
                for k in range(first_key[depth], n_keys):
                    if _same_key(text, start[k], end[k], i + 1, close):
                        return DUPLICATE_KEY
                if n_keys == len(start):
                    start = np.append(start, np.empty(n_keys, np.int64))
                    end = np.append(end, np.empty(n_keys, np.int64))
                start[n_keys] = i + 1
                end[n_keys] = close
                n_keys += 1
            i = close
        elif c == 123 or c == 91:  # { [
            number = 0
            depth += 1
            if depth > max_depth:
                return TOO_DEEP
            in_object[depth] = c == 123
            wants_key[depth] = c == 123
            first_key[depth] = n_keys
        elif c == 125 or c == 93:  # } ]
            number = 0
            if depth > 0:
                n_keys = first_key[depth]
                depth -= 1
        elif c == _COMMA:
            number = 0
            wants_key[depth] = in_object[depth]
        elif 43 <= c <= 57 or c == 69 or c == 101:  # digits, sign, point, exponent
            number += 1
            if number > max_number:
                return LONG_NUMBER
        else:
            number = 0
        i += 1
    return ESCAPED_KEY if escaped else FINE


def complaint_of(body: bytes, max_depth: int) -> int | None:
    """Why this JSON text is refused before decoding, as a code of ``COMPLAINTS``; or None.

    >>> complaint_of(b'{"a": 1, "b": {"a": 2}}', 12) is None
    True
    >>> COMPLAINTS[complaint_of(b'{"a": 1, "a": 2}', 12)]
    'the same key stands twice in one object; send each key once'
    """
    text = np.frombuffer(body, np.uint8)
    code = int(scan(text, max_depth, MAX_KEYS_OF_ONE_OBJECT, MAX_NUMBER_LENGTH))
    if code == ESCAPED_KEY:
        return DUPLICATE_KEY if _escaped_keys_repeat(body) else None
    return None if code == FINE else code


def _escaped_keys_repeat(body: bytes) -> bool:
    """Keys written with escapes are equal only once decoded: the slow way, exact and rare."""
    try:
        json.loads(body, object_pairs_hook=_refuse_duplicates)
    except _DuplicateKeyError:
        return True
    except (ValueError, RecursionError):
        return False  # not JSON: the decoder says so in its own words
    return False


class _DuplicateKeyError(Exception):
    """A key was seen twice."""


def _refuse_duplicates(pairs: list[tuple[str, Any]]) -> None:
    if len({key for key, _ in pairs}) != len(pairs):
        raise _DuplicateKeyError


def guard(body: bytes, max_depth: int) -> None:
    """Raise a 400 problem if the body holds what no honest caller sends."""
    code = complaint_of(body, max_depth)
    if code is not None:
        raise Problem(400, "malformed-body", f"The body is refused: {COMPLAINTS[code]}.")
