"""Scores of leads whose history comes in the body."""

from __future__ import annotations

import asyncio
from datetime import datetime

import msgspec

from serving.answering import Answering, answer_request
from serving.calls import Call, Reply, decode, decode_unguarded, encode, json_reply, only
from serving.examples import BATCH_ANSWER, BATCH_REQUEST, SCORE_ANSWER, SCORE_REQUEST
from serving.json_guard import COMPLAINTS, TOO_DEEP, complaint_of, guard
from serving.messages import (
    BatchAnswer,
    BatchItem,
    BatchRequest,
    ItemError,
    ScoreAnswer,
    ScoreRequest,
)
from serving.problems import Problem, invalid, of_exception
from serving.questions import Clock, checked
from serving.recording import Asking
from serving.route import Route
from serving.services import Services
from serving.settings import Settings

_score_decoder = msgspec.json.Decoder(ScoreRequest)
_batch_decoder = msgspec.json.Decoder(BatchRequest)

PROBLEMS = (400, 401, 403, 408, 413, 415, 422, 429, 503)
BREATH = 20
"""Leads of a batch scored before other requests get a turn."""

REASONS_QUERY = {
    "name": "reasons",
    "in": "query",
    "description": "how many reasons to tell, 0 to 50",
    "schema": {"type": "integer", "minimum": 0, "maximum": 50},
}
LANGUAGE_HEADER = {
    "name": "Accept-Language",
    "in": "header",
    "description": "language of `label`: en or fr",
    "schema": {"type": "string"},
    "example": "fr",
}


def routes(services: Services) -> list[Route]:
    """The scoring endpoints."""
    endpoints = _Scoring(services)
    return [
        Route(
            "POST", "/v1/scores", "score", "Score one lead",
            "One lead with its history. Nothing at or after `as_of` is looked at; "
            "`as_of` is now unless given.",
            endpoints.one, ScoreAnswer, ScoreRequest,
            example=SCORE_REQUEST, answer_example=SCORE_ANSWER,
            query=(REASONS_QUERY,), headers=(LANGUAGE_HEADER,),
            problems=PROBLEMS, scope="score", direct=True,
        ),
        Route(
            "POST", "/v1/scores/batch", "score_batch", "Score many leads",
            "Each lead is answered on its own: a score or an error, in the order sent.",
            endpoints.batch, BatchAnswer, BatchRequest,
            example=BATCH_REQUEST, answer_example=BATCH_ANSWER,
            query=(REASONS_QUERY,), headers=(LANGUAGE_HEADER,),
            problems=PROBLEMS, scope="score", direct=True,
        ),
    ]  # fmt: skip


def reasons_wanted(call: Call, default: int) -> int:
    """The number of reasons asked for; a 422 outside 0 to 50."""
    if not call.query_string:
        return default
    return number_of(only(call.query, "reasons"), "reasons", default, 0, 50)


def number_of(query: dict[str, str], name: str, default: int, least: int, most: int) -> int:
    """A whole number of the query; a 422 outside of its range."""
    given = query.get(name)
    if given is None:
        return default
    digits = given.isascii() and given.isdigit() and len(given) <= len(str(most))
    if not digits or not least <= int(given) <= most:
        raise invalid(f"?{name}", f"expected a whole number from {least} to {most}")
    return int(given)


class _Scoring:
    def __init__(self, services: Services) -> None:
        self.services = services
        self.settings = services.settings

    async def one(self, call: Call) -> Reply:
        """One lead in, one score out."""
        n_reasons = reasons_wanted(call, self.settings.reasons)
        request = decode(_score_decoder, call.body, self.settings.max_depth)
        answering = self.services.live.answering()
        clock = Clock.read(self.settings.clock_skew_s)
        with self.services.traces.step("score"):
            told = answer_request(answering, request, clock, call.language, n_reasons)
            said = encode(told.answer)
        asking = Asking(clock, call.language, n_reasons)
        await self.services.recorder.record(answering, told, said, asking, call.body)
        return Reply(said)

    async def batch(self, call: Call) -> Reply:
        """Many leads in, one item each out; all by the same release and the same clock."""
        n_reasons = reasons_wanted(call, self.settings.reasons)
        request = decode_batch(call.body, self.settings)
        answering = self.services.live.answering()
        clock = Clock.read(self.settings.clock_skew_s)
        if request.as_of is not None:
            checked(request.as_of, "$.as_of", clock.latest)
        asking = Asking(clock, call.language, n_reasons)
        items: list[BatchItem] = []
        for index, lead in enumerate(request.leads):
            if index % BREATH == BREATH - 1:
                await asyncio.sleep(0)
            items.append(await self._item(index, bytes(lead), answering, asking, request.as_of))
        await self.services.recorder.settle()
        scored = sum(item.error is None for item in items)
        return json_reply(BatchAnswer(items, scored, len(items) - scored, answering.model))

    async def _item(
        self,
        index: int,
        lead: bytes,
        answering: Answering,
        asking: Asking,
        as_of: datetime | None,
    ) -> BatchItem:
        try:
            request = decode(_score_decoder, lead, self.settings.max_depth)
            told = answer_request(
                answering, request, asking.clock, asking.language, asking.n_reasons, as_of
            )
        except Exception as error:
            problem = of_exception(error)
            if problem is None:
                raise
            return BatchItem(index, error=item_error(problem))
        said = encode(told.answer)
        self.services.recorder.record_soon(answering, told, said, asking, lead)
        return BatchItem(index, score=told.answer)


def decode_batch(body: bytes, settings: Settings) -> BatchRequest:
    """The batch with its leads still raw; a 422 when it is empty or too long.

    A repeated key or a NUL within one lead is that lead's own error; outside of all leads it is
    the whole body's. Depth is checked for the whole first.
    """
    complaint = complaint_of(body, settings.max_depth + 2)
    if complaint == TOO_DEEP:
        raise Problem(400, "malformed-body", f"The body is refused: {COMPLAINTS[TOO_DEEP]}.")
    request = decode_unguarded(_batch_decoder, body)
    if complaint is not None and not any(
        complaint_of(bytes(lead), settings.max_depth) for lead in request.leads
    ):
        guard(body, settings.max_depth + 2)
    if not 1 <= len(request.leads) <= settings.max_batch:
        raise invalid("$.leads", f"expected 1 to {settings.max_batch} leads")
    return request


def item_error(problem: Problem) -> ItemError:
    """A problem as the error of one item."""
    body = problem.body("")
    errors = [{"at": error.at, "message": error.message} for error in body.errors]
    return ItemError(body.status, body.type, body.detail, errors)
