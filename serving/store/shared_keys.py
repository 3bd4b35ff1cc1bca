"""API keys of several machines: each home's ``keys.json`` and the store tell each other.

The file stays what a server reads, so a store that is away locks nobody out and a damaged file
lets nobody in. On PostgreSQL, which several machines share, every server compares both every few
seconds: a key made on one machine is known on all, and one revoked anywhere is revoked everywhere.
Hashes alone are kept. SQLite serves one machine, and its backup holds no keys.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, replace
from pathlib import Path

import sqlalchemy as sa

from features.errors import StorageError
from serving.http.api_keys import KEYS_FILE, Key, keys_locked, read_keys, write_keys
from serving.outbox.changes import remember
from serving.store.tables import service_state

SHARED = "api_keys"

_ORDER = 0x6C656164736B6579
"""PostgreSQL's advisory lock: of several servers one at a time compares and writes."""


def share_keys(connection: sa.Connection, home: Path) -> bool:
    """Make the file and the store know the same keys; whether anything was new to either.

    Within a writing transaction. StorageError, and nothing is changed, when the file is damaged.
    """
    if connection.dialect.name != "postgresql":
        return False
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_ORDER)))
    with keys_locked(home):
        here, there = read_keys(home / KEYS_FILE), _stored(connection)
        both = merged(here, there)
        if both != there:
            remember(connection, SHARED, json.dumps([asdict(key) for key in both]))
        if both != here:
            write_keys(home, both)
    return both != here or both != there


def differ(connection: sa.Connection, home: Path) -> bool:
    """Whether :func:`share_keys` has something to do and can; reads only."""
    if connection.dialect.name != "postgresql":
        return False
    try:
        here = read_keys(home / KEYS_FILE)
    except StorageError:  # nobody is let in, and the log says why: see KeyFile
        return False
    there = _stored(connection)
    both = merged(here, there)
    return both != here or both != there


def merged(here: Iterable[Key], there: Iterable[Key]) -> list[Key]:
    """Every key of both, the oldest first; one that either has revoked is revoked.

    In whatever order machines tell each other, they end with the same keys.
    """
    found: dict[str, Key] = {}
    for key in (*here, *there):
        known = found.get(key.id, key)
        ends = [at for at in (known.revoked_at, key.revoked_at) if at is not None]
        found[key.id] = replace(known, revoked_at=min(ends, default=None))
    return sorted(found.values(), key=lambda key: (key.created_at, key.id))


def _stored(connection: sa.Connection) -> list[Key]:
    query = sa.select(service_state.c.value).where(service_state.c.key == SHARED)
    text = connection.scalar(query)
    if text is None:
        return []
    return [Key(**{**key, "scopes": tuple(key["scopes"])}) for key in json.loads(text)]
