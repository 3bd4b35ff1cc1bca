"""Changing the champion where no registry is at hand: the pointer, and the audit trail beside it.

The pointer carries ``pending``, so the next command that looks at the champion moves the registry's
aliases (:mod:`training.registry.champion_pointer`, which makes the same change with a registry).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from features.errors import UsageError
from scoring.release.audit_trail import AuditTrail
from scoring.release.store import ChampionPointer, ReleaseStore, StoredRelease


def set_champion(
    home: Path,
    to: StoredRelease,
    change: Mapping[str, Any],
    *,
    seen_serial: int,
) -> ChampionPointer:
    """Make ``to`` the champion and the one before it the previous; the caller has verified ``to``.

    ``change``: who, when, what and why, JSON values; it gets its serial, from and to here.
    ``seen_serial``: of the pointer that the decision was made on. Raises UsageError if another
    change came between or ``to`` is the champion already, StorageError if the disk refuses; then
    nothing has changed.
    """
    store, trail = ReleaseStore(home), AuditTrail(home)
    with store.locked():
        old = store.pointer()
        if (old.serial if old else 0) != seen_serial:
            raise UsageError("the champion was changed meanwhile; look again and decide again")
        if old is not None and old.release_id == to.release_id:
            raise UsageError("this release is the champion already")
        if old is not None and old.pending and old.change is not None:
            trail.append_once(old.change)  # the new pointer takes the place that still holds it
        known = [int(entry.get("serial", 0)) for entry in trail.entries()]
        serial = 1 + max([old.serial if old else 0, *known])
        before = old.stored if old else None
        entry = {**change, "serial": serial, "from": _named(before), "to": _named(to)}
        pointer = ChampionPointer(
            to.release_id, to.version, to.path, before, serial, pending=True, change=entry
        )
        store.set_champion(pointer)
        trail.append_once(entry)
    return pointer


def _named(stored: StoredRelease | None) -> dict[str, str] | None:
    if stored is None:
        return None
    return {"version": stored.version, "release_id": stored.release_id}
