"""Erasures are complete, or say what is left and finish it; they outlive a restored database."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import sqlalchemy as sa

from serving.settings import Settings
from serving.store import tables
from serving.store.database import connect
from serving.store.erasure_ledger import ErasureLedger
from serving.store.leads import NewLead, put_leads
from serving.store.migrate import migrate
from serving.store.refused_scores import erase_refused
from serving.store.store import Store
from serving.store.tombstones import (
    KEY_FILE,
    erase,
    load_tombstones,
    stored_tombstones,
    tables_of_a_lead,
)
from serving.telemetry.metrics import Metrics

PERSON = "Erika-Mustermann-4711"


def put(connection: sa.Connection, *lead_ids: str) -> list[str]:
    tombstones = stored_tombstones(connection)
    new = [NewLead(lead_id, 1, {"name": lead_id}) for lead_id in lead_ids]
    return [word for word, _ in put_leads(connection, new, 1, tombstones)]


def test_every_table_with_a_persons_rows_is_erased() -> None:
    """A table added later is erased too, if its column is called lead_id."""
    personal = {table.name for table in tables_of_a_lead()}
    assert personal >= {
        "lead", "interaction", "answer", "outcome", "score", "standing", "correction", "alias",
        "withdrawn_interaction", "withdrawn_answer",
    }  # fmt: skip
    others = {t.name for t in tables.metadata.sorted_tables} - personal
    suspicious = {
        f"{name}.{column}"
        for name in others
        for column in (c.name for c in tables.metadata.tables[name].columns)
        if "lead" in column or column in ("answer", "input", "body", "payload")
    }
    assert suspicious <= ALLOWED, "say here why this is not of one person, or call it lead_id"


ALLOWED: set[str] = set()
"""Columns of tables that are erased in another way: none."""


def test_a_reader_beside_an_erasure_is_named_and_the_rest_is_done_when_it_ends(
    tmp_path: Path,
) -> None:
    settings = Settings(home=tmp_path / "home")

    async def run() -> None:
        store = Store(settings, Metrics())
        await store.start()
        await store.write(lambda c: put(c, PERSON))
        reader = sqlite3.connect(settings.home / "store.db")
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM lead").fetchone()
        await store.write(lambda c: erase(c, [PERSON], 2, store.tombstones))
        assert await store.scrub() is False
        assert PERSON.encode() in _bytes(settings.home)
        reader.close()
        for _ in range(1200):
            if not store.unscrubbed:
                break
            await asyncio.sleep(0.05)
        assert store.unscrubbed is False
        assert PERSON.encode() not in _bytes(settings.home)
        await store.stop()

    asyncio.run(run())


def _bytes(home: Path) -> bytes:
    return b"".join(path.read_bytes() for path in home.rglob("*") if path.is_file())


def test_tombstones_are_known_on_every_machine_and_outlive_a_restored_database(
    tmp_path: Path,
) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    second.mkdir()
    (second / KEY_FILE).write_text("ab" * 32)  # as a home of its own had it
    path = tmp_path / "store.db"
    engine = connect(f"sqlite:///{path}").execution_options(writes=True)
    migrate(engine)
    with engine.begin() as connection:
        load_tombstones(connection, first)
        put(connection, PERSON, "other")
    with closing(sqlite3.connect(path)) as live, closing(sqlite3.connect(tmp_path / "old")) as copy:
        live.backup(copy)
    with engine.begin() as connection:
        mine = load_tombstones(connection, first)
        theirs = load_tombstones(connection, second)
        assert mine.digest(PERSON) == theirs.digest(PERSON)
        assert len(theirs.digests(PERSON)) == 2
        erase(connection, [PERSON], 5, mine)
        assert put(connection, PERSON) == ["erased"]
        for home in (first, second):
            ErasureLedger(home).agree(connection, mine)
    engine.dispose()
    assert PERSON not in (first / "erased.jsonl").read_text()

    restored = connect(f"sqlite:///{tmp_path / 'old'}").execution_options(writes=True)
    with restored.begin() as connection:
        tombstones = load_tombstones(connection, second)
        assert ErasureLedger(second).agree(connection, tombstones) == 1
        assert connection.scalars(sa.select(tables.lead.c.lead_id)).all() == ["other"]
        assert put(connection, PERSON) == ["erased"]
    restored.dispose()


def test_scores_set_aside_are_erased_as_well(tmp_path: Path) -> None:
    folder = tmp_path / "refused"
    folder.mkdir()
    (folder / "a.lines").write_bytes(b'{"lead_id":"M\xc3\xbcller"}\n{"lead_id":"other"}\n')
    (folder / "b.lines").write_bytes(b'{"input":{"lead_id":"M\\u00fcller"}}\n')
    assert erase_refused(tmp_path, ["Müller"]) == 2
    assert [path.read_bytes() for path in folder.iterdir()] == [b'{"lead_id":"other"}\n']
