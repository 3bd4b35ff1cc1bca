"""Endpoints that write: leads, interactions, answers, outcomes; durable before the response."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa

from features.contract import value_to_text
from serving.api.endpoint import EndpointSpec, lead_id_of
from serving.api.examples import (
    ANSWERS,
    INTERACTIONS,
    LEAD,
    LEAD_TAKEN,
    LEADS,
    LEADS_TAKEN,
    OUTCOMES,
    ROWS_TAKEN,
)
from serving.api.rows import INVALID, Rows, RowsDecoder, refusal
from serving.http.request import Request, Response, allowed_params, decode, json_response
from serving.messages.rows import (
    AnswerIn,
    AnswersIn,
    InteractionIn,
    InteractionsIn,
    LeadIn,
    LeadRow,
    LeadsIn,
    LeadsTaken,
    LeadTaken,
    OutcomeIn,
    OutcomesIn,
    Refused,
    RowsTaken,
)
from serving.moment_arrays import checked_each
from serving.problems import FieldError, Problem, validation_problem
from serving.services import Services
from serving.store import tables
from serving.store.attribute_names import OTHER_SPELLING, StoredNames
from serving.store.database import note
from serving.store.ingest import REPEATED, TAKEN, add_rows
from serving.store.leads import (
    CHANGED,
    CONFLICT,
    CREATED,
    ERASED,
    UNCHANGED,
    NewLead,
    put_leads,
)
from serving.store.views import fit_for_a_column
from serving.timestamps import Clock, checked, microseconds

Row = TypeVar("Row")

_lead = msgspec.json.Decoder(LeadIn)


_leads = RowsDecoder("leads", LeadsIn, LeadRow)


_interactions = RowsDecoder("interactions", InteractionsIn, InteractionIn)


_answers = RowsDecoder("answers", AnswersIn, AnswerIn)


_outcomes = RowsDecoder("outcomes", OutcomesIn, OutcomeIn)


NAMES = "names are letters, digits, space and . _ : / ( ) + -"


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
            "POST", "/v1/leads", "put_leads", "Create or change many leads",
            f"As PUT does, for up to 10,000 leads; a bad one is refused alone. {IDEMPOTENT}",
            does.put_leads, LeadsTaken, LeadsIn, example=LEADS, answer_example=LEADS_TAKEN,
            **common,
        ),
        EndpointSpec(
            "POST", "/v1/interactions", "add_interactions", "Add interactions",
            "Unique by source and event_id, or by their content without one; an id that comes "
            f"again with other content is refused as a conflict. {IDEMPOTENT}",
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
            raise validation_problem("$.attributes", NAMES)
        created_us = microseconds(checked(lead.created_at, "$.created_at", clock.latest))
        new = NewLead(lead_id, created_us, lead.attributes)
        became, changed = (await self._put(request, [new], microseconds(clock.now)))[0]
        if isinstance(became, Problem):
            raise became
        if became == ERASED:
            raise Problem(410, "erased", "This lead was erased; it stays so.")
        if became == CONFLICT:
            raise Problem(409, "conflict", "The lead is there with another created_at.")
        return json_response(LeadTaken(lead_id, became, changed), 201 if became == CREATED else 200)

    async def put_leads(self, request: Request) -> Response:
        """Create leads, or note what changed of them."""
        allowed_params(request.query)
        rows = await _leads.decode(self.services, request.body)
        clock = Clock.read(self.settings.clock_skew_s)
        at_us, rows = timed(rows, "leads", "created_at", clock)
        unfit = {
            i: Refused(i, INVALID, [FieldError(f"$.leads[{i}].attributes", NAMES)])
            for row, i in zip(rows.good, rows.at, strict=True)
            if not all(fit_for_a_column(name) for name in row.attributes)
        }
        rows = rows.without(unfit).or_problem()
        new = [NewLead(row.lead_id, at_us[i], row.attributes)
               for row, i in zip(rows.good, rows.at, strict=True)]  # fmt: skip
        became = await self._put(request, new, microseconds(clock.now))
        words = [word for word, _ in became]
        refused = {
            i: refusal("leads", i, word) if isinstance(word, Problem) else Refused(i, word)
            for word, i in zip(words, rows.at, strict=True)
            if isinstance(word, Problem) or word in (ERASED, CONFLICT)
        }
        return json_response(
            LeadsTaken(
                words.count(CREATED), words.count(CHANGED), words.count(UNCHANGED),
                rows.without(refused).refused,
            )
        )  # fmt: skip

    async def _put(
        self, request: Request, leads: list[NewLead], now_us: int
    ) -> list[tuple[str | Problem, int]]:
        """What became of each, and how many attributes changed; a Problem with its names."""
        store = self.services.store

        def work(connection: sa.Connection) -> list[tuple[str | Problem, int]]:
            wrong = _wrong_names(connection, leads)
            good = [lead for i, lead in enumerate(leads) if i not in wrong]
            became = put_leads(connection, good, now_us, store.tombstones)
            done = [changed for word, changed in became if word in (CREATED, CHANGED)]
            if done:
                single = store.tombstones.digest(leads[0].lead_id) if len(leads) == 1 else ""
                count = done[0] if single else len(done)
                action = "put lead" if single else "put leads"
                note(connection, now_us, request.actor, action, single, count)
            coming = iter(became)
            return [(wrong[i], 0) if i in wrong else next(coming) for i in range(len(leads))]

        became = await store.write(work)
        await store.show_attributes({name for lead in leads for name in lead.attributes})
        words = [word if isinstance(word, str) else INVALID for word, _ in became]
        for word in sorted(set(words)):
            self.services.metrics.ingested.labels("lead", word).inc(words.count(word))
        return became

    async def interactions(self, request: Request) -> Response:
        """Append interactions."""
        allowed_params(request.query)
        rows = await _interactions.decode(self.services, request.body)
        clock = Clock.read(self.settings.clock_skew_s)
        at_us, rows = timed(rows, "interactions", "occurred_at", clock)
        now_us = microseconds(clock.now)

        def plain() -> list[dict[str, Any]]:
            return [
                {"lead_id": row.lead_id, "occurred_us": at_us[i], "kind": row.kind,
                 "value": row.value, "duration_s": row.duration_s, "channel": row.channel,
                 "source": row.source, "event_id": row.event_id, "received_us": now_us}
                for row, i in zip(rows.good, rows.at, strict=True)
            ]  # fmt: skip

        return await self._add(request, tables.interaction, rows, plain, now_us)

    async def answers(self, request: Request) -> Response:
        """Append answers."""
        allowed_params(request.query)
        rows = await _answers.decode(self.services, request.body)
        clock = Clock.read(self.settings.clock_skew_s)
        at_us, rows = timed(rows, "answers", "answered_at", clock)
        now_us = microseconds(clock.now)

        def plain() -> list[dict[str, Any]]:
            return [
                {"lead_id": row.lead_id, "answered_us": at_us[i], "attribute": row.attribute,
                 "value": value_to_text(row.value), "received_us": now_us}
                for row, i in zip(rows.good, rows.at, strict=True)
            ]  # fmt: skip

        return await self._add(request, tables.answer, rows, plain, now_us, _misspelled)

    async def outcomes(self, request: Request) -> Response:
        """Add outcomes."""
        allowed_params(request.query)
        rows = await _outcomes.decode(self.services, request.body)
        clock = Clock.read(self.settings.clock_skew_s)
        at_us, rows = timed(rows, "outcomes", "occurred_at", clock)
        now_us = microseconds(clock.now)

        def plain() -> list[dict[str, Any]]:
            return [
                {"lead_id": row.lead_id, "outcome": row.outcome, "occurred_us": at_us[i],
                 "received_us": now_us}
                for row, i in zip(rows.good, rows.at, strict=True)
            ]  # fmt: skip

        return await self._add(request, tables.outcome, rows, plain, now_us)

    async def _add(
        self,
        request: Request,
        table: sa.Table,
        rows: Rows[Any],
        plain: Callable[[], list[dict[str, Any]]],
        now_us: int,
        wrong_of: Callable[[sa.Connection, Sequence[Any]], dict[int, Problem]] | None = None,
    ) -> Response:
        """Store the good rows; ``plain`` makes them ready, in the thread that writes. ``wrong_of``:
        by position among them, what is wrong with rows beside what is stored."""
        store, actor = self.services.store, request.actor

        def work(connection: sa.Connection) -> list[str | Problem]:
            wrong = {} if wrong_of is None else wrong_of(connection, rows.good)
            good = [row for i, row in enumerate(plain()) if i not in wrong]
            became = add_rows(connection, table, good, store.tombstones)
            if TAKEN in became:
                note(connection, now_us, actor, f"add {table.name}", "", became.count(TAKEN))
            coming = iter(became)
            return [wrong[i] if i in wrong else next(coming) for i in range(len(rows.good))]

        became = await store.write(work)
        words = [INVALID if isinstance(word, Problem) else word for word in became]
        for word in sorted(set(words)):
            self.services.metrics.ingested.labels(table.name, word).inc(words.count(word))
        refused = {
            i: refusal(table.name + "s", i, word) if isinstance(word, Problem) else Refused(i, word)
            for word, i in zip(became, rows.at, strict=True)
            if word not in (TAKEN, REPEATED)
        }
        return json_response(
            RowsTaken(words.count(TAKEN), words.count(REPEATED), rows.without(refused).refused)
        )


def _wrong_names(connection: sa.Connection, leads: list[NewLead]) -> dict[int, Problem]:
    """By position, what is wrong with the names of a lead's attributes; as many statements for ten
    thousand leads as for one."""
    names = StoredNames(connection, {name for lead in leads for name in lead.attributes})
    wrong: dict[int, Problem] = {}
    for i, lead in enumerate(leads):
        try:
            names.accept(lead.attributes)
        except Problem as problem:
            wrong[i] = problem
    return wrong


def _misspelled(connection: sa.Connection, answers: Sequence[AnswerIn]) -> dict[int, Problem]:
    """By position, what is wrong with answers about an attribute that leads have in other letters:
    taken, they would be of another attribute, which no model knows."""
    names = StoredNames(connection, {answer.attribute for answer in answers})
    wrong: dict[int, Problem] = {}
    for i, answer in enumerate(answers):
        known = names.spelling_of(answer.attribute)
        if known not in (None, answer.attribute):
            wrong[i] = validation_problem("$.attribute", OTHER_SPELLING.format(other=known))
    return wrong


def timed(rows: Rows[Row], name: str, field: str, clock: Clock) -> tuple[dict[int, int], Rows[Row]]:
    """Each row's moment in microseconds by its position; rows out of bounds are refused.

    A 422 when no row is left.
    """
    found, wrong = checked_each([getattr(row, field) for row in rows.good], clock.latest)
    refused = {}
    for place, message in wrong.items():
        i = rows.at[place]
        refused[i] = Refused(i, INVALID, [FieldError(f"$.{name}[{i}].{field}", message)])
    at_us = dict(zip(rows.at, found.tolist(), strict=True))
    return at_us, rows.without(refused).or_problem()
