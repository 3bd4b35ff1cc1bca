"""Endpoints that write: leads, interactions, answers, outcomes; durable before the response."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa

from features.contract import value_to_text
from serving.api.endpoint import EndpointSpec, lead_id_of
from serving.api.examples import ANSWERS, INTERACTIONS, LEAD, LEAD_TAKEN, OUTCOMES, ROWS_TAKEN
from serving.http.request import Request, Response, allowed_params, decode, json_response
from serving.messages import (
    AnswerIn,
    AnswersIn,
    InteractionIn,
    InteractionsIn,
    LeadIn,
    LeadTaken,
    OutcomeIn,
    OutcomesIn,
    Refused,
    RowsTaken,
)
from serving.parsing.slices import LARGE_BODY_BYTES, SlicedDecoder
from serving.problems import Problem, validation_problem
from serving.services import Services
from serving.store import tables
from serving.store.attribute_names import check_names
from serving.store.database import note
from serving.store.ingest import CONFLICT, ERASED, REPEATED, TAKEN, NewLead, add_rows, put_lead
from serving.store.views import fit_for_a_column
from serving.timestamps import Clock, checked, checked_all, microseconds

T = TypeVar("T")


MAX_ROWS = 10_000


_lead = msgspec.json.Decoder(LeadIn)


_interactions = SlicedDecoder(InteractionsIn, {"interactions": InteractionIn}, MAX_ROWS)


_answers = SlicedDecoder(AnswersIn, {"answers": AnswerIn}, MAX_ROWS)


_outcomes = SlicedDecoder(OutcomesIn, {"outcomes": OutcomeIn}, MAX_ROWS)


PROBLEMS = (400, 401, 403, 408, 413, 415, 422, 429, 503, 507)


IDEMPOTENT = "Idempotent: sending it again changes nothing, so retry whenever in doubt."


def routes(services: Services) -> list[EndpointSpec]:
    """The endpoints that write."""
    does = _Ingest(services)
    common: dict[str, Any] = {"problems": PROBLEMS, "scope": "ingest", "tag": "ingest"}
    rows: dict[str, Any] = {**common, "answer_example": ROWS_TAKEN}
    return [
        EndpointSpec(
            "PUT", "/v1/leads/{lead_id}", "put_lead", "Create or change a lead",
            "The first PUT fixes what was known at creation. Attributes that a later PUT changes "
            f"are recorded as answers of that moment, so no past score moves. {IDEMPOTENT}",
            does.put_lead, LeadTaken, LeadIn, statuses=(200, 201),
            example=LEAD, answer_example=LEAD_TAKEN,
            **{**common, "problems": (*PROBLEMS, 409, 410)},
        ),
        EndpointSpec(
            "POST", "/v1/interactions", "add_interactions", "Add interactions",
            f"Append-only, unique by source and event_id. {IDEMPOTENT}",
            does.interactions, RowsTaken, InteractionsIn, example=INTERACTIONS, **rows,
        ),
        EndpointSpec(
            "POST", "/v1/answers", "add_answers", "Add answers",
            f"Attributes learned after creation, one a lead, attribute and moment. {IDEMPOTENT}",
            does.answers, RowsTaken, AnswersIn, example=ANSWERS, **rows,
        ),
        EndpointSpec(
            "POST", "/v1/outcomes", "add_outcomes", "Add outcomes",
            f"Converted or lost, once a lead; what contradicts it is refused. {IDEMPOTENT}",
            does.outcomes, RowsTaken, OutcomesIn, example=OUTCOMES, **rows,
        ),
    ]  # fmt: skip


class _Ingest:
    def __init__(self, services: Services) -> None:
        self.services = services
        self.settings = services.settings

    async def put_lead(self, request: Request) -> Response:
        """Create a lead, or note what changed."""
        allowed_params(request.query)
        lead = decode(_lead, request.body, self.settings.max_depth)
        lead_id = lead_id_of(request)
        clock = Clock.read(self.settings.clock_skew_s)
        if not all(fit_for_a_column(name) for name in lead.attributes):
            raise validation_problem(
                "$.attributes", "names are letters, digits, space and . _ : / ( ) + -"
            )
        created_us = microseconds(checked(lead.created_at, "$.created_at", clock.latest))
        new = NewLead(lead_id, created_us, lead.attributes)
        now_us, store = microseconds(clock.now), self.services.store

        def work(connection: sa.Connection) -> tuple[str, int, bool]:
            before = connection.scalar(
                sa.select(tables.lead.c.lead_id).where(tables.lead.c.lead_id == lead_id)
            )
            check_names(connection, new.attributes)
            became, changed = put_lead(connection, new, now_us, store.tombstones)
            if became == TAKEN:
                digest = store.tombstones.digest(lead_id)
                note(connection, now_us, request.actor, "put lead", digest, changed)
            return became, changed, before is None

        became, changed, created = await store.write(work)
        if became == ERASED:
            raise Problem(410, "erased", "This lead was erased; it stays so.")
        if became == CONFLICT:
            raise Problem(409, "conflict", "The lead is there with another created_at.")
        self.services.metrics.ingested.labels("lead", became).inc()
        word = "unchanged" if became == REPEATED else "created" if created else "changed"
        return json_response(LeadTaken(lead_id, word, changed), 201 if created else 200)

    async def interactions(self, request: Request) -> Response:
        """Append interactions."""
        allowed_params(request.query)
        rows = (await self._decoded(_interactions, request)).interactions
        clock = Clock.read(self.settings.clock_skew_s)
        at_us = checked_all(
            [row.occurred_at for row in rows], clock.latest, "$.interactions", "occurred_at"
        )
        now_us = microseconds(clock.now)

        def plain() -> list[dict[str, Any]]:
            return [
                {"lead_id": row.lead_id, "occurred_us": at, "kind": row.kind, "value": row.value,
                 "duration_s": row.duration_s, "channel": row.channel, "source": row.source,
                 "event_id": row.event_id or _content_id(row, at), "received_us": now_us}
                for row, at in zip(rows, at_us.tolist(), strict=True)
            ]  # fmt: skip

        return await self._add(
            request, tables.interaction, await self._apart(request, plain), now_us
        )

    async def answers(self, request: Request) -> Response:
        """Append answers."""
        allowed_params(request.query)
        rows = (await self._decoded(_answers, request)).answers
        clock = Clock.read(self.settings.clock_skew_s)
        at_us = checked_all(
            [row.answered_at for row in rows], clock.latest, "$.answers", "answered_at"
        )
        now_us = microseconds(clock.now)

        def plain() -> list[dict[str, Any]]:
            return [
                {"lead_id": row.lead_id, "answered_us": at, "attribute": row.attribute,
                 "value": value_to_text(row.value), "received_us": now_us}
                for row, at in zip(rows, at_us.tolist(), strict=True)
            ]  # fmt: skip

        return await self._add(request, tables.answer, await self._apart(request, plain), now_us)

    async def outcomes(self, request: Request) -> Response:
        """Add outcomes."""
        allowed_params(request.query)
        rows = (await self._decoded(_outcomes, request)).outcomes
        clock = Clock.read(self.settings.clock_skew_s)
        at_us = checked_all(
            [row.occurred_at for row in rows], clock.latest, "$.outcomes", "occurred_at"
        )
        now_us = microseconds(clock.now)

        def plain() -> list[dict[str, Any]]:
            return [
                {"lead_id": row.lead_id, "outcome": row.outcome, "occurred_us": at,
                 "received_us": now_us}
                for row, at in zip(rows, at_us.tolist(), strict=True)
            ]  # fmt: skip

        return await self._add(request, tables.outcome, await self._apart(request, plain), now_us)

    async def _decoded(self, decoder: SlicedDecoder[T], request: Request) -> T:
        depth = self.settings.max_depth
        return await self._apart(request, lambda: decoder.decode(request.body, depth))

    async def _apart(self, request: Request, work: Callable[[], T]) -> T:
        """Do ``work``; for a large body in the thread for those."""
        if len(request.body) < LARGE_BODY_BYTES:
            return work()
        return await self.services.run_apart(work)

    async def _add(
        self, request: Request, table: sa.Table, rows: list[dict[str, Any]], now_us: int
    ) -> Response:
        store = self.services.store
        became = await store.write(_adding(table, rows, now_us, request.actor, store.tombstones))
        for word in sorted(set(became)):
            self.services.metrics.ingested.labels(table.name, word).inc(became.count(word))
        refused = [
            Refused(index, word)
            for index, word in enumerate(became)
            if word not in (TAKEN, REPEATED)
        ]
        return json_response(RowsTaken(became.count(TAKEN), became.count(REPEATED), refused))


def _adding(
    table: sa.Table, rows: list[dict[str, Any]], now_us: int, actor: str, tombstones: Any
) -> Callable[[sa.Connection], list[str]]:
    def work(connection: sa.Connection) -> list[str]:
        became = add_rows(connection, table, rows, tombstones)
        if TAKEN in became:
            note(connection, now_us, actor, f"add {table.name}", "", became.count(TAKEN))
        return became

    return work


def _content_id(row: InteractionIn, at_us: int) -> str:
    """The identity of an interaction that has none: a hash of what it says."""
    said = [row.lead_id, row.kind, at_us, row.value, row.duration_s, row.channel]
    return "content:" + hashlib.sha256(msgspec.json.encode(said)).hexdigest()
