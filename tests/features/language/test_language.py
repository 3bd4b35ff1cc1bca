"""A language: its plural forms, its numbers and dates, as CLDR has them."""

from __future__ import annotations

import pickle
from datetime import date, datetime
from pathlib import Path
from threading import Thread

import pytest
from babel import dates, numbers
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from hypothesis import given
from hypothesis import strategies as st

from features.errors import StorageError, UsageError
from features.language.catalogues import FOLDER_VARIABLE, language, languages, translations
from features.language.current import _, current, use
from features.language.language import ENGLISH
from features.language.negotiation import from_accept_language, from_locale

FRENCH = language("fr")


def plain_spaces(text: str) -> str:
    """With ordinary spaces: CLDR's choice of a narrow one has moved from release to release."""
    return text.replace("\u202f", " ").replace("\u00a0", " ")


@given(st.floats(-1e9, 1e9), st.integers(0, 3))
def test_numbers_are_written_as_cldr_has_them(value: float, digits: int) -> None:
    rounded = float(f"{value:.{digits}f}")
    pattern = "#,##0" + ("." + "0" * digits if digits else "")
    expected = numbers.format_decimal(rounded, pattern, locale="fr")
    assert plain_spaces(FRENCH.format_number(value, digits)) == plain_spaces(expected)


@given(st.integers(0, 1000))
def test_percents_are_written_as_cldr_has_them(percent: int) -> None:
    expected = numbers.format_percent(percent / 100, locale="fr")
    assert plain_spaces(FRENCH.format_percent(percent / 100)) == plain_spaces(expected)


@given(st.dates(date(1970, 1, 1), date(2100, 1, 1)))
def test_dates_are_written_as_cldr_has_them_but_for_the_first_of_a_month(day: date) -> None:
    expected = dates.format_date(day, "long", locale="fr")
    if day.day == 1:
        expected = expected.replace("1 ", "1er ", 1)  # as one writes; CLDR has no ordinals in dates
    assert FRENCH.format_date(day) == expected
    assert FRENCH.format_short_date(day) == dates.format_skeleton("yMd", day, locale="fr")
    assert FRENCH.format_month(day) == dates.format_skeleton("yMMMM", day, locale="fr")


def test_what_a_french_reader_expects() -> None:
    assert plain_spaces(FRENCH.format_number(12345.6, 1)) == "12 345,6"
    assert plain_spaces(FRENCH.format_percent(0.45)) == "45 %"
    assert plain_spaces(FRENCH.format_money(-1200, "€")) == "-1 200 €"
    assert plain_spaces(FRENCH.format_money(9.5, "EUR", 2)) == "9,50 EUR"
    assert FRENCH.format_date(date(2026, 3, 1)) == "1er mars 2026"
    assert FRENCH.format_moment(datetime(2026, 3, 2, 14, 5)) == "2 mars 2026 à 14:05"
    assert FRENCH.weekday_name(6) == "dimanche"
    assert FRENCH.join_with_and(["budget", "besoin", "échéance"]) == "budget, besoin et échéance"


@pytest.mark.parametrize(
    ("n", "english", "french"),
    [
        (0, "{n} days", "{n} jour"),
        (1, "{n} day", "{n} jour"),
        (2, "{n} days", "{n} jours"),
        (0.5, "{n} days", "{n} jour"),
        (1.5, "{n} days", "{n} jour"),
        (2.5, "{n} days", "{n} jours"),
    ],
)
def test_each_language_has_its_own_plural(n: float, english: str, french: str) -> None:
    assert ENGLISH.ngettext("{n} day", "{n} days", n) == english
    assert FRENCH.ngettext("{n} day", "{n} days", n) == french


def test_a_text_without_translation_and_the_head_of_the_catalogue_are_not_shown() -> None:
    assert FRENCH.gettext("never in any catalogue") == "never in any catalogue"
    assert FRENCH.gettext("") == ""


def test_another_region_is_the_same_language_and_a_pickled_one_too() -> None:
    assert language("fr-CH") is FRENCH
    assert pickle.loads(pickle.dumps([FRENCH, ENGLISH])) == [FRENCH, ENGLISH]
    assert translations("fr") is FRENCH.translations


def test_a_language_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(UsageError, match="no language 'de'; there are: en, fr"):
        language("de")


def test_a_third_language_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made_up = Catalog(locale="eo")
    made_up.add("creation unknown", "kreo nekonata")
    made_up.add(("{n} day", "{n} days"), ("{n} tago", "{n} tagoj"))
    made_up.add(".", ",", context="decimal separator")
    with (tmp_path / "eo.mo").open("wb") as file:
        write_mo(file, made_up)

    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))

    assert languages() == ["en", "fr", "eo"]
    assert from_accept_language("eo, fr;q=0.5") == "eo"
    spoken = language("eo")
    assert spoken.gettext("creation unknown") == "kreo nekonata"
    assert spoken.ngettext("{n} day", "{n} days", 2) == "{n} tagoj"
    assert spoken.format_number(2.5) == "2,5"
    assert spoken.gettext("lead created on a {weekday}") == "lead created on a {weekday}"
    assert pickle.loads(pickle.dumps(spoken)) is spoken


def test_a_file_that_is_no_catalogue_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "xx.mo").write_bytes(b"no catalogue at all")
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    with pytest.raises(StorageError, match=r"xx\.mo is not a compiled catalogue"):
        language("xx")


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("", "en"),
        ("fr", "fr"),
        ("fr-CH, fr;q=0.9, en;q=0.8, *;q=0.5", "fr"),
        ("en-GB, fr;q=0.9", "en"),
        ("de, fr;q=0.2", "fr"),
        ("de", "en"),
        ("fr;q=0", "en"),
        ("*", "en"),
        ("fr;q=0.5, en;q=0.5", "en"),
        ("x" * 10_000 + ", fr", "en"),
        ("fr;q=abc", "en"),
    ],
)
def test_the_header_chooses_among_the_languages_that_are_there(header: str, code: str) -> None:
    assert from_accept_language(header) == code


@pytest.mark.parametrize(
    ("environment", "code"),
    [
        ({"LANG": "fr_FR.UTF-8"}, "fr"),
        ({"LANG": "fr_FR.UTF-8", "LC_MESSAGES": "en_US.UTF-8"}, "en"),
        ({"LANG": "en_US.UTF-8", "LC_ALL": "fr_BE"}, "fr"),
        ({"LANG": "de_DE.UTF-8", "LANGUAGE": "nl:fr:en"}, "fr"),
        ({"LANG": "C", "LANGUAGE": "fr"}, "en"),
        ({"LANG": "POSIX"}, "en"),
    ],
)
def test_the_locale_chooses_as_gettext_has_it(environment: dict[str, str], code: str) -> None:
    assert from_locale(environment) == code


def test_the_language_in_use_ends_with_its_block_and_stays_in_its_thread() -> None:
    elsewhere: list[str] = []
    with use(FRENCH):
        assert _("creation unknown") == "date de création inconnue"
        thread = Thread(target=lambda: elsewhere.append(current().code))
        thread.start()
        thread.join()
    assert elsewhere == ["en"]
    assert current() is ENGLISH
