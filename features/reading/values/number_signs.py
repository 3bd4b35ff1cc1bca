"""Which signs the numbers of a column are written with: certain, to be asked, or no numbers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from features.cleaning import BLANKS, CURRENCY, NumberSigns, parse_number

MOSTLY = 0.98
HALF = 0.5
MIN_SHARE_WITH_UNITS = 0.8
MAX_SHARE_LOST = 0.01
MAX_WORDS_BESIDE = 8
MAGNITUDES: Mapping[str, float] = {
    **dict.fromkeys(("k", "K", "Tsd", "Tsd.", "mille"), 1e3),
    **dict.fromkeys(("M", "MM", "Mio", "Mio.", "mio", "mn", "mln", "million", "millions"), 1e6),
    **dict.fromkeys(("B", "bn", "Md", "Mds", "Mrd", "Mrd.", "billion"), 1e9),
}
"""Words behind numbers, and what they are likely to mean; asked about, never taken for granted."""
_CURRENCY = re.compile(CURRENCY, re.IGNORECASE)
_LEADING_ZERO = re.compile(r"0\d+|\+\d{7,}", re.ASCII)
"""Codes and telephone numbers: digits, and no number."""
_GROUPS = re.compile(r"\d{1,3}([.,])\d{3}(\1\d{3})+", re.ASCII)
_ONE_SIGN = re.compile(r"(\d+)([.,])(\d+)", re.ASCII)
_BOTH_SIGNS = re.compile(r"\d{1,3}(?:([.,])\d{3})+(?!\1)([.,])\d+", re.ASCII)
_INDIAN = re.compile(r"\d{1,2}(?:,\d{2})+,\d{3}", re.ASCII)
_BESIDE = re.compile(rf"([^\d\s{BLANKS}-][^\d]*?)?\s*(\d[\d.,'’{BLANKS}]*?)\s*([^\d\s.,-][^\d]*)?")
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
            f"{_reading(word, (sign,), (other,), _ALL)} if {_called(sign)} is the decimal sign"
            for sign, other in ((".", ","), (",", "."))
            if _reading(word, (sign,), (other,), _ALL) is not None
        ]
        mixed = bool(self.decimal_comma and self.decimal_point)
        says = 'decimal = [".", ","]' if mixed else _says(word)
        if says == 'decimal = ","' and self.grouped_by_point:
            says += ' and thousands = "."'
        why = (
            f"both signs stand before fractions ({self.decimal_point!r} too)" if mixed
            else "the decimal sign decides"
        )  # fmt: skip
        return f"{name} is {word!r}: {', '.join(shown)}; {why}; say {says} in dataset.toml"


def _reading(
    word: str,
    decimal: tuple[str, ...],
    thousands: tuple[str, ...],
    units: tuple[tuple[str, float], ...] = (),
) -> str | None:
    value = parse_number(word, NumberSigns(decimal, thousands, units))
    return None if value is None else f"{value:.10g}"


_ALL = tuple(MAGNITUDES.items())


def _called(sign: str) -> str:
    return "the comma" if sign == "," else "the point"


def _says(word: str) -> str:
    as_comma = _reading(word, (",",), (".",), _ALL)
    as_point = _reading(word, (".",), (",",), _ALL)
    comma, point = 'decimal = ","', 'decimal = "."'
    if "." in word and "," not in word:
        comma += ' and thousands = "."'
    if "," in word and "." not in word:
        point += ' and thousands = ","'
    if as_point is None and "." in word:
        comma = 'decimal = "," and thousands = "."'
    if as_point is None:
        return comma
    return point if as_comma is None else f"{comma}, or {point},"


@dataclass(frozen=True)
class NumberColumn:
    """What the words of a column are as numbers.

    ``signs``: which were used. ``share``: of the rows that are numbers. ``question``: to be asked
    before it can be read; ``unit_question``: of words beside the numbers. ``spoilers``: the words
    that are no numbers, most rows first. ``notes``: what was left out of the words. ``doubts``:
    what may make numbers of several kinds one.
    """

    signs: NumberSigns
    share: float
    question: str | None
    spoilers: tuple[tuple[str, int], ...]
    notes: tuple[str, ...]
    doubts: tuple[str, ...] = ()
    unit_question: str | None = None


def number_column(
    name: str,
    rows_of: Mapping[str, int],
    declared: NumberSigns | None,
    units: tuple[tuple[str, float], ...] = (),
) -> NumberColumn | None:
    """What a column of these words (with how many rows hold each) is as numbers.

    ``declared``: the signs, None where they are to be found; ``units``: the declared words beside
    numbers. None where less than half of the rows could be numbers, or where leading zeros say
    that they are codes.
    """
    loose = NumberSigns((".", ","), (".", ","), tuple({**MAGNITUDES, **dict(units)}.items()))
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
            question, signs = evidence.question(name), replace(loose, units=())
        signs = replace(signs, units=units if _used(units, able) else ())
    else:
        question = _undeclared_signs(name, {w: rows_of[w] for w in able}, signs)
    share_able = sum(rows_of[w] for w in able) / total
    unit_question = (
        _unit_question(name, able, signs) if share_able >= MIN_SHARE_WITH_UNITS else None
    )
    wrong = {w: n for w, n in rows_of.items() if parse_number(w, signs) is None}
    share = 1 - sum(wrong.values()) / total
    spoilers = tuple(sorted(wrong.items(), key=lambda pair: (-pair[1], pair[0])))
    doubts = _doubts(name, {w: rows_of[w] for w in able})
    notes = _notes(name, [w for w in able if w not in wrong], signs)
    return NumberColumn(signs, share, question, spoilers, notes, doubts, unit_question)


def _used(units: Iterable[tuple[str, float]], words: Iterable[str]) -> bool:
    names = tuple(unit for unit, _ in units)
    return bool(names) and any(w.startswith(names) or unit in w for w in words for unit in names)


def _unit_question(name: str, able: Sequence[str], signs: NumberSigns) -> str | None:
    """What to ask where numbers have words such as k and M beside them that nothing declares."""
    loose = replace(signs, decimal=(".", ","), thousands=(".", ","))
    met: dict[str, str] = {}
    for word in able:
        if parse_number(word, loose) is not None:
            continue
        for unit, factor in sorted(MAGNITUDES.items(), key=lambda pair: -len(pair[0])):
            if parse_number(word, replace(loose, units=((unit, factor),))) is not None:
                met.setdefault(unit, word)
                break
    if not met:
        return None
    shown = []
    for unit, word in met.items():
        value = _reading(word, signs.decimal, signs.thousands, ((unit, MAGNITUDES[unit]),))
        if value is not None:
            shown.append(f"{word!r} is {value} if {unit} means {MAGNITUDES[unit]:.0f}")
    pairs = ", ".join(f"{_unit_key(u)} = {MAGNITUDES[u]:.0f}" for u in sorted(met))
    return f"{name}: {', '.join(shown)}; say units = {{ {pairs} }} in dataset.toml"


def words_beside_numbers(rows_of: Mapping[str, int]) -> tuple[str, ...]:
    """The few words that stand before or behind the number of nearly every value; () else.

    >>> words_beside_numbers({"120 staff": 9, "35 staff": 8, "~400": 1})
    ('staff', '~')
    """
    rows: dict[str, int] = {}
    total = sum(rows_of.values())
    read = 0
    for value, n in rows_of.items():
        if parse_number(value, _ANY_SIGN) is not None:
            read += n
            continue
        found = _BESIDE.fullmatch(value)
        if found is None or bool(found[1]) == bool(found[3]):
            continue
        word = found[1] or found[3]
        rows[word] = rows.get(word, 0) + n
    if not rows or len(rows) > MAX_WORDS_BESIDE or read + sum(rows.values()) < MOSTLY * total:
        return ()
    return tuple(sorted(rows, key=lambda word: (-rows[word], word)))


def _unit_key(unit: str) -> str:
    return unit if unit.isascii() and unit.isalnum() else f'"{unit}"'


def _undeclared_signs(name: str, rows_of: Mapping[str, int], declared: NumberSigns) -> str | None:
    """What to ask where numbers are written with signs that are not among the declared ones."""
    left = {w: n for w, n in rows_of.items() if parse_number(w, declared) is None}
    left = {w: n for w, n in left.items() if parse_number(w, _ANY_SIGN) is not None}
    if sum(left.values()) <= MAX_SHARE_LOST * sum(rows_of.values()):
        return None
    word = next(iter(left))
    for decimal, thousands, says in _OTHER_SIGNS:
        signs = replace(declared, decimal=decimal or declared.decimal, thousands=thousands)
        if all(parse_number(w, signs) is not None for w in rows_of):
            value = _reading(word, signs.decimal, signs.thousands, signs.units)
            listed = " and ".join(map(repr, declared.decimal))
            return (
                f"{name} is {word!r}, no number with {listed} alone as its decimal sign: {value} "
                f"with {says}; the decimal sign decides; say {says} in dataset.toml"
            )
    return None


_ANY_SIGN = NumberSigns((".", ","), (".", ","))
_OTHER_SIGNS: tuple[tuple[tuple[str, ...], tuple[str, ...], str], ...] = (
    ((), (".",), 'thousands = "."'),
    ((), (",",), 'thousands = ","'),
    ((".",), (), 'decimal = "."'),
    ((",",), (), 'decimal = ","'),
    ((".",), (",",), 'decimal = "." and thousands = ","'),
    ((",",), (".",), 'decimal = "," and thousands = "."'),
    ((".", ","), (), 'decimal = [".", ","]'),
)
"""Signs that may be meant where the declared ones do not do, the nearest to them first."""


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
