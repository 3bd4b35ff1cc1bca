"""Endpoints about stored leads: score, history of scores, ranking."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast, get_args

import msgspec
import sqlalchemy as sa

from scoring.bands import Band, label
from serving.api.endpoint import (
    LANGUAGE_HEADER,
    LANGUAGE_QUERY,
    REASONS_QUERY,
    EndpointSpec,
    lead_id_of,
    number_of,
)
from serving.api.examples import RANKED_LEADS, SCORE_ANSWER
from serving.http.request import Request, Response, allowed_params, encode, json_response
from serving.messages.past_scores import Change, PastScore, PastScores, Ranked, RankedLeads
from serving.messages.scores import ScoreAnswer
from serving.predictor.predictor import Prediction, Predictor, predict_one
from serving.predictor.query import QueryContext
from serving.predictor.score_log import STORE
from serving.predictor.stored_lead import query_of_stored_lead
from serving.problems import Problem, validation_problem
from serving.services import Services
from serving.store import tables
from serving.store.aliases import current_id, merged_ids
from serving.store.histories import history
from serving.store.latest_scores import listed_reasons
from serving.store.ranking import STATUSES, ListQuery, Order, lead_list, scores_of
from serving.store.scores import unpacked
from serving.timestamps import Clock, checked, microseconds, moment_of

MAX_CHANGES = 5


def _query(name: str, about: str, **schema: Any) -> dict[str, Any]:
    return {"name": name, "in": "query", "description": about, "schema": schema}


LIMIT = _query("limit", "how many", type="integer", minimum=1, maximum=200, default=50)


CURSOR = _query("cursor", "`next` of the page before", type="string")


BAND = _query("band", "only this band", type="string", enum=["cold", "warm", "hot"])


AS_OF = _query("as_of", "the moment asked about; now, if left out", type="string")


LIST_QUERY = (
    BAND,
    _query("owner", "only leads of this owner", type="string"),
    _query("source", "only leads of this source", type="string"),
    _query("account", "only leads of this account", type="string"),
    _query("updated_since", "only scores given at this moment or later", type="string"),
    _query("min_probability", "only this probability or more", type="number", minimum=0, maximum=1),
    _query(
        "status", "open: without an outcome", type="string", enum=list(STATUSES), default="open"
    ),
    _query(
        "release", "the id of a release, or any; the one that the list is of, if left out",
        type="string",
    ),
    _query(
        "sort", "- is downwards", type="string", enum=list(get_args(Order)), default="-probability"
    ),
    LIMIT,
    CURSOR,
    LANGUAGE_QUERY,
)  # fmt: skip


RECORD = _query("record", "false: a what-if, written down nowhere", type="boolean", default=True)


PROBLEMS = (401, 403, 404, 422, 429, 503)


def routes(services: Services) -> list[EndpointSpec]:
    """The endpoints about leads in the store."""
    does = _Leads(services)
    language = (LANGUAGE_HEADER,)
    return [
        EndpointSpec(
            "GET", "/v1/leads", "ranked_leads", "Leads to call",
            "Open leads by their newest score of one release, the most probable first; a page at a "
            "time. `total` and `bands` count all pages.",
            does.ranked, RankedLeads, query=LIST_QUERY, headers=language,
            answer_example=RANKED_LEADS,
            problems=PROBLEMS, scope="read", tag="leads",
        ),
        EndpointSpec(
            "GET", "/v1/leads/{lead_id}/score", "score_lead", "Score a lead of the store",
            "Computed now, by the same engine, from the history that is stored.",
            does.score, ScoreAnswer, answer_example=SCORE_ANSWER,
            query=(AS_OF, REASONS_QUERY, RECORD, LANGUAGE_QUERY), headers=language,
            problems=PROBLEMS, scope="score", tag="leads",
        ),
        EndpointSpec(
            "GET", "/v1/leads/{lead_id}/history", "lead_history", "Past scores of a lead",
            "Newest first, each with the features whose shares moved most since the one before.",
            does.history, PastScores, query=(LIMIT, CURSOR, LANGUAGE_QUERY), headers=language,
            problems=PROBLEMS, scope="read", tag="leads",
        ),
    ]  # fmt: skip


class _Leads:
    def __init__(self, services: Services) -> None:
        self.services = services
        self.settings = services.settings

    async def score(self, request: Request) -> Response:
        """Score the stored history as of now, or of a moment."""
        lead_id = lead_id_of(request)
        query = allowed_params(request.query, "as_of", "reasons", "record", "lang")
        n_reasons = number_of(query, "reasons", self.settings.reasons, 0, 50)
        if query.get("record", "true") not in ("true", "false"):
            raise validation_problem("?record", "expected true or false")
        clock = Clock.read(self.settings.clock_skew_s)
        context = QueryContext(
            clock, request.language, n_reasons, _moment(query.get("as_of"), clock)
        )
        predictor = self.services.live.current()
        stored = await self.services.store.read(lambda c: history(c, lead_id))
        if stored is None:
            raise Problem(404, "not-found", "No such lead; PUT it first, or it was erased.")
        score_query = query_of_stored_lead(stored, context, predictor)

        def scored() -> tuple[Prediction, bytes]:
            prediction = predict_one(predictor, score_query)
            return prediction, encode(prediction.answer)

        with self.services.traces.step("score"):
            prediction, encoded = await self.services.run_for_history(stored.row_count, scored)
        if query.get("record", "true") == "false":
            self.services.recorder.count(prediction)
            return Response(encoded)
        given = msgspec.json.encode(stored.read)
        await self.services.recorder.record(predictor, prediction, encoded, context, given, STORE)
        return Response(encoded)

    async def history(self, request: Request) -> Response:
        """Past scores and what moved."""
        query = allowed_params(request.query, "limit", "cursor", "lang")
        limit, language = number_of(query, "limit", 50, 1, 200), request.language
        lead_id = await self.services.store.read(lambda c: current_id(c, lead_id_of(request)))
        rows, following = await self.services.store.read(
            lambda c: scores_of(c, merged_ids(c, lead_id), limit, query.get("cursor"))
        )
        if not rows and await self.services.store.read(lambda c: _received(c, lead_id)) is None:
            raise Problem(404, "not-found", "Nothing is kept of such a lead, or it was erased.")
        names = self._names(rows)
        past = [
            _past(row, _before(row, rows[i + 1 :]), names, language)
            for i, row in enumerate(rows[:limit])
        ]
        return json_response(PastScores(lead_id, past, following))

    def _names(self, rows: Sequence[sa.Row[Any]]) -> dict[str, tuple[str, ...]]:
        """Feature names by release, for the releases that this process knows."""
        known = self.services.live.known
        return {r.release_id: known[r.release_id] for r in rows if r.release_id in known}

    async def ranked(self, request: Request) -> Response:
        """Leads by their newest score."""
        names = (str(parameter["name"]) for parameter in LIST_QUERY)
        wanted, language = _list_query(allowed_params(request.query, *names)), request.language
        refreshed = self.settings.refreshes
        found = await self.services.store.read(lambda c: lead_list(c, wanted, refreshed=refreshed))
        predictor = self.services.live.active()
        leads = [_ranked(row, language, predictor) for row in found.rows]
        bands = {band.value: found.by_band.get(band.value, 0) for band in Band}
        return json_response(RankedLeads(leads, found.next, found.total, bands, found.release_id))


def _list_query(query: dict[str, str]) -> ListQuery:
    """The list that a query string asks for; a 422 names the parameter that is wrong."""
    for name, value in query.items():
        if "\x00" in value:
            raise validation_problem(f"?{name}", "a NUL character cannot stand here")
    _one_of(query, "band", tuple(Band))
    _one_of(query, "status", STATUSES)
    _one_of(query, "sort", get_args(Order))
    given = query.get("updated_since")
    since = None if given is None else _parsed_moment(given, "?updated_since")
    return ListQuery(
        band=query.get("band"), owner=query.get("owner"), source=query.get("source"),
        account=query.get("account"),
        updated_since_us=None if since is None else microseconds(since),
        min_probability=_share(query, "min_probability"), status=query.get("status", "open"),
        release=query.get("release"), order=cast(Order, query.get("sort", "-probability")),
        limit=number_of(query, "limit", 50, 1, 200), cursor=query.get("cursor"),
    )  # fmt: skip


def _one_of(query: dict[str, str], name: str, allowed: Sequence[str]) -> None:
    if name in query and query[name] not in set(allowed):
        raise validation_problem(f"?{name}", f"expected one of {', '.join(allowed)}")


def _share(query: dict[str, str], name: str) -> float | None:
    """A number from 0 to 1; a 422 otherwise."""
    given = query.get(name)
    if given is None:
        return None
    if not _SHARE.fullmatch(given) or not 0.0 <= float(given) <= 1.0:
        raise validation_problem(f"?{name}", "expected a number from 0 to 1")
    return float(given)


_SHARE = re.compile(r"[0-9]{1,2}(\.[0-9]{0,20})?|\.[0-9]{1,20}", re.ASCII)


def _ranked(row: sa.Row[Any], language: str, predictor: Predictor | None) -> Ranked:
    return Ranked(
        row.lead_id, row.probability, row.band, label(Band(row.band), language),
        moment_of(row.as_of_us), row.score_id, row.release_id, row.version,
        moment_of(row.asked_us), _sentences(row, language, predictor),
        row.name, row.owner, row.source, row.account, row.outcome,
    )  # fmt: skip


def _sentences(row: sa.Row[Any], language: str, predictor: Predictor | None) -> list[str]:
    """The reasons of a listed lead; those of a release that is not at hand as they were told."""
    reasons = listed_reasons(row.reasons)
    if predictor is None or predictor.release_id != row.release_id:
        return [reason.text for reason in reasons]
    return [
        predictor.sentence(reason.feature, reason.value, language) or reason.text
        for reason in reasons
    ]


def _moment(given: str | None, clock: Clock) -> datetime | None:
    return (
        None if given is None else checked(_parsed_moment(given, "?as_of"), "?as_of", clock.latest)
    )


def _parsed_moment(given: str, at: str) -> datetime:
    try:
        moment = msgspec.convert(given, datetime)
    except msgspec.ValidationError:
        raise validation_problem(at, "expected an RFC 3339 time with an offset") from None
    if moment.tzinfo is None:
        raise validation_problem(at, "the time needs an offset, such as Z")
    return moment


def _received(connection: sa.Connection, lead_id: str) -> int | None:
    query = sa.select(tables.lead.c.received_us).where(tables.lead.c.lead_id == lead_id)
    return connection.scalar(query)


def _before(row: sa.Row[Any], older: Sequence[sa.Row[Any]]) -> sa.Row[Any] | None:
    return next((other for other in older if other.role == row.role), None)


def _past(
    row: sa.Row[Any], before: sa.Row[Any] | None, names: dict[str, tuple[str, ...]], language: str
) -> PastScore:
    changes: list[Change] = []
    if before is not None and row.release_id in names and before.release_id in names:
        now = dict(zip(names[row.release_id], unpacked(row.shares), strict=True))
        then = dict(zip(names[before.release_id], unpacked(before.shares), strict=True))
        moved = {name: now.get(name, 0.0) - then.get(name, 0.0) for name in {**now, **then}}
        strongest = sorted(moved, key=lambda name: (-abs(moved[name]), name))[:MAX_CHANGES]
        changes = [
            Change(name, now.get(name, 0.0), then.get(name, 0.0))
            for name in strongest
            if moved[name] != 0.0
        ]
    return PastScore(
        row.score_id, moment_of(row.as_of_us), moment_of(row.asked_us), row.probability, row.band,
        label(Band(row.band), language), row.role, row.release_id, row.version, changes,
    )  # fmt: skip
