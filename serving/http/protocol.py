"""The server's HTTP protocol: uvicorn's, with one write to the network for each answer.

uvicorn writes the head of an answer and its body apart: two system calls, and a client that wakes
up twice. Here what is written within one turn of the event loop leaves together at its end.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

BODY_COMPLETE = "leadscore.arrived"
"""In the scope of a request whose body is all there before the application is called."""


class CoalescingProtocol(HttpToolsProtocol):
    """uvicorn's, on a transport that gathers; it says of a request that nothing is awaited."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin with a new connection."""
        gathering: Any = CoalescingTransport(transport, self.loop)
        super().connection_made(gathering)

    def on_message_complete(self) -> None:
        """The body is all there."""
        super().on_message_complete()
        scope: Any = self.scope
        scope[BODY_COMPLETE] = True


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
