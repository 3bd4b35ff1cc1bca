"""What a JSON decoder lets through and we do not: one pass over the raw bytes before decoding.

Refused: the same key twice in one object (the decoder would silently keep the last), nesting
deeper than asked, a NUL in a string (PostgreSQL cannot store it), numbers and keys of absurd
length, objects of absurd width. Everything else that is not JSON is left to the decoder.

The pass is linear in the body, whatever it holds: keys are looked up in a hash table under a
random secret of this process, so that no caller can choose keys that meet in one place.
"""

from __future__ import annotations

import os
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from features.compute.jit import inline_kernel, kernel
from serving.problems import Problem

MAX_KEYS_OF_ONE_OBJECT = 2000


MAX_OPEN_KEYS = 4000
"""Keys of all objects that enclose one place."""


MAX_NUMBER_LENGTH = 64


MAX_KEY_BYTES = 1000
"""Of a key in UTF-8, once decoded: 200 characters of four bytes each, and some room."""


FINE, DUPLICATE_KEY, TOO_DEEP, NUL, LONG_NUMBER, TOO_WIDE, LONG_KEY = range(7)


COMPLAINTS = {
    DUPLICATE_KEY: "the same key stands twice in one object; send each key once",
    TOO_DEEP: "the body is nested too deeply",
    NUL: "a string holds the character NUL (U+0000); remove it",
    LONG_NUMBER: f"a number is written with more than {MAX_NUMBER_LENGTH} characters",
    TOO_WIDE: f"an object has more than {MAX_KEYS_OF_ONE_OBJECT} keys",
    LONG_KEY: f"a key is longer than {MAX_KEY_BYTES} bytes",
}


_QUOTE, _BACKSLASH, _COMMA, _ZERO, _LETTER_U = 34, 92, 44, 48, 117


_PRIME = (1 << 31) - 1
"""Keys are hashed as polynomials modulo this Mersenne prime, at a secret place: two keys of n bytes
meet with a probability of n / 2**31 at most, whoever chose them (Carter and Wegman 1979)."""


_SLOTS = 1 << 13
"""Of the table of open keys, which is never more than half full."""


@inline_kernel
def _hex_digit(letter: int) -> int:
    """The value of a hexadecimal digit; -1 for anything else."""
    if 48 <= letter <= 57:
        return letter - 48
    if 97 <= letter <= 102:
        return letter - 87
    return letter - 55 if 65 <= letter <= 70 else -1


@kernel
def _code_unit(text: npt.NDArray[np.uint8], at: int) -> int:
    r"""The UTF-16 code unit of the escape ``\uXXXX`` that begins at ``at``; -1 if none does."""
    if at + 5 >= len(text) or text[at] != _BACKSLASH or text[at + 1] != _LETTER_U:
        return -1
    unit = 0
    for place in range(at + 2, at + 6):
        digit = _hex_digit(int(text[place]))
        if digit < 0:
            return -1
        unit = unit * 16 + digit
    return unit


@kernel
def _decode_escape(
    text: npt.NDArray[np.uint8], at: int, out: npt.NDArray[np.uint8], end: int
) -> tuple[int, int]:
    """Write what the escape at ``at`` stands for, in UTF-8, to ``out`` from ``end`` on; the places
    after both. What is no escape of JSON is written as it stands: the decoder refuses it later."""
    unit = _code_unit(text, at)
    if unit < 0:
        letter = int(text[at + 1]) if at + 1 < len(text) else _BACKSLASH
        for written, meant in ((98, 8), (102, 12), (110, 10), (114, 13), (116, 9)):  # b f n r t
            if letter == written:
                letter = meant
                break
        out[end] = letter
        return at + 2, end + 1
    at += 6
    if 0xD800 <= unit < 0xDC00:
        low = _code_unit(text, at)
        if 0xDC00 <= low < 0xE000:
            unit = 0x10000 + (unit - 0xD800) * 1024 + (low - 0xDC00)
            at += 6
    if unit < 0x80:
        out[end] = unit
        return at, end + 1
    if unit < 0x800:
        out[end] = 0xC0 | unit >> 6
        out[end + 1] = 0x80 | unit & 63
        return at, end + 2
    if unit < 0x10000:
        out[end] = 0xE0 | unit >> 12
        out[end + 1] = 0x80 | unit >> 6 & 63
        out[end + 2] = 0x80 | unit & 63
        return at, end + 3
    out[end] = 0xF0 | unit >> 18
    out[end + 1] = 0x80 | unit >> 12 & 63
    out[end + 2] = 0x80 | unit >> 6 & 63
    out[end + 3] = 0x80 | unit & 63
    return at, end + 4


@kernel
def scan(
    text: npt.NDArray[np.uint8], max_depth: int, max_keys: int, max_number: int, secret: int
) -> int:
    """The first complaint of this body as a code; ``FINE`` says nothing about its syntax.

    ``secret``: where keys are hashed, see ``_PRIME``; it decides nothing but the time taken.
    """
    n = len(text)
    in_object = np.zeros(max_depth + 2, np.bool_)
    wants_key = np.zeros(max_depth + 2, np.bool_)
    first_key = np.zeros(max_depth + 2, np.int64)
    keys = np.empty(n + 4, np.uint8)  # open keys one after the other, decoded
    start = np.empty(MAX_OPEN_KEYS + 1, np.int64)
    slot_of = np.empty(MAX_OPEN_KEYS, np.int64)
    table = np.zeros(_SLOTS, np.int16)  # a key's number, from 1 on; 0: free
    serial = np.zeros(max_depth + 2, np.int64)  # of the object open at each depth
    objects = 0
    n_keys = 0
    start[0] = 0
    depth = 0
    number = 0
    i = 0
    while i < n:
        c = text[i]
        if c == _QUOTE:
            i += 1
            number = 0
            is_key = wants_key[depth]
            begin = start[n_keys]
            end = begin
            hashed = serial[depth]
            while i < n and text[i] != _QUOTE:
                if text[i] == _BACKSLASH:
                    if _code_unit(text, i) == 0:
                        return NUL
                    if is_key:
                        before = end
                        i, end = _decode_escape(text, i, keys, end)
                        for place in range(before, end):
                            hashed = (hashed * secret + keys[place] + 1) % _PRIME
                    else:
                        i += 2
                else:
                    if is_key:
                        keys[end] = text[i]
                        hashed = (hashed * secret + text[i] + 1) % _PRIME
                        end += 1
                    i += 1
                if end - begin > MAX_KEY_BYTES:
                    return LONG_KEY
            if is_key:
                wants_key[depth] = False
                if n_keys - first_key[depth] >= max_keys or n_keys >= MAX_OPEN_KEYS:
                    return TOO_WIDE
                length = end - begin
                slot = hashed & (_SLOTS - 1)
                while table[slot] != 0:
                    k = table[slot] - 1
                    if k >= first_key[depth] and start[k + 1] - start[k] == length:
                        same = 0
                        while same < length and keys[start[k] + same] == keys[begin + same]:
                            same += 1
                        if same == length:
                            return DUPLICATE_KEY
                    slot = (slot + 1) & (_SLOTS - 1)
                n_keys += 1
                table[slot] = n_keys
                slot_of[n_keys - 1] = slot
                start[n_keys] = end
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
                objects += 1
                serial[depth] = objects
            elif (c == 125 or c == 93) and depth > 0:  # } ]
                while n_keys > first_key[depth]:  # the last that came goes first: no gap is left
                    n_keys -= 1
                    table[slot_of[n_keys]] = 0
                depth -= 1
        i += 1
    return FINE


@lru_cache(maxsize=1)
def _secret() -> int:
    return 256 + int.from_bytes(os.urandom(8), "little") % (_PRIME - 256)


def complaint_of(body: bytes, max_depth: int) -> int | None:
    """Why this JSON text is refused before decoding, as a code of ``COMPLAINTS``; or None.

    >>> complaint_of(b'{"a": 1, "b": {"a": 2}}', 12) is None
    True
    >>> COMPLAINTS[complaint_of(b'{"a": 1, "a": 2}', 12)]
    'the same key stands twice in one object; send each key once'
    """
    text = np.frombuffer(body, np.uint8)
    code = int(scan(text, max_depth, MAX_KEYS_OF_ONE_OBJECT, MAX_NUMBER_LENGTH, _secret()))
    return None if code == FINE else code


def guard(body: bytes, max_depth: int) -> None:
    """Raise a 400 problem if the body holds what no honest caller sends."""
    code = complaint_of(body, max_depth)
    if code is not None:
        raise Problem(400, "malformed-body", f"The body is refused: {COMPLAINTS[code]}.")
