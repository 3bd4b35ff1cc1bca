"""Endpoints about webhooks: add, list, test, rotate, remove, and their dead letters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal, TypeVar

import msgspec
import sqlalchemy as sa
from msgspec import Meta

from features.errors import UsageError
from serving.api.endpoint import EndpointSpec, number_of
from serving.api.examples import (
    DEAD_LETTERS,
    RESEND,
    WEBHOOK,
    WEBHOOK_ADDED,
    WEBHOOK_IN,
    WEBHOOK_TEST,
    WEBHOOKS,
)
from serving.http.request import Request, Response, allowed_params, decode, json_response
from serving.outbox.deliveries import DeadLetter, dead_letters, resend
from serving.outbox.secret_box import SecretBox
from serving.outbox.url_safety import MAX_URL
from serving.outbox.webhooks import (
    MAX_OLD_SECRET_HOURS,
    OLD_SECRET_HOURS,
    WebhookOut,
    WebhookSecret,
    add_test,
    add_webhook,
    one_webhook,
    remove_webhook,
    rotate_secret,
    seq_of,
    webhooks,
)
from serving.problems import Problem, validation_problem
from serving.services import Services
from serving.store.database import note
from serving.timestamps import Clock, microseconds

T = TypeVar("T")


Kind = Literal["first", "band", "probability", "reason", "release"]


class WebhookIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A webhook to add: an https URL, and the changes it is told of (all, if left out)."""

    url: Annotated[str, Meta(min_length=8, max_length=MAX_URL)]
    on: Annotated[list[Kind], Meta(min_length=1, max_length=5)] | None = None


class RotateIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How long the secret before goes on signing beside the new one; 0 ends it now."""

    old_valid_hours: Annotated[float, Meta(ge=0, le=MAX_OLD_SECRET_HOURS)] = OLD_SECRET_HOURS


class NothingIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Nothing needs to be said: ``{}``."""


class ResendIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which dead letters to send again; all of them if null or left out."""

    ids: Annotated[list[str], Meta(min_length=1, max_length=1000)] | None = None


class Webhooks(msgspec.Struct, frozen=True):
    """Every webhook, oldest first."""

    webhooks: list[WebhookOut]


class SentTest(msgspec.Struct, frozen=True):
    """A test message is on its way: ``last_at``, ``last_status`` and ``last_error`` of the webhook
    say what became of it, a second later as a rule."""

    id: str


class Removed(msgspec.Struct, frozen=True):
    """The webhook is gone, and what was on its way to it."""

    removed: bool


class DeadLetters(msgspec.Struct, frozen=True):
    """Dead letters, the oldest first; ``next`` is the cursor of the next page."""

    dead: list[DeadLetter]
    next: str | None


class Resent(msgspec.Struct, frozen=True):
    """How many dead letters are on their way again."""

    resent: int


_webhook = msgspec.json.Decoder(WebhookIn)


_rotate = msgspec.json.Decoder(RotateIn)


_nothing = msgspec.json.Decoder(NothingIn)


_resend = msgspec.json.Decoder(ResendIn)


READ = (401, 403, 404, 422, 429, 503)


WRITE = (400, 401, 403, 404, 408, 413, 415, 422, 429, 503, 507)


LIMIT = {
    "name": "limit", "in": "query", "description": "how many",
    "schema": {"type": "integer", "minimum": 1, "maximum": 200, "default": 50},
}  # fmt: skip


CURSOR = {
    "name": "cursor", "in": "query", "description": "`next` of the page before",
    "schema": {"type": "string"},
}  # fmt: skip


def routes(services: Services) -> list[EndpointSpec]:
    """The endpoints about webhooks."""
    does = _Webhooks(services)
    common: dict[str, Any] = {"tag": "webhooks", "scope": "admin"}
    one = "/v1/webhooks/{webhook_id}"
    return [
        EndpointSpec(
            "GET", "/v1/webhooks", "webhooks", "List webhooks",
            "Each with what is on its way, its dead letters and its last attempt.",
            does.list_all, Webhooks, answer_example=WEBHOOKS, problems=READ, **common,
        ),
        EndpointSpec(
            "POST", "/v1/webhooks", "add_webhook", "Add a webhook",
            "It is told of every change from now on. The secret is shown this once. The URL begins "
            "with https and leads to no private address; redirects are not followed.",
            does.add, WebhookSecret, WebhookIn, statuses=(201,),
            example=WEBHOOK_IN, answer_example=WEBHOOK_ADDED, problems=WRITE, **common,
        ),
        EndpointSpec(
            "GET", one, "webhook", "One webhook", "As in the list.",
            does.one, WebhookOut, answer_example=WEBHOOK, problems=READ, **common,
        ),
        EndpointSpec(
            "DELETE", one, "remove_webhook", "Remove a webhook",
            "And what was on its way to it.", does.remove, Removed, problems=READ, **common,
        ),
        EndpointSpec(
            "POST", f"{one}/test", "test_webhook", "Send a test message",
            "Signed as all are, tried once, also while the webhook is held.",
            does.test, SentTest, NothingIn, statuses=(202,), example={},
            answer_example=WEBHOOK_TEST, problems=WRITE, **common,
        ),
        EndpointSpec(
            "POST", f"{one}/rotate", "rotate_webhook", "Make a new secret",
            "Messages carry a signature by both secrets until the old one ends.",
            does.rotate, WebhookSecret, RotateIn, example={"old_valid_hours": 24},
            answer_example=WEBHOOK_ADDED, problems=WRITE, **common,
        ),
        EndpointSpec(
            "GET", f"{one}/dead", "dead_letters", "Dead letters",
            "Messages that were given up, as they would be sent.",
            does.dead, DeadLetters, answer_example=DEAD_LETTERS, query=(LIMIT, CURSOR),
            problems=READ, **common,
        ),
        EndpointSpec(
            "POST", f"{one}/resend", "resend_dead_letters", "Send dead letters again",
            "These or all; also begins again with a webhook that had answered 410 or is held.",
            does.resend, Resent, ResendIn, example=RESEND, answer_example={"resent": 1},
            problems=WRITE, **common,
        ),
    ]  # fmt: skip


class _Webhooks:
    def __init__(self, services: Services) -> None:
        self.services = services
        self.settings = services.settings
        self.box = SecretBox.of(services.settings)

    async def list_all(self, request: Request) -> Response:
        """Every webhook."""
        allowed_params(request.query)
        return json_response(Webhooks(await self.services.store.read(webhooks)))

    async def one(self, request: Request) -> Response:
        """One webhook."""
        allowed_params(request.query)
        webhook_id = request.path_params["webhook_id"]
        found = await self.services.store.read(_of(webhook_id, one_webhook))
        return json_response(_there(found))

    async def add(self, request: Request) -> Response:
        """Add one."""
        allowed_params(request.query)
        given = decode(_webhook, request.body, self.settings.max_depth)
        now_us = microseconds(Clock.read(0).now)

        def work(connection: sa.Connection) -> WebhookSecret:
            webhook_id, secret = add_webhook(
                connection, given.url, given.on, now_us,
                allow_private=self.settings.webhook_private, box=self.box,
            )  # fmt: skip
            note(connection, now_us, request.actor, "add webhook", webhook_id, 1)
            return WebhookSecret(_there(one_webhook(connection, webhook_id)), secret)

        try:
            added = await self.services.store.write(work)
        except UsageError as error:
            raise validation_problem("$.url", str(error)) from None
        return json_response(added, 201)

    async def remove(self, request: Request) -> Response:
        """Remove one."""
        removed = await self._change(request, "remove webhook", remove_webhook)
        return json_response(Removed(_there(removed or None)))

    async def test(self, request: Request) -> Response:
        """Put a test message on its way."""
        decode(_nothing, request.body, self.settings.max_depth)
        now_us = microseconds(Clock.read(0).now)
        sent = await self._change(request, "test webhook", lambda c, w: add_test(c, w, now_us))
        return json_response(SentTest(_there(sent)), 202)

    async def rotate(self, request: Request) -> Response:
        """Make a new secret."""
        given = decode(_rotate, request.body, self.settings.max_depth)
        now_us = microseconds(Clock.read(0).now)

        def work(connection: sa.Connection, webhook_id: str) -> WebhookSecret | None:
            secret = rotate_secret(connection, webhook_id, now_us, given.old_valid_hours, self.box)
            if secret is None:
                return None
            return WebhookSecret(_there(one_webhook(connection, webhook_id)), secret)

        return json_response(_there(await self._change(request, "rotate webhook", work)))

    async def dead(self, request: Request) -> Response:
        """A page of dead letters."""
        query = allowed_params(request.query, "limit", "cursor")
        limit = number_of(query, "limit", 50, 1, 200)
        after = _number(query["cursor"], "?cursor") if "cursor" in query else 0
        webhook_id = request.path_params["webhook_id"]
        _there(await self.services.store.read(_of(webhook_id, one_webhook)))
        found, more = await self.services.store.read(
            lambda c: dead_letters(c, webhook_id, after, limit)
        )
        return json_response(DeadLetters(found, found[-1].id if more else None))

    async def resend(self, request: Request) -> Response:
        """Send dead letters again."""
        given = decode(_resend, request.body, self.settings.max_depth)
        seqs = None
        if given.ids is not None:
            seqs = [_number(one, f"$.ids[{i}]") for i, one in enumerate(given.ids)]
        now_us = microseconds(Clock.read(0).now)

        def work(connection: sa.Connection, webhook_id: str) -> int | None:
            if one_webhook(connection, webhook_id) is None:
                return None
            return resend(connection, webhook_id, seqs, now_us)

        return json_response(Resent(_there(await self._change(request, "resend dead", work))))

    async def _change(
        self, request: Request, action: str, work: Callable[[sa.Connection, str], T]
    ) -> T:
        allowed_params(request.query)
        webhook_id = request.path_params["webhook_id"]
        _checked_id(webhook_id)
        now_us = microseconds(Clock.read(0).now)

        def noted(connection: sa.Connection) -> T:
            done = work(connection, webhook_id)
            if done:
                note(connection, now_us, request.actor, action, webhook_id, 1)
            return done

        return await self.services.store.write(noted)


def _of(webhook_id: str, work: Callable[[sa.Connection, str], T]) -> Callable[[sa.Connection], T]:
    _checked_id(webhook_id)
    return lambda connection: work(connection, webhook_id)


def _checked_id(webhook_id: str) -> None:
    """A 404 for what no webhook can be called."""
    if not (webhook_id.isascii() and webhook_id.isprintable() and len(webhook_id) <= 32):
        _there(None)


def _there(found: T | None) -> T:
    if found is None:
        raise Problem(404, "not-found", "There is no such webhook.")
    return found


def _number(given: str, at: str) -> int:
    seq = seq_of(given)
    if seq is None:
        raise validation_problem(at, "expected the id of a message, such as chg_12")
    return seq
