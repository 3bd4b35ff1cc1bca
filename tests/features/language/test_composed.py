"""Errors and notices, raised in English, are made again in the reader's language."""

from __future__ import annotations

import pickle
from string import Formatter

import pytest

from features.language.catalogues import language
from features.language.composed import COMPOSED_CONTEXT, composed
from features.language.current import use
from features.language.language import ENGLISH
from features.language.sentence_translator import SentenceTranslator
from training.report_texts import translated

FRENCH = language("fr")
MESSAGES = FRENCH.messages(COMPOSED_CONTEXT)


def filled(message: str) -> str:
    """A sentence of this message, as the code writes it."""
    parts = []
    for literal, name, spec, conversion in Formatter().parse(message):
        parts.append(literal)
        if name is not None:
            number = "12.5%" if spec and spec.endswith("%") else "1,234"
            parts.append(number if spec else "'L-17'" if conversion else "abc")
    return "".join(parts)


def test_the_catalogue_lists_its_messages() -> None:
    assert len(MESSAGES) > 800
    assert "no lead {v1!r} in the dataset" in MESSAGES
    assert ENGLISH.messages(COMPOSED_CONTEXT) == []
    assert pickle.loads(pickle.dumps(FRENCH)).messages(COMPOSED_CONTEXT) == MESSAGES


def test_every_sentence_is_found_again() -> None:
    """No message is hidden by another that fits its sentences too."""
    wrong = []
    for message in MESSAGES:
        translation = FRENCH.pgettext(COMPOSED_CONTEXT, message)
        expected = (
            filled(translation).replace("1,234", "1\u202f234").replace("12.5%", "12,5\u00a0%")
        )
        if composed(filled(message), FRENCH) != expected:
            wrong.append((message, composed(filled(message), FRENCH)))
    assert wrong == []


@pytest.mark.parametrize(
    ("english", "french"),
    [
        ("leads.csv: abc", "leads.csv\u00a0: abc"),
        ("nobody wrote this", "nobody wrote this"),
        ("no lead 'L-7' in the dataset", "aucun lead 'L-7' dans les données"),
        (
            "cannot exclude 'sectr': no such attribute; there are sector, size; "
            "did you mean 'sector'?",
            "impossible d’exclure 'sectr'\u00a0: aucun attribut de ce nom\u00a0; il y a sector, "
            "size\u202f; vouliez-vous dire 'sector'\u00a0?",
        ),
    ],
)
def test_a_sentence_in_french(english: str, french: str) -> None:
    with use(FRENCH):
        assert composed(english) == french
    assert composed(english) == english


def test_a_headline_with_a_number_is_told_sentence_by_sentence() -> None:
    texts = SentenceTranslator(
        ("Cannot tell.", "{what}: {why}", "It would take about {n:,.0f} leads."), empty=True
    )
    text = "Cannot tell. It would take about 5,000 leads."
    assert texts.of(text, FRENCH) == "Cannot tell. It would take about 5\u202f000 leads."
    assert translated_in_french(
        "Cannot tell: the difference is within chance. A gap this small would take about 5,000 "
        "leads to tell."
    ) == (
        "Impossible de trancher\u00a0: l’écart peut être dû au hasard. Pour trancher un écart "
        "aussi petit, il faudrait environ 5\u202f000 leads."
    )


def translated_in_french(text: str) -> str:
    with use(FRENCH):
        return translated(text)
