"""ASGI middleware around the whole application: ids, limits, metrics, errors, headers.

It gives the request its id, limits and collects the body, maps every exception to a problem
response, and adds the security headers. The busiest routes bypass the framework's routing; the
same endpoints are registered in the FastAPI application as well.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.http.access import AccessControl
from serving.http.exchange import FORM_BODY, JSON_BODY, HttpExchange
from serving.http.request import Endpoint, Request
from serving.problems import Problem
from serving.settings import Settings
from serving.telemetry.metrics import Metrics
from serving.telemetry.tracing import Traces, describe

log = logging.getLogger("leadscore.serving")


BODY = "leadscore.body"


REQUEST_ID = "leadscore.request_id"


HEADERS = "leadscore.headers"


ACTOR = "leadscore.actor"


PEER = "leadscore.peer"
"""The address a request came from."""


_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


class GatewayMiddleware:
    """See the module. ``fast_routes``: (method, path) → endpoint answered without routing.
    ``form_paths``: where the forms of the pages are sent to; every other body is JSON."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        settings: Settings,
        metrics: Metrics,
        fast_routes: Mapping[tuple[str, str], Endpoint],
        access: AccessControl,
        scope_of: Callable[[Scope], str | None],
        traces: Callable[[], Traces],
        batch_waiting: Callable[[], int],
        form_paths: frozenset[str] = frozenset(),
    ) -> None:
        self.app = app
        self.settings = settings
        self.metrics = metrics
        self.fast_routes = fast_routes
        self.access = access
        self.scope_of = scope_of
        self.traces = traces
        self.batch_waiting = batch_waiting
        self.form_paths = form_paths
        self._waiting = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        exchange = HttpExchange(scope, receive, send)
        traces = self.traces()
        if not traces.on:
            await self._measured(exchange)
            return
        with traces.request(exchange.headers) as span:
            await self._measured(exchange)
            route, status = exchange.route, exchange.status
            describe(span, route, scope["method"], status, exchange.request_id)

    async def _measured(self, exchange: HttpExchange) -> None:
        started = perf_counter()
        self.metrics.in_flight.inc()
        try:
            await self._answer(exchange)
        except Exception as error:
            await exchange.fail(error)
        finally:
            self.metrics.in_flight.dec()
            method, took = exchange.scope["method"], perf_counter() - started
            self.metrics.request(exchange.route, method, exchange.status, took)

    async def _answer(self, exchange: HttpExchange) -> None:
        scope = exchange.scope
        method, path = scope["method"], scope["path"]
        peer = (scope.get("client") or ("",))[0]
        needed = self.scope_of(scope)
        actor = self.access.authorize(exchange.headers, needed or "", peer)
        endpoint = self.fast_routes.get((method, path))
        if path.startswith("/v1/"):
            self._refuse_if_too_many_wait()
            if endpoint is None:
                await self._yield_to_event_loop()
        expected = needed is not None and method in _WITH_BODY
        form = FORM_BODY if path in self.form_paths else JSON_BODY
        body = await exchange.body(self.settings, form) if expected else b""
        if endpoint is not None:
            exchange.route = path
            query, request_id = scope["query_string"], exchange.request_id
            http_request = Request(exchange.headers, body, query, {}, request_id, actor)
            await exchange.response(await endpoint(http_request))
            return
        scope[BODY], scope[ACTOR] = body, actor
        scope[REQUEST_ID], scope[HEADERS], scope[PEER] = (
            exchange.request_id, exchange.headers, peer,
        )  # fmt: skip
        try:
            await self.app(scope, _replay(body), exchange.send)
        finally:
            exchange.route = getattr(scope.get("route"), "path", "(none)")

    def _refuse_if_too_many_wait(self) -> None:
        """A 503 when too many requests came before: the queue here and at the batcher is the time
        they wait, as they are answered a few at a time."""
        if self._waiting + self.batch_waiting() >= self.settings.max_waiting:
            self.metrics.shed.labels("waiting").inc()
            raise Problem(
                503, "overloaded", "Too many requests wait; come back in a moment.",
                headers={"Retry-After": "1"},
            )  # fmt: skip

    async def _yield_to_event_loop(self) -> None:
        """Count every request that has arrived before any is answered (as the batcher does)."""
        self._waiting += 1
        try:
            await asyncio.sleep(0)
        finally:
            self._waiting -= 1


def _replay(body: bytes) -> Receive:
    sent = False

    async def receive() -> Message:
        nonlocal sent
        if sent:
            return {"type": "http.disconnect"}
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return receive
