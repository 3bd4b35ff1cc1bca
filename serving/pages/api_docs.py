"""The page of the API at ``/docs``: the OpenAPI document in plain HTML, without any script."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from serving.http.request import Response
from serving.pages.site import Handler, Visit

Document = Mapping[str, Any]


def docs(document: Callable[[], Document]) -> Handler:
    """The handler of the page; ``document`` gives OpenAPI as plain data."""

    async def show(visit: Visit) -> Response:
        spec = document()
        return visit.page(
            "api_docs.html.j2", path="/docs", spec=spec, operations=operations(spec),
            schemas=schemas(spec),
        )  # fmt: skip

    return show


def operations(spec: Document) -> list[dict[str, Any]]:
    """Every operation, with its example as text."""
    return [
        {
            "method": method.upper(),
            "path": path,
            "summary": operation["summary"],
            "about": operation["description"],
            "parameters": operation["parameters"],
            "body": _example(operation.get("requestBody", {})),
            "body_schema": _schema_name(operation.get("requestBody", {})),
            "responses": [
                {
                    "status": status,
                    "about": response["description"],
                    "schema": _schema_name(response),
                    "example": _example(response) if status.startswith("2") else "",
                }
                for status, response in operation["responses"].items()
            ],
        }
        for path, methods in spec["paths"].items()
        for method, operation in methods.items()
    ]


def schemas(spec: Document) -> list[tuple[str, str]]:
    """(name, JSON schema as text) of every message."""
    found = spec["components"]["schemas"]
    return [(name, json.dumps(found[name], indent=2)) for name in sorted(found)]


def _content(part: Document) -> Document:
    return next(iter(part.get("content", {}).values()), {})


def _example(part: Document) -> str:
    example = _content(part).get("example")
    return "" if example is None else json.dumps(example, indent=2)


def _schema_name(part: Document) -> str:
    reference = _content(part).get("schema", {}).get("$ref", "")
    return str(reference).rpartition("/")[2]
