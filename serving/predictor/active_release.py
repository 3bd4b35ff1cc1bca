"""The release that answers: loaded, verified, warmed, then swapped in as one reference."""

from __future__ import annotations

import asyncio
import json
import logging
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from features.errors import LeadscoreError, ReleaseError
from scoring.playbook import default_playbook, load_playbook
from scoring.release.release import load_release
from scoring.release.signature import trusted_keys
from scoring.release.store import ReleaseStore
from serving.messages.scores import Answer, Interaction, ScoreRequest
from serving.predictor.parse_request import decoder, parse_request
from serving.predictor.predictor import Predictor, predict
from serving.predictor.query import QueryContext
from serving.problems import Problem
from serving.settings import Settings
from serving.telemetry.metrics import Metrics
from serving.timestamps import Clock

log = logging.getLogger("leadscore.serving")


RETRY_S = 30.0


class ActiveRelease:
    """Holds the one reference that requests read once each; nothing else is shared."""

    def __init__(self, settings: Settings, metrics: Metrics) -> None:
        self.settings = settings
        self.metrics = metrics
        self._active: Predictor | None = None
        self.shadow: Predictor | None = None
        self.known: dict[str, tuple[str, ...]] = {}
        self._refused: tuple[str, str] | None = None
        self._refused_at = 0.0

    def active(self) -> Predictor | None:
        """What answers now; None before the first release is there."""
        return self._active

    def current(self) -> Predictor:
        """What answers now; a 503 before the first release is there."""
        if self._active is None:
            raise Problem(
                503,
                "no-release",
                "No release answers yet; train and promote one, or start with --release DIR.",
                headers={"Retry-After": "5"},
            )
        return self._active

    @property
    def loaded(self) -> bool:
        """Whether a release answers."""
        return self._active is not None

    def active_id(self) -> str | None:
        """The release that answers now; None before the first."""
        return None if self._active is None else self._active.release_id

    def start(self) -> None:
        """Load what should answer, or the one before it if that is refused; and the challenger."""
        self.refresh()
        if self._active is None and self.settings.release is None:
            self._fall_back()
        if self.settings.shadow is not None:
            self._load_shadow(self.settings.shadow)

    def refresh(self) -> bool:
        """Load what should answer if it does not yet. True if a swap was made.

        A release that is refused leaves the old one in place, is counted, and is tried again
        only when the pointer changes or after half a minute.
        """
        try:
            wanted = self._wanted()
        except LeadscoreError as error:
            self._refuse(("pointer", ""), error)
            return False
        if wanted is None or self._is_current(*wanted):
            return False
        key = str(wanted[0]), wanted[1]
        if key == self._refused and monotonic() - self._refused_at < RETRY_S:
            return False
        try:
            self.swap(prepare(*wanted, self.settings))
        except LeadscoreError as error:
            self._refuse(key, error)
            return False
        self._refused = None
        return True

    def swap(self, prepared: Predictor) -> None:
        """Answer with ``prepared`` from the next request on."""
        self.known[prepared.release_id] = prepared.release.spec.names
        self._active = prepared
        self.metrics.release_active(prepared.release_id, prepared.version)
        fields = {"release_id": prepared.release_id, "version": prepared.version}
        log.info("release answers", extra=fields)

    def _wanted(self) -> tuple[Path, str] | None:
        """Folder and version of the release that should answer; None before a promotion."""
        if self.settings.release is not None:
            return self.settings.release, ""
        pointer = ReleaseStore(self.settings.home).pointer()
        return None if pointer is None else (Path(pointer.path), pointer.version)

    def _fall_back(self) -> None:
        """At start only: the release before the one that was refused."""
        try:
            pointer = ReleaseStore(self.settings.home).pointer()
            if pointer is None or pointer.previous is None:
                return
            before = pointer.previous
            self.swap(prepare(Path(before.path), before.version, self.settings))
        except LeadscoreError as error:
            log.error("the release before it is refused too: %s", error)

    def _load_shadow(self, folder: Path) -> None:
        try:
            self.shadow = prepare(folder, "", self.settings)
        except LeadscoreError as error:
            self.metrics.releases_refused.inc()
            log.error("challenger refused: %s", error)

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
        if self._active is None:
            return False
        if self.settings.release is not None:
            return True
        same = folder.name == self._active.release_id
        return same and self._active.version == (version or self._active.release_id)

    def _refuse(self, key: tuple[str, str], error: LeadscoreError) -> None:
        if self._refused != key:
            self.metrics.releases_refused.inc()
            log.error("release refused, the old one stays: %s", error)
        self._refused, self._refused_at = key, monotonic()


def prepare(folder: Path, version: str, settings: Settings) -> Predictor:
    """Load, verify (digests, signature, feature set, golden rows) and warm. ReleaseError if bad."""
    if not folder.is_dir():
        raise ReleaseError(f"no release folder at {folder}; train or fetch it again")
    release = load_release(folder, trusted(settings))
    plays = load_playbook(settings.playbook) if settings.playbook else default_playbook()
    predictor = Predictor(release, version or release.release_id, plays)
    try:
        warm(predictor)
    except LeadscoreError:
        raise
    except Exception as error:
        raise ReleaseError(
            f"{folder}: verifies, but cannot score here ({type(error).__name__})"
        ) from error
    return predictor


def trusted(settings: Settings) -> list[Ed25519PublicKey] | None:
    """The keys that may sign a release; None when unsigned releases are fine here."""
    return trusted_keys(settings.trusted_keys, required=settings.production)


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


MOMENT = datetime(2020, 1, 8, tzinfo=UTC)


def warm(predictor: Predictor) -> None:
    """Score an invented lead through the whole path: decoding, kernels, model, reasons."""
    context = QueryContext(Clock(MOMENT, MOMENT), "en", 3)
    body = msgspec.json.encode(_invented(predictor))
    decoder.in_slices(body)
    unusual = body.replace(b'"kind"', b'"k\\u0069nd"')
    for together, written in ((1, body), (2, body), (1, unusual)):
        query = parse_request(predictor, written, context, max_depth=12)
        msgspec.json.encode(
            [prediction.answer for prediction in predict(predictor, [query] * together)]
        )


def _invented(predictor: Predictor) -> ScoreRequest:
    kinds = sorted(predictor.expected.kinds)[:5] or ["page_view"]
    moments = [MOMENT - timedelta(days=day, hours=day) for day in range(1, 6)]
    return ScoreRequest(
        lead_id="warm-up",
        created_at=MOMENT - timedelta(days=7),
        answers=[Answer(name, moments[0], None) for name in predictor.expected.attributes],
        interactions=[
            Interaction(kind, moment, value=1.0, duration_s=60.0, event_id=f"{kind}-{i}")
            for i, moment in enumerate(moments)
            for kind in kinds
        ],
    )
