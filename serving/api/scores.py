"""Scores of leads whose history comes in the body."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from serving.api.endpoint import (
    LANGUAGE_HEADER,
    LANGUAGE_QUERY,
    REASONS_QUERY,
    EndpointSpec,
    number_of,
)
from serving.api.examples import BATCH_ANSWER, BATCH_REQUEST, SCORE_ANSWER, SCORE_REQUEST
from serving.http.request import (
    Request,
    Response,
    allowed_params,
    decode_unguarded,
    encode,
    json_response,
)
from serving.messages import (
    BatchAnswer,
    BatchItem,
    BatchRequest,
    ItemError,
    ScoreAnswer,
    ScoreRequest,
)
from serving.parsing.json_limits import COMPLAINTS, TOO_DEEP, complaint_of, guard
from serving.predictor.batcher import predict_each
from serving.predictor.parse_request import parse_request
from serving.predictor.predictor import Prediction, Predictor
from serving.predictor.query import QueryContext, ScoreQuery
from serving.problems import Problem, problem_from, validation_problem
from serving.services import Services
from serving.settings import Settings
from serving.timestamps import Clock, checked

_batch_decoder = msgspec.json.Decoder(BatchRequest)


PROBLEMS = (400, 401, 403, 408, 413, 415, 422, 429, 503)


BATCH_SLICE = 20
"""Leads of a batch scored together, before other requests get a turn."""


def routes(services: Services) -> list[EndpointSpec]:
    """The scoring endpoints."""
    endpoints = _Scoring(services)
    return [
        EndpointSpec(
            "POST", "/v1/scores", "score", "Score one lead",
            "One lead with its history. Nothing at or after `as_of` is looked at; "
            "`as_of` is now unless given.",
            endpoints.one, ScoreAnswer, ScoreRequest,
            example=SCORE_REQUEST, answer_example=SCORE_ANSWER,
            query=(REASONS_QUERY, LANGUAGE_QUERY), headers=(LANGUAGE_HEADER,),
            problems=PROBLEMS, scope="score", direct=True,
        ),
        EndpointSpec(
            "POST", "/v1/scores/batch", "score_batch", "Score many leads",
            "Each lead is answered on its own: a score or an error, in the order sent.",
            endpoints.batch, BatchAnswer, BatchRequest,
            example=BATCH_REQUEST, answer_example=BATCH_ANSWER,
            query=(REASONS_QUERY, LANGUAGE_QUERY), headers=(LANGUAGE_HEADER,),
            problems=PROBLEMS, scope="score", direct=True,
        ),
    ]  # fmt: skip


def reasons_wanted(request: Request, default: int) -> int:
    """The number of reasons asked for; a 422 outside 0 to 50."""
    if not request.query_string:
        return default
    return number_of(allowed_params(request.query, "reasons", "lang"), "reasons", default, 0, 50)


class _Scoring:
    def __init__(self, services: Services) -> None:
        self.services = services
        self.settings = services.settings

    async def one(self, request: Request) -> Response:
        """One lead in, one score out."""
        n_reasons = reasons_wanted(request, self.settings.reasons)
        predictor = self.services.live.current()
        context = QueryContext(Clock.read(self.settings.clock_skew_s), request.language, n_reasons)
        asked = parse_request(predictor, request.body, context, self.settings.max_depth)
        with self.services.traces.step("score"):
            prediction = await self.services.batcher.submit(predictor, asked)
            said = encode(prediction.answer)
        await self.services.recorder.record(predictor, prediction, said, context, request.body)
        return Response(said)

    async def batch(self, request: Request) -> Response:
        """Many leads in, one item each out; all by the same release and the same clock."""
        n_reasons = reasons_wanted(request, self.settings.reasons)
        lead_request = decode_batch(request.body, self.settings)
        predictor = self.services.live.current()
        clock = Clock.read(self.settings.clock_skew_s)
        if lead_request.as_of is not None:
            checked(lead_request.as_of, "$.as_of", clock.latest)
        context = QueryContext(clock, request.language, n_reasons, lead_request.as_of)
        items: list[BatchItem] = []
        for first in range(0, len(lead_request.leads), BATCH_SLICE):
            part = [bytes(lead) for lead in lead_request.leads[first : first + BATCH_SLICE]]
            items += self._items(first, part, predictor, context)
            await asyncio.sleep(0)
        await self.services.recorder.flush()
        scored = sum(item.error is None for item in items)
        return json_response(BatchAnswer(items, scored, len(items) - scored, predictor.model))

    def _items(
        self, first: int, leads: Sequence[bytes], predictor: Predictor, context: QueryContext
    ) -> list[BatchItem]:
        """The answers to these leads, of which the first stands at ``first``."""
        asked = [self._asked(lead, predictor, context) for lead in leads]
        prediction = iter(
            predict_each(predictor, [one for one in asked if isinstance(one, ScoreQuery)])
        )
        items = []
        for index, (lead, one) in enumerate(zip(leads, asked, strict=True), first):
            outcome = next(prediction) if isinstance(one, ScoreQuery) else one
            if isinstance(outcome, Prediction):
                said = encode(outcome.answer)
                self.services.recorder.enqueue(predictor, outcome, said, context, lead)
                items.append(BatchItem(index, score=outcome.answer))
            else:
                items.append(BatchItem(index, error=item_error(_problem_of(outcome))))
        return items

    def _asked(
        self, lead: bytes, predictor: Predictor, context: QueryContext
    ) -> ScoreQuery | Exception:
        try:
            return parse_request(predictor, lead, context, self.settings.max_depth)
        except Exception as error:
            return error


def _problem_of(error: Exception) -> Problem:
    """What to say of one lead; an exception that is a bug of ours is raised."""
    problem = problem_from(error)
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
    lead_request = decode_unguarded(_batch_decoder, body)
    if complaint is not None and not any(
        complaint_of(bytes(lead), settings.max_depth) for lead in lead_request.leads
    ):
        guard(body, settings.max_depth + 2)
    if not 1 <= len(lead_request.leads) <= settings.max_batch:
        raise validation_problem("$.leads", f"expected 1 to {settings.max_batch} leads")
    return lead_request


def item_error(problem: Problem) -> ItemError:
    """A problem as the error of one item."""
    body = problem.body("")
    errors = [{"at": error.at, "message": error.message} for error in body.errors]
    return ItemError(body.status, body.type, body.detail, errors)
