"""One language: its sentences, plural forms, numbers and dates.

A :class:`Language` is a value that is passed on. Its text and its formats come from one gettext
catalogue (see :mod:`features.language.catalogues`); English is the text in the code itself, so
that it needs none.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from gettext import NullTranslations
from numbers import Real
from pathlib import Path
from string import Formatter
from struct import unpack_from

MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
SOURCE = "en"
"""The language that messages are written in."""
WHOLE_PART = "whole part"
"""What a catalogue says where 1.5 takes the singular, as in French: "1,5 jour"."""


def N_(message: str) -> str:
    """The message itself: marks a text that is translated later, where it is shown."""
    return message


@dataclass(frozen=True, eq=False)
class Language:
    """A language by its two-letter code (ISO 639-1), with its catalogue.

    There is one object for each, which is what makes it equal; pickled by its code and folder, and
    found again there.

    >>> ENGLISH.ngettext("{n} call", "{n} calls", 2).format(n=ENGLISH.format_number(2))
    '2 calls'
    >>> ENGLISH.format_percent(0.453), ENGLISH.format_number(1234.5, 1)
    ('45%', '1,234.5')
    >>> ENGLISH.format_date(date(2026, 3, 1)), ENGLISH.format_money(1200, "€")
    ('2026-03-01', '€1,200')
    """

    code: str
    translations: NullTranslations = field(
        default_factory=NullTranslations, repr=False, compare=False
    )
    folder: str = field(default="", repr=False, compare=False)
    file: Path | None = field(default=None, repr=False, compare=False)

    # ------------------------------------------------------------------ sentences

    def gettext(self, message: str) -> str:
        """The message in this language; itself where there is no translation."""
        if self.code == SOURCE or not message:  # "" is the head of a catalogue
            return message
        return self.translations.gettext(message)

    def pgettext(self, context: str, message: str) -> str:
        """The message where one English word has several meanings."""
        if self.code == SOURCE:
            return message
        return self.translations.pgettext(context, message)

    def ngettext(self, one: str, many: str, n: float) -> str:
        """The form that belongs to ``n`` things; ``n`` may be a fraction.

        The text keeps its placeholders: numbers are formatted by the caller.
        """
        if self.code == SOURCE:
            return one if n == 1 else many
        return self.translations.ngettext(one, many, self._plural_of(n))

    def npgettext(self, context: str, one: str, many: str, n: float) -> str:
        """:meth:`ngettext` with a context."""
        if self.code == SOURCE:
            return one if n == 1 else many
        return self.translations.npgettext(context, one, many, self._plural_of(n))

    def messages(self, context: str | None) -> list[str | tuple[str, str]]:
        """The messages of a context (None: those without one), in English, as the compiled
        catalogue lists them; one that counts as its singular and plural."""
        texts = [] if self.file is None else _originals(self.file.read_bytes())
        if context is None:
            own = [text for text in texts if text and "\x04" not in text]
        else:
            head = f"{context}\x04"
            own = [text.removeprefix(head) for text in texts if text.startswith(head)]
        return [(one, many) if many else one for one, _, many in (t.partition("\0") for t in own)]

    def _plural_of(self, n: float) -> int:
        """The whole number whose plural form ``n`` takes."""
        whole = int(abs(n))
        return 2 if whole != abs(n) and self._fractions != WHOLE_PART else whole

    @cached_property
    def _fractions(self) -> str:
        # What decides the form of a fraction: "plural", or "whole part" (1.5 as 1).
        return self.pgettext("which plural form 1.5 takes", "plural")

    # ------------------------------------------------------------------ numbers

    @cached_property
    def _signs(self) -> dict[int, str]:
        return str.maketrans(
            {
                ".": self.pgettext("decimal separator", "."),
                ",": self.pgettext("thousands separator", ","),
            }
        )

    def localized(self, number: str) -> str:
        """A number that Python has written (``1,234.5``) with the signs of this language."""
        return number if self.code == SOURCE else number.translate(self._signs)

    def format_number(self, value: float, digits: int | None = None) -> str:
        """A number with its thousands apart, to ``digits`` decimals.

        Without ``digits``: whole from a hundred on and where it is whole, else three figures.

        >>> [ENGLISH.format_number(v) for v in (12.0, 0.25, 1234567.0, 1462.15, 3.14159)]
        ['12', '0.25', '1,234,567', '1,462', '3.14']
        """
        if digits is not None:
            return self.localized(f"{value:,.{digits}f}")
        if value == value and (abs(value) >= 100 or value == int(value)):
            return self.localized(f"{value:,.0f}")
        return self.localized(f"{value:.3g}")

    def format_percent(self, share: float, digits: int = 0) -> str:
        """A share (0 to 1) in percent.

        >>> ENGLISH.format_percent(0.351, 1)
        '35.1%'
        """
        number = self.localized(f"{share:,.{digits}%}"[:-1])
        return self.pgettext("percent", "{number}%").format(number=number)

    def format_money(self, amount: float, currency: str = "", digits: int = 0) -> str:
        """An amount with the sign or the code of its currency; without one, the number.

        >>> ENGLISH.format_money(-1200, "€"), ENGLISH.format_money(9.5, "EUR", 2)
        ('-€1,200', 'EUR 9.50')
        """
        number = self.format_number(abs(amount), digits)
        sign = "-" if amount < 0 and number.strip("0.,") else ""
        if not currency:
            return sign + number
        if currency.isalpha():
            text = self.pgettext("money by code", "{currency} {number}")
        else:
            text = self.pgettext("money by sign", "{currency}{number}")
        return sign + text.format(currency=currency, number=number)

    def filled(self, text: str, values: Mapping[str, object]) -> str:
        """A text of this language with its placeholders filled in, numbers by its own signs.

        Placeholders are as in ``str.format``.

        >>> ENGLISH.filled("{n:,} leads, {share:.1%}", {"n": 1200, "share": 0.351})
        '1,200 leads, 35.1%'
        """
        if self.code == SOURCE:
            return text.format_map(values)
        return _LocalizedFormatter(self).vformat(text, (), values)

    # ------------------------------------------------------------------ moments

    def format_date(self, day: date) -> str:
        """A day in full: ISO 8601 in English, ``1er mars 2026`` in French."""
        return self.pgettext("date", "{year}-{mm}-{dd}").format(**self._date_fields(day))

    def format_short_date(self, day: date) -> str:
        """A day in figures, for tables and axes."""
        return self.pgettext("short date", "{year}-{mm}-{dd}").format(**self._date_fields(day))

    def format_month(self, day: date) -> str:
        """The month of a day: ``2026-03``, ``mars 2026``."""
        return self.pgettext("month of a year", "{year}-{mm}").format(**self._date_fields(day))

    def format_moment(self, moment: datetime) -> str:
        """A moment to the minute, in the time zone that it has.

        >>> ENGLISH.format_moment(datetime(2026, 3, 1, 14, 5))
        '2026-03-01 14:05'
        """
        return self.pgettext("moment", "{date} {time}").format(
            date=self.format_date(moment), time=f"{moment:%H:%M}"
        )

    def month_name(self, month: int) -> str:
        """The month's name, 1 to 12."""
        return self.pgettext("month", MONTHS[month - 1])

    def weekday_name(self, weekday: int) -> str:
        """The day's name, 0 Monday to 6 Sunday."""
        return self.pgettext("weekday", WEEKDAYS[weekday])

    def _date_fields(self, day: date) -> dict[str, str]:
        number = self.pgettext("first day of a month", "1") if day.day == 1 else str(day.day)
        return {
            "year": f"{day.year:04}", "mm": f"{day.month:02}", "dd": f"{day.day:02}",
            "day": number, "month": self.month_name(day.month),
        }  # fmt: skip

    # ------------------------------------------------------------------ lists

    def join_with_and(self, items: list[str]) -> str:
        """Items as a person lists them.

        >>> ENGLISH.join_with_and(["budget", "need", "timeline"])
        'budget, need and timeline'
        """
        if len(items) < 2:
            return "".join(items)
        text = self.pgettext("end of a list", "{before} and {last}")
        return text.format(before=", ".join(items[:-1]), last=items[-1])


def _originals(compiled: bytes) -> list[str]:
    """The messages of a compiled catalogue, each after its context and U+0004.

    ``gettext`` looks messages up and lists none; the layout is that of the GNU gettext manual,
    "The Format of GNU MO Files".
    """
    order = "<" if compiled[:4] == b"\xde\x12\x04\x95" else ">"
    count, table = unpack_from(f"{order}2I", compiled, 8)
    places = (unpack_from(f"{order}2I", compiled, table + 8 * i) for i in range(count))
    return [compiled[start : start + size].decode() for size, start in places]


class _LocalizedFormatter(Formatter):
    """``str.format`` that writes numbers as a language does."""

    def __init__(self, language: Language) -> None:
        self.language = language

    def format_field(self, value: object, format_spec: str) -> str:
        text: str = format(value, format_spec)
        if not isinstance(value, Real) or isinstance(value, bool):
            return text
        if not format_spec.endswith("%"):
            return self.language.localized(text)
        number = self.language.localized(text[:-1])
        return self.language.pgettext("percent", "{number}%").format(number=number)


ENGLISH = Language(SOURCE)
"""The language of the code: no catalogue, always there."""
