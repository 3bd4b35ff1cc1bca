"""Two machines on one PostgreSQL: what both do at once, what a reader delays, what hangs."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from service_process import Server, server_of_postgresql

from features.errors import StorageBusy
from serving.settings import Settings
from serving.store import database, store, tables, writer
from serving.store.database import connect
from serving.store.ingest import add_rows
from serving.store.leads import NewLead, put_leads
from serving.store.migrate import migrate
from serving.store.tombstones import Tombstones, erase, load_tombstones
from serving.telemetry.metrics import Metrics

DAY = 86_400_000_000


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with server_of_postgresql() as running:
        yield running


@pytest.fixture
def machines(server: Server) -> Iterator[list[sa.Engine]]:
    """Two machines' engines on one empty store."""
    engines = [connect(server.url).execution_options(writes=True) for _ in range(2)]
    with engines[0].begin() as connection:
        connection.execute(sa.text("DROP SCHEMA public CASCADE"))
        connection.execute(sa.text("CREATE SCHEMA public"))
    migrate(engines[0])
    yield engines
    for engine in engines:
        engine.dispose()


def act(lead_id: str, event_id: str, **changes: Any) -> dict[str, Any]:
    return {
        "lead_id": lead_id, "occurred_us": DAY, "kind": "call", "value": 0.1, "duration_s": None,
        "channel": None, "source": "crm", "event_id": event_id, "received_us": DAY, **changes,
    }  # fmt: skip


def keys_of(engine: sa.Engine, home: Path) -> Tombstones:
    with engine.begin() as connection:
        return load_tombstones(connection, home)


def test_the_same_new_lead_on_two_machines(machines: list[sa.Engine], tmp_path: Path) -> None:
    tombstones = keys_of(machines[0], tmp_path)
    became: dict[int, str] = {}
    met = threading.Barrier(2)

    def put(i: int) -> None:
        with machines[i].begin() as connection:
            connection.execute(sa.select(tables.lead)).all()
            met.wait(60)
            new = NewLead("both", DAY, {"size": 1.0, f"only_{i}": True})
            ((word, _),) = put_leads(connection, [new], DAY + i, tombstones)
            became[i] = word

    threads = [threading.Thread(target=put, args=(i,)) for i in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(became.values()) == ["changed", "created"]


def test_the_same_events_on_two_machines(machines: list[sa.Engine], tmp_path: Path) -> None:
    tombstones = keys_of(machines[0], tmp_path)
    with machines[0].begin() as connection:
        put_leads(connection, [NewLead(i, DAY, {}) for i in ("a", "b")], DAY, tombstones)
    with machines[0].begin() as one, machines[1].begin() as other:
        assert add_rows(one, tables.interaction, [act("a", "e")], tombstones) == ["taken"]
        waiting: list[str] = []

        def add() -> None:
            rows = [act("b", "e"), act("b", "mine")]
            waiting.extend(add_rows(other, tables.interaction, rows, tombstones))

        thread = threading.Thread(target=add)
        thread.start()
        thread.join(0.3)
        one.commit()
        thread.join(60)
        assert waiting == ["conflict", "taken"]


def test_what_one_machine_erased_the_other_keeps_out(
    machines: list[sa.Engine], tmp_path: Path
) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "tombstone.key").write_text("cd" * 32)
    first, second = keys_of(machines[0], tmp_path / "a"), keys_of(machines[1], tmp_path / "b")
    with machines[0].begin() as connection:
        erase(connection, ["gone"], DAY, first)
    with machines[1].begin() as connection:
        assert put_leads(connection, [NewLead("gone", DAY, {})], DAY, second) == [("erased", 0)]


def test_a_reader_of_the_views_delays_no_write(
    server: Server, machines: list[sa.Engine], tmp_path: Path
) -> None:
    async def run() -> None:
        settings = Settings(home=tmp_path, database_url=server.url, score_log="off")
        opened = store.Store(settings, Metrics())
        await opened.start()
        reader = machines[1].connect()
        reader.execute(sa.text("SELECT * FROM leads")).all()  # and its transaction stays open
        begun = time.monotonic()
        for i in range(3):
            new = NewLead(f"n-{i}", DAY, {f"new_{i}": 1.0})
            await opened.write(lambda c, new=new: put_leads(c, [new], DAY, opened.tombstones))
            await opened.show_attributes(new.attributes)
        took = time.monotonic() - begun
        assert took < 10.0, took  # milliseconds; a write that waits for the reader waits for good
        reader.close()
        names: set[str] = set()
        while not {"new_0", "new_1", "new_2"} <= names:
            assert time.monotonic() - begun < 60
            opened._looked = 0.0  # do not wait for the next look
            await asyncio.sleep(0.05)
            with machines[0].connect() as connection:
                names = {c["name"] for c in sa.inspect(connection).get_columns("leads")}
        await opened.stop()

    asyncio.run(run())


def test_a_database_that_hangs_is_answered_for_in_time(
    server: Server, machines: list[sa.Engine], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    async def run() -> None:
        settings = Settings(home=tmp_path, database_url=server.url, score_log="off")
        opened = store.Store(settings, Metrics())
        await opened.start()

        async def put(i: int) -> None:
            new = NewLead(f"h-{i}", DAY, {})
            await opened.write(lambda c: put_leads(c, [new], DAY, opened.tombstones))

        await put(0)
        for module in (database, store, writer):
            monkeypatch.setattr(module, "ANSWER_S", 0.5)
        frozen = server.processes()
        for pid in frozen:
            os.kill(pid, signal.SIGSTOP)
        try:
            for work in (
                lambda: put(1),
                lambda: opened.read(lambda c: c.scalar(sa.text("SELECT 1"))),
            ):
                for _ in range(2):  # also the second time, when a thread hangs already
                    begun = time.monotonic()
                    with pytest.raises(StorageBusy):
                        await work()
                    assert time.monotonic() - begun < 20
        finally:
            for pid in frozen:
                os.kill(pid, signal.SIGCONT)
        monkeypatch.undo()
        begun = time.monotonic()
        while True:
            try:
                await put(2)
                break
            except StorageBusy:
                assert time.monotonic() - begun < 60
                await asyncio.sleep(0.1)
        await opened.stop()

    asyncio.run(run())
