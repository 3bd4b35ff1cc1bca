"""Spans for OpenTelemetry: three a score, nothing of a lead in them, none unless asked for."""

from __future__ import annotations

import builtins
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from serving import services
from serving.settings import Settings
from serving.telemetry.tracing import (
    ENDPOINTS,
    NoTraces,
    OpenTelemetryTraces,
    traces_of_environment,
)

pytest.importorskip("opentelemetry.sdk", reason="needs the OpenTelemetry SDK")


@pytest.fixture
def exported(
    release_dir: Path,
    tmp_path: Path,
    lead: dict[str, Any],
    running: Callable[[Settings], Any],
    monkeypatch: pytest.MonkeyPatch,
) -> list[Any]:
    """The spans of one good score, one refused body and one question about a stored lead."""
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import SimpleSpanProcessor
    from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    traces = OpenTelemetryTraces(provider)
    monkeypatch.setattr(services, "traces_of_environment", lambda: traces)
    with running(Settings(release=release_dir, home=tmp_path)) as client:
        parent = {"traceparent": f"00-{'ab' * 16}-{'cd' * 8}-01"}
        assert client.post("/v1/scores", json=lead, headers=parent).status_code == 200
        assert client.post("/v1/scores", json={**lead, "as_of": "Tuesday"}).status_code == 422
        assert client.get(f"/v1/leads/{lead['lead_id']}/score").status_code == 404
    return list(exporter.get_finished_spans())


def test_a_score_is_a_request_with_two_steps(exported: list[Any]) -> None:
    names = [span.name for span in exported]
    assert names == [
        "score", "journal", "POST /v1/scores", "POST /v1/scores", "GET /v1/leads/{lead_id}/score",
    ]  # fmt: skip
    score, journal, request = exported[:3]
    assert score.parent.span_id == journal.parent.span_id == request.context.span_id
    assert f"{request.parent.span_id:016x}" == "cd" * 8
    assert f"{request.context.trace_id:032x}" == "ab" * 16
    assert request.attributes["http.response.status_code"] == 200
    assert exported[3].attributes["http.response.status_code"] == 422


def test_nothing_of_a_lead_is_in_a_span(exported: list[Any], lead: dict[str, Any]) -> None:
    told = " ".join(span.to_json() for span in exported)
    for secret in (lead["lead_id"], *map(str, lead["attributes"].values()), "Tuesday"):
        assert f'"{secret}"' not in told
        assert f"/{secret}" not in told
    assert not any(span.events for span in exported)


def test_without_an_endpoint_there_are_none(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ENDPOINTS:
        monkeypatch.delenv(name, raising=False)
    assert isinstance(traces_of_environment(), NoTraces)


def test_without_the_package_a_warning_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    monkeypatch.setattr(builtins, "__import__", _refusing("opentelemetry"))
    assert isinstance(traces_of_environment(), NoTraces)
    assert "pip install 'leadscore[otel]'" in caplog.text


def _refusing(name: str) -> Callable[..., Any]:
    real = builtins.__import__

    def refuse(wanted: str, *rest: Any, **named: Any) -> Any:
        if wanted.startswith(name):
            raise ImportError(wanted)
        return real(wanted, *rest, **named)

    return refuse


def test_with_an_endpoint_spans_are_sent_there(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="needs leadscore[otel]")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://127.0.0.1:9")
    traces = traces_of_environment()
    assert traces.on
    traces.stop()
