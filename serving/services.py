"""What the endpoints share, started and stopped with the application."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TypeVar

from serving.http.access import AccessControl
from serving.imports.run import ImportRunner
from serving.predictor.active_release import ActiveRelease
from serving.predictor.batcher import MicroBatcher
from serving.predictor.release_watcher import fetch, watch
from serving.predictor.score_log import ScoreLogger
from serving.predictor.stored_forecast import ForecastCache
from serving.settings import Settings
from serving.store.store import Store
from serving.telemetry.metrics import Metrics
from serving.telemetry.tracing import NoTraces, Traces, traces_of_environment

T = TypeVar("T")


GC_YOUNG = 100_000
"""More objects alive than before, until the collector looks at the young ones: requests in flight
keep a few hundred each, and looking at them again and again took a twentieth of the time."""


LARGE_HISTORY_ROWS = 2_000
"""A stored lead with so many interactions and answers is scored apart from the event loop."""


@dataclass
class Services:
    """Settings, instruments, the live release, and the background tasks."""

    settings: Settings
    metrics: Metrics
    live: ActiveRelease
    store: Store
    recorder: ScoreLogger
    access: AccessControl
    batcher: MicroBatcher = field(default_factory=MicroBatcher)
    forecasts: ForecastCache = field(default_factory=ForecastCache)
    traces: Traces = field(default_factory=NoTraces)
    served: dict[str, set[str]] = field(default_factory=dict)
    imports: ImportRunner | None = None
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    apart: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(1, thread_name_prefix="large-body")
    )

    async def start(self) -> None:
        """Load and warm the release before the first request; then watch for the next."""
        if not self.traces.on:
            self.traces = traces_of_environment()
        await self.store.start()
        self.live.start()
        settle_memory()
        loop = asyncio.get_running_loop()
        self.tasks.append(loop.create_task(watch(self.live), name="watch-releases"))
        if self.imports is not None:
            self.tasks.append(loop.create_task(self.imports.run(), name="imports"))
        if self.settings.fetch_s > 0:
            self.tasks.append(loop.create_task(fetch(self.settings, self.metrics), name="fetch"))

    async def run_apart(self, work: Callable[[], T]) -> T:
        """Run ``work`` in the thread for large bodies, one after the other: the event loop goes on
        meanwhile, and no two of them take memory at once."""
        return await asyncio.get_running_loop().run_in_executor(self.apart, work)

    async def run_for_history(self, rows: int, work: Callable[[], T]) -> T:
        """Run ``work`` on a lead of so many interactions and answers: apart where they are many."""
        return await self.run_apart(work) if rows >= LARGE_HISTORY_ROWS else work()

    async def stop(self) -> None:
        """End the background tasks."""
        for task in self.tasks:
            task.cancel()
        for task in self.tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self.store.stop()
        self.apart.shutdown(wait=False, cancel_futures=True)
        await asyncio.get_running_loop().run_in_executor(None, self.traces.stop)


def settle_memory() -> None:
    """Take what start-up made out of the garbage collector's sight, and let it look less often.

    The compiler leaves hundreds of thousands of objects that live as long as the process; without
    this, every full collection would walk them, in the middle of some request.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(GC_YOUNG, 20, 50)


def services_of(settings: Settings) -> Services:
    """The services for these settings; nothing is opened before ``start``."""
    metrics = Metrics()
    store = Store(settings, metrics)
    live, recorder = ActiveRelease(settings, metrics), ScoreLogger(metrics, store)
    services = Services(settings, metrics, live, store, recorder, AccessControl(settings))
    recorder.shadow, recorder.traces = lambda: live.shadow, lambda: services.traces
    return services
