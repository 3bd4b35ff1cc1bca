"""Errors, and what reading inferred or lost, in the language of who reads them.

They are raised and kept in English: they stand in logs, in JSON and in what callers match. Where a
command prints one for a person, it is made again from the messages that a catalogue holds in the
context :data:`COMPOSED_CONTEXT` (``packaging/composed_sentences.py`` takes them from the code).
"""

from __future__ import annotations

from functools import lru_cache

from features.language.current import current
from features.language.language import ENGLISH, Language
from features.language.sentence_translator import SentenceTranslator

COMPOSED_CONTEXT = "error or notice"


def composed(text: str, language: Language | None = None) -> str:
    """An error or a notice in a language, by default the one in use; English if none fits.

    >>> composed("leads.csv has no rows; expected one row a lead")
    'leads.csv has no rows; expected one row a lead'
    """
    language = language or current()
    return text if language is ENGLISH else _messages(language).of(text, language)


@lru_cache(maxsize=8)
def _messages(language: Language) -> SentenceTranslator:
    return SentenceTranslator(language.messages(COMPOSED_CONTEXT), COMPOSED_CONTEXT, empty=True)
