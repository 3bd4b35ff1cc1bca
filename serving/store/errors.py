"""What can be wrong with the store, under the one tree of ``features.errors``."""

from __future__ import annotations

from features.errors import StorageError


class StorageFull(StorageError):
    """The disk is full: nothing was written. Answered as 507."""


class StorageBusy(StorageError):
    """The database is locked, slow or away, or too much waits for it. Answered as 503."""
