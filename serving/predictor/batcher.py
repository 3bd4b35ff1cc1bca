"""Micro-batching: requests that arrive in one turn of the event loop are predicted together.

A prediction costs nearly as much for one lead as for a few: kernels are entered once and their
tables are fetched from memory once. No request waits for a batch to fill.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from serving.predictor.predictor import Prediction, Predictor, predict
from serving.predictor.query import ScoreQuery

MAX_BATCH = 32
"""Leads predicted before the event loop gets a turn."""


class _Waiting(msgspec.Struct, frozen=True):
    predictor: Predictor
    query: ScoreQuery
    prediction: asyncio.Future[Prediction]


class MicroBatcher:
    """The queue of one application's predictions."""

    def __init__(self) -> None:
        self._waiting: list[_Waiting] = []

    @property
    def waiting(self) -> int:
        """Queries that wait for their batch."""
        return len(self._waiting)

    def submit(self, predictor: Predictor, query: ScoreQuery) -> asyncio.Future[Prediction]:
        """The answer of this release, to come; all that ask in the same turn of the event loop
        share it."""
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._answer)
        waiting = _Waiting(predictor, query, loop.create_future())
        self._waiting.append(waiting)
        return waiting.prediction

    def _answer(self) -> None:
        """Answer the first ones, as far as they ask the same release."""
        predictor = self._waiting[0].predictor
        group = [w for w in self._waiting if w.predictor is predictor][:MAX_BATCH]
        taken = {id(w) for w in group}
        self._waiting = [w for w in self._waiting if id(w) not in taken]
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._answer)
        for waiting, prediction in zip(
            group, predict_each(predictor, [w.query for w in group]), strict=True
        ):
            if waiting.prediction.done():
                continue
            if isinstance(prediction, Prediction):
                waiting.prediction.set_result(prediction)
            else:
                waiting.prediction.set_exception(prediction)


def predict_each(predictor: Predictor, query: Sequence[ScoreQuery]) -> list[Prediction | Exception]:
    """Every answer, or why there is none: a lead that cannot be scored spoils no other."""
    if not query:
        return []
    try:
        return list(predict(predictor, query))
    except Exception as error:
        if len(query) == 1:
            return [error]
    return [predict_each(predictor, [one])[0] for one in query]
