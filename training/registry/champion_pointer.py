"""Changing the champion: one atomic step for readers, then the registry, then the audit trail.

1. The pointer file is replaced. This is the moment of the change: before it the old release
   is the champion, after it the new one. It carries ``pending`` and the audit entry of the change.
2. The registry's aliases are moved to say the same.
3. The audit trail gets the entry.
4. The pointer is written again without ``pending``.

A process killed, or a registry lost, between 1 and 4 leaves a pending pointer: the next command
that looks at the champion finishes the rest (`reconcile`). While it is pending the pointer is
the intent and the registry follows; otherwise the registry is what several machines share, and
`training.registry.resolve.fetch` lets the pointer follow it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from features.errors import StorageError
from scoring.release.audit_trail import AuditTrail
from scoring.release.store import ChampionPointer, ReleaseStore, StoredRelease
from training.registry.mlflow_registry import CHALLENGER, CHAMPION, PREVIOUS, Registry
from training.settings import TrackingSettings


def change_champion(
    settings: TrackingSettings,
    to: StoredRelease,
    previous: StoredRelease | None,
    change: Mapping[str, Any],
) -> ChampionPointer:
    """Make ``to`` the champion; the caller holds the store's lock and has verified ``to``.

    ``change``: who, when, what and why, JSON values; it gets its serial, from and to here.
    Returns the pointer; ``pending`` is still true if the registry could not be reached.
    Raises StorageError if the disk refuses, and then nothing has changed.
    """
    store = ReleaseStore(settings.home)
    old = reconcile(settings)
    serial = 1 + max(
        old.serial if old else 0,
        *(int(entry.get("serial", 0)) for entry in AuditTrail(settings.home).entries()),
        0,
    )
    entry = {
        **change,
        "serial": serial,
        "from": _named(old.stored if old else None),
        "to": _named(to),
    }
    store.set_champion(
        ChampionPointer(
            to.release_id, to.version, to.path, previous, serial, pending=True, change=entry
        )
    )
    return reconcile(settings) or _pointer(store)


def reconcile(settings: TrackingSettings) -> ChampionPointer | None:
    """Finish a change that was interrupted; the caller holds the store's lock.

    Returns the pointer; it is still pending if the registry or the trail could not
    be written.
    Costs one small read when nothing is pending.
    """
    store = ReleaseStore(settings.home)
    pointer = store.pointer()
    if pointer is None or not pointer.pending:
        return pointer
    try:
        if pointer.change is not None:
            AuditTrail(settings.home).append_once(pointer.change)
        _move_aliases(Registry(settings), pointer)
        settled = replace(pointer, pending=False)
        store.set_champion(settled)
    except StorageError:  # a registry that is down, a disk that is full: the change remains
        return pointer
    return settled


def reconcile_if_pending(settings: TrackingSettings) -> None:
    """`reconcile` under the lock, which is only taken when something is pending."""
    store = ReleaseStore(settings.home)
    pointer = store.pointer()
    if pointer is not None and pointer.pending:
        with store.locked():
            reconcile(settings)


def _move_aliases(registry: Registry, pointer: ChampionPointer) -> None:
    """``previous`` first: a reader of the aliases in between still finds both releases."""
    if not pointer.version:
        return  # a release folder that no registry knows
    previous = pointer.previous.version if pointer.previous else ""
    registry.set_aliases({PREVIOUS: previous or None})
    registry.set_aliases({CHAMPION: pointer.version})
    if registry.aliases().get(CHALLENGER) == pointer.version:
        registry.set_aliases({CHALLENGER: None})


def _named(stored: StoredRelease | None) -> dict[str, str] | None:
    if stored is None:
        return None
    return {"version": stored.version, "release_id": stored.release_id}


def _pointer(store: ReleaseStore) -> ChampionPointer:
    pointer = store.pointer()
    assert pointer is not None, "written a moment ago"  # noqa: S101
    return pointer
