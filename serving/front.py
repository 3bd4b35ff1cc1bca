"""The edge: one ASGI layer that every request passes, before and after everything else.

It gives the request its id, caps and collects the body, measures, maps every exception to a
problem, and adds the headers of every answer. The busiest routes are answered from here without
passing the framework's routing; the same endpoints stand in the FastAPI application as well.
"""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
from collections.abc import Callable, Mapping, MutableMapping
from time import perf_counter
from typing import Any

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.calls import Call, Endpoint, Reply
from serving.doorkeeper import Doorkeeper
from serving.metrics import Metrics
from serving.problems import MEDIA_TYPE, Problem, of_exception
from serving.settings import Settings

log = logging.getLogger("leadscore.serving")

BODY = "leadscore.body"
REQUEST_ID = "leadscore.request_id"
HEADERS = "leadscore.headers"
ACTOR = "leadscore.actor"

_REQUEST_ID = re.compile(rb"^[A-Za-z0-9._-]{8,64}$")
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})
SECURITY_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
]
PAGE_HEADERS = [
    *SECURITY_HEADERS[:-1],
    (
        b"content-security-policy",
        b"default-src 'none'; connect-src 'self'; img-src data: https://fastapi.tiangolo.com; "
        b"script-src https://cdn.jsdelivr.net 'unsafe-inline'; "
        b"style-src https://cdn.jsdelivr.net 'unsafe-inline'; frame-ancestors 'none'",
    ),
]
"""The page at /docs alone loads its scripts from where FastAPI's page takes them."""


class Front:
    """See the module. ``direct``: (method, path) → endpoint answered without routing."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        settings: Settings,
        metrics: Metrics,
        direct: Mapping[tuple[str, str], Endpoint],
        doorkeeper: Doorkeeper,
        scope_of: Callable[[Scope], str | None],
    ) -> None:
        self.app = app
        self.settings = settings
        self.metrics = metrics
        self.direct = direct
        self.doorkeeper = doorkeeper
        self.scope_of = scope_of
        self._waiting = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        exchange = _Exchange(scope, receive, send)
        started = perf_counter()
        self.metrics.in_flight.inc()
        try:
            await self._answer(exchange)
        except Exception as error:
            await exchange.fail(error)
        finally:
            self.metrics.in_flight.dec()
            self.metrics.request(
                exchange.route, scope["method"], exchange.status, perf_counter() - started
            )

    async def _answer(self, exchange: _Exchange) -> None:
        scope = exchange.scope
        method, path = scope["method"], scope["path"]
        peer = (scope.get("client") or ("",))[0]
        needed = self.scope_of(scope)
        actor = self.doorkeeper.admit(exchange.headers, needed or "", peer)
        if path.startswith("/v1/"):
            await self._take_turn()
        expected = needed is not None and method in _WITH_BODY
        body = await exchange.body(self.settings) if expected else b""
        endpoint = self.direct.get((method, path))
        if endpoint is not None:
            exchange.route = path
            query, request_id = scope["query_string"], exchange.request_id
            call = Call(exchange.headers, body, query, {}, request_id, actor)
            await exchange.reply(await endpoint(call))
            return
        scope[BODY], scope[ACTOR] = body, actor
        scope[REQUEST_ID], scope[HEADERS] = exchange.request_id, exchange.headers
        await self.app(scope, _replay(body), exchange.send)
        exchange.route = getattr(scope.get("route"), "path", "(none)")

    async def _take_turn(self) -> None:
        """Wait for the requests that came before; a 503 when too many of them do.

        Requests are answered one after the other, so the queue in front of them is the time they
        wait. Giving way once lets all that have arrived be counted before any is answered.
        """
        if self._waiting >= self.settings.max_waiting:
            self.metrics.shed.labels("waiting").inc()
            raise Problem(
                503, "overloaded", "Too many requests wait; come back in a moment.",
                headers={"Retry-After": "1"},
            )  # fmt: skip
        self._waiting += 1
        try:
            await asyncio.sleep(0)
        finally:
            self._waiting -= 1


class _Exchange:
    """One request and what has been answered to it so far."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.receive = receive
        self._send = send
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        given = self.headers.get(b"x-request-id", b"")
        known = _REQUEST_ID.match(given) is not None
        self.request_id = given.decode("ascii") if known else secrets.token_hex(8)
        self.route = "(none)"
        self.status = 0

    async def body(self, settings: Settings) -> bytes:
        """The whole body; a problem if it is too large, too slow, coded or not JSON."""
        self._check_headers(settings.max_body_bytes)
        try:
            async with asyncio.timeout(settings.body_timeout_s):
                return await self._collect(settings.max_body_bytes)
        except TimeoutError:
            raise Problem(
                408,
                "slow-body",
                f"The body did not arrive within {settings.body_timeout_s:g} s.",
                headers={"Connection": "close"},
            ) from None

    def _check_headers(self, limit: int) -> None:
        headers = self.headers
        coding = headers.get(b"content-encoding", b"identity")
        if coding.strip().lower() != b"identity":
            raise Problem(
                415,
                "unsupported-body",
                "Compressed bodies are not accepted; send the JSON as it is.",
                headers={"Connection": "close", "Accept-Encoding": "identity"},
            )
        media_type = headers.get(b"content-type", b"").split(b";")[0].strip().lower()
        if media_type != b"application/json":
            raise Problem(
                415,
                "unsupported-body",
                "Expected Content-Type: application/json.",
                headers={"Connection": "close", "Accept": "application/json"},
            )
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or len(length) > 15 or int(length) > limit:
            raise too_large(limit)

    async def _collect(self, limit: int) -> bytes:
        message = await self.receive()
        first: bytes = message.get("body", b"")
        if not message.get("more_body", False):
            if len(first) > limit:
                raise too_large(limit)
            return first
        parts, size = [first], len(first)
        while message.get("more_body", False):
            if size > limit:
                raise too_large(limit)
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise Problem(400, "malformed-body", "The connection closed within the body.")
            parts.append(message.get("body", b""))
            size += len(parts[-1])
        if size > limit:
            raise too_large(limit)
        return b"".join(parts)

    async def send(self, message: MutableMapping[str, Any]) -> None:
        """Pass a message on, with the headers that every answer carries."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = list(message.get("headers", ()))
            there = {name.lower() for name, _ in headers}
            shown = SECURITY_HEADERS if self.scope["path"] != "/docs" else PAGE_HEADERS
            headers += [pair for pair in shown if pair[0] not in there]
            headers.append((b"x-request-id", self.request_id.encode("ascii")))
            message = {**message, "headers": headers}
        await self._send(message)

    async def reply(self, reply: Reply) -> None:
        """Send a whole answer."""
        self.status = reply.status
        headers = [
            (b"content-type", reply.media_type.encode("ascii")),
            (b"content-length", b"%d" % len(reply.body)),
            (b"x-request-id", self.request_id.encode("ascii")),
            *SECURITY_HEADERS,
        ]
        for name, value in reply.headers.items():
            headers.append((name.lower().encode("latin-1"), value.encode("latin-1")))
        start: Message = {"type": "http.response.start", "status": reply.status}
        start["headers"] = headers
        await self._send(start)
        body = b"" if self.scope["method"] == "HEAD" else reply.body
        await self._send({"type": "http.response.body", "body": body})

    async def fail(self, error: Exception) -> None:
        """Answer an exception as a problem; what is a bug of ours is logged without its text."""
        problem = of_exception(error)
        if problem is None:
            where = _where(error)
            log.error(
                "unexpected %s at %s", type(error).__name__, where,
                extra={"request_id": self.request_id},
            )  # fmt: skip
            problem = Problem(500, "internal", "Something broke here; quote the request id.")
        if self.status == 0:
            await self.reply(problem_reply(problem, self.request_id))


def problem_reply(problem: Problem, request_id: str) -> Reply:
    """A problem as an answer."""
    body = msgspec.json.encode(problem.body(request_id))
    return Reply(body, problem.status, MEDIA_TYPE, problem.headers)


def too_large(limit: int) -> Problem:
    """A 413 that says how much is allowed."""
    return Problem(
        413,
        "body-too-large",
        f"The body is larger than {limit} bytes; send fewer leads or interactions at a time.",
        headers={"Connection": "close"},
    )


def _replay(body: bytes) -> Receive:
    sent = False

    async def receive() -> Message:
        nonlocal sent
        if sent:
            return {"type": "http.disconnect"}
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


def _where(error: BaseException) -> str:
    """File and line of the innermost frame: enough to find a bug, nothing of a lead."""
    trace = error.__traceback__
    if trace is None:
        return "unknown place"
    while trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
