"""The folder of a sync: records as last read, how far each kind is, and the export made of them.

All of it is one SQLite file, ``sync.db``: a page of records and the place after it are written in
one transaction, so a run that ends anywhere goes on from the last whole page.
"""

from __future__ import annotations

import csv
import json
import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType
from typing import Any

from features.compute.atomic import atomic_path
from features.errors import StorageBusy, UsageError

SYNC_STATE = "sync.db"
"""The state that ``leadscore sync`` keeps beside the files it writes; no part of the export."""

OVERLAP = timedelta(minutes=10)
"""How far before the last run's start the next one looks back: clocks differ, and a change can be
searched only a moment after it was made. A record that is read twice is kept once."""

TABLES = """
CREATE TABLE IF NOT EXISTS record
    (kind TEXT, id TEXT, body TEXT, PRIMARY KEY (kind, id)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS place (kind TEXT PRIMARY KEY, since TEXT, started TEXT, last_id TEXT);
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT);
"""


@dataclass(frozen=True)
class Window:
    """What a run of one kind reads: everything modified since ``since`` (None: everything).

    ``place``: after the last page that is read already (an id, a cursor); None at the beginning.
    """

    since: datetime | None
    place: str | None


class Mirror:
    """A context manager over a sync's folder. Raises StorageBusy while another run has it."""

    def __init__(self, folder: Path, system: str, url: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        path = folder / SYNC_STATE
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self._db = sqlite3.connect(path, timeout=0, isolation_level=None)
        self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
        try:
            # a commit that a loss of power takes away is read again: no sync each time
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.executescript(f"BEGIN EXCLUSIVE; {TABLES} COMMIT;")
            self._belongs_to(f"{system} {url}")
        except sqlite3.OperationalError as error:
            self._db.close()
            if "locked" not in str(error):
                raise
            raise StorageBusy(f"{path} is in use by another sync; wait for its end") from error
        except BaseException:
            self._db.close()
            raise

    def __enter__(self) -> Mirror:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        problem: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._db.close()

    def _belongs_to(self, source: str) -> None:
        known = self.setting("source")
        if known is not None and known != source:
            raise UsageError(f"{self.folder} holds a sync of {known}, not of {source}")
        self.set("source", source)

    def setting(self, name: str) -> str | None:
        """What :meth:`set` kept under a name; None if nothing."""
        row = self._db.execute("SELECT value FROM setting WHERE name = ?", [name]).fetchone()
        return None if row is None else str(row[0])

    def set(self, name: str, value: str) -> None:
        """Keep a text under a name."""
        self._db.execute("INSERT OR REPLACE INTO setting VALUES (?, ?)", [name, value])

    def begin(self, kind: str, now: datetime) -> tuple[Window, bool]:
        """The window to read, and whether it is one that an earlier run did not finish."""
        row = self._db.execute(
            "SELECT since, started, last_id FROM place WHERE kind = ?", [kind]
        ).fetchone()
        since, started, place = row or (None, None, None)
        if started is None:
            self._db.execute(
                "INSERT OR REPLACE INTO place VALUES (?, ?, ?, NULL)",
                [kind, since, now.isoformat()],
            )
        window = Window(None if since is None else datetime.fromisoformat(since), place)
        return window, started is not None

    def keep(self, kind: str, records: Mapping[str, Any], place: str) -> None:
        """Write a page of records and the place after it, both or neither."""
        rows = [(kind, key, json.dumps(body, ensure_ascii=False)) for key, body in records.items()]
        self._db.execute("BEGIN")
        try:
            self._db.executemany("INSERT OR REPLACE INTO record VALUES (?, ?, ?)", rows)
            self._db.execute("UPDATE place SET last_id = ? WHERE kind = ?", [place, kind])
        except BaseException:
            self._db.execute("ROLLBACK")
            raise
        self._db.execute("COMMIT")

    def finish(self, kind: str) -> None:
        """The window is read: the next run begins ``OVERLAP`` before this one did."""
        row = self._db.execute("SELECT started FROM place WHERE kind = ?", [kind]).fetchone()
        since = datetime.fromisoformat(row[0]) - OVERLAP
        self._db.execute(
            "UPDATE place SET since = ?, started = NULL, last_id = NULL WHERE kind = ?",
            [since.isoformat(), kind],
        )

    def rewind(self, kind: str) -> None:
        """Read the window that was begun from its beginning."""
        self._db.execute("UPDATE place SET last_id = NULL WHERE kind = ?", [kind])

    def restart(self, kind: str) -> None:
        """Read everything of a kind again: what is asked of each record has changed."""
        self._db.execute("DELETE FROM place WHERE kind = ?", [kind])

    def forget(self, kind: str, ids: Iterable[str]) -> int:
        """Drop records that the system has deleted; returns how many were here."""
        dropped = 0
        for key in ids:
            dropped += self._db.execute(
                "DELETE FROM record WHERE kind = ? AND id = ?", [kind, key]
            ).rowcount
        return dropped

    def forget_of(self, kind: str, column: str, values: Iterable[str]) -> int:
        """Drop the records that belong to others: those whose ``column`` is one of ``values``."""
        self._db.execute("CREATE TEMP TABLE IF NOT EXISTS gone (value TEXT PRIMARY KEY)")
        self._db.execute("DELETE FROM gone")
        self._db.executemany("INSERT OR IGNORE INTO gone VALUES (?)", [[v] for v in values])
        return self._db.execute(
            "DELETE FROM record WHERE kind = ? AND CAST(json_extract(body, ?) AS TEXT) IN gone",
            [kind, f'$."{column}"'],
        ).rowcount

    def ids(self, kind: str) -> frozenset[str]:
        """The id of every record of a kind."""
        rows = self._db.execute("SELECT id FROM record WHERE kind = ?", [kind])
        return frozenset(row[0] for row in rows)

    def get(self, kind: str, key: str) -> Any:
        """One record, or None."""
        row = self._db.execute(
            "SELECT body FROM record WHERE kind = ? AND id = ?", [kind, key]
        ).fetchone()
        return None if row is None else json.loads(row[0])

    def records(self, kind: str) -> Iterator[tuple[str, Any]]:
        """Every record of a kind with its id, in the order of ids as text."""
        for key, body in self._db.execute(
            "SELECT id, body FROM record WHERE kind = ? ORDER BY id", [kind]
        ):
            yield key, json.loads(body)

    def write_csv(self, name: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> int:
        """Write a table of the export, whole or not at all; returns its number of rows."""
        written = 0
        with (
            atomic_path(self.folder / name) as beside,
            open(beside, "w", encoding="utf-8", newline="") as file,
        ):
            writer = csv.writer(file)
            writer.writerow(columns)
            for row in rows:
                writer.writerow(["" if value is None else value for value in row])
                written += 1
        return written
