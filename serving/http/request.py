"""A question as the endpoints see it, and what they answer: no framework, only bytes."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, TypeVar
from urllib.parse import parse_qsl

import msgspec

from serving.parsing.json_limits import guard
from serving.problems import Problem, problem_from_validation, validation_problem

JSON = "application/json"


T = TypeVar("T")


encode = msgspec.json.Encoder(decimal_format="number").encode


@dataclass(slots=True)
class Request:
    """One request: ``headers`` by lower-case name, the whole ``body``, the path's parameters.

    ``actor``: id of the API key; "open" where none is needed. ``peer``: the caller's address.
    """

    headers: dict[bytes, bytes]
    body: bytes
    query_string: bytes
    path_params: dict[str, Any]
    request_id: str
    actor: str = "open"
    peer: str = ""

    @property
    def language(self) -> str:
        """``en`` or ``fr``, whichever the caller likes better."""
        return language_of(self.headers.get(b"accept-language", b""))

    @property
    def query(self) -> dict[str, str]:
        """The query's parameters; one given twice is refused."""
        try:
            pairs = parse_qsl(
                self.query_string.decode("ascii"), keep_blank_values=True, errors="strict"
            )
        except ValueError as error:
            raise Problem(422, "invalid-query", "The query string is not UTF-8.") from error
        found = dict(pairs)
        if len(found) != len(pairs):
            raise Problem(422, "invalid-query", "A query parameter is given twice.")
        return found


@dataclass(slots=True)
class Response:
    """An answer: ``body`` is already encoded."""

    body: bytes
    status: int = 200
    media_type: str = JSON
    headers: dict[str, str] = field(default_factory=dict)


Endpoint = Callable[[Request], Awaitable[Response]]


def json_response(
    message: object, status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """Encode a message."""
    return Response(encode(message), status, JSON, headers or {})


def decode(decoder: msgspec.json.Decoder[T], body: bytes, max_depth: int) -> T:
    """The body as a message; a 400 if it is not JSON, a 422 if it does not fit the contract."""
    guard(body, max_depth)
    return decode_unguarded(decoder, body)


def decode_unguarded(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """:func:`decode` for a body that was guarded already."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        raise problem_from_validation(error) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Problem(
            400, "malformed-body", "The body is not JSON in UTF-8 (RFC 8259), or it is cut off."
        ) from None


def allowed_params(query: dict[str, str], *names: str) -> dict[str, str]:
    """The query itself, if it has no other parameters than these; a 422 otherwise."""
    if set(query) - set(names):
        known = ", ".join(names) if names else "none"
        raise validation_problem("?", f"unknown query parameter; known here: {known}")
    return query


_LANGUAGE = re.compile(
    r"^\s*(en|fr|\*)(?:-[A-Za-z0-9-]+)?\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?))?\s*$"
)


@lru_cache(maxsize=256)
def language_of(accept: bytes) -> str:
    """The language an Accept-Language header asks for; English unless French is preferred.

    >>> language_of(b"fr-CH, fr;q=0.9, en;q=0.8"), language_of(b"en, fr;q=0.5"), language_of(b"de")
    ('fr', 'en', 'en')
    """
    best = {"en": 0.0, "fr": 0.0}
    for part in accept[:200].decode("latin-1").lower().split(","):
        found = _LANGUAGE.match(part)
        if found and found.group(1) in best:
            quality = 1.0 if found.group(2) is None else float(found.group(2))
            best[found.group(1)] = max(best[found.group(1)], quality)
    return "fr" if best["fr"] > best["en"] else "en"
