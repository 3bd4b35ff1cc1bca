"""Every prediction is counted and logged, with all that is needed to replay it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable

import msgspec

from serving.http.request import encode
from serving.predictor.predictor import Prediction, Predictor, predict_one
from serving.predictor.query import QueryContext
from serving.store.scores import ScoreRow, on_one_line, packed
from serving.store.store import Store
from serving.telemetry.metrics import Metrics
from serving.telemetry.tracing import NoTraces, Traces
from serving.timestamps import microseconds

BODY, STORE = "body", "store"


CHAMPION, CHALLENGER = "champion", "challenger"


class ScoreLogger:
    """Counts predictions and appends them to the journal."""

    def __init__(self, metrics: Metrics, store: Store) -> None:
        self.metrics = metrics
        self.store = store
        self.shadow: Callable[[], Predictor | None] = lambda: None
        self.traces: Callable[[], Traces] = NoTraces

    async def record(
        self,
        predictor: Predictor,
        prediction: Prediction,
        response_body: bytes,
        context: QueryContext,
        request_body: bytes,
        origin: str = BODY,
    ) -> None:
        """Return when the score is on disk (as the settings ask). ``request_body``: its input."""
        self.count(prediction)
        if self.store.settings.score_log != "off":
            self._ask_challenger(prediction, context, request_body, origin)
            row = row_of(predictor, prediction, response_body, context, request_body, origin)
            with self.traces().step("journal"):
                await self.store.log(row)

    def enqueue(
        self,
        predictor: Predictor,
        prediction: Prediction,
        response_body: bytes,
        context: QueryContext,
        request_body: bytes,
        origin: str = BODY,
    ) -> None:
        """Write the score down without waiting; :meth:`flush` waits for all before it."""
        self.count(prediction)
        if self.store.settings.score_log != "off":
            self._ask_challenger(prediction, context, request_body, origin)
            self.store.log_soon(
                row_of(predictor, prediction, response_body, context, request_body, origin)
            )

    async def flush(self) -> None:
        """Return when everything written down so far is on disk (as the settings ask)."""
        await self.store.settle()

    def _ask_challenger(
        self, prediction: Prediction, context: QueryContext, request_body: bytes, origin: str
    ) -> None:
        """Score the same query with the challenger later; logged, never returned."""
        challenger = self.shadow()
        if challenger is not None:
            loop = asyncio.get_running_loop()
            loop.call_soon(
                self._score_in_shadow, challenger, prediction, context, request_body, origin
            )

    def _score_in_shadow(
        self,
        challenger: Predictor,
        prediction: Prediction,
        context: QueryContext,
        request_body: bytes,
        origin: str,
    ) -> None:
        try:
            other = predict_one(challenger, prediction.query)
            response_body = encode(other.answer)
            row = row_of(
                challenger, other, response_body, context, request_body, origin, CHALLENGER
            )
            self.store.log_soon(row)
        except Exception:
            self.metrics.shadow_failed.inc()

    def count(self, prediction: Prediction) -> None:
        """Count a score; all that is done about one that is not to be written down."""
        answer = prediction.answer
        self.metrics.score(answer.band, answer.probability, answer.low_evidence)


def row_of(
    predictor: Predictor,
    prediction: Prediction,
    response_body: bytes,
    context: QueryContext,
    request_body: bytes,
    origin: str = BODY,
    role: str = CHAMPION,
) -> ScoreRow:
    """The row of one score."""
    answer = prediction.answer
    return ScoreRow(
        score_id=answer.score_id,
        lead_id=answer.lead_id,
        as_of_us=prediction.query.as_of_us,
        asked_us=microseconds(context.clock.now),
        release_id=predictor.release_id,
        version=predictor.version,
        role=role,
        probability=answer.probability,
        band=answer.band,
        vector_hash=vector_hash(prediction),
        origin=origin,
        language=context.language,
        n_reasons=context.n_reasons,
        input=on_one_line(request_body),
        answer=msgspec.Raw(response_body),
        shares=packed(prediction.shares),
    )


def vector_hash(prediction: Prediction) -> str:
    """128-bit BLAKE2b of the vector's bytes (float64, little-endian)."""
    return hashlib.blake2b(prediction.vector.tobytes(), digest_size=16).hexdigest()
