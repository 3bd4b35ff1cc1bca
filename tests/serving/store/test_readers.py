"""Stopping the store waits for those that still read, so that every connection is closed."""

from __future__ import annotations

import asyncio
import threading
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from serving.settings import Settings
from serving.store.readers import Readers
from serving.store.store import Store
from serving.telemetry.metrics import Metrics


def test_no_connection_is_left_when_the_store_has_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reading, proceed = threading.Event(), threading.Event()
    opened, closed = list[object](), list[object]()

    def slow(connection: sa.Connection) -> int:
        reading.set()
        proceed.wait(30)
        return len(connection.execute(sa.text("SELECT 7")).all())

    async def run() -> int:
        store = Store(Settings(home=tmp_path, score_log="off"), Metrics())
        sa.event.listen(store.engine, "connect", lambda made, _: opened.append(made))
        sa.event.listen(store.engine, "close", lambda gone, _: closed.append(gone))
        await store.start()
        reader = asyncio.create_task(store.read(slow))
        while not reading.is_set():
            await asyncio.sleep(0.01)
        stop_writer = store.writer.stop

        def stop_writer_first() -> None:
            stop_writer()
            threading.Timer(0.3, proceed.set).start()

        monkeypatch.setattr(store.writer, "stop", stop_writer_first)
        await store.stop()
        assert len(closed) == len(opened) > 0
        return await reader

    assert asyncio.run(run()) == 1


def test_a_thread_that_hangs_is_left_behind_in_time() -> None:
    hanging = threading.Event()

    async def run() -> float:
        readers = Readers(2)
        readers.start()
        task = asyncio.create_task(readers.run(hanging.wait, 60))
        await asyncio.sleep(0.05)
        begun = time.monotonic()
        await asyncio.to_thread(readers.stop, 0.2)
        took = time.monotonic() - begun
        hanging.set()
        await task
        return took

    assert 0.15 < asyncio.run(run()) < 5
