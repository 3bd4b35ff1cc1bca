"""The server's HTTP protocol: uvicorn's, within bounds, with one write for each answer.

uvicorn writes the head of an answer and its body apart: two system calls, and a client that wakes
up twice. Here what is written within one turn of the event loop leaves together at its end.

uvicorn takes heads of any size and any number of connections, and reads all that arrived at once,
however many requests that are. Here heads, connections and the work of one turn have bounds.
"""

from __future__ import annotations

import asyncio
from collections import deque
from typing import Any

import msgspec
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT, FlowControl
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from serving.http.connections import ConnectionLimits, ConnectionPool
from serving.identifiers import random_id
from serving.problems import MEDIA_TYPE, Problem

BODY_COMPLETE = "leadscore.arrived"
"""In the scope of a request whose body is all there before the application is called."""


SLICE_BYTES = 16 * 1024
"""Parsed in one turn of the event loop: some 900 of the shortest requests, about 10 ms."""


MAX_PIPELINED = 64
"""Requests of one connection that wait for the one before; more are not read yet."""


class CoalescingProtocol(HttpToolsProtocol):
    """uvicorn's, on a transport that gathers; it says of a request that nothing is awaited.

    The pool is the application's, ``app.state.connections``; one of its own without.
    """

    head_since: float | None = None
    stuck_since: float | None = None

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        pool = _pool_of(self.app)
        self.pool = ConnectionPool(ConnectionLimits()) if pool is None else pool
        self._quiet_bytes = 0
        """Parsed since the last complete head or piece of a body: a head, trailers or the
        extensions of a chunk that do not end."""
        self._in_head = True
        self._refusal: Problem | None = None
        self._unread: deque[bytes] = deque()
        self._parsing_later = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin with a new connection."""
        gathering: Any = CoalescingTransport(transport, self.loop)
        super().connection_made(gathering)
        self.flow = PatientFlowControl(gathering, self)
        if not self.pool.add(self, self.loop):
            self._refuse(Problem(503, "overloaded", "Too many connections; come back in a moment."))
            return
        self.timeout_keep_alive_task = self.loop.call_later(
            self.timeout_keep_alive, self.timeout_keep_alive_handler
        )

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self.pool.discard(self)
        self.head_since = self.stuck_since = None
        self._unread.clear()
        super().connection_lost(exc)

    # reading

    def data_received(self, data: bytes) -> None:
        """Parse what came, a slice in each turn of the event loop."""
        if self._refusal is not None:
            return
        if len(data) <= SLICE_BYTES and not self._unread:
            self._parse(data)
            return
        view, step = memoryview(data), SLICE_BYTES
        self._unread.extend(bytes(view[i : i + step]) for i in range(0, len(data), step))
        self.flow.pause_reading()
        self._parse_later()

    @property
    def may_read(self) -> bool:
        """Whether more may be read from the network: all that came is parsed, few requests wait."""
        return not self._unread and len(self.pipeline) < MAX_PIPELINED

    def _parse_later(self) -> None:
        if self._unread and not self._parsing_later and len(self.pipeline) < MAX_PIPELINED:
            self._parsing_later = True
            self.loop.call_soon(self._parse_next)

    def _parse_next(self) -> None:
        self._parsing_later = False
        if not self._unread or self.transport.is_closing():
            return
        self._parse(self._unread.popleft())
        self._parse_later()
        if self.cycle is None or len(self.cycle.body) < HIGH_WATER_LIMIT:
            self.flow.resume_reading()  # if it may

    def _parse(self, data: bytes) -> None:
        if self._in_head and self.head_since is None:
            self.head_since = self.loop.time()
        self._quiet_bytes += len(data)
        super().data_received(data)
        if self._quiet_bytes > self.pool.limits.head_bytes + SLICE_BYTES:
            self._refusal = self._refusal or _too_large_a_head(self.pool.limits)
        if self._refusal is not None:
            self._refuse(self._refusal)

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._in_head = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """One more line of the head."""
        if len(self.headers) >= self.pool.limits.headers:
            self._refusal = _too_large_a_head(self.pool.limits)
        else:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is all there: the application is called."""
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > self.pool.limits.head_bytes:
            self._refusal = _too_large_a_head(self.pool.limits)
        self._in_head, self._quiet_bytes, self.head_since = False, 0, None
        if self._refusal is None:
            self.pool.busy(self)
            super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Some of the body."""
        self._quiet_bytes = 0
        if self._refusal is None:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The body is all there."""
        if self._refusal is None:
            super().on_message_complete()
            scope: Any = self.scope
            scope[BODY_COMPLETE] = True
        self._in_head = True

    def on_response_complete(self) -> None:
        """A request was answered: begin with the next one that is here."""
        super().on_response_complete()
        if self.transport.is_closing():
            return
        self._parse_later()
        if self.cycle.response_complete and not self._unread:  # the last one that came
            self.pool.idle(self)

    # ending

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002
        """What came is not HTTP."""
        self._refuse(Problem(400, "malformed-request", "This is not a request in HTTP/1.1."))

    def refuse_slow_head(self) -> None:
        """Close a connection whose head did not arrive in time."""
        seconds = self.pool.limits.head_s
        detail = f"The head of the request did not arrive within {seconds:g} s."
        self._refuse(Problem(408, "slow-head", detail))

    def evict(self) -> None:
        """Close an idle connection."""
        self.transport.close()

    def abort(self) -> None:
        """Close a connection at once."""
        self.transport.abort()

    def _refuse(self, problem: Problem) -> None:
        """Answer on the connection itself, unless an answer is under way, and close it."""
        self._refusal, self.head_since = problem, None
        self._unread.clear()
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete:
            self.transport.write(_whole_response(problem))
        self.transport.close()

    def pause_writing(self) -> None:
        """The caller reads too slowly."""
        self.stuck_since = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        """The caller reads again."""
        self.stuck_since = None
        super().resume_writing()


def _pool_of(app: Any) -> ConnectionPool | None:
    """The pool of an application, within whatever it is wrapped in."""
    while app is not None:
        pool: ConnectionPool | None = getattr(getattr(app, "state", None), "connections", None)
        if pool is not None:
            return pool
        app = getattr(app, "app", None)
    return None


class PatientFlowControl(FlowControl):
    """uvicorn's, which reads on only when what came before is parsed."""

    def __init__(self, transport: Any, connection: CoalescingProtocol) -> None:
        super().__init__(transport)
        self._connection = connection

    def resume_reading(self) -> None:
        """Read on, if the connection may."""
        if self._connection.may_read:
            super().resume_reading()


def _too_large_a_head(limits: ConnectionLimits) -> Problem:
    detail = f"The head is larger than {limits.head_bytes} bytes or {limits.headers} headers."
    return Problem(431, "head-too-large", detail)


def _whole_response(problem: Problem) -> bytes:
    """A problem as the bytes of an answer, for requests that no application ever sees."""
    request_id = random_id(1)
    body = msgspec.json.encode(problem.body(request_id))
    head = (
        f"content-type: {MEDIA_TYPE}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n"
        f"cache-control: no-store\r\nx-content-type-options: nosniff\r\n"
        f"x-request-id: {request_id}\r\n\r\n"
    )
    return STATUS_LINE[problem.status] + head.encode("ascii") + body


class CoalescingTransport:
    """A transport whose writes of one turn of the event loop leave as one.

    Everything else is the transport's own; closing it lets what was written leave first.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._call_soon = loop.call_soon
        self._parts: list[bytes] = []
        self.is_closing = transport.is_closing
        self.get_extra_info = transport.get_extra_info
        self.pause_reading = transport.pause_reading
        self.resume_reading = transport.resume_reading
        self.set_protocol = transport.set_protocol
        self.abort = transport.abort

    def write(self, data: bytes) -> None:
        """Have ``data`` leave at the end of this turn."""
        if not self._parts:
            self._call_soon(self._leave)
        self._parts.append(data)

    def close(self) -> None:
        """Close once all that was written has left."""
        self._leave()
        self._transport.close()

    def _leave(self) -> None:
        parts, self._parts = self._parts, []
        if parts and not self.is_closing():  # the caller may have hung up meanwhile
            self._transport.write(b"".join(parts))
