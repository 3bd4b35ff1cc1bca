"""The language of a page: English until the catalogues are there."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from gettext import NullTranslations

LANGUAGES = ("en", "fr")


@dataclass(frozen=True)
class Words:
    """Sentences, numbers and dates in one language."""

    code: str
    translations: NullTranslations = field(default_factory=NullTranslations, compare=False)

    def gettext(self, message: str) -> str:
        return self.translations.gettext(message)

    def ngettext(self, one: str, many: str, n: float) -> str:
        return self.translations.ngettext(one, many, int(n))

    def format_number(self, value: float, digits: int | None = None) -> str:
        if digits is not None:
            return f"{value:,.{digits}f}"
        if value == value and (abs(value) >= 100 or value == int(value)):
            return f"{value:,.0f}"
        return f"{value:.3g}"

    def format_percent(self, share: float, digits: int = 0) -> str:
        return f"{share:.{digits}%}"

    def format_money(self, amount: float, currency: str = "", digits: int = 0) -> str:
        return f"{currency}{amount:,.{digits}f}"

    def format_date(self, day: date) -> str:
        return f"{day:%Y-%m-%d}"

    def format_short_date(self, day: date) -> str:
        return f"{day:%Y-%m-%d}"

    def format_month(self, day: date) -> str:
        return f"{day:%Y-%m}"

    def format_moment(self, moment: datetime) -> str:
        return f"{moment:%Y-%m-%d %H:%M}"


def words_of(code: str) -> Words:
    """The words of a language."""
    return Words(code)
