"""ASGI middleware around the whole application: ids, limits, metrics, errors, headers.

It gives the request its id, limits and collects the body, maps every exception to a problem
response, and adds the security headers. The endpoints are answered here; FastAPI serves the
OpenAPI document beside them, and says what is not there.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from time import perf_counter
from urllib.parse import quote

from starlette.types import ASGIApp, Receive, Scope, Send

from serving.http.access import AccessControl
from serving.http.bodies import BodyMemory
from serving.http.conditional import conditional
from serving.http.cors import CrossOrigin
from serving.http.exchange import HttpExchange, problem_response
from serving.http.idempotency import IdempotentResponses, idempotency_key
from serving.http.request import Request, Response, readers_language
from serving.http.router import Route, Router
from serving.problems import Problem
from serving.settings import Settings
from serving.telemetry.metrics import Metrics
from serving.telemetry.tracing import Traces, describe

log = logging.getLogger("leadscore.serving")


REQUEST_ID = "leadscore.request_id"
"""In the scope of what is left to the framework."""


_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


class GatewayMiddleware:
    """See the module. What ``router`` does not know is left to ``app``, without a key."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        settings: Settings,
        metrics: Metrics,
        router: Router,
        access: AccessControl,
        traces: Callable[[], Traces],
        batch_waiting: Callable[[], int],
    ) -> None:
        self.app = app
        self.settings = settings
        self.metrics = metrics
        self.router = router
        self.access = access
        self.memory = BodyMemory(settings.max_bodies_bytes)
        self.cross_origin = CrossOrigin(settings.cors_origins)
        self.idempotent = IdempotentResponses()
        self.traces = traces
        self.batch_waiting = batch_waiting
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
        exchange.extra_headers = self.cross_origin.headers(exchange.headers)
        preflight = self.cross_origin.preflight(scope["method"], exchange.headers)
        if preflight is not None:
            await exchange.response(preflight)
            return
        found = self.router.find(scope["method"], raw_path_of(scope))
        if found is None:
            scope[REQUEST_ID] = exchange.request_id
            await self.app(scope, exchange.receive, exchange.send)
            return
        route = found.route
        exchange.route = route.path
        peer = (scope.get("client") or ("",))[0]
        actor = self.access.authorize(exchange.headers, route.scope, peer)
        if route.path.startswith(("/v1/", "/v2/models")):
            self._refuse_if_too_many_wait()
            if not route.direct:
                await self._yield_to_event_loop()
        try:
            body, stream = b"", None
            if route.streams:
                stream = exchange.stream(self.settings, route.media_types)
            elif route.method in _WITH_BODY:
                body = await exchange.body(self.settings, self.memory, route.media_types)
            request = Request(
                exchange.headers, body, scope["query_string"], dict(found.path_params),
                exchange.request_id, actor, peer, stream,
            )  # fmt: skip
            response = await self._once(request, route)
            if route.method == "GET" and route.scope == "read":
                response = conditional(response, exchange.headers)
            await exchange.response(response)
        finally:
            exchange.release(self.memory)

    async def _once(self, request: Request, route: Route) -> Response:
        """The answer; that of the first time when a request comes again under its key."""
        key = idempotency_key(request.headers) if route.method in _WITH_BODY else None
        if key is None:
            return await route.endpoint(request)
        who = (request.actor, route.method, route.path, *request.path_params.values(), key)
        before = self.idempotent.begin(who, request.query_string + b"?" + request.body)
        if before is not None:
            return before
        response: Response | None = None
        try:
            response = await route.endpoint(request)
            return response
        except Problem as problem:
            if problem.status < 429:  # it would be refused again
                language = readers_language(request.headers, request.query_string)
                response = problem_response(problem, request.request_id, language=language)
            raise
        finally:
            self.idempotent.end(who, response)

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


def raw_path_of(scope: Scope) -> bytes:
    """The path as it was sent, without the query."""
    raw: bytes = scope.get("raw_path") or quote(scope["path"]).encode("ascii")
    return raw
