"""Hot reload: the champion pointer is polled; a child process fetches from the registry."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import Iterator

from features.compute.atomic import locked_file
from serving.predictor.active_release import ActiveRelease
from serving.settings import PREFIX, Settings
from serving.telemetry.metrics import Metrics

log = logging.getLogger("leadscore.serving")


async def watch(live: ActiveRelease) -> None:
    """Look at the pointer again and again; loading happens beside the requests, then one swap."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(live.settings.watch_s)
        try:
            await loop.run_in_executor(None, live.refresh)
        except Exception as error:
            log.error("watching releases failed", extra={"error": type(error).__name__})


async def fetch(settings: Settings, metrics: Metrics) -> None:
    """Bring the champion from the registry into the release store, in a process of its own.

    The registry may be down, slow or hanging: the child is ended after a while, and what is on
    disk goes on answering. Of several workers one at a time asks.
    """
    while True:
        with contextlib.suppress(BlockingIOError), _alone(settings):
            if await run_fetch(settings) != 0:
                metrics.fetches_failed.inc()
                log.warning("the registry could not be asked; the release on disk goes on")
        await asyncio.sleep(settings.fetch_s)


async def run_fetch(settings: Settings) -> int:
    """Run ``leadscore fetch champion``; its exit code, -1 when it took too long."""
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-m", "leadscore", "fetch", "champion",
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, f"{PREFIX}HOME": str(settings.home)},
    )  # fmt: skip
    try:
        return await asyncio.wait_for(child.wait(), settings.fetch_timeout_s)
    except TimeoutError:
        return -1
    finally:
        if child.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                child.kill()
            await child.wait()


@contextlib.contextmanager
def _alone(settings: Settings) -> Iterator[None]:
    """Hold the fetch lock; BlockingIOError when another worker has it."""
    settings.home.mkdir(parents=True, exist_ok=True)
    with locked_file(settings.home / ".fetch.lock", wait=False, mode=0o600) as is_ours:
        if not is_ours:
            raise BlockingIOError("another worker fetches the release")
        yield
