"""Every score given is counted and written down, with all that it takes to give it again."""

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
    """Counts and writes down what was answered."""

    def __init__(self, metrics: Metrics, store: Store) -> None:
        self.metrics = metrics
        self.store = store
        self.shadow: Callable[[], Predictor | None] = lambda: None
        self.traces: Callable[[], Traces] = NoTraces

    async def record(
        self, answering: Predictor, told: Prediction, said: bytes, asking: QueryContext,
        given: bytes, origin: str = BODY,
    ) -> None:  # fmt: skip
        """Return when the score is on disk (as the settings ask). ``given``: its input."""
        self._count(told)
        if self.store.settings.score_log != "off":
            self._ask_challenger(told, asking, given, origin)
            row = row_of(answering, told, said, asking, given, origin)
            with self.traces().step("journal"):
                await self.store.log(row)

    def enqueue(
        self, answering: Predictor, told: Prediction, said: bytes, asking: QueryContext,
        given: bytes, origin: str = BODY,
    ) -> None:  # fmt: skip
        """Write the score down without waiting; :meth:`settle` waits for all before it."""
        self._count(told)
        if self.store.settings.score_log != "off":
            self._ask_challenger(told, asking, given, origin)
            self.store.log_soon(row_of(answering, told, said, asking, given, origin))

    async def settle(self) -> None:
        """Return when everything written down so far is on disk (as the settings ask)."""
        await self.store.settle()

    def _ask_challenger(
        self, told: Prediction, asking: QueryContext, given: bytes, origin: str
    ) -> None:
        """Let the challenger score the same question a moment later; it is logged, never told."""
        challenger = self.shadow()
        if challenger is not None:
            loop = asyncio.get_running_loop()
            loop.call_soon(self._score_in_shadow, challenger, told, asking, given, origin)

    def _score_in_shadow(
        self,
        challenger: Predictor,
        told: Prediction,
        asking: QueryContext,
        given: bytes,
        origin: str,
    ) -> None:
        try:
            other = predict_one(challenger, told.asked)
            said = encode(other.answer)
            row = row_of(challenger, other, said, asking, given, origin, CHALLENGER)
            self.store.log_soon(row)
        except Exception:
            self.metrics.shadow_failed.inc()

    def _count(self, told: Prediction) -> None:
        answer = told.answer
        self.metrics.score(answer.band, answer.probability, answer.low_evidence)


def row_of(
    answering: Predictor, told: Prediction, said: bytes, asking: QueryContext, given: bytes,
    origin: str = BODY, role: str = CHAMPION,
) -> ScoreRow:  # fmt: skip
    """The row of one score."""
    answer = told.answer
    return ScoreRow(
        score_id=answer.score_id,
        lead_id=answer.lead_id,
        as_of_us=told.asked.as_of_us,
        asked_us=microseconds(asking.clock.now),
        release_id=answering.release_id,
        version=answering.version,
        role=role,
        probability=answer.probability,
        band=answer.band,
        vector_hash=vector_hash(told),
        origin=origin,
        language=asking.language,
        n_reasons=asking.n_reasons,
        input=on_one_line(given),
        answer=msgspec.Raw(said),
        shares=packed(told.shares),
    )


def vector_hash(told: Prediction) -> str:
    """128-bit BLAKE2b of the vector's bytes (float64, little-endian)."""
    return hashlib.blake2b(told.vector.tobytes(), digest_size=16).hexdigest()
