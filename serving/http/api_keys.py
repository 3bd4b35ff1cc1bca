"""API keys: random secrets of which only the hash is kept, with scopes, two at once to rotate.

The file ``keys.json`` in the home holds them; every process looks at it once a second, so a
revoked key stops within that. It needs no database, so a store that is down locks nobody out.
Machines on one PostgreSQL tell each other: see :mod:`serving.store.shared_keys`.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from features.compute.atomic import locked_file, write_atomically
from features.errors import StorageError, UsageError

log = logging.getLogger("leadscore.serving")


KEYS_FILE = "keys.json"


LOCK_FILE = ".keys.lock"


SCOPES = ("score", "ingest", "read", "admin", "erase")
"""score: ask for scores. ingest: write leads and events. read: rankings, past scores, the model,
metrics. erase: delete a person. admin: all of them."""


LOOK_S = 1.0


@dataclass(frozen=True, slots=True)
class Key:
    """One API key as kept: its public id and the SHA-256 of the whole secret (256 random bits)."""

    id: str
    name: str
    hash: str
    scopes: tuple[str, ...]
    created_at: str
    revoked_at: str | None = None

    def allows(self, scope: str) -> bool:
        """Whether the key may do what this scope is for."""
        return scope in self.scopes or "admin" in self.scopes


class KeyFile:
    """The keys of one home; read again when the file changes."""

    def __init__(self, home: Path) -> None:
        self.path = home / KEYS_FILE
        self._looked = float("-inf")
        self._stamp: tuple[int, int, int] | None = None
        self._by_hash: dict[str, Key] = {}
        self.required = False
        self._broken: StorageError | None = None

    def find(self, secret: str) -> Key | None:
        """The live key of this secret. StorageError while the file cannot be read: a key that was
        revoked in it must not go on working."""
        self.look()
        if self._broken is not None:
            raise StorageError(str(self._broken))
        key = self._by_hash.get(hash_of(secret))
        if key is None:  # it may have been made this very second
            self._looked = float("-inf")
            self.look()
            key = self._by_hash.get(hash_of(secret))
        return None if key is None or key.revoked_at is not None else key

    def find_id(self, key_id: str) -> Key | None:
        """The live key of this public id: whose session it is."""
        self.look()
        found = (key for key in self._by_hash.values() if key.id == key_id)
        return next((key for key in found if key.revoked_at is None), None)

    def look(self, now: float | None = None) -> None:
        """Read the file again if it changed; at most once a second.

        A file that cannot be read lets nobody in until it can, and the log says so.
        """
        now = time.monotonic() if now is None else now
        if now - self._looked < LOOK_S:
            return
        self._looked = now
        try:
            self._read_again()
        except (StorageError, OSError) as error:
            if self._broken is None:
                log.error("the API keys cannot be read, nobody is let in: %s", error)
            self._broken = StorageError(str(error))
            self._stamp, self._by_hash, self.required = None, {}, True

    def _read_again(self) -> None:
        try:
            found = os.stat(self.path)
        except FileNotFoundError:
            # a file taken away opens no door: see required
            self._stamp, self._by_hash, self._broken = None, {}, None
            return
        stamp = (found.st_mtime_ns, found.st_ino, found.st_size)
        if stamp != self._stamp:
            self._by_hash = {key.hash: key for key in read_keys(self.path)}
            self._stamp, self._broken = stamp, None
            self.required = True


def hash_of(secret: str) -> str:
    """SHA-256 of a secret; it is random, so no salt and no slow hash is needed."""
    return hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest()


def read_keys(path: Path) -> list[Key]:
    """Every key ever made here; StorageError if the file is damaged."""
    try:
        document = json.loads(path.read_bytes())
        return [Key(**{**key, "scopes": tuple(key["scopes"])}) for key in document["keys"]]
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise StorageError(f"{path} is not a key file ({type(error).__name__})") from error


def create_key(
    home: Path, name: str, scopes: Iterable[str], now: datetime | None = None
) -> tuple[Key, str]:
    """Make a key; the secret is in the answer and nowhere else."""
    scopes = tuple(dict.fromkeys(scopes))
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        raise UsageError(f"scopes are {', '.join(SCOPES)}; give at least one")
    key_id = secrets.token_hex(4)
    secret = f"ls_{key_id}_{secrets.token_urlsafe(32)}"
    created = (now or datetime.now(UTC)).isoformat(timespec="seconds")
    key = Key(key_id, name, hash_of(secret), scopes, created)
    with keys_locked(home):
        write_keys(home, [*read_keys(home / KEYS_FILE), key])
    return key, secret


def list_keys(home: Path) -> list[dict[str, Any]]:
    """Every key without its hash, oldest first."""
    shown = [asdict(key) for key in read_keys(home / KEYS_FILE)]
    for key in shown:
        del key["hash"]
    return shown


def revoke_key(home: Path, key_id: str, now: datetime | None = None) -> Key:
    """End a key; running servers follow within a second. UsageError if there is none such."""
    moment = (now or datetime.now(UTC)).isoformat(timespec="seconds")
    with keys_locked(home):
        keys = {key.id: key for key in read_keys(home / KEYS_FILE)}
        if key_id not in keys:
            raise UsageError(f"no key has the id {key_id}; see leadscore keys list")
        ended = replace(keys[key_id], revoked_at=keys[key_id].revoked_at or moment)
        write_keys(home, list({**keys, key_id: ended}.values()))
    return ended


@contextmanager
def keys_locked(home: Path) -> Iterator[None]:
    """Hold the lock of the keys: reading, changing and writing them is one step for others."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        with locked_file(home / LOCK_FILE, wait=True, mode=0o600):
            yield
    except OSError as error:
        raise StorageError(f"cannot lock the keys in {home}: {error.strerror}") from error


def write_keys(home: Path, keys: list[Key]) -> None:
    """Replace the file, whole or not at all; hold :func:`keys_locked` meanwhile."""
    text = json.dumps({"keys": [asdict(key) for key in keys]}, indent=2) + "\n"
    path = home / KEYS_FILE
    try:
        write_atomically(path, text.encode(), mode=0o600)
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror}") from error
