"""Encodings are found by what the bytes can be; what they cannot be is asked for by its section."""

from __future__ import annotations

import pytest

from features.errors import DataError
from features.reading.files.encoding import encoding_of


@pytest.mark.parametrize(
    ("text", "stored_as", "found"),
    [
        ("Créé le;Société", "utf-8", "utf-8"),
        ("Créé le;Société", "utf-8-sig", "utf-8"),
        ("Créé le;Société", "utf-16", "utf-16"),
        ("Créé le;Société", "windows-1252", "windows-1252"),
        ("ŽILINA;Žofia;prix 30 €;Acme™", "windows-1252", "windows-1252"),
        ("25 °C • marque™ • Ž", "windows-1252", "windows-1252"),
    ],
)
def test_the_encoding_is_found(text: str, stored_as: str, found: str) -> None:
    assert encoding_of(text.encode(stored_as), "leads.csv")[0] == found


@pytest.mark.parametrize(
    ("text", "stored_as"),
    [
        ("Date d’activité;Type", "mac-roman"),
        ("Qualité;Hôtel du Nord", "mac-roman"),
        ("Łódź;Kraków", "windows-1250"),
        ("Москва;Тверь", "windows-1251"),
    ],
)
def test_what_is_not_western_is_not_read_as_if_it_were(text: str, stored_as: str) -> None:
    with pytest.raises(DataError, match="say encoding"):
        encoding_of(text.encode(stored_as), "leads.csv")


@pytest.mark.parametrize(
    ("file", "section"),
    [("leads.csv", "[tables.leads]"), ("Answers.csv.gz", "[tables.answers]"),
     ("Contacts.csv", "[tables.…]")],
)  # fmt: skip
def test_the_section_named_is_one_that_there_is(file: str, section: str) -> None:
    _, note = encoding_of("Société".encode("windows-1252"), file)
    assert note is not None
    assert section in note
    with pytest.raises(DataError) as refused:
        encoding_of("Москва;Тверь".encode("windows-1251"), file)
    assert section in str(refused.value)
