"""The outbox by cursor: every change of a score, in the order in which it was stored."""

from __future__ import annotations

from datetime import datetime

import msgspec

from serving.api.endpoint import EndpointSpec, number_of
from serving.api.examples import CHANGES
from serving.http.request import Request, Response, allowed_params, json_response
from serving.outbox.changes import ChangedRelease, ChangedScore, changes_after, newest_change
from serving.outbox.webhooks import message_id
from serving.problems import Problem, validation_problem
from serving.services import Services

AFTER = {
    "name": "after",
    "in": "query",
    "description": "the cursor to go on from; 0 (the default): from the oldest kept; "
    "latest: nothing yet, only the cursor of now",
    "schema": {"type": "string", "default": "0"},
}


LIMIT = {
    "name": "limit",
    "in": "query",
    "description": "how many",
    "schema": {"type": "integer", "minimum": 1, "maximum": 1000, "default": 200},
}


class ScoreChangeOut(msgspec.Struct, frozen=True, tag_field="type", tag="lead.score_changed"):
    """A change of a lead's score; ``id`` is the ``webhook-id`` of the same change's message."""

    id: str
    timestamp: datetime
    data: ChangedScore


class ReleaseChangeOut(msgspec.Struct, frozen=True, tag_field="type", tag="release.changed"):
    """A change of the release that the list is of."""

    id: str
    timestamp: datetime
    data: ChangedRelease


class ChangesOut(msgspec.Struct, frozen=True):
    """Changes in order; ``next`` is the cursor to go on from, also when there are none.

    ``more``: whether there are more already.
    """

    changes: list[ScoreChangeOut | ReleaseChangeOut]
    next: str
    more: bool


def routes(services: Services) -> list[EndpointSpec]:
    """The endpoint that reads the outbox."""

    async def changes(request: Request) -> Response:
        query = allowed_params(request.query, "after", "limit")
        limit = number_of(query, "limit", 200, 1, 1000)
        given = query.get("after", "0")
        if given == "latest":
            after = await services.store.read(newest_change)
            return json_response(ChangesOut([], str(after), False))
        after = _cursor(given)
        found = await services.store.read(lambda c: changes_after(c, after, limit))
        if found is None:
            raise Problem(
                410, "cursor-expired",
                "Changes after this cursor are kept no longer: read GET /v1/leads whole, then go "
                "on from ?after=latest.",
            )  # fmt: skip
        rows, more = found
        following = str(rows[-1].seq if rows else after)
        items = b",".join(_item(row.seq, row.body) for row in rows)
        body = b'{"changes":[%s],"next":"%s","more":%s}' % (
            items, following.encode(), b"true" if more else b"false",
        )  # fmt: skip
        return Response(body)

    return [
        EndpointSpec(
            "GET", "/v1/changes", "changes", "What changed since a cursor",
            "Changes of bands, probabilities and strongest reasons in the order in which they were "
            "stored, the same as webhooks send. Keep `next` and come back with it as `after`.",
            changes, ChangesOut, answer_example=CHANGES, query=(AFTER, LIMIT),
            problems=(401, 403, 410, 422, 429, 503), tag="changes", scope="read",
        ),
    ]  # fmt: skip


def _item(seq: int, body: str) -> bytes:
    """A change as it was stored, with its id: the stored text is not parsed again."""
    return b'{"id":"%s",%s' % (message_id(seq).encode(), body.encode().removeprefix(b"{"))


def _cursor(given: str) -> int:
    if not (given.isascii() and given.isdigit() and len(given) <= 18):
        raise validation_problem("?after", "expected a cursor that `next` gave, 0 or latest")
    return int(given)
