"""What the endpoints share, started and stopped with the application."""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field

from serving.live import Live
from serving.metrics import Metrics
from serving.settings import Settings


@dataclass
class Services:
    """Settings, instruments, the live release, and the background tasks."""

    settings: Settings
    metrics: Metrics
    live: Live
    served: dict[str, set[str]] = field(default_factory=dict)
    tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def start(self) -> None:
        """Load and warm the release before the first request; then watch for the next."""
        self.live.refresh()

    async def stop(self) -> None:
        """End the background tasks."""
        for task in self.tasks:
            task.cancel()
        for task in self.tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
