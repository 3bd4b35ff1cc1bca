"""Promote and roll back: which release answers, changed in one step and never by half.

How a change survives ``kill -9`` is told in `training.champion`; whether a challenger may be
promoted at all is decided by the gate (`training.gate`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from features.errors import RegistryError, UsageError
from scoring.release import load_release
from scoring.release_store import Pointer, ReleaseStore, Stored
from training.champion import change_champion, reconcile
from training.settings import TrackingSettings
from training.tracking import locate, store_version
from training.tracking_registry import PREVIOUS, Registry

Gate = Callable[[Stored, Stored | None], dict[str, Any]]
"""Asked (challenger, champion or None) before a promotion; returns the evidence for the audit
trail, or raises GateError."""


@dataclass(frozen=True, slots=True)
class Change:
    """What a promotion or rollback did. ``settled`` false: the registry or the audit trail could
    not be written yet; the next command does it."""

    champion: Stored
    previous: Stored | None
    settled: bool
    evidence: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for ``--json``."""
        return {
            "version": self.champion.version,
            "release_id": self.champion.release_id,
            "previous_version": self.previous.version if self.previous else None,
            "previous_release_id": self.previous.release_id if self.previous else None,
            "settled": self.settled,
            "evidence": self.evidence,
        }


def promote(
    version: str,
    settings: TrackingSettings | None = None,
    *,
    who: str,
    now: str,
    gate: Gate | None = None,
    forced: bool = False,
) -> Change:
    """Make ``version`` (a number or ``challenger``) the champion.

    ``who`` and ``now`` (ISO 8601) go to the audit trail, and so does ``forced``. Raises
    UsageError if it answers already, GateError if the gate refuses, RegistryError if it is not
    known, ReleaseError if its files are refused; nothing has changed then.
    """
    settings = settings or TrackingSettings()
    to = locate(version, settings)
    if not to.version:
        raise UsageError(f"{version} is a folder; promote a version number from `leadscore models`")
    store = ReleaseStore(settings.home)
    champion = _champion(store, to)
    evidence = gate(to, champion) if gate is not None else {}
    with store.locked():
        reconcile(settings)
        if _champion(store, to) != champion:
            raise UsageError("another promotion finished meanwhile; compare with it and try again")
        change = {"what": "promote", "who": who, "when": now, "forced": forced, **evidence}
        return _changed(change_champion(settings, to, champion, change), evidence)


def rollback(settings: TrackingSettings | None = None, *, who: str, now: str) -> Change:
    """Let the release answer again that answered before; a second rollback takes it back.

    Works with the registry down: the previous release is on this disk. Raises UsageError if
    nothing answered before, ReleaseError if its files are refused; nothing has changed then.
    """
    settings = settings or TrackingSettings()
    store = ReleaseStore(settings.home)
    with store.locked():
        pointer = reconcile(settings)
        to = pointer.previous if pointer else None
        to = _intact(settings, to) if to else _from_registry(settings)
        if pointer is None or to is None:
            raise UsageError("nothing answered before: there is no release to roll back to")
        change = {"what": "rollback", "who": who, "when": now}
        return _changed(change_champion(settings, to, pointer.stored, change), {})


def _champion(store: ReleaseStore, to: Stored) -> Stored | None:
    pointer = store.pointer()
    if pointer is None:
        return None
    if pointer.stored.release_id == to.release_id and pointer.version == to.version:
        raise UsageError(f"version {to.version} is the champion already")
    return pointer.stored


def _intact(settings: TrackingSettings, to: Stored) -> Stored:
    """``to``, fetched again from the registry if its copy here is damaged."""
    if not ReleaseStore(settings.home).intact(to.release_id) and to.version:
        return store_version(settings, Registry(settings).version(to.version))
    load_release(Path(to.path))
    return to


def _from_registry(settings: TrackingSettings) -> Stored | None:
    """What the registry calls previous; a machine that never promoted has no word of its own."""
    try:
        version = Registry(settings).aliased(PREVIOUS)
    except RegistryError:
        return None
    return store_version(settings, version) if version else None


def _changed(pointer: Pointer, evidence: dict[str, Any]) -> Change:
    return Change(pointer.stored, pointer.previous, not pointer.pending, evidence)
