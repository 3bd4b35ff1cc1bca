"""What a raw value means: the one set of rules for files, databases, requests and the store.

Rules that decide a value travel with a release, so that a request is read as the training file was.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

TRUE_WORDS = frozenset(
    {
        "true",
        "yes",
        "y",
        "t",
        "1",
        "oui",
        "vrai",
        "ja",
        "wahr",
        "si",
        "sí",
        "sì",
        "sim",
        "verdadero",
    }
)
FALSE_WORDS = frozenset(
    {"false", "no", "n", "f", "0", "non", "faux", "nein", "falsch", "nee", "não", "nao", "falso"}
)
DEFAULT_UNANSWERED = (
    "Select", "Please select", "N/A", "n/a", "-", "--", "?", "(No value)", "(not set)", "#N/A",
    "#VALUE!", "#REF!", "#NAME?", "#DIV/0!", "undefined", "#NUM!", "#NULL!", "\u2013", "\u2014",
    "#NV", "#BEZUG!", "#WERT!", "#ZAHL!", "#N/D", "#VALEUR!", "#NOMBRE!", "#NOM?", "#\u00a1VALOR!",
    "#\u00a1REF!", "#\u00a1DIV/0!", "#VALORE!", "#RIF!",
)  # fmt: skip
"""Words that forms, CRMs and spreadsheets (in several languages) leave where nobody answered."""

NO_VALUE = ("", "NaN", "nan", "NULL", "null")
"""How files write *unknown*; always read as unknown."""

INVISIBLE = "\ufeff\u200b\u2060"
"""Characters without width that exports leave at the ends of words."""

CURRENCY = (
    r"(?:[$€£¥₹₽₺₴₩₪]|kr\b|zł|R\$"
    r"|(?:USD|EUR|GBP|CHF|JPY|CAD|AUD|SEK|NOK|DKK|PLN|CZK|INR|BRL|CNY)\b)"
)
BLANKS = "\u00a0\u202f\u2009 "
EARLIEST_US = -2_208_902_400_000_000
"""1900-01-02: earlier moments, and 1900-01-01 itself, are placeholders and not plausible."""
PLACEHOLDERS_US = (0,)
"""Moments that programs write where there is none: 1970-01-01T00:00:00Z."""

_ENDS = re.compile(rf"^[-+(]?\s*{CURRENCY}\s*|\s*(?:%|{CURRENCY})\s*\)?$", re.IGNORECASE)
_SCIENTIFIC = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)[eE][+-]?\d+", re.ASCII)
_PLAIN = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_DIGIT = re.compile(r"[^\x00-\x7f]", re.UNICODE)
_DIGITS = re.compile(r"\d+", re.ASCII)
_INDIAN_GROUPS = r"\d{1,2}(?:,\d{2})+,\d{3}"
_EXPONENT = re.compile(r"\d+[eE][+-]?\d+", re.ASCII)
_FRACTION = re.compile(r"(\.\d*([eE][+-]?\d+)?)?", re.ASCII)
_CLOCK = re.compile(r"(?:(\d+) days? )?(\d+):([0-5]\d):([0-5]\d)(\.\d+)?", re.ASCII)
_ISO_DURATION = re.compile(
    r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:[.,]\d+)?)S)?)?", re.ASCII | re.IGNORECASE
)
_SPELLED_DURATION = re.compile(
    r"(?:(\d+)\s*(?:d|days?|j|jours?|tage?))?\s*(?:(\d+)\s*(?:h|hrs?|hours?|heures?|std\.?|stunden?))?"
    r"\s*(?:(\d+)\s*(?:m|mn|min|mins|minutes?|minuten)\.?)?"
    r"\s*(?:(\d+(?:[.,]\d+)?)\s*(?:s|secs?|seconds?|secondes?|sek|sekunden?)\.?)?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class NumberSigns:
    """Which signs a number may hold. ``thousands``: what may stand between groups of three.

    ``units``: words that may stand beside a number, and what it is multiplied by: ``("k", 1000)``.
    """

    decimal: tuple[str, ...] = (".",)
    thousands: tuple[str, ...] = ()
    units: tuple[tuple[str, float], ...] = ()

    @property
    def plain(self) -> bool:
        """Whether only numbers as programs write them are read."""
        return self.decimal == (".",) and not self.thousands and not self.units


PLAIN_SIGNS = NumberSigns()


def trimmed(text: str) -> str:
    """The text without blanks and characters of no width at its ends.

    >>> trimmed(" cold list\\u00a0"), trimmed("\\ufeffid")
    ('cold list', 'id')
    """
    text = text.strip()
    return (
        text.strip(INVISIBLE).strip() if text[:1] in INVISIBLE or text[-1:] in INVISIBLE else text
    )


def parse_number(text: str, signs: NumberSigns = PLAIN_SIGNS) -> float | None:
    """A number as people and programs write it, or None.

    Currencies, a percent sign and blanks between groups of three are left out; ``12%`` is 12.
    A sign that ``signs`` does not name is never read: ``1,234`` alone is None.

    >>> parse_number("$1,577", NumberSigns(thousands=(",",))), parse_number("30%")
    (1577.0, 30.0)
    >>> parse_number("1.634,50 €", NumberSigns((",",), (".",))), parse_number("248 368 000")
    (1634.5, 248368000.0)
    >>> parse_number("0.51", NumberSigns((",",))), parse_number("1,5E3", NumberSigns((",",)))
    (None, 1500.0)
    >>> parse_number("1,234"), parse_number("9.9E7"), parse_number("(12.5)"), parse_number("1e999")
    (None, 99000000.0, -12.5, None)
    >>> parse_number("12.5-"), parse_number('="0042"'), parse_number("１２"), parse_number("٤٢")
    (-12.5, 42.0, 12.0, 42.0)
    >>> parse_number("24,83,68,000", NumberSigns(thousands=(",",)))
    248368000.0
    >>> parse_number("3,2 M€", NumberSigns((",",), units=(("k", 1e3), ("M", 1e6))))
    3200000.0
    """
    text = trimmed(text).replace("\u2212", "-")
    if text.startswith("\u2013"):  # a word processor made a dash of the minus
        text = "-" + text[1:]
    if not text.isascii():
        text = _DIGIT.sub(lambda found: _ascii_digit(found[0]), text)
    if text.startswith('="') and text.endswith('"'):  # Excel: text, whatever it looks like
        text = text[2:-1].strip()
    if text.endswith("-") and text[:1].isdigit():  # SAP writes the sign behind the number
        text = "-" + text[:-1]
    if _SCIENTIFIC.fullmatch(text):  # a program wrote it: its point is no sign of thousands
        return _finite(text)
    as_program = signs.plain or "." not in text or "." in signs.decimal
    grouping = "." in signs.thousands and _grouped(text, ".")
    if _PLAIN.fullmatch(text) and as_program and not grouping:
        return _finite(text)
    negative = text.startswith("(") and text.endswith(")")
    body = text[1:-1] if negative else text
    sign = "-" if body.startswith("-") else ""
    body, factor = _without_unit(body.removeprefix(sign), signs)
    body = _ENDS.sub("", _ENDS.sub("", body)).strip().lstrip("+-").strip()
    if factor is None:
        body, factor = _without_unit(body, signs)
    number = _without_groups(body, signs)
    if number is None:
        return None
    value = _finite(sign + number) if factor is None else _multiplied(sign + number, factor)
    return -value if negative and value is not None else value


def _without_unit(body: str, signs: NumberSigns) -> tuple[str, float | None]:
    """The text without a declared word before or behind its digits, and that word's factor."""
    for unit, factor in sorted(signs.units, key=lambda pair: -len(pair[0])):
        if body.endswith(unit):
            return body.removesuffix(unit).rstrip(), factor
        if body.startswith(unit):
            return body.removeprefix(unit).lstrip(), factor
    return body, None


def _multiplied(number: str, factor: float) -> float | None:
    """The product as it is written: ``8.3`` million is 8300000, not 8300000.000000001."""
    return _finite(str(Decimal(number) * Decimal(repr(factor))))


def _ascii_digit(sign: str) -> str:
    """The digit that a sign of another script is, or the sign itself (``²`` is none)."""
    return str(unicodedata.decimal(sign)) if sign.isdecimal() else sign


def written_number(value: float) -> str:
    """A number as text that is read alike whatever signs are declared.

    >>> written_number(1234.5), parse_number(written_number(1234.5), NumberSigns((",",), (".",)))
    ('1234.5e0', 1234.5)
    """
    text = repr(value)
    return text if "e" in text else text + "e0"


def _without_groups(body: str, signs: NumberSigns) -> str | None:
    decimal = next((d for d in signs.decimal if d in body), None)
    if len(signs.decimal) > 1 and decimal is not None:  # both are in use: the last one decides
        decimal = max(signs.decimal, key=body.rfind)
    whole, fraction = body, ""
    if decimal is not None and not (decimal in signs.thousands and _grouped(body, decimal)):
        whole, _, fraction = body.rpartition(decimal)
        fraction = "." + fraction
    for sign in (*signs.thousands, *BLANKS, "'", "’"):
        if sign in whole:
            if not _grouped(whole, sign):
                return None
            whole = whole.replace(sign, "")
            break
    if not _DIGITS.fullmatch(whole) and not (fraction and not whole):
        return whole if not fraction and _EXPONENT.fullmatch(whole) else None
    return whole + fraction if _FRACTION.fullmatch(fraction) else None


def _grouped(text: str, sign: str) -> bool:
    """Whether every ``sign`` in the text has three digits behind it and one to three before.

    Commas may stand as in India, between groups of two before the last three: ``24,83,000``.
    """
    groups = rf"\d{{1,3}}({re.escape(sign)}\d{{3}})+"
    if sign == ",":
        groups = rf"(?:{groups}|{_INDIAN_GROUPS})"
    return bool(re.fullmatch(rf"[+-]?{groups}([.,]\d+)?", text, re.ASCII))


def _finite(text: str) -> float | None:
    value = float(text)
    return value if abs(value) != float("inf") else None


def parse_duration(text: str, signs: NumberSigns = PLAIN_SIGNS) -> float | None:
    """Seconds: a number, or hours, minutes and seconds; None for anything else.

    ``24:46`` is None: it could be hours and minutes, or minutes and seconds.

    >>> parse_duration("00:24:46"), parse_duration("90.5"), parse_duration("24:46")
    (1486.0, 90.5, None)
    >>> parse_duration("PT24M46S"), parse_duration("0 days 00:24:46"), parse_duration("1h 05m")
    (1486.0, 1486.0, 3900.0)
    >>> parse_duration("12 min"), parse_duration("P1DT2H"), parse_duration("45 s")
    (720.0, 93600.0, 45.0)
    """
    word = trimmed(text)
    found = _CLOCK.fullmatch(word)
    if found is not None:
        days, hours, minutes, seconds = (int(found[i] or 0) for i in (1, 2, 3, 4))
        return ((days * 24 + hours) * 60 + minutes) * 60.0 + seconds + float(found[5] or 0)
    found = _ISO_DURATION.fullmatch(word) or _SPELLED_DURATION.fullmatch(word)
    if found is None or not any(found.groups()):
        return parse_number(text, signs)
    days, hours, minutes = (int(found[i] or 0) for i in (1, 2, 3))
    return ((days * 24 + hours) * 60 + minutes) * 60.0 + float((found[4] or "0").replace(",", "."))


def parse_truth(text: str) -> float | None:
    """1.0 for a word of yes, 0.0 for one of no, None for any other.

    >>> parse_truth("Oui"), parse_truth(" no "), parse_truth("maybe")
    (1.0, 0.0, None)
    """
    word = trimmed(text).lower()
    return 1.0 if word in TRUE_WORDS else 0.0 if word in FALSE_WORDS else None


def part_name(name: str, word: str) -> str:
    """The attribute that one word of an attribute of several becomes."""
    return f"{name}: {word}"


def words_of(value: str, sign: str) -> frozenset[str]:
    """The words of a value of several.

    >>> sorted(words_of(" CRM;ERP ;; ", ";"))
    ['CRM', 'ERP']
    """
    return frozenset(word for part in value.split(sign) if (word := trimmed(part)))


def listed_words(value: str, sign: str) -> frozenset[str]:
    """As :func:`words_of`, without the brackets and quotes of a list in JSON, Python or SQL.

    >>> sorted(listed_words('["CRM", "ERP"]', ",")), sorted(listed_words("{CRM,ERP}", ","))
    (['CRM', 'ERP'], ['CRM', 'ERP'])
    """
    text = trimmed(value)
    if text[:1] + text[-1:] not in ("[]", "{}"):
        return words_of(text, sign)
    words = (trimmed(word.strip("'\"")) for word in words_of(text[1:-1], sign))
    return frozenset(word for word in words if word)


@dataclass(frozen=True)
class Cleaning:
    """How the raw values of attributes and answers are read.

    ``unknown``: words that mean that nobody answered. ``signs``: of numbers, for an attribute of
    its own where it differs. ``multiple``: per attribute that holds several words at once, the
    sign between them, and the words that became attributes of their own.
    """

    unknown: tuple[str, ...] = DEFAULT_UNANSWERED
    signs: NumberSigns = PLAIN_SIGNS
    signs_of: Mapping[str, NumberSigns] = field(default_factory=dict)
    multiple: Mapping[str, tuple[str, tuple[str, ...]]] = field(default_factory=dict)

    def word(self, value: str) -> str | None:
        """The word itself, without blanks around it; None where it says *unknown*.

        >>> Cleaning().word(" cold list "), Cleaning().word("Select"), Cleaning().word("  ")
        ('cold list', None, None)
        """
        text = trimmed(value)
        return None if text in NO_VALUE or text in self.unknown else text

    def number(self, name: str, value: str) -> float | None:
        """The number that a word of this attribute stands for, or None."""
        word = self.word(value)
        return None if word is None else parse_number(word, self.signs_of.get(name, self.signs))

    def value(self, name: str, kind: str, value: Any) -> Any:
        """A raw value of an attribute of type ``kind`` as the vectors' code takes it.

        Words become what they mean: numbers of number attributes, 1 or 0 of booleans; anything
        that cannot be read is None. Values that are no words stay as they are.
        """
        if not isinstance(value, str):
            return value
        if kind == "number":
            return self.number(name, value)
        word = self.word(value)
        if word is None or kind != "boolean":
            return word
        return parse_truth(word)

    def source_of(self, name: str) -> str | None:
        """The attribute of several words that an attribute of yes and no is a part of, or None."""
        for source, (_, parts) in self.multiple.items():
            if name.startswith(f"{source}: ") and name.removeprefix(f"{source}: ") in parts:
                return source
        return None

    def split(self, name: str, value: Any) -> dict[str, Any] | None:
        """The yes and no of each word of a value of several; None if the attribute has but one.

        >>> rules = Cleaning(multiple={"products": (";", ("CRM", "ERP"))})
        >>> rules.split("products", "ERP; Other")
        {'products: CRM': False, 'products: ERP': True}
        >>> rules.split("products", None)
        {'products: CRM': None, 'products: ERP': None}
        """
        if name not in self.multiple:
            return None
        sign, parts = self.multiple[name]
        word = self.word(value) if isinstance(value, str) else None
        given = None if word is None else words_of(word, sign) | listed_words(word, sign)
        return {part_name(name, p): None if given is None else p in given for p in parts}

    def to_dict(self) -> dict[str, Any]:
        """As JSON-ready data."""
        return {
            "unknown": list(self.unknown),
            **_signs_to_dict(self.signs),
            "signs_of": {name: _signs_to_dict(s) for name, s in sorted(self.signs_of.items())},
            "multiple": {
                name: {"separator": sign, "parts": list(parts)}
                for name, (sign, parts) in sorted(self.multiple.items())
            },
        }

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Cleaning:
        """The rules that :meth:`to_dict` wrote."""
        return cls(
            unknown=tuple(given["unknown"]),
            signs=_signs_from_dict(given),
            signs_of={name: _signs_from_dict(s) for name, s in given["signs_of"].items()},
            multiple={
                name: (m["separator"], tuple(m["parts"])) for name, m in given["multiple"].items()
            },
        )


def _signs_to_dict(signs: NumberSigns) -> dict[str, Any]:
    """As JSON-ready data; without units as releases were written before there were any."""
    written: dict[str, Any] = {"decimal": list(signs.decimal), "thousands": list(signs.thousands)}
    return written | ({"units": dict(signs.units)} if signs.units else {})


def _signs_from_dict(given: Mapping[str, Any]) -> NumberSigns:
    units = {str(word): float(factor) for word, factor in given.get("units", {}).items()}
    return NumberSigns(
        tuple(given["decimal"]), tuple(given["thousands"]), tuple(sorted(units.items()))
    )
