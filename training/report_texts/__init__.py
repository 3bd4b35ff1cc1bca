"""Sentences of reports and cards, for :mod:`features.language.sentence_translator`.

They are composed where the figures are; each stands here as it does there, which a test checks.
"""

from __future__ import annotations

from features.language.current import current
from features.language.sentence_translator import SentenceTranslator
from scoring.release.texts import KEPT
from training.report_texts.comparison import COMPARISON_TEXTS
from training.report_texts.forecast import FORECAST_TEXTS
from training.report_texts.leakage import LEAKAGE_TEXTS
from training.report_texts.model_card import MODEL_CARD_TEXTS
from training.report_texts.words import WORDS

COUNTED: tuple[tuple[str, str], ...] = (
    ("{n:,} attribute", "{n:,} attributes"), ("{n:,} kind", "{n:,} kinds"),
    ("{n:,} lead", "{n:,} leads"),
)  # fmt: skip
"""Marked for translation where they are made."""
REPORT_TEXTS = (
    *COMPARISON_TEXTS, *LEAKAGE_TEXTS, *MODEL_CARD_TEXTS, *FORECAST_TEXTS, *WORDS,
)  # fmt: skip
_texts = SentenceTranslator((*KEPT, *COUNTED, *REPORT_TEXTS))


def translated(text: str) -> str:
    """A sentence, a label or a figure of a report in the language in use."""
    return _texts.of(text, current())
