"""One request and its answer at the edge: id, body under a cap, headers, problems."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import MutableMapping
from typing import Any

import msgspec
from starlette.types import Message, Receive, Scope, Send

from serving.http.protocol import BODY_COMPLETE
from serving.http.request import Response
from serving.identifiers import random_id
from serving.problems import MEDIA_TYPE, Problem, problem_from
from serving.settings import Settings

log = logging.getLogger("leadscore.serving")


_REQUEST_ID = re.compile(rb"^[A-Za-z0-9._-]{8,64}$")


SECURITY_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'"),
]


JSON_BODY, FORM_BODY = b"application/json", b"application/x-www-form-urlencoded"


class HttpExchange:
    """One request and what has been answered to it so far."""

    def __init__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.scope = scope
        self.receive = receive
        self._send = send
        self.headers: dict[bytes, bytes] = dict(scope["headers"])
        given = self.headers.get(b"x-request-id")
        known = given is not None and _REQUEST_ID.match(given) is not None
        self.request_id = given.decode("ascii") if given and known else random_id(1)
        self.route = "(none)"
        self.status = 0

    async def body(self, settings: Settings, expected: bytes = JSON_BODY) -> bytes:
        """The whole body; a problem if it is too large, too slow, coded or not as ``expected``."""
        self._check_headers(settings.max_body_bytes, expected)
        if self.scope.get(BODY_COMPLETE):
            return await self._collect(settings.max_body_bytes)
        try:
            async with asyncio.timeout(settings.body_timeout_s):
                return await self._collect(settings.max_body_bytes)
        except TimeoutError:
            raise Problem(
                408,
                "slow-body",
                f"The body did not arrive within {settings.body_timeout_s:g} s.",
                headers={"Connection": "close"},
            ) from None

    def _check_headers(self, limit: int, expected: bytes) -> None:
        headers = self.headers
        coding = headers.get(b"content-encoding", b"identity")
        if coding.strip().lower() != b"identity":
            raise Problem(
                415,
                "unsupported-body",
                "Compressed bodies are not accepted; send the JSON as it is.",
                headers={"Connection": "close", "Accept-Encoding": "identity"},
            )
        media_type = headers.get(b"content-type", b"").split(b";")[0].strip().lower()
        if media_type != expected:
            name = expected.decode("ascii")
            raise Problem(
                415,
                "unsupported-body",
                f"Expected Content-Type: {name}.",
                headers={"Connection": "close", "Accept": name},
            )
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or len(length) > 15 or int(length) > limit:
            raise too_large(limit)

    async def _collect(self, limit: int) -> bytes:
        message = await self.receive()
        first: bytes = message.get("body", b"")
        if not message.get("more_body", False):
            if len(first) > limit:
                raise too_large(limit)
            return first
        parts, size = [first], len(first)
        while message.get("more_body", False):
            if size > limit:
                raise too_large(limit)
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise Problem(400, "malformed-body", "The connection closed within the body.")
            parts.append(message.get("body", b""))
            size += len(parts[-1])
        if size > limit:
            raise too_large(limit)
        return b"".join(parts)

    async def send(self, message: MutableMapping[str, Any]) -> None:
        """Pass a message on, with the headers that every answer carries."""
        if message["type"] == "http.response.start":
            self.status = message["status"]
            headers = list(message.get("headers", ()))
            there = {name.lower() for name, _ in headers}
            headers += [pair for pair in SECURITY_HEADERS if pair[0] not in there]
            headers.append((b"x-request-id", self.request_id.encode("ascii")))
            message = {**message, "headers": headers}
        await self._send(message)

    async def response(self, response: Response) -> None:
        """Send a whole answer."""
        self.status = response.status
        headers = [
            (b"content-type", response.media_type.encode("ascii")),
            (b"content-length", b"%d" % len(response.body)),
            (b"x-request-id", self.request_id.encode("ascii")),
            *SECURITY_HEADERS,
        ]
        for name, value in response.headers.items():
            headers.append((name.lower().encode("latin-1"), value.encode("latin-1")))
        start: Message = {"type": "http.response.start", "status": response.status}
        start["headers"] = headers
        await self._send(start)
        body = b"" if self.scope["method"] == "HEAD" else response.body
        await self._send({"type": "http.response.body", "body": body})

    async def fail(self, error: Exception) -> None:
        """Answer an exception as a problem; what is a bug of ours is logged without its text."""
        problem = problem_from(error)
        if problem is None:
            where = _where(error)
            log.error(
                "unexpected %s at %s", type(error).__name__, where,
                extra={"request_id": self.request_id},
            )  # fmt: skip
            problem = Problem(500, "internal", "Something broke here; quote the request id.")
        if self.status == 0:
            await self.response(problem_response(problem, self.request_id))


def problem_response(problem: Problem, request_id: str) -> Response:
    """A problem as an answer."""
    body = msgspec.json.encode(problem.body(request_id))
    return Response(body, problem.status, MEDIA_TYPE, problem.headers)


def too_large(limit: int) -> Problem:
    """A 413 that says how much is allowed."""
    return Problem(
        413,
        "body-too-large",
        f"The body is larger than {limit} bytes; send fewer leads or interactions at a time.",
        headers={"Connection": "close"},
    )


def _where(error: BaseException) -> str:
    """File and line of the innermost frame: enough to find a bug, nothing of a lead."""
    trace = error.__traceback__
    if trace is None:
        return "unknown place"
    while trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
