"""A question as the endpoints see it, and what they answer: no framework, only bytes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Protocol, TypeVar
from urllib.parse import parse_qsl

import msgspec

from features.language.catalogues import languages
from features.language.negotiation import MAX_HEADER_CHARS, from_accept_language
from serving.parsing.json_limits import guard
from serving.problems import Problem, problem_from_validation, validation_problem

JSON = "application/json"


T = TypeVar("T")


encode = msgspec.json.Encoder(decimal_format="number").encode


class BodyStream(Protocol):
    """A body that its endpoint reads piece by piece, as it was sent."""

    coding: str

    def parts(self) -> AsyncIterator[bytes]:
        """The pieces in order; a problem where one comes too late or all are too large."""


@dataclass(slots=True)
class Request:
    """One request: ``headers`` by lower-case name, the whole ``body``, the path's parameters.

    ``actor``: id of the API key; "open" where none is needed. ``peer``: the caller's address.
    ``stream``: the body, where the route reads it by itself.
    """

    headers: dict[bytes, bytes]
    body: bytes
    query_string: bytes
    path_params: dict[str, Any]
    request_id: str
    actor: str = "open"
    peer: str = ""
    stream: BodyStream | None = None

    @property
    def language(self) -> str:
        """``?lang=``, which must be there; else what ``Accept-Language`` likes best."""
        if b"lang=" in self.query_string and (code := self.query.get("lang")) is not None:
            if code not in languages():
                raise validation_problem("?lang", f"expected one of {', '.join(languages())}")
            return code
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


def readers_language(headers: Mapping[bytes, bytes], query_string: bytes) -> str:
    """The language for a refusal: of ``?lang=`` where it is one that is there, else of the header.

    >>> readers_language({b"accept-language": b"fr"}, b""), readers_language({}, b"a=%ff&lang=fr")
    ('fr', 'fr')
    """
    for part in query_string.split(b"&"):
        code = part.removeprefix(b"lang=").decode("latin-1")
        if part.startswith(b"lang=") and code in languages():
            return code
    return language_of(headers.get(b"accept-language", b""))


@lru_cache(maxsize=256)
def language_of(accept: bytes) -> str:
    """The language that an Accept-Language header likes best among those that are there.

    >>> language_of(b"fr-CH, fr;q=0.9, en;q=0.8"), language_of(b"en, fr;q=0.5"), language_of(b"de")
    ('fr', 'en', 'en')
    """
    return from_accept_language(accept[:MAX_HEADER_CHARS].decode("latin-1"))
