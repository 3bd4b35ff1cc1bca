"""A backup is whole or not there, and a restore is done or not begun, also under ``kill -9``."""

from __future__ import annotations

import random
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa
from stored_scores import score_row

from features.errors import DataError, StorageError, UsageError
from serving.settings import Settings
from serving.store import tables
from serving.store.backup import backup
from serving.store.database import connect, store_url
from serving.store.erasure_ledger import ErasureLedger
from serving.store.leads import NewLead, put_leads
from serving.store.migrate import migrate
from serving.store.restore import READY, finish_restore, restore
from serving.store.scores import line_of
from serving.store.tombstones import erase, load_tombstones


def filled(home: Path, *lead_ids: str) -> Settings:
    """A home with a store that holds these leads, its engine closed."""
    settings = Settings(home=home)
    engine = connect(store_url(settings))
    migrate(engine)
    with engine.execution_options(writes=True).begin() as connection:
        tombstones = load_tombstones(connection, home)
        new = [NewLead(lead_id, 1, {"size": 1.0, "text": "x" * 500}) for lead_id in lead_ids]
        put_leads(connection, new, 1, tombstones)
    engine.dispose()
    return settings


def leads_in(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = connection.execute("SELECT lead_id FROM lead ORDER BY lead_id")
        return [lead_id for (lead_id,) in rows]


def test_a_stale_log_beside_the_store_does_the_restored_one_no_harm(tmp_path: Path) -> None:
    settings = filled(tmp_path / "home", "A", "B")
    store, copy = tmp_path / "home" / "store.db", tmp_path / "copy.db"
    (tmp_path / "home" / "journal").mkdir()
    line = line_of(score_row("A", 1, 0.5))
    (tmp_path / "home" / "journal" / "1.jsonl").write_bytes(line + bytes(100))
    assert backup(settings, copy, 5).from_journal == 1
    assert copy.stat().st_mode & 0o077 == 0
    with closing(sqlite3.connect(copy)) as connection:
        assert connection.execute("SELECT count(*) FROM score").fetchone() == (1,)
    # the service goes on, and dies with a write-ahead log that holds what came later
    script = (
        "import sqlite3, sys, os\n"
        "c = sqlite3.connect(sys.argv[1])\n"
        "c.execute('PRAGMA wal_autocheckpoint = 0')\n"
        "c.executemany('INSERT INTO lead VALUES (?, 1, ?, 1)', "
        "[(f'late-{i}', '{}' * 400) for i in range(500)])\n"
        "c.commit()\n"
        "os.kill(os.getpid(), 9)\n"
    )
    subprocess.run([sys.executable, "-c", script, str(store)], check=False, timeout=60)
    assert (tmp_path / "home" / "store.db-wal").stat().st_size > 100_000
    done = restore(settings, copy)
    assert (done.leads, done.erased_again) == (2, 0)
    assert leads_in(store) == ["A", "B"]


def test_who_was_erased_since_the_backup_is_erased_from_it_again(tmp_path: Path) -> None:
    home = tmp_path / "home"
    settings = filled(home, "A", "B", "C")
    backup(settings, tmp_path / "copy.db", 5)
    engine = connect(store_url(settings)).execution_options(writes=True)
    with engine.begin() as connection:
        tombstones = load_tombstones(connection, home)
        erase(connection, ["A"], 6, tombstones)
    with engine.begin() as connection:
        erase(connection, ["B"], 7, tombstones)
        ErasureLedger(home).agree(connection, tombstones)
    engine.dispose()
    assert restore(settings, tmp_path / "copy.db").erased_again == 2
    assert leads_in(home / "store.db") == ["C"]
    # also where the store itself is lost and the file beside it is all that is left
    (home / "store.db").write_bytes(b"no database at all, but longer than its header" * 50)
    assert restore(settings, tmp_path / "copy.db").erased_again == 2
    assert leads_in(home / "store.db") == ["C"]
    assert b"size" in (home / "store.db").read_bytes()


def test_a_store_in_use_is_not_replaced(tmp_path: Path) -> None:
    settings = filled(tmp_path / "home", "A")
    backup(settings, tmp_path / "copy.db", 5)
    engine = connect(store_url(settings))
    with engine.connect() as reader:
        reader.execute(sa.select(tables.lead)).all()
        with pytest.raises(StorageError, match="in use"):
            restore(settings, tmp_path / "copy.db")
    engine.dispose()
    assert leads_in(tmp_path / "home" / "store.db") == ["A"]


def test_what_is_no_backup_is_refused(tmp_path: Path) -> None:
    settings = filled(tmp_path / "home", "A")
    (tmp_path / "text").write_text("leads" * 1000)
    with pytest.raises(StorageError, match="no whole database"):
        restore(settings, tmp_path / "text")
    with pytest.raises(DataError):
        restore(settings, tmp_path)
    with pytest.raises(UsageError, match="pg_dump"):
        backup(Settings(database_url="postgresql://nowhere/leads"), tmp_path / "copy.db", 5)
    with pytest.raises(UsageError, match="itself"):
        backup(settings, tmp_path / "home" / "store.db", 5)
    assert leads_in(tmp_path / "home" / "store.db") == ["A"]


RUNS = """
import sys
from pathlib import Path
from serving.settings import Settings
from serving.store.backup import backup
from serving.store.restore import restore
home, target, name = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3]
print("begun", flush=True)
while True:
    if name == "backup":
        backup(Settings(home=home), target, 5)
    else:
        restore(Settings(home=home), target)
"""


@pytest.mark.parametrize("name", ["backup", "restore"])
def test_kill_9_in_the_middle(tmp_path: Path, name: str) -> None:
    home, copy = tmp_path / "home", tmp_path / "copy.db"
    everybody = [f"L-{i:05d}" for i in range(1500)]
    settings = filled(home, *everybody)
    backup(settings, copy, 5)
    rng = random.Random(7)
    for _ in range(2):
        process = subprocess.Popen(
            [sys.executable, "-c", RUNS, str(home), str(copy), name], stdout=subprocess.PIPE
        )
        assert process.stdout is not None
        process.stdout.readline()
        time.sleep(rng.uniform(0.02, 0.3))
        process.kill()
        process.communicate()
        finish_restore(home / "store.db")
        assert leads_in(copy) == everybody
        assert leads_in(home / "store.db") == everybody
    backup(settings, copy, 6)
    assert [path.name for path in tmp_path.iterdir() if "partial" in path.name] == []


def test_a_restore_that_was_decided_is_finished_by_the_next_start(tmp_path: Path) -> None:
    home = tmp_path / "home"
    filled(home, "old")
    filled(tmp_path / "other", "new")
    ready = home / f"store.db{READY}"
    (tmp_path / "other" / "store.db").rename(ready)
    (home / "store.db-wal").write_bytes(b"stale" * 1000)
    assert finish_restore(home / "store.db") is True
    assert leads_in(home / "store.db") == ["new"]
    assert finish_restore(home / "store.db") is False
