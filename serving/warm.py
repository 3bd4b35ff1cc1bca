"""Run everything once before the first request, so that nobody waits for a compiler."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

from serving.answering import Answering, answer_all
from serving.messages import Answer, Interaction, ScoreRequest
from serving.questions import Asking, Clock
from serving.reading import asked_in

MOMENT = datetime(2020, 1, 8, tzinfo=UTC)


def warm(answering: Answering) -> None:
    """Score an invented lead through the whole path: decoding, kernels, model, reasons."""
    asking = Asking(Clock(MOMENT, MOMENT), "en", 3)
    body = msgspec.json.encode(_invented(answering))
    unusual = body.replace(b'"kind"', b'"k\\u0069nd"')
    for together, written in ((1, body), (2, body), (1, unusual)):
        asked = asked_in(answering, written, asking, max_depth=12)
        msgspec.json.encode([told.answer for told in answer_all(answering, [asked] * together)])


def _invented(answering: Answering) -> ScoreRequest:
    kinds = sorted(answering.expected.kinds)[:5] or ["page_view"]
    moments = [MOMENT - timedelta(days=day, hours=day) for day in range(1, 6)]
    return ScoreRequest(
        lead_id="warm-up",
        created_at=MOMENT - timedelta(days=7),
        answers=[Answer(name, moments[0], None) for name in answering.expected.attributes],
        interactions=[
            Interaction(kind, moment, value=1.0, duration_s=60.0, event_id=f"{kind}-{i}")
            for i, moment in enumerate(moments)
            for kind in kinds
        ],
    )
