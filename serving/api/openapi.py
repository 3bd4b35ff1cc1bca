"""The OpenAPI document, written from the routes and the message types themselves."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec
from fastapi import FastAPI

from features.version import VERSION
from serving.api.endpoint import EndpointSpec
from serving.api.examples import PROBLEM
from serving.messages.scores import ScoreRequest
from serving.problems import MEDIA_TYPE, TITLES, ProblemBody

REF = "#/components/schemas/{name}"


ABOUT = (
    "Calibrated probability that a lead converts, its band and the reasons. "
    "Errors are RFC 9457 problems and never repeat what was sent. Every answer carries "
    "`X-Request-ID`, the caller's own if it sent one."
)


KEY = {
    "type": "http",
    "scheme": "bearer",
    "description": "An API key; none is needed on the loopback until the first is made.",
}


def describe(app: FastAPI, routes: Sequence[EndpointSpec]) -> None:
    """Make the application serve this document."""

    @lru_cache(maxsize=1)
    def openapi() -> dict[str, Any]:
        return document(routes)

    app.openapi = openapi  # type: ignore[method-assign]


def document(routes: Sequence[EndpointSpec]) -> dict[str, Any]:
    """OpenAPI 3.1 as plain data."""
    types = [ProblemBody, ScoreRequest]
    types += [
        kind
        for route in routes
        for kind in (route.request_type, route.response_type)
        if _struct(kind)
    ]
    unique = list(dict.fromkeys(types))
    schemas, components = msgspec.json.schema_components(unique, ref_template=REF)
    schema_of = dict(zip(unique, schemas, strict=True))
    _raw_leads(components)
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, schema_of)
    return {
        "openapi": "3.1.0",
        "info": {"title": "leadscore", "version": VERSION, "description": ABOUT},
        "paths": paths,
        "components": {"schemas": components, "securitySchemes": {"key": KEY}},
    }


def _struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


def _raw_leads(components: dict[str, Any]) -> None:
    """A batch decodes its leads one by one: anything may stand there, a lead gets a score."""
    batch = components.get("BatchRequest")
    if batch is not None:
        batch["properties"]["leads"] = {
            "type": "array",
            "minItems": 1,
            "maxItems": 1000,
            "items": {"anyOf": [{"$ref": REF.format(name="ScoreRequest")}, {}]},
        }


def _operation(route: EndpointSpec, schema_of: dict[Any, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.name,
        "summary": route.summary,
        "description": route.about,
        "tags": [route.tag],
        "parameters": [*_path_parameters(route), *route.query, *route.headers],
        "responses": {
            **{str(status): _answer(route, schema_of) for status in route.statuses},
            **_problems(route, schema_of),
        },
    }
    if route.scope:
        operation["security"] = [{"key": []}, {}]
        operation["description"] += f" Needs a key with the scope `{route.scope}`."
    if route.request_type is not None:
        content: dict[str, Any] = {"schema": schema_of[route.request_type]}
        if route.example is not None:
            content["example"] = route.example
        operation["requestBody"] = {"required": True, "content": {"application/json": content}}
    elif route.own_body:
        content = {kind: {"schema": {}} for kind in route.media_types}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _path_parameters(route: EndpointSpec) -> list[dict[str, Any]]:
    names = [part[1:-1] for part in route.path.split("/") if part.startswith("{")]
    schema = {"type": "string", "minLength": 1, "maxLength": 200}
    return [
        {"name": name.split(":")[0], "in": "path", "required": True, "schema": schema}
        for name in names
    ]


def _answer(route: EndpointSpec, schema_of: dict[Any, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {"description": route.summary, "headers": {"X-Request-ID": _TEXT}}
    if _struct(route.response_type):
        content: dict[str, Any] = {"schema": schema_of[route.response_type]}
        if route.answer_example is not None:
            content["example"] = route.answer_example
        described["content"] = {"application/json": content}
    elif route.response_type is str:
        described["content"] = {"text/plain": {"schema": {"type": "string"}}}
    return described


_TEXT = {"schema": {"type": "string"}}


def _problems(route: EndpointSpec, schema_of: dict[Any, Any]) -> dict[str, Any]:
    content = {MEDIA_TYPE: {"schema": schema_of[ProblemBody], "example": PROBLEM}}
    return {
        str(status): {
            "description": TITLES[status],
            "headers": {"X-Request-ID": _TEXT},
            "content": content,
        }
        for status in sorted({*route.problems, 500})
    }
