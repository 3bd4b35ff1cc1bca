"""The release that answers: loaded, verified, warmed, then swapped in as one reference."""

from __future__ import annotations

import asyncio
import json
import logging
from datetime import UTC, datetime
from pathlib import Path

from features.errors import LeadscoreError, ReleaseError
from scoring.release import load_release
from scoring.release_store import ReleaseStore
from serving.answering import Answering
from serving.metrics import Metrics
from serving.problems import Problem
from serving.settings import Settings
from serving.warm import warm

log = logging.getLogger("leadscore.serving")


class Live:
    """Holds the one reference that requests read once each; nothing else is shared."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self.settings = settings
        self.metrics = metrics
        self.current: Answering | None = None
        self.refused: tuple[str, str] | None = None
        self.known: dict[str, tuple[str, ...]] = {}

    def answering(self) -> Answering:
        """What answers now; a 503 before the first release is there."""
        if self.current is None:
            raise Problem(
                503,
                "no-release",
                "No release answers yet; train and promote one, or start with --release DIR.",
                headers={"Retry-After": "5"},
            )
        return self.current

    def wanted(self) -> tuple[Path, str] | None:
        """Folder and version of the release that should answer; None before a promotion."""
        if self.settings.release is not None:
            return self.settings.release, ""
        pointer = ReleaseStore(self.settings.home).pointer()
        return None if pointer is None else (Path(pointer.path), pointer.version)

    def refresh(self) -> bool:
        """Load what should answer if it does not yet. True if a swap was made.

        A release that is refused leaves the old one in place, is counted, and is not tried
        again until the pointer changes.
        """
        try:
            wanted = self.wanted()
        except LeadscoreError as error:
            self._refuse("pointer", str(error))
            return False
        if wanted is None or self._is_current(*wanted) or self.refused == _key(*wanted):
            return False
        folder, version = wanted
        try:
            self.swap(prepare(folder, version))
        except LeadscoreError as error:
            self._refuse(*_key(folder, version), text=str(error))
            return False
        self.refused = None
        return True

    def swap(self, prepared: Answering) -> None:
        """Answer with ``prepared`` from the next request on."""
        self.known[prepared.release_id] = prepared.release.spec.names
        self.current = prepared
        self.metrics.answering(prepared.release_id, prepared.version)
        log.info(
            "release answers",
            extra={"release_id": prepared.release_id, "version": prepared.version},
        )

    async def releases_trained_since(self, received_us: int | None) -> list[str]:
        """Releases in the home whose data reach past the moment a lead was first received.

        They may have been trained on it; a release says no more than its data window.
        """
        if received_us is None:
            return []
        releases = ReleaseStore(self.settings.home).releases
        return await asyncio.get_running_loop().run_in_executor(
            None, trained_since, releases, received_us
        )

    def _is_current(self, folder: Path, version: str) -> bool:
        if self.current is None or self.current.version != version:
            return False
        return self.settings.release is not None or folder.name == self.current.release_id

    def _refuse(self, folder: str, version: str = "", text: str = "") -> None:
        if self.refused == (folder, version):
            return
        self.refused = (folder, version)
        self.metrics.releases_refused.inc()
        log.error("release refused, the old one stays: %s", text or version)


def _key(folder: Path, version: str) -> tuple[str, str]:
    return str(folder), version


def prepare(folder: Path, version: str) -> Answering:
    """Load, verify (digests, feature set, golden rows) and warm a release. ReleaseError if bad."""
    if not folder.is_dir():
        raise ReleaseError(f"no release folder at {folder}; train or fetch it again")
    release = load_release(folder)
    answering = Answering(release, version or release.release_id)
    warm(answering)
    return answering


def trained_since(releases: Path, received_us: int) -> list[str]:
    """Ids of the release folders whose data window does not end before this moment."""
    received = datetime.fromtimestamp(received_us / 1e6, UTC)
    found = []
    for manifest in sorted(releases.glob("*/manifest.json")):
        try:
            data = json.loads(manifest.read_bytes()).get("data", {})
            until = data.get("observed_until") or data.get("last")
            if until is None or datetime.fromisoformat(until) >= received:
                found.append(manifest.parent.name)
        except (OSError, ValueError, TypeError, AttributeError):
            found.append(manifest.parent.name)  # cannot be ruled out
    return found
