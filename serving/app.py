"""The ASGI application: the endpoints in the gateway, FastAPI behind it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any

from fastapi import FastAPI
from fastapi import Request as FrameworkRequest
from fastapi.responses import Response
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.api import (
    changes,
    corrections,
    erasure,
    forecast,
    health,
    hooks,
    imports,
    inference,
    ingest,
    leads,
    scores,
    webhooks,
)
from serving.api.endpoint import EndpointSpec
from serving.api.openapi import describe
from serving.http.connections import ConnectionPool, limits_of
from serving.http.exchange import problem_response
from serving.http.gateway import REQUEST_ID, GatewayMiddleware
from serving.http.request import readers_language
from serving.http.router import Router
from serving.imports.run import KINDS, ImportRunner
from serving.pages.routes import page_routes
from serving.problems import TITLES, Problem
from serving.services import Services, services_of
from serving.settings import Settings

NO_TELEMETRY_OF_THE_FRAMEWORK: Any = {"tracing": False, "metrics": False, "logs": False}
"""Its spans name whole paths, and ours hold the ids of leads; see ``serving.telemetry.tracing``."""


class Application(FastAPI):
    """FastAPI behind the gateway: the endpoints never enter the framework."""

    behind: Callable[[ASGIApp], ASGIApp]

    def build_middleware_stack(self) -> ASGIApp:
        """The gateway, then the framework without its error middleware: the gateway has its own."""
        outermost: Any = super().build_middleware_stack()
        return self.behind(outermost.app)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or take part in start and end."""
        if scope["type"] != "http" or self.middleware_stack is None:
            await super().__call__(scope, receive, send)
            return
        scope["app"] = self
        await self.middleware_stack(scope, receive, send)


def create_app(settings: Settings | None = None) -> FastAPI:
    """The service as an ASGI application; it reads no file and no clock before it starts."""
    settings = settings or Settings()
    services = services_of(settings)
    metrics = services.metrics
    app = Application(
        title="leadscore",
        telemetry=NO_TELEMETRY_OF_THE_FRAMEWORK,
        lifespan=_lifespan(services),
        openapi_url="/openapi.json" if settings.api_docs else None,
        docs_url=None,
        redoc_url=None,
    )
    app.state.services = services
    app.state.connections = ConnectionPool(limits_of(settings))
    app.router.redirect_slashes = False  # it would send callers to whatever Host they named
    routes = [
        *scores.routes(services),
        *ingest.routes(services),
        *leads.routes(services),
        *forecast.routes(services),
        *changes.routes(services),
        *webhooks.routes(services),
        *corrections.routes(services),
        *erasure.routes(services),
        *health.routes(services),
        *inference.routes(services),
        *imports.routes(services),
    ]
    routes += hooks.routes(services, routes)
    pages = page_routes(services, lambda: app.openapi())
    services.imports = import_runner(services, routes)
    for route in routes:
        services.served.setdefault(route.path, set()).add(route.method)
    app.add_exception_handler(HTTPException, _http_exception)
    app.behind = partial(
        GatewayMiddleware,
        settings=settings,
        metrics=metrics,
        router=Router([spec.route for spec in (*routes, *pages)]),
        access=services.access,
        traces=lambda: services.traces,
        batch_waiting=lambda: services.batcher.waiting,
    )
    describe(app, routes)
    return app


def import_runner(services: Services, routes: Sequence[EndpointSpec]) -> ImportRunner:
    """Carries out imports through the endpoints that take rows."""
    endpoints = {
        name: route.endpoint
        for name in KINDS.values()
        for route in routes
        if (route.method, route.path) == ("POST", f"/v1/{name}")
    }
    (put,) = [r.endpoint for r in routes if (r.method, r.path) == ("PUT", "/v1/leads/{lead_id}")]
    endpoints["lead"] = put
    settings = services.settings
    return ImportRunner(settings.home, endpoints, settings.max_import_bytes)


def _lifespan(services: Services) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await services.start()
        try:
            yield
        finally:
            await services.stop()

    return lifespan


async def _http_exception(request: FrameworkRequest, error: Exception) -> Response:
    """404, 405 and the like from the framework, in our one shape."""
    assert isinstance(error, HTTPException)  # noqa: S101  (registered for this type alone)
    status = error.status_code
    problem = Problem(
        status,
        TITLES.get(status, "error").lower().replace(" ", "-"),
        "There is nothing here; see /openapi.json." if status == 404 else TITLES.get(status, ""),
        headers=dict(error.headers or {}),
    )
    headers = dict(request.scope["headers"])
    language = readers_language(headers, request.scope["query_string"])
    response = problem_response(problem, request.scope[REQUEST_ID], language=language)
    return Response(response.body, response.status, response.headers, response.media_type)
