"""Errors and notices, raised in English, are made again in the reader's language."""

from __future__ import annotations

import pickle
import re
from string import Formatter

import pytest

from features.language.catalogues import language
from features.language.composed import COMPOSED_CONTEXT, composed
from features.language.current import use
from features.language.language import ENGLISH
from features.language.plural import plural
from features.language.sentence_translator import SentenceTranslator
from training.report_texts import translated

FRENCH = language("fr")
MESSAGES = FRENCH.messages(COMPOSED_CONTEXT)


SINGLE = [message for message in MESSAGES if isinstance(message, str)]
PAIRS = [message for message in MESSAGES if not isinstance(message, str)]
NEVER_ONE = re.compile(
    r" of \{v\d+:,\} \w+|the same \{v|"
    r"\{v\d+:,\} (references(?= that| of)|bytes|lead_ids such|different|dates that|are )"
)
"""What is counted there is a whole, or many by its nature."""


def filled(message: str, n: str | None = None) -> str:
    """A sentence of this message, as the code writes it; ``n``: what it counts."""
    parts = []
    for literal, name, spec, conversion in Formatter().parse(message):
        parts.append(literal)
        if name == "n" and n is not None:
            parts.append(n)
        elif name is not None:
            number = "12.5%" if spec and spec.endswith("%") else "1,234"
            parts.append(number if spec else "'L-17'" if conversion else "abc")
    return "".join(parts)


def test_the_catalogue_lists_its_messages() -> None:
    assert len(MESSAGES) > 800
    assert ("{n:,} row", "{n:,} rows") in PAIRS
    assert "no lead {v1!r} in the dataset" in MESSAGES
    assert ENGLISH.messages(COMPOSED_CONTEXT) == []
    assert pickle.loads(pickle.dumps(FRENCH)).messages(COMPOSED_CONTEXT) == MESSAGES


def test_every_sentence_is_found_again() -> None:
    """No message is hidden by another that fits its sentences too."""
    wrong = []
    for message in SINGLE:
        translation = FRENCH.pgettext(COMPOSED_CONTEXT, message)
        expected = (
            filled(translation).replace("1,234", "1\u202f234").replace("12.5%", "12,5\u00a0%")
        )
        if composed(filled(message), FRENCH) != expected:
            wrong.append((message, composed(filled(message), FRENCH)))
    assert wrong == []


@pytest.mark.parametrize("n", [0, 1, 2])
def test_every_count_has_its_plural_form(n: int) -> None:
    """English: 0 rows, 1 row, 2 rows; French: 0 ligne, 1 ligne, 2 lignes."""
    wrong = []
    for one, many in PAIRS:
        english = filled(one if n == 1 else many, str(n))
        form = FRENCH.translations.npgettext(COMPOSED_CONTEXT, one, many, n)
        expected = filled(form, str(n)).replace("1,234", "1\u202f234")
        if composed(english, FRENCH) != expected:
            wrong.append((one, composed(english, FRENCH), expected))
    assert wrong == []


def test_no_sentence_counts_without_plural_forms() -> None:
    """Write it with ``plural``; where it can never be one, say so in NEVER_ONE."""
    counts = re.compile(r"\{v\d+:,\} (?:[a-z]+ )?[a-z]{2,}s\b")
    assert [text for text in SINGLE if counts.search(NEVER_ONE.sub("", text))] == []


@pytest.mark.parametrize(
    ("n", "english", "french"),
    [
        (0, "leads.csv holds 0 rows, but 0 were read",
         "leads.csv contient 0\u00a0ligne, mais 0 a été lue"),
        (1, "leads.csv holds 1 row, but 1 was read",
         "leads.csv contient 1\u00a0ligne, mais 1 a été lue"),
        (2, "leads.csv holds 2 rows, but 2 were read",
         "leads.csv contient 2\u00a0lignes, mais 2 ont été lues"),
    ],
)  # fmt: skip
def test_a_sentence_that_counts_twice(n: int, english: str, french: str) -> None:
    rows, read = (
        plural(n, "{n:,} row", "{n:,} rows"),
        plural(n, "{n:,} was read", "{n:,} were read"),
    )
    text = f"leads.csv holds {rows}, but {read}"
    assert text == english
    assert composed(text, FRENCH).replace("\u00a0", " ") == french.replace("\u00a0", " ")


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
