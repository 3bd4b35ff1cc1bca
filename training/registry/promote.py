"""Promote and roll back: change the champion in one step, never by half.

How a change survives ``kill -9`` is described in `training.registry.champion_pointer`; whether a
challenger may be promoted at all is decided by the gate (`training.registry.gate`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from features.errors import GateError, LeadscoreError, RegistryError, StorageError, UsageError
from scoring.release.audit_trail import AuditTrail
from scoring.release.release import load_release
from scoring.release.store import ChampionPointer, ReleaseStore, StoredRelease
from training.registry.champion_pointer import change_champion, reconcile
from training.registry.mlflow_registry import CHAMPION, PREVIOUS, Registry
from training.registry.resolve import fetch, locate, store_version
from training.settings import TrackingSettings

if TYPE_CHECKING:
    from training.registry.gate_criteria import GateLimits, GateReport


Gate = Callable[[StoredRelease, StoredRelease | None], "GateReport"]
"""Called with (challenger, champion or None) before a promotion."""


@dataclass(frozen=True, slots=True)
class ChampionChange:
    """The result of a promotion or rollback.

    ``synced`` false: the registry or the audit trail could not be written yet; the next command
    does it.
    """

    champion: StoredRelease
    previous: StoredRelease | None
    synced: bool
    evidence: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Plain data for ``--json``."""
        return {
            "version": self.champion.version,
            "release_id": self.champion.release_id,
            "previous_version": self.previous.version if self.previous else None,
            "previous_release_id": self.previous.release_id if self.previous else None,
            "settled": self.synced,
            "evidence": self.evidence,
        }


def promote(
    version: str,
    settings: TrackingSettings | None = None,
    *,
    who: str,
    now: str,
    force: bool = False,
    dataset: str | None = None,
    limits: GateLimits | None = None,
    gate: Gate | None = None,
    confirm_suspects: Collection[str] = (),
) -> ChampionChange:
    """Make ``version`` (a number or ``challenger``) the champion.

    ``who`` and ``now`` (ISO 8601) go to the audit trail with the gate's evidence, and ``force``
    does when it overrules the gate. ``dataset``: what the gate compares on, by default the newer
    of the two that the sides were trained on. ``gate`` replaces
    `training.registry.gate.evaluate_gate`. ``confirm_suspects``: suspects of the audit that
    ``who`` has found to be known in time; they go to the audit trail, and later promotions by the
    same registry home need not repeat them. Raises UsageError if it is the champion already,
    GateError if the gate refuses, RegistryError if it is not known, ReleaseError if its files are
    refused; nothing has changed then.
    """
    settings = settings or TrackingSettings()
    to = locate(version, settings)
    if not to.version:
        raise UsageError(f"{version} is a folder; promote a version number from `leadscore models`")
    store = ReleaseStore(settings.home)
    with suppress(StorageError):  # what another machine promoted is the champion here too
        fetch(CHAMPION, settings, who=who, now=now)
    champion = _champion(store, to)
    confirmed = sorted(set(confirm_suspects))
    gate = gate or _gate(settings, now, dataset, limits, confirmed)
    report = _gate_report(gate, to, champion, force=force)
    if not report.passed and not force:
        raise GateError(
            f"version {to.version} is not promoted: {'; '.join(report.refusals)}. "
            "--force promotes it all the same and is written to the audit trail"
        )
    with store.locked():
        reconcile(settings)
        if _champion(store, to) != champion:
            raise UsageError("another promotion finished meanwhile; compare with it and try again")
        change = {
            "what": "promote",
            "who": who,
            "when": now,
            "forced": not report.passed,
            "gate": report.to_dict(),
            **({"confirmed_suspects": confirmed} if confirmed else {}),
        }
        return _changed(change_champion(settings, to, champion, change), report.to_dict())


def rollback(settings: TrackingSettings | None = None, *, who: str, now: str) -> ChampionChange:
    """Make the previous champion the champion again; a second rollback takes it back.

    Works with the registry down: the previous release is on this disk. Raises UsageError if
    there is no previous champion, ReleaseError if its files are refused; nothing has changed then.
    """
    settings = settings or TrackingSettings()
    store = ReleaseStore(settings.home)
    with store.locked():
        pointer = reconcile(settings)
        to = pointer.previous if pointer else None
        to = _intact(settings, to) if to else _from_registry(settings)
        if pointer is None or to is None:
            raise UsageError("there is no previous champion to roll back to")
        change = {"what": "rollback", "who": who, "when": now}
        return _changed(change_champion(settings, to, pointer.stored, change), {})


def _gate(
    settings: TrackingSettings,
    now: str,
    dataset: str | None,
    limits: GateLimits | None,
    confirmed: Collection[str],
) -> Gate:
    from training.registry.gate import evaluate_gate

    known = {name for entry in AuditTrail(settings.home).entries() for name in _confirmed_in(entry)}
    return partial(
        evaluate_gate,
        settings=settings,
        now=now,
        dataset=dataset,
        limits=limits,
        confirmed=confirmed,
        confirmed_before=known,
    )


def _confirmed_in(entry: dict[str, Any]) -> list[str]:
    return [str(name) for name in entry.get("confirmed_suspects", [])]


def _gate_report(
    gate: Gate, to: StoredRelease, champion: StoredRelease | None, *, force: bool
) -> GateReport:
    """The gate's report; when forced, that a gate that fails is a refusal like others."""
    from training.registry.gate_criteria import GateReport

    try:
        return gate(to, champion)
    except LeadscoreError as error:
        if not force:
            raise
        return GateReport((f"the gate could not be run: {error}",), {})


def _champion(store: ReleaseStore, to: StoredRelease) -> StoredRelease | None:
    pointer = store.pointer()
    if pointer is None:
        return None
    if pointer.stored.release_id == to.release_id and pointer.version == to.version:
        raise UsageError(f"version {to.version} is the champion already")
    return pointer.stored


def _intact(settings: TrackingSettings, to: StoredRelease) -> StoredRelease:
    """``to``, fetched again from the registry if its copy here is damaged."""
    if not ReleaseStore(settings.home).is_intact(to.release_id) and to.version:
        return store_version(settings, Registry(settings).version(to.version))
    load_release(Path(to.path))
    return to


def _from_registry(settings: TrackingSettings) -> StoredRelease | None:
    """What the registry calls previous; a machine that never promoted has no record of its own."""
    try:
        version = Registry(settings).aliased(PREVIOUS)
    except RegistryError:
        return None
    return store_version(settings, version) if version else None


def _changed(pointer: ChampionPointer, evidence: dict[str, Any]) -> ChampionChange:
    return ChampionChange(pointer.stored, pointer.previous, not pointer.pending, evidence)
