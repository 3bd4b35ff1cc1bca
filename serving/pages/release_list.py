"""The releases of this home as the page of the models shows them: read, not verified."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from features.errors import LeadscoreError
from scoring.release.audit_trail import AuditTrail
from scoring.release.store import VERSIONS_FILE, ChampionPointer, ReleaseStore, StoredRelease

CHAMPION, PREVIOUS = "champion", "previous"
NO_ENTRY: Mapping[str, Any] = {
    "what": "", "who": "", "when": "", "reason": "", "forced": False, "gate": None, "from": None,
    "to": None,
}  # fmt: skip
"""What an entry of the audit trail may lack."""

CARD_FILES = ("card.md", "model_card.md")


@dataclass(frozen=True)
class ListedRelease:
    """A release of the store. ``version``: the registry's number, "" where it is not known here.

    ``log_loss`` and ``auc``: (value, low, high) of its own test out of time, None where not
    recorded. ``same_test``: names the test; equal names may be compared. ``forced``: it was
    promoted over a refusal of the gate or without one.
    """

    release_id: str
    version: str
    role: str
    name: str
    trained_until: str
    log_loss: tuple[float, float, float] | None
    auc: tuple[float, float, float] | None
    references: int | None
    same_test: str
    verdict: str
    forced: bool
    card: str
    fault: str = ""


@dataclass(frozen=True)
class Releases:
    """Everything that the store knows; ``trail``: the changes of the champion, newest first."""

    listed: list[ListedRelease]
    pointer: ChampionPointer | None
    trail: list[dict[str, Any]]

    def of(self, release_id: str) -> ListedRelease | None:
        """The release of this id."""
        return next((one for one in self.listed if one.release_id == release_id), None)


def releases_of(home: Path) -> Releases:
    """Read the store: small files only, no model is loaded."""
    store = ReleaseStore(home)
    try:
        pointer = store.pointer()
    except LeadscoreError:
        pointer = None
    trail = AuditTrail(home).entries()
    if pointer is not None and pointer.change is not None:
        known = {entry.get("serial") for entry in trail}
        trail += [] if pointer.change.get("serial") in known else [dict(pointer.change)]
    versions = version_of(home)
    forced = {
        str((entry.get("to") or {}).get("release_id")) for entry in trail if entry.get("forced")
    }
    listed = [
        _listed(
            store.releases / name, versions.get(name, ""), role_of(name, pointer), name in forced
        )
        for name in store.release_ids()
    ]
    order = {CHAMPION: 0, PREVIOUS: 1}
    listed.sort(key=lambda r: (order.get(r.role, 2), -_number(r.version), r.release_id))
    return Releases(listed, pointer, [{**NO_ENTRY, **entry} for entry in reversed(trail)])


def stored(home: Path, one: ListedRelease) -> StoredRelease:
    """The release as the pointer names it."""
    return StoredRelease(
        one.release_id, one.version, str(ReleaseStore(home).releases / one.release_id)
    )


def version_of(home: Path) -> dict[str, str]:
    """Release → the registry's number of it, as last seen on this machine."""
    try:
        known = json.loads((home / VERSIONS_FILE).read_text("utf-8"))
        return {
            release: number for several in known.values() for number, release in several.items()
        }
    except (OSError, ValueError, AttributeError):
        return {}  # a cache: the registry fills it again


def role_of(release_id: str, pointer: ChampionPointer | None) -> str:
    """``champion``, ``previous`` or "" for the rest."""
    if pointer is None:
        return ""
    if release_id == pointer.release_id:
        return CHAMPION
    is_previous = pointer.previous is not None and release_id == pointer.previous.release_id
    return PREVIOUS if is_previous else ""


def _listed(folder: Path, version: str, role: str, forced: bool) -> ListedRelease:
    try:
        manifest = json.loads((folder / "manifest.json").read_bytes())
        metrics = json.loads((folder / "metrics.json").read_bytes())
        card = next((folder / f for f in CARD_FILES if (folder / f).is_file()), None)
        test = metrics.get("test") or {}
        data = manifest.get("data") or {}
        fingerprint = str(data.get("fingerprint", ""))
        return ListedRelease(
            folder.name, version, role, str(manifest.get("name", "")),
            str(data.get("observed_until") or "")[:10], _estimate(metrics, "log_loss"),
            _estimate(metrics, "auc"), test.get("references"),
            f"{fingerprint[:8]}/{json.dumps(test, sort_keys=True)}" if fingerprint and test else "",
            str(metrics.get("verdict", "")), forced,
            card.read_text("utf-8") if card is not None else "",
        )  # fmt: skip
    except (OSError, ValueError, AttributeError, TypeError) as error:
        return ListedRelease(
            folder.name, version, role, "", "", None, None, None, "", "", forced, "",
            fault=type(error).__name__,
        )  # fmt: skip


def _estimate(metrics: Mapping[str, Any], name: str) -> tuple[float, float, float] | None:
    found = metrics.get(name)
    if isinstance(found, int | float):
        return float(found), float("nan"), float("nan")
    if not isinstance(found, Mapping) or "value" not in found:
        return None
    return tuple(float(found.get(key, "nan")) for key in ("value", "low", "high"))  # type: ignore[return-value]


def _number(version: str) -> int:
    return int(version) if version.isdecimal() else -1
