"""The one error shape: RFC 9457 ``application/problem+json``. Input is never echoed."""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec

from features.errors import DataError, StorageError, StorageFull, UsageError
from serving.problem_texts import in_language

MEDIA_TYPE = "application/problem+json"


TITLES = {
    400: "Malformed request",
    401: "Not authenticated",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    406: "Not acceptable",
    408: "Arrived too slowly",
    409: "Conflict",
    410: "Erased",
    413: "Body too large",
    415: "Unsupported body",
    422: "Invalid request",
    429: "Too many requests",
    431: "Headers too large",
    500: "Internal error",
    503: "Not available",
    507: "Storage is full",
}


class FieldError(msgspec.Struct, frozen=True, omit_defaults=True):
    """One thing wrong: ``at`` is a JSONPath of field names and positions, never of values."""

    at: str
    message: str


class ProblemBody(msgspec.Struct, frozen=True, omit_defaults=True):
    """An RFC 9457 problem."""

    type: str
    title: str
    status: int
    detail: str
    request_id: str = ""
    errors: list[FieldError] = []
    error: str = ""
    """The detail once more, where the Open Inference Protocol expects it."""


class Problem(Exception):
    """An answer with an error status: raised anywhere below the edge, written once there."""

    def __init__(
        self,
        status: int,
        kind: str,
        detail: str,
        *,
        errors: list[FieldError] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = detail
        self.errors = errors or []
        self.headers = dict(headers or {})

    def body(
        self, request_id: str, *, open_inference: bool = False, language: str = "en"
    ) -> ProblemBody:
        """The body to send; ``open_inference``: on a route of that protocol. Title, detail and
        messages are in the language of this code as far as the catalogue has them."""
        detail = in_language(self.detail, language)
        return ProblemBody(
            type=f"urn:leadscore:problem:{self.kind}",
            title=in_language(TITLES.get(self.status, "Error"), language),
            status=self.status,
            detail=detail,
            request_id=request_id,
            errors=[FieldError(e.at, in_language(e.message, language)) for e in self.errors],
            error=detail if open_inference else "",
        )


_PATH = re.compile(r" - at `([^`]*)`$")


_KEY_OF_PATH = re.compile(r" - at `key` in `([^`]*)`$")


_QUOTED = re.compile(r"(unknown field|enum value|value) [`'\"].*[`'\"]", re.DOTALL)


def problem_from_validation(error: msgspec.ValidationError) -> Problem:
    """A 422 that says where and what was expected, without the value that was sent.

    >>> error = msgspec.ValidationError("Expected `str`, got `int` - at `$.lead_id`")
    >>> problem_from_validation(error).errors
    [FieldError(at='$.lead_id', message='Expected `str`, got `int`')]
    """
    text = str(error)
    at = "$"
    for pattern in (_KEY_OF_PATH, _PATH):
        found = pattern.search(text)
        if found:
            at, text = found.group(1), text[: found.start()]
            break
    text = _QUOTED.sub(r"\1", text)
    return validation_problem(at, text)


def validation_problem(at: str, message: str) -> Problem:
    """A 422 about one field."""
    detail = "The request does not fit the contract; see `errors` and /openapi.json."
    return Problem(422, "invalid-request", detail, errors=[FieldError(at, message)])


def problem_from(error: BaseException) -> Problem | None:
    """The problem an exception of ours stands for; None if it is a bug of ours."""
    if isinstance(error, Problem):
        return error
    if isinstance(error, StorageFull):
        detail = "The disk of the store is full; nothing was written. Try again later."
        return Problem(507, "storage-full", detail, headers={"Retry-After": "30"})
    if isinstance(error, StorageError):
        detail = "Storage or the model is not available at the moment; try again."
        return Problem(503, "not-available", detail, headers={"Retry-After": "5"})
    if isinstance(error, (DataError, UsageError)):
        detail = "The request cannot be answered: it contradicts itself or the release in use."
        return Problem(422, "invalid-request", detail)
    return None
