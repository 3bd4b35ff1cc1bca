"""The digests of erased leads on each machine's own disk, so that erasures outlive a database that
was restored from an older backup: at the next start they are done again."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import sqlalchemy as sa

from features.compute.atomic import create_once
from features.errors import StorageError
from serving.store.bulk import insert_new
from serving.store.tables import tombstone, tombstone_key
from serving.store.tombstones import KEY_FILE, Tombstones, erase, tables_of_a_lead

FILE = "erased.jsonl"


class ErasureLedger:
    """A file of lines ``{"digest", "erased_us"}`` in the home; it says nothing of anybody."""

    def __init__(self, home: Path) -> None:
        self._home = home
        self.path = home / FILE

    def read(self) -> dict[str, int]:
        """Moment of erasure by digest; a line torn by a crash is left out."""
        found: dict[str, int] = {}
        try:
            lines = self.path.read_text("ascii").splitlines()
        except FileNotFoundError:
            return found
        except (OSError, ValueError) as error:
            raise StorageError(f"cannot read {self.path} ({type(error).__name__})") from error
        for line in lines:
            try:
                entry = json.loads(line)
                found[str(entry["digest"])] = int(entry["erased_us"])
            except (ValueError, KeyError, TypeError):
                continue
        return found

    def add(self, entries: Iterable[tuple[str, int]]) -> None:
        """Append entries; they are on disk when this returns."""
        lines = [json.dumps({"digest": d, "erased_us": us}) + "\n" for d, us in entries]
        if not lines:
            return
        try:
            self._home.mkdir(parents=True, exist_ok=True)
            handle = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
            try:
                os.write(handle, ("\n" + "".join(lines)).encode("ascii"))
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            raise StorageError(f"cannot write {self.path} ({type(error).__name__})") from error

    def agree(self, connection: sa.Connection, tombstones: Tombstones) -> int:
        """Make database and file hold the same digests; how many leads were erased once more.

        The database's key is kept beside the file: a dump from before it was made has none.
        """
        stored = {row.digest: row.erased_us for row in connection.execute(sa.select(tombstone))}
        here = self.read()
        missing = {digest: us for digest, us in here.items() if digest not in stored}
        again = erase_by_digest(connection, missing, tombstones) if missing else 0
        self.add((digest, us) for digest, us in stored.items() if digest not in here)
        key = connection.scalar(sa.select(tombstone_key.c.key).order_by("id").limit(1))
        if key is not None and not (self._home / KEY_FILE).exists():
            self._home.mkdir(parents=True, exist_ok=True)
            create_once(self._home / KEY_FILE, key.encode("ascii"), mode=0o600)
        return again


def erase_by_digest(
    connection: sa.Connection, digests: dict[str, int], tombstones: Tombstones
) -> int:
    """Put up these tombstones, and erase the leads that they stand for; how many were there."""
    rows = [{"digest": digest, "erased_us": us} for digest, us in digests.items()]
    insert_new(connection, tombstone, rows)
    there = [
        lead_id
        for lead_id in _every_lead(connection)
        if not digests.keys().isdisjoint(tombstones.digests(lead_id))
    ]
    for lead_id in there:
        erase(connection, [lead_id], max(digests.values()), tombstones)
    return len(there)


def _every_lead(connection: sa.Connection) -> Iterator[str]:
    """The id of every lead that any table knows, once."""
    ids = [sa.select(table.c.lead_id) for table in tables_of_a_lead()]
    yield from connection.scalars(sa.union(*ids)).all()
