"""The connections of one process: how many, how long a head may take, who has to go first.

A connection is *idle* until the head of a request is complete, and again once it was answered.
When the most that are allowed are open, the one that was idle longest makes room: callers that
open connections and say nothing shut nobody out.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Protocol

from serving.settings import Settings

SWEEP_S = 0.5
"""How often connections are looked at for heads and readers that take too long."""


FILES_BESIDE = 128
"""File descriptors kept for the store, the journal and the log."""


class Connection(Protocol):
    """What the pool knows of a connection."""

    head_since: float | None
    """When the first byte of an unfinished head came; None outside of a head."""

    stuck_since: float | None
    """When the caller ceased to read what it was sent; None while it reads."""

    def evict(self) -> None:
        """Close an idle connection."""

    def refuse_slow_head(self) -> None:
        """Close a connection whose head did not arrive in time."""

    def abort(self) -> None:
        """Close a connection at once, with what it was still to be sent."""


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """What one connection, and all of them together, may take."""

    most: int = 2000
    head_bytes: int = 32 * 1024
    headers: int = 100
    head_s: float = 10.0
    read_s: float = 20.0


def limits_of(settings: Settings) -> ConnectionLimits:
    """The limits by the settings, and never more connections than files may be open."""
    return ConnectionLimits(
        most=min(settings.max_connections, max(16, _open_files() - FILES_BESIDE)),
        head_bytes=settings.max_head_bytes,
        headers=settings.max_headers,
        head_s=settings.head_timeout_s,
        read_s=settings.body_timeout_s,
    )


def _open_files() -> int:
    """How many files this process may open, raised as far as the system lets it."""
    try:
        import resource
    except ImportError:  # Windows
        return 1 << 20
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    infinite = resource.RLIM_INFINITY
    wanted = 1 << 16 if hard == infinite else min(hard, 1 << 16)
    if soft != infinite and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
        soft = wanted
    return 1 << 20 if soft == infinite else soft


class ConnectionPool:
    """All connections of one application in one process."""

    def __init__(self, limits: ConnectionLimits) -> None:
        self.limits = limits
        self.evicted = 0
        self._open: set[Connection] = set()
        self._idle: dict[Connection, None] = {}  # longest idle first
        self._sweeping: asyncio.TimerHandle | None = None

    def __len__(self) -> int:
        return len(self._open)

    def add(self, connection: Connection, loop: asyncio.AbstractEventLoop) -> bool:
        """Take a new connection in; False when all that are open are at work."""
        if len(self._open) >= self.limits.most and not self._make_room():
            return False
        self._open.add(connection)
        self._idle[connection] = None
        if self._sweeping is None:
            self._sweeping = loop.call_later(SWEEP_S, self._sweep, loop)
        return True

    def discard(self, connection: Connection) -> None:
        """Forget a connection that is closed."""
        self._open.discard(connection)
        self._idle.pop(connection, None)

    def busy(self, connection: Connection) -> None:
        """A request is complete as far as its head: the connection is not idle."""
        self._idle.pop(connection, None)

    def idle(self, connection: Connection) -> None:
        """Its request was answered."""
        if connection in self._open:
            self._idle.pop(connection, None)
            self._idle[connection] = None

    def _make_room(self) -> bool:
        longest = next(iter(self._idle), None)
        if longest is None:
            return False
        self.discard(longest)
        self.evicted += 1
        longest.evict()
        return True

    def _sweep(self, loop: asyncio.AbstractEventLoop) -> None:
        now = loop.time()
        for connection in list(self._open):
            begun, stuck = connection.head_since, connection.stuck_since
            if stuck is not None and now - stuck > self.limits.read_s:
                connection.abort()
            elif begun is not None and now - begun > self.limits.head_s:
                connection.refuse_slow_head()
        self._sweeping = loop.call_later(SWEEP_S, self._sweep, loop) if self._open else None
