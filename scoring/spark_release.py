"""A release on its way to Spark's executors: sent as bytes, verified by each that receives it."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from features.errors import ReleaseError
from scoring.release import Release, load_release
from scoring.release_files import file_names, read_file, write_folder

_LOADED: dict[str, Release] = {}


def shipped(folder: Path) -> dict[str, bytes]:
    """Every file of a release, as bytes."""
    return {name: read_file(folder, name) for name in sorted(file_names(folder))}


def received(release_id: str, files: dict[str, bytes]) -> Release:
    """The release in ``files``, verified as on disk; once in each process.

    Raises ReleaseError naming the file if a bit of it differs, or if it is another release.
    """
    if release_id not in _LOADED:
        place = Path(tempfile.mkdtemp(prefix="leadscore-release-"))
        try:
            write_folder(place / release_id, files)
            found = load_release(place / release_id)
        finally:
            shutil.rmtree(place)
        if found.release_id != release_id:
            raise ReleaseError(
                f"manifest.json: release {found.release_id} arrived where {release_id} was sent"
            )
        _LOADED[release_id] = found
    return _LOADED[release_id]
