"""Endpoints about the service: the model, liveness, readiness, metrics."""

from __future__ import annotations

from typing import Any

import msgspec

from serving.api.endpoint import EndpointSpec
from serving.http.request import Request, Response, allowed_params, json_response
from serving.messages.scores import ModelOut
from serving.services import Services


class Status(msgspec.Struct, frozen=True):
    """A health answer."""

    status: str


class AttributeOut(msgspec.Struct, frozen=True):
    """An attribute that the model reads."""

    name: str
    type: str
    group: str
    levels: list[str]


class CutsOut(msgspec.Struct, frozen=True):
    """The lowest probability that is warm, and the lowest that is hot."""

    warm: float
    hot: float


class ModelAnswer(msgspec.Struct, frozen=True):
    """The model that answers, and what it wants to know of a lead."""

    model: ModelOut
    horizon_days: float
    cuts: CutsOut
    features: int
    attributes: list[AttributeOut]
    kinds: list[str]
    created_at_required: bool
    has_scorecard: bool
    metrics: dict[str, Any]


def routes(services: Services) -> list[EndpointSpec]:
    """Endpoints about the service itself."""

    async def model(request: Request) -> Response:
        allowed_params(request.query)
        return json_response(_model(services))

    async def live(_: Request) -> Response:
        return json_response(Status("live"))

    async def ready(_: Request) -> Response:
        services.live.current()
        return json_response(Status("ready"))

    async def metrics(_: Request) -> Response:
        text, media_type = services.metrics.text()
        return Response(text, media_type=media_type)

    return [
        EndpointSpec(
            "GET", "/v1/model", "model", "The model that answers",
            "Its version, cuts and metrics, and what it wants to know of a lead.",
            model, ModelAnswer, problems=(401, 403, 422, 429, 503),
            tag="model", scope="read",
        ),
        EndpointSpec(
            "GET", "/health/live", "live", "Is the process alive?",
            "200 as long as the process answers at all.", live, Status, tag="health",
        ),
        EndpointSpec(
            "GET", "/health/ready", "ready", "Can it score?",
            "200 once a verified release is loaded and warm; 503 before.",
            ready, Status, problems=(503,), tag="health",
        ),
        EndpointSpec(
            "GET", "/metrics", "metrics", "Prometheus metrics",
            "Nothing of a lead is in them.", metrics, str, tag="health",
            scope="read", problems=(401, 403, 429),
        ),
    ]  # fmt: skip


def _model(services: Services) -> ModelAnswer:
    predictor = services.live.current()
    release, expected = predictor.release, predictor.expected
    metrics = {k: v for k, v in dict(release.metrics).items() if _plain(v)}
    return ModelAnswer(
        model=predictor.model,
        horizon_days=release.horizon_days,
        cuts=CutsOut(release.thresholds.warm, release.thresholds.hot),
        features=len(release.spec),
        attributes=[
            AttributeOut(a.name, a.type.value, a.group.value, list(a.levels))
            for a in expected.attributes.values()
        ],
        kinds=sorted(expected.kinds),
        created_at_required=release.has_time,
        has_scorecard=release.scorecard is not None,
        metrics=metrics,
    )


def _plain(value: object) -> bool:
    return value is None or isinstance(value, bool | int | float | str)


__all__ = ["ModelAnswer", "Status", "routes"]
