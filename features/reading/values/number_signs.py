"""Which signs the numbers of a column are written with: certain, to be asked, or no numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from features.cleaning import BLANKS, CURRENCY, NumberSigns, parse_number

MOSTLY = 0.98
HALF = 0.5
_CURRENCY = re.compile(CURRENCY, re.IGNORECASE)
_LEADING_ZERO = re.compile(r"0\d+|\+\d{7,}", re.ASCII)
"""Codes and telephone numbers: digits, and no number."""
_GROUPS = re.compile(r"\d{1,3}([.,])\d{3}(\1\d{3})+", re.ASCII)
_ONE_SIGN = re.compile(r"(\d+)([.,])(\d+)", re.ASCII)
_BOTH_SIGNS = re.compile(r"\d{1,3}(?:([.,])\d{3})+(?!\1)([.,])\d+", re.ASCII)
_INDIAN = re.compile(r"\d{1,2}(?:,\d{2})+,\d{3}", re.ASCII)
_BODY = re.compile(rf"\d[\d.,'’\s{BLANKS}]*(?:[eE][+-]?\d+)?", re.ASCII)


@dataclass
class SignEvidence:
    """What the words of a column show: how often, and on which word first."""

    decimal_point: str = ""
    decimal_comma: str = ""
    grouped_by_point: str = ""
    grouped_by_comma: str = ""
    point_either: int = 0
    comma_either: int = 0
    point_example: str = ""
    comma_example: str = ""
    long_whole: bool = False

    def add(self, word: str) -> None:
        """Look at one word."""
        found = _BODY.search(word)
        if found is None:
            return
        body = re.sub(rf"[{BLANKS}'’]", "", found[0].strip())
        both = _BOTH_SIGNS.fullmatch(body)
        groups = _GROUPS.fullmatch(body)
        one = _ONE_SIGN.fullmatch(body)
        if both:
            self._decimal(both[2], word)
            self._grouped(both[1], word)
        elif groups:
            self._grouped(groups[1], word)
        elif _INDIAN.fullmatch(body):
            self._grouped(",", word)
        elif one:
            self._one(one[1], one[2], one[3], word)
        elif body.isdigit() and len(body) > 3 and body == found[0].strip():
            self.long_whole = True

    def _one(self, whole: str, sign: str, fraction: str, word: str) -> None:
        grouping = len(fraction) == 3 and 1 <= len(whole) <= 3 and not whole.startswith("0")
        if not grouping:
            self._decimal(sign, word)
        elif sign == ".":
            self.point_either += 1
            self.point_example = self.point_example or word
        else:
            self.comma_either += 1
            self.comma_example = self.comma_example or word

    def _decimal(self, sign: str, word: str) -> None:
        if sign == ".":
            self.decimal_point = self.decimal_point or word
        else:
            self.decimal_comma = self.decimal_comma or word

    def _grouped(self, sign: str, word: str) -> None:
        if sign == ".":
            self.grouped_by_point = self.grouped_by_point or word
        else:
            self.grouped_by_comma = self.grouped_by_comma or word

    def signs(self) -> NumberSigns | None:
        """The signs, where the words leave no doubt; None where they must be asked for."""
        if self.decimal_comma:
            return None
        if self.grouped_by_comma:
            return NumberSigns((".",), (",",)) if not self.grouped_by_point else None
        if self.grouped_by_point:
            return NumberSigns((",",), (".",)) if not self.decimal_point else None
        if self.comma_either:
            return None
        if self.point_either >= 2 and not self.decimal_point and not self.long_whole:
            return None
        return NumberSigns()

    def question(self, name: str) -> str:
        """What to ask, on a word of the column."""
        word = (
            self.decimal_comma or self.comma_example or self.grouped_by_point or self.point_example
        )
        shown = [
            f"{_reading(word, (sign,), (other,))} if {_called(sign)} is the decimal sign"
            for sign, other in ((".", ","), (",", "."))
            if _reading(word, (sign,), (other,)) is not None
        ]
        mixed = bool(self.decimal_comma and self.decimal_point)
        says = 'decimal = [".", ","]' if mixed else _says(word)
        why = (
            f"both signs stand before fractions ({self.decimal_point!r} too)" if mixed
            else "the decimal sign decides"
        )  # fmt: skip
        return f"{name} is {word!r}: {', '.join(shown)}; {why}; say {says} in dataset.toml"


def _reading(word: str, decimal: tuple[str, ...], thousands: tuple[str, ...]) -> str | None:
    value = parse_number(word, NumberSigns(decimal, thousands))
    return None if value is None else f"{value:.10g}"


def _called(sign: str) -> str:
    return "the comma" if sign == "," else "the point"


def _says(word: str) -> str:
    as_comma = _reading(word, (",",), (".",))
    as_point = _reading(word, (".",), (",",))
    comma, point = 'decimal = ","', 'decimal = "."'
    if "." in word and "," not in word:
        comma += ' and thousands = "."'
    if "," in word and "." not in word:
        point += ' and thousands = ","'
    if as_point is None:
        return comma
    return point if as_comma is None else f"{comma}, or {point},"


@dataclass(frozen=True)
class NumberColumn:
    """What the words of a column are as numbers.

    ``signs``: which were used. ``share``: of the rows that are numbers. ``question``: to be asked
    before it can be read. ``spoilers``: the words that are no numbers, most rows first. ``notes``:
    what was left out of the words. ``doubts``: what may make numbers of several kinds one.
    """

    signs: NumberSigns
    share: float
    question: str | None
    spoilers: tuple[tuple[str, int], ...]
    notes: tuple[str, ...]
    doubts: tuple[str, ...] = ()


def number_column(
    name: str, rows_of: Mapping[str, int], declared: NumberSigns | None
) -> NumberColumn | None:
    """What a column of these words (with how many rows hold each) is as numbers.

    None where less than half of the rows could be numbers, or where leading zeros say that they
    are codes.
    """
    loose = NumberSigns((".", ","), (".", ","))
    able = [w for w in rows_of if parse_number(w, loose) is not None]
    total = sum(rows_of.values())
    if not able or sum(rows_of[w] for w in able) < HALF * total:
        return None
    if any(_LEADING_ZERO.fullmatch(w) for w in able):
        return None
    signs, question = declared, None
    if signs is None:
        evidence = SignEvidence()
        for word in able:
            evidence.add(word)
        signs = evidence.signs()
        if signs is None:
            question, signs = evidence.question(name), loose
    wrong = {w: n for w, n in rows_of.items() if parse_number(w, signs) is None}
    share = 1 - sum(wrong.values()) / total
    spoilers = tuple(sorted(wrong.items(), key=lambda pair: (-pair[1], pair[0])))
    doubts = _doubts(name, {w: rows_of[w] for w in able})
    return NumberColumn(signs, share, question, spoilers, _notes(name, able, signs), doubts)


def _doubts(name: str, rows_of: Mapping[str, int]) -> tuple[str, ...]:
    """Sentences on numbers of several kinds in one column: currencies, ``30%`` beside ``0.3``."""
    doubts = []
    currencies = _currencies(rows_of)
    if len(currencies) > 1:
        doubts.append(
            f"{name}: amounts in {', '.join(currencies)} are read as they stand, not changed"
        )
    total = sum(rows_of.values())
    percent = sum(n for w, n in rows_of.items() if w.rstrip().endswith("%"))
    if 0.02 * total < percent < MOSTLY * total:
        bare = next(w for w in rows_of if not w.rstrip().endswith("%"))
        doubts.append(
            f"{name}: {percent:,} of {total:,} values have a % and the others, such as {bare!r}, "
            "have none: both are read as they stand (30% is 30, 0.3 is 0.3); write them alike"
        )
    return tuple(doubts)


def _currencies(words: Iterable[str]) -> list[str]:
    return sorted({found[0] for w in words if (found := _CURRENCY.search(w))})


def _notes(name: str, words: Sequence[str], signs: NumberSigns) -> tuple[str, ...]:
    notes = []
    currencies = _currencies(words)
    if len(currencies) == 1:
        notes.append(f"{name}: {currencies[0]} is left out of the numbers")
    if any(w.rstrip().endswith("%") for w in words):
        notes.append(f"{name}: % is left out of the numbers (30% is 30)")
    for sign in (*signs.thousands, *BLANKS, "'", "’"):
        example = next((w for w in words if re.search(rf"\d{re.escape(sign)}\d", w)), None)
        if example is not None:
            value = parse_number(example, signs)
            shown = "nothing" if value is None else f"{value:.12g}"
            notes.append(f"{name}: {example!r} is read as {shown}")
            break
    return tuple(notes)
