"""Scores of leads whose history comes in the body."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa

from features.errors import StorageError
from serving.api.endpoint import (
    LANGUAGE_HEADER,
    LANGUAGE_QUERY,
    REASONS_QUERY,
    EndpointSpec,
    number_of,
)
from serving.api.examples import BATCH_ANSWER, BATCH_REQUEST, SCORE_ANSWER, SCORE_REQUEST
from serving.http.idempotency import id_of_key, idempotency_key
from serving.http.request import (
    Request,
    Response,
    allowed_params,
    encode,
    json_response,
)
from serving.messages.scores import (
    BatchAnswer,
    BatchItem,
    BatchRequest,
    ItemError,
    ScoreAnswer,
    ScoreRequest,
)
from serving.parsing.json_limits import COMPLAINTS, TOO_DEEP, complaint_of, guard
from serving.parsing.slices import LARGE_BODY_BYTES, SlicedDecoder
from serving.predictor.batcher import predict_each
from serving.predictor.parse_request import parse_request
from serving.predictor.predictor import Prediction, Predictor, predict_one
from serving.predictor.query import QueryContext, ScoreQuery
from serving.problems import Problem, problem_from, validation_problem
from serving.services import Services
from serving.settings import Settings
from serving.store import tables
from serving.store.scores import on_one_line
from serving.timestamps import Clock, checked

T = TypeVar("T")


_batch_decoder = SlicedDecoder(BatchRequest, {"leads": msgspec.Raw}, most=100_000)


PROBLEMS = (400, 401, 403, 408, 413, 415, 422, 429, 503)


BATCH_SLICE = 20
"""Leads of a batch scored together, before other requests get a turn."""


def routes(services: Services) -> list[EndpointSpec]:
    """The scoring endpoints."""
    endpoints = Scoring(services)
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


class Scoring:
    """Scores of leads in bodies, by the release that is live."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.settings = services.settings

    async def one(self, request: Request) -> Response:
        """One lead in, one score out."""
        n_reasons = reasons_wanted(request, self.settings.reasons)
        predictor = self.services.live.current()
        context = QueryContext(Clock.read(self.settings.clock_skew_s), request.language, n_reasons)
        key = idempotency_key(request.headers)
        score_id = None if key is None else id_of_key(request.actor, key)
        if score_id is not None:
            before = await self._given_before(score_id, request.body)
            if before is not None:
                return before

        def parsed() -> ScoreQuery:
            query = parse_request(predictor, request.body, context, self.settings.max_depth)
            return query if score_id is None else msgspec.structs.replace(query, score_id=score_id)

        if len(request.body) < LARGE_BODY_BYTES:
            query = parsed()
            with self.services.traces.step("score"):
                prediction = await self.services.batcher.submit(predictor, query)
                encoded = encode(prediction.answer)
        else:
            with self.services.traces.step("score"):
                prediction, encoded = await self.services.run_apart(
                    lambda: _scored(predict_one(predictor, parsed()))
                )
        if prediction.query.record:
            await self.services.recorder.record(
                predictor, prediction, encoded, context, request.body
            )
        else:
            self.services.recorder.count(prediction)
        return Response(encoded)

    async def _given_before(self, score_id: str, body: bytes) -> Response | None:
        """The answer that the store has under this id; a 422 if its request was another one."""

        def stored(connection: sa.Connection) -> sa.Row[Any, Any] | None:
            columns = tables.score.c
            query = sa.select(columns.input, columns.answer).where(columns.score_id == score_id)
            return connection.execute(query).first()

        try:
            row = await self.services.store.read(stored)
        except StorageError:
            return None  # scores are given without a store as well
        if row is None:
            return None
        if row.input.encode() != bytes(on_one_line(body)):
            raise Problem(
                422, "idempotency-key-reused",
                "This Idempotency-Key came with another body before; use a new one.",
            )  # fmt: skip
        return Response(row.answer.encode(), headers={"Idempotency-Replayed": "true"})

    async def batch(self, request: Request) -> Response:
        """Many leads in, one item each out; all by the same release and the same clock."""
        n_reasons = reasons_wanted(request, self.settings.reasons)
        leads, clock = request.body, Clock.read(self.settings.clock_skew_s)
        lead_request = await self.apart_if_large(
            len(leads), lambda: decode_batch(leads, self.settings)
        )
        predictor = self.services.live.current()
        if lead_request.as_of is not None:
            checked(lead_request.as_of, "$.as_of", clock.latest)
        context = QueryContext(clock, request.language, n_reasons, lead_request.as_of)
        items = await self.items(
            [bytes(lead) for lead in lead_request.leads], predictor, context, lead_request.record
        )
        scored = sum(item.error is None for item in items)
        return json_response(BatchAnswer(items, scored, len(items) - scored, predictor.model))

    async def items(
        self, leads: Sequence[bytes], predictor: Predictor, context: QueryContext, record: bool
    ) -> list[BatchItem]:
        """Each lead's answer or error, written down unless ``record`` or the lead says no."""
        items: list[BatchItem] = []
        recorder = self.services.recorder
        for first in range(0, len(leads), BATCH_SLICE):
            part = leads[first : first + BATCH_SLICE]
            outcomes = await self.apart_if_large(
                sum(map(len, part)), partial(self._outcomes, part, predictor, context)
            )
            for index, (lead, (outcome, encoded)) in enumerate(
                zip(part, outcomes, strict=True), first
            ):
                if isinstance(outcome, Problem):
                    items.append(BatchItem(index, error=item_error(outcome, context.language)))
                    continue
                items.append(BatchItem(index, score=outcome.answer))
                if record and outcome.query.record:
                    recorder.enqueue(predictor, outcome, encoded, context, lead)
                else:
                    recorder.count(outcome)
            await asyncio.sleep(0)
        await recorder.flush()
        return items

    async def apart_if_large(self, size: int, work: Callable[[], T]) -> T:
        """Do ``work`` here, or in the thread for large bodies."""
        return work() if size < LARGE_BODY_BYTES else await self.services.run_apart(work)

    def _outcomes(
        self, leads: Sequence[bytes], predictor: Predictor, context: QueryContext
    ) -> list[tuple[Prediction | Problem, bytes]]:
        """What becomes of each lead, and its answer encoded."""
        queries = [self._query_or_problem(lead, predictor, context) for lead in leads]
        predictions = iter(
            predict_each(predictor, [one for one in queries if isinstance(one, ScoreQuery)])
        )
        outcomes: list[tuple[Prediction | Problem, bytes]] = []
        for one in queries:
            outcome = next(predictions) if isinstance(one, ScoreQuery) else one
            if isinstance(outcome, Prediction):
                outcomes.append((outcome, encode(outcome.answer)))
            else:
                outcomes.append((_problem_of(outcome), b""))
        return outcomes

    def _query_or_problem(
        self, lead: bytes, predictor: Predictor, context: QueryContext
    ) -> ScoreQuery | Exception:
        try:
            return parse_request(predictor, lead, context, self.settings.max_depth)
        except Exception as error:
            return error


def _scored(prediction: Prediction) -> tuple[Prediction, bytes]:
    return prediction, encode(prediction.answer)


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
    lead_request = _batch_decoder.decode_unguarded(body)
    if complaint is not None and not any(
        complaint_of(bytes(lead), settings.max_depth) for lead in lead_request.leads
    ):
        guard(body, settings.max_depth + 2)
    if not 1 <= len(lead_request.leads) <= settings.max_batch:
        raise validation_problem("$.leads", f"expected 1 to {settings.max_batch} leads")
    return lead_request


def item_error(problem: Problem, language: str) -> ItemError:
    """A problem as the error of one item, in a language."""
    body = problem.body("", language=language)
    errors = [{"at": error.at, "message": error.message} for error in body.errors]
    return ItemError(body.status, body.type, body.detail, errors)
