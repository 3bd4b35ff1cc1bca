"""A compiled tokenizer for the JSON that nearly every caller sends.

It validates nothing: functions return the position after a token, or ``UNSUPPORTED`` for
whatever is unusual or wrong, and the general decoder takes over. Texts end with ``PADDING``
bytes of NUL, which no token holds, so that looking a few bytes ahead stays within them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from features.compute.array_types import DAY_US, Int64
from features.compute.jit import kernel
from features.histories.arrays import NO_TIME

Bytes = npt.NDArray[np.uint8]


UNSUPPORTED = -1


PADDING = 32


DEEPEST = 8


QUOTE, COMMA, COLON, MINUS, PLUS, POINT, ZERO, NINE = b'",:-+.09'


OPEN_LIST, CLOSE_LIST, OPEN, CLOSE, BACKSLASH, LETTER_T, LETTER_Z = b"[]{}\\TZ"


TENS = 10.0 ** np.arange(16)


IN_WORDS = np.array([32 <= letter < 127 and letter not in b'"\\' for letter in range(256)])
"""Whether a byte may stand in a word: ASCII that is written as it is."""


def pad(body: bytes) -> Bytes:
    """A body as the text that is read here."""
    return np.frombuffer(body + bytes(PADDING), np.uint8)


class TokenTable(NamedTuple):
    """Words to be found again: their letters, where each begins, and a table of hashes."""

    letters: Bytes
    start: Int64
    table: Int64


def token_table(names: Sequence[str]) -> TokenTable:
    """A name's code is its position in ``names``."""
    coded = [name.encode() for name in names]
    start = np.cumsum([0, *map(len, coded)], dtype=np.int64)
    letters = np.frombuffer(b"".join(coded) + b"\0", np.uint8)
    table = np.full(1 << (4 * len(names) + 1).bit_length(), -1, dtype=np.int64)
    for code in range(len(names)):
        place = int(hash_of(letters, start[code], start[code + 1])) % len(table)
        while table[place] >= 0:
            place = (place + 1) % len(table)
        table[place] = code
    return TokenTable(letters, start, table)


@kernel
def hash_of(text: Bytes, low: int, high: int) -> int:
    """A quick hash of a word: its length and three of its letters."""
    if high == low:
        return 0
    first, middle, last = int(text[low]), int(text[(low + high) // 2]), int(text[high - 1])
    return (high - low) * 131 + first * 31 + middle * 7 + last * 17


@kernel
def code_of(text: Bytes, low: int, high: int, letters: Bytes, start: Int64, table: Int64) -> int:
    """The code of the word ``text[low:high]`` among those of :func:`token_table`; -1 for no
    such."""
    size = table.shape[0]
    place = hash_of(text, low, high) & (size - 1)  # its length is a power of two
    while table[place] >= 0:
        code = table[place]
        first = start[code]
        if start[code + 1] - first == high - low:
            same = 0
            while same < high - low and letters[first + same] == text[low + same]:
                same += 1
            if same == high - low:
                return int(code)
        place = (place + 1) & (size - 1)
    return -1


@kernel
def after_space(text: Bytes, at: int) -> int:
    """The next place without white space."""
    while text[at] == 32 or text[at] == 10 or text[at] == 13 or text[at] == 9:
        at += 1
    return at


@kernel
def end_of_word(text: Bytes, at: int) -> int:
    """The closing quote of the string that begins at ``at``, if it is ASCII without escapes."""
    while IN_WORDS[text[at]]:
        at += 1
    return at if text[at] == QUOTE else UNSUPPORTED


@kernel
def end_of_value(text: Bytes, at: int) -> int:
    """The place after any value, which is not judged: its brackets and quotes are counted."""
    depth = 0
    while True:
        letter = text[at]
        if letter == QUOTE:
            at += 1
            while text[at] >= 32 and text[at] != QUOTE:
                at += 2 if text[at] == BACKSLASH else 1
            if text[at] != QUOTE:
                return UNSUPPORTED
        depth += letter in (OPEN, OPEN_LIST)
        depth -= letter in (CLOSE, CLOSE_LIST)
        if letter == 0 or depth < 0 or depth > DEEPEST:
            return UNSUPPORTED
        at += 1
        if depth == 0 and (text[at] == COMMA or text[at] == CLOSE):
            return at


@kernel
def after_colon(text: Bytes, at: int) -> int:
    """Where the value begins whose key ends before ``at``."""
    at = after_space(text, at)
    return after_space(text, at + 1) if text[at] == COLON else UNSUPPORTED


@kernel
def is_null(text: Bytes, at: int) -> bool:
    """Whether ``null`` stands here."""
    nul = text[at] == 110 and text[at + 1] == 117
    return bool(nul and text[at + 2] == 108 and text[at + 3] == 108)


@kernel
def is_digit(letter: int) -> bool:
    """Whether this is one of 0 to 9."""
    return ZERO <= letter <= NINE


@kernel
def end_of_number(text: Bytes, at: int) -> int:
    """The place after a number of at most 15 digits, without exponent."""
    at += text[at] == MINUS
    first, point = at, -1
    while is_digit(text[at]) or (text[at] == POINT and point < 0 and at > first):
        if text[at] == POINT:
            point = at
        at += 1
    whole = (at if point < 0 else point) - first
    if whole == 0 or (whole > 1 and text[first] == ZERO) or text[at - 1] == POINT:
        return UNSUPPORTED
    return at if at - first - (point >= 0) <= 15 else UNSUPPORTED


@kernel
def number_of(text: Bytes, low: int, high: int) -> float:
    """The number at ``text[low:high]``, as :func:`end_of_number` found it.

    Its digits and their power of ten are exact, so that one division rounds correctly (Clinger
    1990, How to read floating point numbers accurately).
    """
    whole, places, passed = np.int64(0), 0, False
    for i in range(low, high):
        if text[i] == POINT:
            passed = True
        elif text[i] != MINUS:
            whole = whole * 10 + (np.int64(text[i]) - ZERO)
            places += passed
    value = float(np.float64(whole) / TENS[places])
    return -value if text[low] == MINUS else value


@kernel
def two_digits(text: Bytes, at: int) -> int:
    """A number from 0 to 99; far below zero if anything else stands there."""
    tens, ones = int(text[at]) - ZERO, int(text[at + 1]) - ZERO
    return tens * 10 + ones if 0 <= tens <= 9 and 0 <= ones <= 9 else -1_000_000


@kernel
def days_since_1970(year: int, month: int, day: int) -> int:
    """Days of the Gregorian calendar, counted in years that begin in March.

    >>> days_since_1970(1970, 1, 1), days_since_1970(2000, 2, 29), days_since_1970(1969, 12, 31)
    (0, 11016, -1)
    """
    since_march = (month + 9) % 12
    if month <= 2:
        year -= 1
    within = (153 * since_march + 2) // 5 + day - 1
    return 365 * year + year // 4 - year // 100 + year // 400 + within - 719468


@kernel
def days_of_month(year: int, month: int) -> int:
    """28 to 31."""
    if month == 2:
        return 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    return 30 if month in (4, 6, 9, 11) else 31


@kernel
def moment_of(text: Bytes, low: int, high: int) -> int:
    """``2026-03-01T09:00:00.25Z`` in microseconds since 1970; ``NO_TIME`` if it is not plain.

    Only UTC, from the year 1 on, and at most six digits of a second.
    """
    year = two_digits(text, low) * 100 + two_digits(text, low + 2)
    month, day = two_digits(text, low + 5), two_digits(text, low + 8)
    hour, minute = two_digits(text, low + 11), two_digits(text, low + 14)
    second = two_digits(text, low + 17)
    marks = text[low + 4] == MINUS and text[low + 7] == MINUS and text[low + 10] == LETTER_T
    marks = marks and text[low + 13] == COLON and text[low + 16] == COLON
    micro = _micro_of(text, low + 19, high)
    if not marks or micro < 0 or year < 1 or not 1 <= month <= 12 or day < 1:
        return NO_TIME
    if not (0 <= hour < 24 and 0 <= minute < 60 and 0 <= second < 60):
        return NO_TIME
    if day > 28 and day > days_of_month(year, month):
        return NO_TIME
    of_day = (hour * 60 + minute) * 60 + second
    return days_since_1970(year, month, day) * DAY_US + of_day * 1_000_000 + micro


@kernel
def _micro_of(text: Bytes, at: int, high: int) -> int:
    """The microseconds of ``.25Z``, ``Z`` or ``+00:00``; -1 for any other end of a moment."""
    micro, worth = 0, 1_000_000
    if text[at] == POINT:
        at += 1
        while is_digit(text[at]) and worth > 1:
            worth //= 10
            micro += (int(text[at]) - ZERO) * worth
            at += 1
        if worth == 1_000_000:
            return -1
    if text[at] == LETTER_Z:
        return micro if at + 1 == high else -1
    zero = two_digits(text, at + 1) == 0 and two_digits(text, at + 4) == 0
    utc = zero and text[at] == PLUS and text[at + 3] == COLON and at + 6 == high
    return micro if utc else -1
