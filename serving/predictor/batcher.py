"""Questions that wait at the same time are answered together.

The engine costs nearly as much for one lead as for a few: what it calls is entered once, and its
tables are fetched from memory once. Nobody waits for a group to fill.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from serving.predictor.predictor import Prediction, Predictor, predict
from serving.predictor.query import ScoreQuery

MAX_BATCH = 32
"""So many are answered before others get a turn."""


class _Waiting(msgspec.Struct, frozen=True):
    current: Predictor
    asked: ScoreQuery
    told: asyncio.Future[Prediction]


class MicroBatcher:
    """Where the endpoints of one application ask."""

    def __init__(self) -> None:
        self._waiting: list[_Waiting] = []

    @property
    def waiting(self) -> int:
        """How many questions wait for their turn."""
        return len(self._waiting)

    def submit(self, answering: Predictor, asked: ScoreQuery) -> asyncio.Future[Prediction]:
        """The answer of this release, to come; all that ask in the same turn of the event loop
        share it."""
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._answer)
        waiting = _Waiting(answering, asked, loop.create_future())
        self._waiting.append(waiting)
        return waiting.told

    def _answer(self) -> None:
        """Answer the first ones, as far as they ask the same release."""
        answering = self._waiting[0].current
        group = [w for w in self._waiting if w.current is answering][:MAX_BATCH]
        taken = {id(w) for w in group}
        self._waiting = [w for w in self._waiting if id(w) not in taken]
        if self._waiting:
            asyncio.get_running_loop().call_soon(self._answer)
        for waiting, told in zip(
            group, predict_each(answering, [w.asked for w in group]), strict=True
        ):
            if waiting.told.done():
                continue
            if isinstance(told, Prediction):
                waiting.told.set_result(told)
            else:
                waiting.told.set_exception(told)


def predict_each(answering: Predictor, asked: Sequence[ScoreQuery]) -> list[Prediction | Exception]:
    """Every answer, or why there is none: a lead that cannot be scored spoils no other."""
    if not asked:
        return []
    try:
        return list(predict(answering, asked))
    except Exception as error:
        if len(asked) == 1:
            return [error]
    return [predict_each(answering, [one])[0] for one in asked]
