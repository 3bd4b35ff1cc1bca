"""Resolve an alias, a version number or a folder to verified release files on disk.

``champion``, ``challenger`` and ``previous`` are aliases of the MLflow registry. What is resolved
is kept in the release store and verified every time, so the last good release can be used when
the registry is down. Logging a training is in `training.registry.log_run`, changing the champion in
`training.registry.promote`. Nothing here imports MLflow until the registry is queried.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from features.errors import RegistryError, ReleaseError, UsageError
from scoring.release.release import load_release
from scoring.release.store import ReleaseStore, StoredRelease
from training.registry.alias_lookup import lookup_alias
from training.registry.champion_pointer import change_champion, reconcile, reconcile_if_pending
from training.registry.mlflow_registry import ALIASES, CHAMPION, PREVIOUS, Registry, Version
from training.settings import TrackingSettings

Warn = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One line of ``leadscore models``. Figures are out of time; ``None`` was not recorded.

    ``trained_until``: the newest moment the training data had observed (ISO 8601, empty for a
    dataset without time). ``log_loss`` in nats with its 95 % interval.
    """

    version: str
    release_id: str
    aliases: tuple[str, ...]
    dataset: str
    log_loss: float | None
    log_loss_low: float | None
    log_loss_high: float | None
    auc: float | None
    references: int | None
    trained_until: str

    def to_dict(self) -> dict[str, object]:
        """Plain data, in the order of the columns."""
        return {**asdict(self), "aliases": list(self.aliases)}


def resolve(
    ref: str, settings: TrackingSettings | None = None, *, warn: Warn | None = None
) -> Path:
    """The verified release folder that ``ref`` means.

    ``ref``: ``champion``, ``challenger``, ``previous``, a version number, or a release folder
    (write ``./3`` for a folder named like a version). ``warn`` is called with one sentence when the
    registry is down and the last good release on disk is given instead.
    Raises RegistryError (no such version; or down and nothing on disk), ReleaseError (refused).
    """
    return Path(locate(ref, settings, warn=warn).path)


def locate(
    ref: str, settings: TrackingSettings | None = None, *, warn: Warn | None = None
) -> StoredRelease:
    """As `resolve`, with the release's id and registry version (empty for a folder)."""
    settings = settings or TrackingSettings()
    if ref not in ALIASES and not ref.isdecimal():
        return _folder(ref)
    try:
        reconcile_if_pending(settings)
        return _from_registry(ref, settings)
    except RegistryError as error:
        stored = _on_disk(ref, settings)
        if stored is None:
            raise
        if warn is not None:
            warn(
                f"the last good release on disk answers, {stored.release_id} (version "
                f"{stored.version or 'unknown'}), because {error}"
            )
        return stored


def fetch(
    ref: str = CHAMPION,
    settings: TrackingSettings | None = None,
    *,
    who: str,
    now: str,
) -> StoredRelease:
    """Refresh the store from the registry; if ``ref`` is the champion, the pointer follows it.

    ``who`` and ``now`` (ISO 8601) go to the audit trail if the champion changes. Raises
    RegistryError when the registry is down and ReleaseError when its release is refused; either
    way the pointer stays as it was.
    """
    settings = settings or TrackingSettings()
    store = ReleaseStore(settings.home)
    if ref != CHAMPION:
        return locate(ref, settings) if ref in ALIASES else _from_registry(ref, settings)
    with store.locked():
        pointer = reconcile(settings)
        champion = _from_registry(CHAMPION, settings)
        if pointer is None or (not pointer.pending and pointer.stored != champion):
            change = {"what": "follow_registry", "who": who, "when": now}
            change_champion(settings, champion, _previous(settings, champion), change)
    return champion


def models(settings: TrackingSettings | None = None) -> list[ModelRow]:
    """Every registered version, newest first. Raises RegistryError when the registry is down."""
    settings = settings or TrackingSettings()
    reconcile_if_pending(settings)
    return [_row(version) for version in Registry(settings).versions()]


def store_version(settings: TrackingSettings, version: Version) -> StoredRelease:
    """The version's release in the local store, downloaded when it is not there, verified."""
    if not version.release_id:
        raise RegistryError(
            f"version {version.number} was not registered by leadscore: it carries no release id"
        )
    store = ReleaseStore(settings.home)
    path = store.releases / version.release_id
    if not store.is_intact(version.release_id):
        path = _download(settings, version)
    store.record_version(settings.registry_key, version.number, version.release_id)
    return StoredRelease(version.release_id, version.number, str(path))


def _download(settings: TrackingSettings, version: Version) -> Path:
    store = ReleaseStore(settings.home)
    with tempfile.TemporaryDirectory(prefix="leadscore-") as folder:
        release_dir = Registry(settings).download(version, Path(folder))
        path = store.add(release_dir)
    if path.name != version.release_id:
        raise ReleaseError(
            f"the registry's version {version.number} holds release {path.name}, "
            f"not {version.release_id} as it says; it is refused"
        )
    return path


def _from_registry(ref: str, settings: TrackingSettings) -> StoredRelease:
    if (stored := _known(ref, settings)) is not None:
        return stored
    registry = Registry(settings)
    version = registry.aliased(ref) if ref in ALIASES else registry.version(ref)
    if version is None:
        raise RegistryError(
            f"no version of {settings.model_name} is called {ref} in {settings.shown_uri}; "
            "`leadscore models` lists what is there, `leadscore promote VERSION` names a champion"
        )
    return store_version(settings, version)


def _known(ref: str, settings: TrackingSettings) -> StoredRelease | None:
    """What ``ref`` means if the store holds it already: the registry's client is not needed."""
    version = lookup_alias(settings, ref)
    store = ReleaseStore(settings.home)
    if version is None or not store.is_intact(version[1]):
        return None
    store.record_version(settings.registry_key, *version)
    return StoredRelease(version[1], version[0], str(store.releases / version[1]))


def _on_disk(ref: str, settings: TrackingSettings) -> StoredRelease | None:
    """The release from the store alone; verified."""
    store = ReleaseStore(settings.home)
    pointer = store.pointer()
    if ref == CHAMPION:
        stored = pointer.stored if pointer else None
    elif ref == PREVIOUS:
        stored = pointer.previous if pointer else None
    else:
        release_id = store.recorded_release(settings.registry_key, ref) or ""
        stored = (
            StoredRelease(release_id, ref, str(store.releases / release_id)) if release_id else None
        )
    if stored is not None:
        load_release(Path(stored.path))
    return stored


def _previous(settings: TrackingSettings, champion: StoredRelease) -> StoredRelease | None:
    """What a rollback on this machine returns to, after the pointer has followed the registry."""
    pointer = ReleaseStore(settings.home).pointer()
    version = Registry(settings).aliased(PREVIOUS)
    if version is not None and version.number != champion.version:
        return store_version(settings, version)
    return pointer.stored if pointer and pointer.stored != champion else None


def _folder(ref: str) -> StoredRelease:
    path = Path(ref)
    if not path.is_dir():
        raise UsageError(
            f"{ref!r} is no release folder, version number or alias; "
            f"expected a folder, a number from `leadscore models`, or {', '.join(ALIASES)}"
        )
    return StoredRelease(load_release(path).release_id, "", str(path))


def _row(version: Version) -> ModelRow:
    tags = version.tags
    references = tags.get("references", "")
    return ModelRow(
        version=version.number,
        release_id=version.release_id,
        aliases=version.aliases,
        dataset=tags.get("dataset", ""),
        log_loss=_figure(tags.get("log_loss")),
        log_loss_low=_figure(tags.get("log_loss_low")),
        log_loss_high=_figure(tags.get("log_loss_high")),
        auc=_figure(tags.get("auc")),
        references=int(references) if references.isdecimal() else None,
        trained_until=tags.get("trained_until", ""),
    )


def _figure(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None
