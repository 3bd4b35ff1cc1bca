"""Traces for OpenTelemetry, when it is installed and an endpoint is set; nothing otherwise.

Three spans a request at most: the request itself, ``score`` and ``journal``. They carry the route
as it is written (never the path, which may hold the id of a lead), the method, the status and the
request's id: nothing of a lead.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

log = logging.getLogger("leadscore.serving")


ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
"""The standard variables; the exporter reads these and its others itself."""


class Traces(Protocol):
    """Where spans go."""

    on: bool

    def request(self, headers: Mapping[bytes, bytes]) -> AbstractContextManager[Any]:
        """The span of a request, a child of the caller's if ``traceparent`` names one."""
        ...

    def step(self, name: str) -> AbstractContextManager[Any]:
        """A span within the current one."""
        ...

    def stop(self) -> None:
        """Send what waits."""
        ...


class NoTraces:
    """The spans of nobody."""

    on = False

    def request(self, headers: Mapping[bytes, bytes]) -> AbstractContextManager[Any]:  # noqa: ARG002
        """Nothing."""
        return _NOTHING

    def step(self, name: str) -> AbstractContextManager[Any]:  # noqa: ARG002
        """Nothing."""
        return _NOTHING

    def stop(self) -> None:
        """Nothing waits."""


_NOTHING: AbstractContextManager[Any] = nullcontext()


class OpenTelemetryTraces:
    """Spans of an OpenTelemetry provider; ``owned`` providers are shut down with the service."""

    on = True

    def __init__(self, provider: Any, owned: bool = False) -> None:
        from opentelemetry.propagate import extract
        from opentelemetry.trace import SpanKind

        self._provider, self._owned = provider, owned
        self._tracer = provider.get_tracer("leadscore.serving")
        self._extract, self._server = extract, SpanKind.SERVER

    def request(self, headers: Mapping[bytes, bytes]) -> AbstractContextManager[Any]:
        """See :class:`Traces`."""
        carrier = {
            name: headers[name.encode()].decode("latin-1")
            for name in ("traceparent", "tracestate")
            if name.encode() in headers
        }
        span: AbstractContextManager[Any] = self._tracer.start_as_current_span(
            "request", self._extract(carrier), kind=self._server,
            record_exception=False, set_status_on_exception=False,
        )  # fmt: skip
        return span

    def step(self, name: str) -> AbstractContextManager[Any]:
        """See :class:`Traces`."""
        span: AbstractContextManager[Any] = self._tracer.start_as_current_span(
            name, record_exception=False, set_status_on_exception=False
        )
        return span

    def stop(self) -> None:
        """Send what waits, if nobody else does."""
        if self._owned:
            self._provider.shutdown()


def describe(span: Any, route: str, method: str, status: int, request_id: str) -> None:
    """Say of a request's span what it was, once that is known."""
    from opentelemetry.trace import Status, StatusCode

    span.update_name(f"{method} {route}")
    span.set_attribute("http.route", route)
    span.set_attribute("http.request.method", method)
    span.set_attribute("http.response.status_code", status)
    span.set_attribute("leadscore.request_id", request_id)
    if status >= 500:
        span.set_status(Status(StatusCode.ERROR))


def traces_of_environment() -> Traces:
    """Spans to the endpoint that the environment names; none when it names none.

    Without the package a warning says what to install, and the service goes on.
    """
    if not any(os.environ.get(name) for name in ENDPOINTS):
        return NoTraces()
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError:
        log.warning("no traces: an OTLP endpoint is set, but pip install 'leadscore[otel]' is due")
        return NoTraces()
    named = os.environ.get("OTEL_SERVICE_NAME", "leadscore")
    provider = TracerProvider(resource=Resource.create({"service.name": named}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    return OpenTelemetryTraces(provider, owned=True)
