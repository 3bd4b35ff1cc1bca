"""Logged answers as the pages read them, their reasons in the visitor's language."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from features.language.language import Language
from serving.messages.scores import NextStepOut, ReasonOut
from serving.predictor.predictor import Predictor


class PastAnswer(msgspec.Struct, frozen=True):
    """What the pages read of an answer in the score log; an older one may lack parts."""

    reasons: list[ReasonOut] = []
    next_step: NextStepOut | None = None
    low_evidence: bool = False
    notes: list[str] = []
    base: float = 0.0
    log_odds: float = 0.0
    horizon_days: float = 0.0


_decoder = msgspec.json.Decoder(PastAnswer)


def past_answer(text: str) -> PastAnswer:
    """A logged answer; an empty one where it is of a form that this version does not know."""
    try:
        return _decoder.decode(text)
    except msgspec.MsgspecError:
        return PastAnswer()


@dataclass(frozen=True)
class ShownReason:
    """A reason as a page shows it; ``share`` of the log-odds, > 0 for the conversion."""

    text: str
    share: float

    @property
    def side(self) -> str:
        """``for`` or ``against``."""
        return "for" if self.share > 0 else "against"


def shown_reasons(
    predictor: Predictor | None, reasons: list[ReasonOut], words: Language
) -> list[ShownReason]:
    """Reasons in words: made again from the feature where the release that answers has it, so that
    a logged answer is read in the visitor's language."""
    return [
        ShownReason(_sentence(predictor, reason, words), reason.contribution) for reason in reasons
    ]


def _sentence(predictor: Predictor | None, reason: ReasonOut, words: Language) -> str:
    places = {} if predictor is None else places_of(predictor)
    place = places.get(reason.feature)
    if predictor is None or place is None:
        return reason.text
    value = float("nan") if reason.value is None else reason.value
    try:
        return predictor.release.spec.features[place].sentence(value, words)
    except (IndexError, ValueError):  # a level that this release's column does not have
        return reason.text


def places_of(predictor: Predictor) -> dict[str, int]:
    """Feature name → its column."""
    return {name: i for i, name in enumerate(predictor.release.spec.names)}
