"""Endpoints that correct what is stored, and show all of it; no score of the past moves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
import sqlalchemy as sa

from serving.api.endpoint import EndpointSpec, lead_id_of, number_of
from serving.api.ingest import NAMES, timed
from serving.api.rows import Rows, RowsDecoder
from serving.http.request import Request, Response, allowed_params, decode, json_response
from serving.messages.corrections import (
    AnswerKey,
    EventKey,
    LeadPatch,
    Merged,
    MergeIn,
    OutcomePut,
    OutcomeSet,
    WithdrawAnswers,
    WithdrawInteractions,
    Withdrawn,
)
from serving.messages.erasure import StoredLead
from serving.messages.rows import LeadTaken, Refused
from serving.problems import Problem, validation_problem
from serving.services import Services
from serving.store import tables
from serving.store.access_request import stored_of
from serving.store.attribute_names import check_names
from serving.store.corrections import (
    REPEATED,
    Edit,
    Patch,
    merge,
    patch_lead,
    set_outcome,
    withdraw,
)
from serving.store.database import note
from serving.store.ingest import WITHDRAWN
from serving.store.leads import KnownLead, known_leads
from serving.store.views import fit_for_a_column
from serving.timestamps import Clock, checked, microseconds, moment_of

T = TypeVar("T")

_patch = msgspec.json.Decoder(LeadPatch)
_outcome = msgspec.json.Decoder(OutcomePut)
_merge = msgspec.json.Decoder(MergeIn)
_events = RowsDecoder("interactions", WithdrawInteractions, EventKey)
_answers = RowsDecoder("answers", WithdrawAnswers, AnswerKey)

PROBLEMS = (400, 401, 403, 404, 408, 409, 410, 413, 415, 422, 429, 503, 507)
PAST = "Scores of the past keep what they saw, and can be replayed."


def _query(name: str, about: str, **schema: Any) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": about, "schema": schema}


LIMIT = _query("limit", "rows of each table", type="integer", minimum=1, maximum=10_000)
CURSOR = _query("cursor", "`next` of the page before", type="string")


def routes(services: Services) -> list[EndpointSpec]:
    """The endpoints that correct."""
    does = _Corrections(services)
    common: dict[str, Any] = {"problems": PROBLEMS, "scope": "ingest", "tag": "corrections"}
    outcome = {"outcome": "lost", "occurred_at": "2026-04-02T11:00:00Z"}
    event, answer = {"source": "website", "event_id": "pv-881"}, {
        "lead_id": "L-1042", "attribute": "budget", "answered_at": "2026-03-10T14:00:00Z",
    }  # fmt: skip
    return [
        EndpointSpec(
            "GET", "/v1/leads/{lead_id}", "stored_lead", "All that is stored of a lead",
            "For access requests: every row of every table, under every id that the lead had.",
            does.stored, StoredLead, query=(LIMIT, CURSOR), problems=(401, 403, 404, 422, 429, 503),
            scope="read", tag="corrections",
        ),
        EndpointSpec(
            "PATCH", "/v1/leads/{lead_id}", "patch_lead", "Correct a lead",
            f"Only what is given changes. {PAST}", does.patch, LeadTaken, LeadPatch,
            example={"at_creation": {"sector": "retail"}}, **common,
        ),
        EndpointSpec(
            "PUT", "/v1/leads/{lead_id}/outcome", "put_outcome", "Change a lead's outcome",
            "Sets the outcome, whatever was said before.", does.put_outcome, OutcomeSet,
            OutcomePut, example=outcome, **common,
        ),
        EndpointSpec(
            "DELETE", "/v1/leads/{lead_id}/outcome", "reopen_lead", "Reopen a lead",
            "Takes its outcome back: the lead is open again.", does.reopen, OutcomeSet,
            problems=(401, 403, 404, 410, 422, 429, 503, 507), scope="ingest", tag="corrections",
        ),
        EndpointSpec(
            "POST", "/v1/leads/merge", "merge_leads", "Make two leads one",
            "The history becomes the other lead's, and the old id answers with the new one: in "
            f"reads, in rows that still come, in erasures. {PAST}",
            does.merge, Merged, MergeIn, example={"lead_id": "L-1042", "into": "L-7"}, **common,
        ),
        EndpointSpec(
            "POST", "/v1/interactions/withdraw", "withdraw_interactions", "Withdraw interactions",
            "They never come back as they were; sent again with other content they are taken: so "
            f"an event is corrected. {PAST}", does.withdraw_events, Withdrawn,
            WithdrawInteractions, example={"interactions": [event]}, **common,
        ),
        EndpointSpec(
            "POST", "/v1/answers/withdraw", "withdraw_answers", "Withdraw answers",
            f"As interactions are withdrawn. {PAST}", does.withdraw_answers, Withdrawn,
            WithdrawAnswers, example={"answers": [answer]}, **common,
        ),
    ]  # fmt: skip


class _Corrections:
    def __init__(self, services: Services) -> None:
        self.services = services
        self.store = services.store
        self.settings = services.settings

    async def stored(self, request: Request) -> Response:
        """Everything of a lead."""
        query = allowed_params(request.query, "limit", "cursor")
        limit, lead_id = number_of(query, "limit", 1000, 1, 10_000), lead_id_of(request)
        page = await self.store.read(lambda c: stored_of(c, lead_id, limit, query.get("cursor")))
        if page is None:
            raise Problem(404, "not-found", "No such lead; PUT it first, or it was erased.")
        created_us = page.lead["created_us"]
        return json_response(
            StoredLead(
                page.lead["lead_id"], None if created_us is None else moment_of(created_us),
                dict(page.attributes), msgspec.json.decode(page.lead["attributes"]),
                list(page.aliases), page.rows, page.following,
            )
        )  # fmt: skip

    async def patch(self, request: Request) -> Response:
        """Correct a lead."""
        allowed_params(request.query)
        sent = decode(_patch, request.body, self.settings.max_depth)
        for field, given in (("attributes", sent.attributes), ("at_creation", sent.at_creation)):
            if not all(fit_for_a_column(name) for name in given):
                raise validation_problem(f"$.{field}", NAMES)
        clock = Clock.read(self.settings.clock_skew_s)
        created_us = None
        if sent.created_at is not None:
            created_us = microseconds(checked(sent.created_at, "$.created_at", clock.latest))
        patch = Patch(sent.attributes, sent.at_creation, created_us)

        def work(connection: sa.Connection, lead: KnownLead, edit: Edit) -> int:
            check_names(connection, sent.at_creation)
            return patch_lead(connection, lead, patch, edit)

        lead_id, changed = await self._on_lead(request, "patch lead", work)
        await self.store.show_attributes(sent.at_creation)
        return json_response(LeadTaken(lead_id, "changed" if changed else "unchanged", changed))

    async def put_outcome(self, request: Request) -> Response:
        """Set an outcome."""
        allowed_params(request.query)
        sent = decode(_outcome, request.body, self.settings.max_depth)
        clock = Clock.read(self.settings.clock_skew_s)
        at_us = microseconds(checked(sent.occurred_at, "$.occurred_at", clock.latest))

        def work(connection: sa.Connection, lead: KnownLead, edit: Edit) -> bool:
            if lead.created_us is not None and at_us < lead.created_us:
                raise validation_problem("$.occurred_at", "this lies before the lead's creation")
            return set_outcome(connection, lead, (sent.outcome, at_us), edit)

        lead_id, changed = await self._on_lead(request, "put outcome", work)
        became = "changed" if changed else "unchanged"
        return json_response(OutcomeSet(lead_id, became, sent.outcome))

    async def reopen(self, request: Request) -> Response:
        """Take an outcome back."""
        allowed_params(request.query)
        lead_id, changed = await self._on_lead(
            request, "reopen lead", lambda c, lead, edit: set_outcome(c, lead, None, edit)
        )
        return json_response(OutcomeSet(lead_id, "changed" if changed else "unchanged", None))

    async def merge(self, request: Request) -> Response:
        """Make two leads one."""
        allowed_params(request.query)
        sent = decode(_merge, request.body, self.settings.max_depth)
        edit = self._edit(request)

        def work(connection: sa.Connection) -> Merged:
            leads = known_leads(connection, {sent.lead_id, sent.into})
            lead = self._present(connection, leads, sent.lead_id)
            into = self._present(connection, leads, sent.into)
            if lead.lead_id == into.lead_id:
                return Merged(into.lead_id, "unchanged", 0)
            if lead.lead_id != sent.lead_id:
                raise Problem(
                    409, "conflict", "This lead was merged into another one before; merge that one."
                )
            moved = merge(connection, lead, into, edit)
            digest = self.store.tombstones.digest(into.lead_id)
            note(connection, edit.now_us, edit.actor, "merge leads", digest, moved)
            return Merged(into.lead_id, "merged", moved)

        return json_response(await self.store.write(work))

    async def withdraw_events(self, request: Request) -> Response:
        """Withdraw interactions."""
        allowed_params(request.query)
        rows = (await _events.decode(self.services, request.body)).or_problem()
        keys = [(row.source, row.event_id) for row in rows.good]
        return await self._withdraw(request, tables.interaction, rows, keys)

    async def withdraw_answers(self, request: Request) -> Response:
        """Withdraw answers."""
        allowed_params(request.query)
        rows = await _answers.decode(self.services, request.body)
        clock = Clock.read(self.settings.clock_skew_s)
        at_us, rows = timed(rows, "answers", "answered_at", clock)
        keys = [(row.lead_id, row.attribute, at_us[i])
                for row, i in zip(rows.good, rows.at, strict=True)]  # fmt: skip
        return await self._withdraw(request, tables.answer, rows, keys)

    async def _withdraw(
        self, request: Request, table: sa.Table, rows: Rows[Any], keys: list[tuple[Any, ...]]
    ) -> Response:
        edit = self._edit(request)

        def work(connection: sa.Connection) -> list[str]:
            became = withdraw(connection, table, keys, edit)
            count = became.count(WITHDRAWN)
            if count:
                note(connection, edit.now_us, edit.actor, f"withdraw {table.name}", "", count)
            return became

        became = await self.store.write(work)
        refused = {i: Refused(i, word) for word, i in zip(became, rows.at, strict=True)
                   if word not in (WITHDRAWN, REPEATED)}  # fmt: skip
        return json_response(
            Withdrawn(
                became.count(WITHDRAWN), became.count(REPEATED), rows.without(refused).refused
            )
        )

    async def _on_lead(
        self, request: Request, action: str, work: Callable[[sa.Connection, KnownLead, Edit], T]
    ) -> tuple[str, T]:
        """Run ``work`` on the lead named in the path, held; (its id now, the result)."""
        lead_id, edit = lead_id_of(request), self._edit(request)

        def whole(connection: sa.Connection) -> tuple[str, T]:
            lead = self._present(connection, known_leads(connection, [lead_id]), lead_id)
            result = work(connection, lead, edit)
            if result:
                digest = self.store.tombstones.digest(lead.lead_id)
                note(connection, edit.now_us, edit.actor, action, digest, int(bool(result)))
            return lead.lead_id, result

        return await self.store.write(whole)

    def _present(
        self, connection: sa.Connection, leads: dict[str, KnownLead], lead_id: str
    ) -> KnownLead:
        """The lead; a 410 if it was erased, a 404 if there is none."""
        if lead_id in leads:
            return leads[lead_id]
        if self.store.tombstones.held(connection, [lead_id]):
            raise Problem(410, "erased", "This lead was erased; it stays so.")
        raise Problem(404, "not-found", "No such lead; PUT it first.")

    @staticmethod
    def _edit(request: Request) -> Edit:
        return Edit(microseconds(Clock.read(0).now), request.actor)
