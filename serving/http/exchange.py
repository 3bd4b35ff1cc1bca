"""One request and its answer at the edge: id, body under a cap, headers, problems."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import AsyncIterator, MutableMapping
from dataclasses import dataclass
from typing import Any

import msgspec
from starlette.types import Message, Receive, Scope, Send

from serving.http.bodies import CODINGS, BodyMemory, too_large, unpacked
from serving.http.protocol import BODY_COMPLETE
from serving.http.request import Response, readers_language
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


UNPACKED_AT_ONCE = 4096
"""Bytes of a packed body that are unpacked on the event loop: they make 4 MB at most."""


@dataclass(slots=True)
class StreamedBody:
    """A body read piece by piece, each of which has to come in time."""

    receive: Receive
    coding: str
    limit: int
    part_s: float

    async def parts(self) -> AsyncIterator[bytes]:
        """The pieces in order, as they were sent; no more than ``limit`` bytes of them."""
        size, more = 0, True
        while more:
            try:
                message = await asyncio.wait_for(self.receive(), self.part_s)
            except TimeoutError:
                raise _slow_body(self.part_s) from None
            if message["type"] == "http.disconnect":
                raise Problem(400, "malformed-body", "The connection closed within the body.")
            part, more = message.get("body", b""), message.get("more_body", False)
            size += len(part)
            if size > self.limit:
                raise too_large(self.limit)
            yield part


def _slow_body(seconds: float) -> Problem:
    return Problem(
        408,
        "slow-body",
        f"The body did not arrive within {seconds:g} s.",
        headers={"Connection": "close"},
    )


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
        self.extra_headers: dict[str, str] = {}
        self._held = 0

    async def body(
        self, settings: Settings, memory: BodyMemory, media_types: tuple[str, ...]
    ) -> bytes:
        """The whole body, unpacked; a problem if it is too large, too slow or of another type."""
        coding = self.coding(media_types, settings.max_body_bytes)
        body = await self._received(settings, memory)
        if coding == "identity":
            return body
        limit = settings.max_body_bytes
        if len(body) <= UNPACKED_AT_ONCE:
            unpacking = unpacked(body, coding, limit)
        else:
            loop = asyncio.get_running_loop()
            unpacking = await loop.run_in_executor(None, unpacked, body, coding, limit)
        self._take(memory, len(unpacking))
        return unpacking

    def stream(self, settings: Settings, media_types: tuple[str, ...]) -> StreamedBody:
        """The body to be read piece by piece, as it was sent."""
        limit = settings.max_import_bytes
        coding = self.coding(media_types, limit)
        return StreamedBody(self.receive, coding, limit, settings.body_timeout_s)

    async def _received(self, settings: Settings, memory: BodyMemory) -> bytes:
        if self.scope.get(BODY_COMPLETE):
            return await self._collect(settings.max_body_bytes, memory)
        try:
            async with asyncio.timeout(settings.body_timeout_s):
                return await self._collect(settings.max_body_bytes, memory)
        except TimeoutError:
            raise _slow_body(settings.body_timeout_s) from None

    def coding(self, media_types: tuple[str, ...], limit: int) -> str:
        """How the body is coded; a problem if its head says that it cannot be accepted."""
        headers = self.headers
        coding = headers.get(b"content-encoding", b"identity").strip().lower().decode("latin-1")
        if coding not in CODINGS:
            raise Problem(
                415,
                "unsupported-body",
                "Bodies are accepted as they are, or coded as gzip or zstd.",
                headers={"Connection": "close", "Accept-Encoding": ", ".join(CODINGS)},
            )
        media_type = headers.get(b"content-type", b"").split(b";")[0].strip().lower()
        if media_type.decode("latin-1") not in media_types:
            accepted = ", ".join(media_types)
            raise Problem(
                415,
                "unsupported-body",
                f"Expected Content-Type: {accepted}.",
                headers={"Connection": "close", "Accept": accepted},
            )
        length = headers.get(b"content-length", b"0")
        if not length.isdigit() or len(length) > 15 or int(length) > limit:
            raise too_large(limit)
        return coding

    async def _collect(self, limit: int, memory: BodyMemory) -> bytes:
        message = await self.receive()
        first: bytes = message.get("body", b"")
        if not message.get("more_body", False):
            if len(first) > limit:
                raise too_large(limit)
            return first
        parts, size = [first], len(first)
        self._take(memory, size)
        while message.get("more_body", False):
            if size > limit:
                raise too_large(limit)
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise Problem(400, "malformed-body", "The connection closed within the body.")
            part = message.get("body", b"")
            self._take(memory, len(part))
            parts.append(part)
            size += len(part)
        if size > limit:
            raise too_large(limit)
        return b"".join(parts)

    def _take(self, memory: BodyMemory, size: int) -> None:
        memory.take(size)
        self._held += size

    def release(self, memory: BodyMemory) -> None:
        """The request was answered: its body takes no memory any more."""
        memory.give_back(self._held)
        self._held = 0

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
        given = response.headers
        if self.extra_headers:
            given = {**given, **self.extra_headers}
        headers = [
            (b"content-type", response.media_type.encode("ascii")),
            *(() if response.status in _WITHOUT_LENGTH else [_length(response.body)]),
            (b"x-request-id", self.request_id.encode("ascii")),
            *(() if given else SECURITY_HEADERS),
        ]
        if given:
            own = {n.lower().encode(): v.encode("latin-1") for n, v in given.items()}
            headers += {**dict(SECURITY_HEADERS), **own}.items()
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
            open_inference = self.route.startswith("/v2")
            await self.response(
                problem_response(
                    problem,
                    self.request_id,
                    open_inference=open_inference,
                    language=readers_language(self.headers, self.scope.get("query_string", b"")),
                )
            )


_WITHOUT_LENGTH = (204, 304)


def _length(body: bytes) -> tuple[bytes, bytes]:
    return b"content-length", b"%d" % len(body)


def problem_response(
    problem: Problem, request_id: str, *, open_inference: bool = False, language: str = "en"
) -> Response:
    """A problem as an answer, in a language."""
    body = problem.body(request_id, open_inference=open_inference, language=language)
    return Response(msgspec.json.encode(body), problem.status, MEDIA_TYPE, problem.headers)


def _where(error: BaseException) -> str:
    """File and line of the innermost frame: enough to find a bug, nothing of a lead."""
    trace = error.__traceback__
    if trace is None:
        return "unknown place"
    while trace.tb_next is not None:
        trace = trace.tb_next
    return f"{trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}"
