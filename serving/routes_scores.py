"""Scores of leads whose history comes in the body."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from serving.answering import Answering, Told
from serving.calls import Call, Reply, decode_unguarded, encode, json_reply, only
from serving.desk import answer_each
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
from serving.questions import Asking, Clock, Question, checked
from serving.reading import asked_in
from serving.route import Route
from serving.services import Services
from serving.settings import Settings

_batch_decoder = msgspec.json.Decoder(BatchRequest)

PROBLEMS = (400, 401, 403, 408, 413, 415, 422, 429, 503)
BREATH = 20
"""Leads of a batch scored together, before other requests get a turn."""

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
        answering = self.services.live.answering()
        asking = Asking(Clock.read(self.settings.clock_skew_s), call.language, n_reasons)
        asked = asked_in(answering, call.body, asking, self.settings.max_depth)
        with self.services.traces.step("score"):
            told = await self.services.desk.ask(answering, asked)
            said = encode(told.answer)
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
        asking = Asking(clock, call.language, n_reasons, request.as_of)
        items: list[BatchItem] = []
        for first in range(0, len(request.leads), BREATH):
            part = [bytes(lead) for lead in request.leads[first : first + BREATH]]
            items += self._items(first, part, answering, asking)
            await asyncio.sleep(0)
        await self.services.recorder.settle()
        scored = sum(item.error is None for item in items)
        return json_reply(BatchAnswer(items, scored, len(items) - scored, answering.model))

    def _items(
        self, first: int, leads: Sequence[bytes], answering: Answering, asking: Asking
    ) -> list[BatchItem]:
        """The answers to these leads, of which the first stands at ``first``."""
        asked = [self._asked(lead, answering, asking) for lead in leads]
        told = iter(answer_each(answering, [one for one in asked if isinstance(one, Question)]))
        items = []
        for index, (lead, one) in enumerate(zip(leads, asked, strict=True), first):
            outcome = next(told) if isinstance(one, Question) else one
            if isinstance(outcome, Told):
                said = encode(outcome.answer)
                self.services.recorder.record_soon(answering, outcome, said, asking, lead)
                items.append(BatchItem(index, score=outcome.answer))
            else:
                items.append(BatchItem(index, error=item_error(_problem_of(outcome))))
        return items

    def _asked(self, lead: bytes, answering: Answering, asking: Asking) -> Question | Exception:
        try:
            return asked_in(answering, lead, asking, self.settings.max_depth)
        except Exception as error:
            return error


def _problem_of(error: Exception) -> Problem:
    """What to say of one lead; an exception that is a bug of ours is raised."""
    problem = of_exception(error)
    if problem is None:
        raise error
    return problem


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
