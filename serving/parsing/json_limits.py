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

from features.compute.jit import kernel
from serving.problems import Problem

MAX_KEYS_OF_ONE_OBJECT = 2000


MAX_OPEN_KEYS = 4000
"""Keys of all objects that enclose one place."""


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


@kernel
def scan(text: npt.NDArray[np.uint8], max_depth: int, max_keys: int, max_number: int) -> int:
    """The first complaint of this body as a code; ``FINE`` says nothing about its syntax."""
    n = len(text)
    in_object = np.zeros(max_depth + 2, np.bool_)
    wants_key = np.zeros(max_depth + 2, np.bool_)
    first_key = np.zeros(max_depth + 2, np.int64)
    start = np.empty(MAX_OPEN_KEYS, np.int64)
    end = np.empty(MAX_OPEN_KEYS, np.int64)
    n_keys = 0
    depth = 0
    number = 0
    escaped_key = False
    i = 0
    while i < n:
        c = text[i]
        if c == _QUOTE:
            i += 1
            begin = i
            escapes = False
            while i < n and text[i] != _QUOTE:
                if text[i] == _BACKSLASH:
                    escapes = True
                    zeros = 0
                    if i + 5 < n and text[i + 1] == 117:
                        while zeros < 4 and text[i + 2 + zeros] == _ZERO:
                            zeros += 1
                    if zeros == 4:
                        return NUL
                    i += 1
                i += 1
            number = 0
            if wants_key[depth]:
                wants_key[depth] = False
                escaped_key |= escapes
                if n_keys - first_key[depth] >= max_keys or n_keys >= MAX_OPEN_KEYS:
                    return TOO_WIDE
                length = i - begin
                for k in range(first_key[depth], n_keys):
                    if end[k] - start[k] == length:
                        same = 0
                        while same < length and text[start[k] + same] == text[begin + same]:
                            same += 1
                        if same == length:
                            return DUPLICATE_KEY
                start[n_keys] = begin
                end[n_keys] = i
                n_keys += 1
        elif (43 <= c <= 57 and c != _COMMA) or c == 69 or c == 101:  # digits, sign, point, e
            number += 1
            if number > max_number:
                return LONG_NUMBER
        else:
            number = 0
            if c == _COMMA:
                wants_key[depth] = in_object[depth]
            elif c == 123 or c == 91:  # { [
                depth += 1
                if depth > max_depth:
                    return TOO_DEEP
                in_object[depth] = c == 123
                wants_key[depth] = c == 123
                first_key[depth] = n_keys
            elif (c == 125 or c == 93) and depth > 0:  # } ]
                n_keys = first_key[depth]
                depth -= 1
        i += 1
    return ESCAPED_KEY if escaped_key else FINE


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
