"""The ASGI application: endpoints on FastAPI, behind the gateway middleware."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any

from fastapi import FastAPI
from fastapi import Request as FrameworkRequest
from fastapi.responses import Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.api import changes, health, ingest, leads, scores, webhooks
from serving.api.endpoint import EndpointSpec
from serving.api.openapi import describe
from serving.http.exchange import problem_response
from serving.http.gateway import ACTOR, BODY, HEADERS, PEER, REQUEST_ID, GatewayMiddleware
from serving.http.request import Endpoint, Request
from serving.pages.routes import page_routes
from serving.problems import TITLES, Problem
from serving.services import Services, services_of
from serving.settings import Settings

NO_TELEMETRY_OF_THE_FRAMEWORK: Any = {"tracing": False, "metrics": False, "logs": False}
"""Its spans name whole paths, and ours hold the ids of leads; see ``serving.telemetry.tracing``."""


class Application(FastAPI):
    """FastAPI behind the gateway: fast routes never enter the framework."""

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
    routes = [
        *scores.routes(services),
        *ingest.routes(services),
        *leads.routes(services),
        *changes.routes(services),
        *webhooks.routes(services),
        *health.routes(services),
    ]
    pages = page_routes(services, lambda: app.openapi())
    for page in pages:
        _add(app, page)
    for route in routes:
        _add(app, route)
        services.served.setdefault(route.path, set()).add(route.method)
    app.add_exception_handler(HTTPException, _http_exception)
    fast_routes = {(route.method, route.path): route.endpoint for route in routes if route.direct}
    app.behind = partial(
        GatewayMiddleware,
        settings=settings,
        metrics=metrics,
        fast_routes=fast_routes,
        access=services.access,
        scope_of=_scopes(app, [*routes, *pages]),
        form_paths=frozenset(page.path for page in pages if page.method == "POST"),
        traces=lambda: services.traces,
        batch_waiting=lambda: services.batcher.waiting,
    )
    describe(app, routes)
    return app


def _lifespan(services: Services) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        await services.start()
        try:
            yield
        finally:
            await services.stop()

    return lifespan


def _add(app: FastAPI, route: EndpointSpec) -> None:
    app.add_api_route(
        route.path,
        _adapter(route.endpoint),
        methods=[route.method],
        name=route.name,
        include_in_schema=False,
    )


def _scopes(app: FastAPI, routes: Sequence[EndpointSpec]) -> Callable[[Scope], str | None]:
    """What a request needs a key for, by method and path; None for what is not there."""
    exact = {(r.method, r.path): r.scope for r in routes if "{" not in r.path}
    shaped = {(r.method, r.name): r.scope for r in routes if "{" in r.path}

    def scope_of(scope: Scope) -> str | None:
        found = exact.get((scope["method"], scope["path"]))
        if found is not None:
            return found
        for route in app.router.routes:
            if isinstance(route, APIRoute) and route.matches(scope)[0] is Match.FULL:
                return shaped.get((scope["method"], route.name), "")
        return None

    return scope_of


def _adapter(endpoint: Endpoint) -> Callable[[FrameworkRequest], object]:
    async def answer(request: FrameworkRequest) -> Response:
        scope = request.scope
        call = Request(
            scope[HEADERS], scope[BODY], scope["query_string"], request.path_params,
            scope[REQUEST_ID], scope[ACTOR], scope[PEER],
        )  # fmt: skip
        response = await endpoint(call)
        return Response(response.body, response.status, response.headers, response.media_type)

    return answer


def _allowed(request: FrameworkRequest) -> str:
    """Every method of this path, over all its routes."""
    matching = (
        route
        for route in request.app.router.routes
        if isinstance(route, APIRoute) and route.matches(request.scope)[0] is not Match.NONE
    )
    return ", ".join(sorted({method for route in matching for method in route.methods or ()}))


async def _http_exception(request: FrameworkRequest, error: Exception) -> Response:
    """404, 405 and the like from the framework, in our one shape."""
    assert isinstance(error, HTTPException)  # noqa: S101  (registered for this type alone)
    status = error.status_code
    problem = Problem(
        status,
        TITLES.get(status, "error").lower().replace(" ", "-"),
        "There is nothing here; see /openapi.json." if status == 404 else TITLES.get(status, ""),
        headers={"Allow": _allowed(request)} if status == 405 else dict(error.headers or {}),
    )
    response = problem_response(problem, request.scope.get(REQUEST_ID, ""))
    return Response(response.body, response.status, response.headers, response.media_type)
