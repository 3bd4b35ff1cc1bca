"""The specification of an endpoint, once for routing, security and documentation."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from serving.http.request import (
    Endpoint,
    Request,
)
from serving.http.router import JSON_BODY, Route
from serving.messages.fields import LONGEST_NAME
from serving.problems import validation_problem


@dataclass(frozen=True)
class EndpointSpec:
    """One endpoint. ``request_type`` and ``response_type``: message types; ``direct``: answered by
    the front;
    ``scope``: what an API key must allow, nothing if empty.
    """

    method: str
    path: str
    name: str
    summary: str
    about: str
    endpoint: Endpoint
    response_type: Any
    request_type: Any = None
    statuses: tuple[int, ...] = (200,)
    example: Any = None
    answer_example: Any = None
    query: tuple[dict[str, Any], ...] = ()
    problems: tuple[int, ...] = ()
    tag: str = "scores"
    scope: str = ""
    direct: bool = False
    headers: tuple[dict[str, Any], ...] = field(default=())
    media_types: tuple[str, ...] = JSON_BODY
    streams: bool = False
    own_body: bool = False
    """The body is not one of our messages: rows of a file, or what another system sends."""

    @property
    def route(self) -> Route:
        """What the router knows of it."""
        return Route(
            self.method,
            self.path,
            self.endpoint,
            self.scope,
            self.direct,
            self.media_types,
            self.streams,
        )


def lead_id_of(request: Request) -> str:
    """The lead named in the path; a 422 if no lead can be called so."""
    lead_id: str = request.path_params["lead_id"]
    if not 1 <= len(lead_id) <= LONGEST_NAME or "\x00" in lead_id:
        raise validation_problem("lead_id", "expected 1 to 200 characters, none of them NUL")
    return lead_id


REASONS_QUERY = {
    "name": "reasons",
    "in": "query",
    "description": "how many reasons to tell, 0 to 50",
    "schema": {"type": "integer", "minimum": 0, "maximum": 50},
}


LANGUAGE_QUERY = {
    "name": "lang",
    "in": "query",
    "description": "language of the texts, before that of `Accept-Language`; en, fr or one that "
    "the service has a catalogue of",
    "schema": {"type": "string", "pattern": "^([a-z]{2})?$"},
}


LANGUAGE_HEADER = {
    "name": "Accept-Language",
    "in": "header",
    "description": "language of the texts: of `label`, reasons, rules, notes and the next step",
    "schema": {"type": "string"},
    "example": "fr",
}


def number_of(query: dict[str, str], name: str, default: int, least: int, most: int) -> int:
    """A whole number of the query; a 422 outside of its range."""
    given = query.get(name)
    if given is None:
        return default
    digits = given.isascii() and given.isdigit() and len(given) <= len(str(most))
    if not digits or not least <= int(given) <= most:
        raise validation_problem(f"?{name}", f"expected a whole number from {least} to {most}")
    return int(given)
