"""The release store: the releases of this machine and its champion, readable without a registry.

::

    $LEADSCORE_HOME/
    ├── releases/<release_id>/   verified release folders; a name never changes its content
    ├── champion.json            the pointer: which of them scores, and which did before
    └── versions.json            registry version -> release_id, for when the registry is down

Files are written in one step (:mod:`features.compute.atomic`): a reader, or a machine that lost its
power, sees the old state or the new one and nothing between. Writers take one lock.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from features.compute.atomic import locked_file, process_is_alive, write_atomically
from features.errors import LeadscoreError, ReleaseError, StorageError
from scoring.release.contents import MANIFEST_FILE
from scoring.release.files import file_names, read_file, write_folder
from scoring.release.release import load_release

POINTER_FILE = "champion.json"


VERSIONS_FILE = "versions.json"


RELEASES_FOLDER = "releases"


RELEASE_ID = re.compile(r"[0-9a-f]{12}")


@dataclass(frozen=True, slots=True)
class StoredRelease:
    """A release in the store under its registry version (empty if it has none)."""

    release_id: str
    version: str
    path: str


@dataclass(frozen=True, slots=True)
class ChampionPointer:
    """Which release scores: the champion.

    ``previous`` is what a rollback returns to. ``serial`` grows by one with every change;
    ``pending`` is true until the registry's aliases are known to name the same release. ``change``
    is the audit entry of this very change, kept here so that pointer and trail cannot disagree.
    """

    release_id: str
    version: str
    path: str
    previous: StoredRelease | None = None
    serial: int = 0
    pending: bool = False
    change: Mapping[str, Any] | None = None

    @property
    def stored(self) -> StoredRelease:
        return StoredRelease(self.release_id, self.version, self.path)


class ReleaseStore:
    """The folder ``home`` (``$LEADSCORE_HOME``); creating this object touches no disk."""

    def __init__(self, home: Path) -> None:
        self.home = home.absolute()
        self.releases = self.home / RELEASES_FOLDER
        self.pointer_file = self.home / POINTER_FILE

    def pointer(self) -> ChampionPointer | None:
        """The champion; ``None`` before the first promotion.

        Raises ReleaseError if the file is not a pointer. The folder is not verified here:
        whoever loads it does (`scoring.release.release.load_release`).
        """
        text = _read(self.pointer_file)
        if text is None:
            return None
        try:
            document = json.loads(text)
            previous = document.get("previous")
            return ChampionPointer(
                release_id=_word(document, "release_id"),
                version=_word(document, "version"),
                path=self._release_folder(document),
                previous=None
                if previous is None
                else StoredRelease(
                    _word(previous, "release_id"),
                    _word(previous, "version"),
                    self._release_folder(previous),
                ),
                serial=int(document.get("serial", 0)),
                pending=bool(document.get("pending", False)),
                change=document.get("change"),
            )
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ReleaseError(
                f"{self.pointer_file} is not a release pointer ({error}); "
                "promote a version again to rewrite it"
            ) from error

    def set_champion(self, pointer: ChampionPointer) -> None:
        """Make this release the champion, in one atomic and durable step."""
        _write(self.pointer_file, asdict(pointer))

    def add(self, source: Path) -> Path:
        """Copy a release folder into the store, verified before and after; return its path.

        Adding what is already there only verifies it; a damaged copy is replaced.
        Raises ReleaseError if ``source`` is refused, StorageError if the disk fails.
        """
        release = load_release(source)
        target = self.releases / release.release_id
        files = _files(source)
        if self.is_intact(release.release_id) and _files(target) == files:
            return target
        if target.exists() and not (target / MANIFEST_FILE).is_file():
            shutil.rmtree(target, ignore_errors=True)  # so damaged that it looks like no release
        write_folder(target, files)
        if not self.is_intact(release.release_id):
            raise ReleaseError(f"{source} changed while it was copied; it is refused")
        return target

    def is_intact(self, release_id: str) -> bool:
        """Whether the store holds this release and every byte of it verifies."""
        try:
            return load_release(self.releases / release_id).release_id == release_id
        except LeadscoreError:
            return False

    def release_ids(self) -> list[str]:
        """The releases kept here, by name; not verified."""
        if not self.releases.is_dir():
            return []
        return sorted(
            entry.name
            for entry in self.releases.iterdir()
            if entry.is_dir() and not entry.name.startswith(".")
        )

    def record_version(self, registry: str, version: str, release_id: str) -> None:
        """Record that ``version`` of ``registry`` (any name for it) is this release."""
        versions = self._versions()
        if versions.get(registry, {}).get(version) == release_id:
            return
        versions.setdefault(registry, {})[version] = release_id
        _write(self.home / VERSIONS_FILE, versions)

    def recorded_release(self, registry: str, version: str) -> str | None:
        """The release that ``version`` of ``registry`` was when last seen; None if never."""
        return self._versions().get(registry, {}).get(version)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the store's one write lock; the kernel frees it when a process dies."""
        with ExitStack() as stack:
            try:
                self.home.mkdir(parents=True, exist_ok=True)
                stack.enter_context(locked_file(self.home / ".lock", wait=True))
            except OSError as error:
                raise StorageError(f"cannot write to {self.home}: {error.strerror}") from error
            self._remove_stale_files()
            yield

    def _release_folder(self, document: Mapping[str, Any]) -> str:
        """The release's folder; its own store first, so that a moved home still works."""
        release_id = _word(document, "release_id")
        if not RELEASE_ID.fullmatch(release_id):
            raise ValueError("release_id is not the name of a release")
        here = self.releases / release_id
        return str(here if here.is_dir() else Path(_word(document, "path")))

    def _remove_stale_files(self) -> None:
        """Remove what killed writers left: temporary files of processes that no longer run."""
        for leftover in (*self.releases.glob(".*.partial"), *self.home.glob(".champion.json.*")):
            writer = _WRITER.search(leftover.name)
            if writer is None or process_is_alive(int(writer[1])):
                continue
            if leftover.is_dir():
                shutil.rmtree(leftover, ignore_errors=True)
            else:
                leftover.unlink(missing_ok=True)

    def _versions(self) -> dict[str, dict[str, str]]:
        try:
            versions = json.loads(_read(self.home / VERSIONS_FILE) or "{}")
        except ValueError:
            return {}  # a cache: the registry fills it again
        return versions if isinstance(versions, dict) else {}


def _write(path: Path, data: Any) -> None:
    """Replace a file in one step; it and its folder's entry are on disk when this returns."""
    try:
        write_atomically(path, json.dumps(data, indent=1).encode() + b"\n")
    except OSError as error:
        raise StorageError(f"cannot write {path}: {error.strerror}") from error


def _files(folder: Path) -> dict[str, bytes]:
    return {name: read_file(folder, name) for name in file_names(folder)}


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise StorageError(f"cannot read {path}: {error}") from error


def _word(document: Mapping[str, Any], key: str) -> str:
    word = document[key]
    if not isinstance(word, str):
        raise TypeError(f"{key} is not text")
    return word


_WRITER = re.compile(r"\.(\d+)(?:\.partial)?$")
