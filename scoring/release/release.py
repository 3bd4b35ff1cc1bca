"""The release: everything needed to score, as a folder of data files that verifies itself."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from features.cleaning import Cleaning
from features.errors import DataError, ReleaseError
from features.vectors.spec import FeatureSpec
from scoring.bands import BandThresholds
from scoring.canonical_json import canonical_json, parse_json
from scoring.intervals import IntervalTable
from scoring.model.component import number
from scoring.model.model import Model
from scoring.release.contents import FORMAT, MANIFEST_FILE, PARTS, ReleaseContents, release_files
from scoring.release.files import file_names, read_file, replace_file, write_folder
from scoring.release.golden_rows import check_golden
from scoring.release.signature import (
    MAX_SIGNATURE_BYTES,
    SIGNATURE_FILE,
    signature_of,
    verify_signature,
)
from scoring.scorecard.scorecard import Scorecard
from scoring.timing import TimingCurves

__all__ = ["Release", "ReleaseContents", "load_release", "sign_release", "write_release"]


T = TypeVar("T")


MAX_MANIFEST_BYTES = 4 * 2**20


@dataclass(frozen=True, eq=False)
class Release:
    """A release as read back from disk, every byte of it verified.

    ``release_id``: first 12 hex digits of the manifest's digest. ``signed_by``: hex of the
    public key that signed it, None when unsigned. ``timing``: when conversions come; None in a
    release that knows one horizon only, as every one made before.
    """

    name: str
    release_id: str
    spec: FeatureSpec
    model: Model
    intervals: IntervalTable
    thresholds: BandThresholds
    horizon_days: float
    has_time: bool
    scorecard: Scorecard | None
    statistics: dict[str, Any]
    metrics: dict[str, Any]
    manifest: dict[str, Any]
    golden: dict[str, Any]
    documents: dict[str, bytes]
    signed_by: str | None = None
    timing: TimingCurves | None = None


def write_release(path: Path | str, contents: ReleaseContents) -> Release:
    """Write the folder in one step and return what :func:`load_release` reads from it.

    The same contents give the same bytes. A release at ``path`` is replaced;
    anything else there is not (StorageError). Raises DataError for contents that are not plain
    finite data.
    """
    path = Path(path)
    write_folder(path, release_files(contents))
    return load_release(path)


def sign_release(path: Path | str, key: Ed25519PrivateKey) -> str:
    """Verify the release, then put signature.json beside its manifest; the public key's hex."""
    path = Path(path)
    load_release(path)
    manifest = read_file(path, MANIFEST_FILE, MAX_MANIFEST_BYTES)
    # written beside the folder: a killed writer must not leave anything inside a release
    beside = path.absolute().with_name(f".{path.absolute().name}.{SIGNATURE_FILE}.partial")
    replace_file(path / SIGNATURE_FILE, signature_of(manifest, key), beside)
    return key.public_key().public_bytes_raw().hex()


def load_release(
    path: Path | str, public_keys: Iterable[Ed25519PublicKey] | None = None
) -> Release:
    """Read a release folder; executes nothing, follows no link, reads no file not listed.

    With ``public_keys`` it must be signed by one of them. Raises ReleaseError naming the file
    for any difference: missing, truncated, altered, additional, linked, foreign.
    """
    path = Path(path)
    names = file_names(path)
    content = read_file(path, MANIFEST_FILE, MAX_MANIFEST_BYTES)
    try:
        manifest = _checked_manifest(content)
        signed_by = _signer(path, names, content, public_keys)
        files = _checked_files(path, names, manifest)
        return _release(manifest, files, signed_by)
    except ReleaseError as problem:
        where = "" if str(problem).startswith(str(path)) else f"{path}: "
        raise ReleaseError(f"{where}{problem}; the release is refused") from problem


def release_from_files(files: Mapping[str, bytes]) -> Release:
    """The release whose files are in memory, as :func:`release_files` makes them; not signed.

    Raises ReleaseError as :func:`load_release` does.
    """
    manifest = _checked_manifest(files.get(MANIFEST_FILE, b""))
    rest = {name: content for name, content in files.items() if name != MANIFEST_FILE}
    return _release(manifest, rest, None)


def folder_files(path: Path | str) -> dict[str, bytes]:
    """Every file of a release folder by name, as it is; :func:`load_release` verifies them."""
    path = Path(path)
    return {name: read_file(path, name) for name in sorted(file_names(path))}


def _checked_manifest(content: bytes) -> dict[str, Any]:
    manifest = parse_json(MANIFEST_FILE, content)
    digest = manifest.pop("digest", None)
    if hashlib.sha256(canonical_json(manifest)).hexdigest() != digest:
        raise ReleaseError(f"{MANIFEST_FILE}: its own digest does not fit; it was altered")
    if manifest.get("format") != FORMAT:
        raise ReleaseError(f"{MANIFEST_FILE}: format {manifest.get('format')!r}; train again")
    return {**manifest, "digest": digest}


def _signer(
    path: Path,
    names: set[str],
    manifest: bytes,
    public_keys: Iterable[Ed25519PublicKey] | None,
) -> str | None:
    if SIGNATURE_FILE in names:
        content = read_file(path, SIGNATURE_FILE, MAX_SIGNATURE_BYTES)
        return verify_signature(manifest, content, public_keys)
    if public_keys is not None:
        raise ReleaseError(f"{SIGNATURE_FILE} is missing; only signed releases are accepted here")
    return None


def _checked_files(path: Path, names: set[str], manifest: dict[str, Any]) -> dict[str, bytes]:
    listed = manifest.get("files")
    if not isinstance(listed, dict):
        raise ReleaseError(f"{MANIFEST_FILE}: lists no files")
    extra = sorted(names - set(listed) - {MANIFEST_FILE, SIGNATURE_FILE})
    if extra:
        raise ReleaseError(f"{extra[0][:80]} is not in the manifest")
    files = {}
    for name, expected in listed.items():
        files[name] = read_file(path, name)
        actual = {"bytes": len(files[name]), "sha256": hashlib.sha256(files[name]).hexdigest()}
        if actual != expected:
            raise ReleaseError(f"{name} is not the file the manifest lists; it was altered")
    return files


def _release(manifest: dict[str, Any], files: dict[str, bytes], signed_by: str | None) -> Release:
    plain = {name: parse_json(f"{name}.json", _content(files, f"{name}.json")) for name in PARTS}
    spec = _built("spec.json", FeatureSpec.from_dict, plain["spec"])
    model = Model.from_files(files)
    intervals = _built("intervals.json", IntervalTable.from_dict, plain["intervals"])
    if spec.digest != manifest.get("spec_digest") or model.n_features != len(spec):
        raise ReleaseError("spec.json: the feature set is not the one the model was trained on")
    check_golden(model, intervals, plain["golden"])
    return Release(
        name=str(manifest.get("name")),
        release_id=str(manifest["digest"])[:12],
        spec=spec,
        model=model,
        intervals=intervals,
        thresholds=_built(MANIFEST_FILE, _thresholds, manifest),
        horizon_days=_built(MANIFEST_FILE, lambda data: number(data, "horizon_days"), manifest),
        has_time=manifest.get("has_time") is True,
        scorecard=_scorecard(files, spec.cleaning),
        statistics=plain["statistics"],
        metrics=plain["metrics"],
        manifest=manifest,
        golden=plain["golden"],
        documents=_built(MANIFEST_FILE, lambda data: _documents(data, files), manifest),
        signed_by=signed_by,
        timing=_timing(files, manifest),
    )


def _content(files: Mapping[str, bytes], name: str) -> bytes:
    if name not in files:
        raise ReleaseError(f"{name} is missing")
    return files[name]


def _scorecard(files: Mapping[str, bytes], cleaning: Cleaning | None) -> Scorecard | None:
    if "scorecard.json" not in files:
        return None
    data = parse_json("scorecard.json", files["scorecard.json"])
    return _built("scorecard.json", Scorecard.from_dict, data).with_cleaning(cleaning)


def _timing(files: Mapping[str, bytes], manifest: Mapping[str, Any]) -> TimingCurves | None:
    if "timing.json" not in files:
        return None
    timing = _built(
        "timing.json", TimingCurves.from_dict, parse_json("timing.json", files["timing.json"])
    )
    if timing.horizon_days != manifest.get("horizon_days"):
        raise ReleaseError("timing.json: its horizon is not the one of the release")
    return timing


def _documents(manifest: Mapping[str, Any], files: Mapping[str, bytes]) -> dict[str, bytes]:
    names = manifest.get("documents")
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise DataError("the documents are not a list of names")
    return {name: _content(files, name) for name in names}


def _thresholds(manifest: Mapping[str, Any]) -> BandThresholds:
    thresholds = manifest.get("cuts")  # the key that releases have had from the first
    if not isinstance(thresholds, dict):
        raise DataError("the thresholds are missing")
    return BandThresholds(warm=number(thresholds, "warm"), hot=number(thresholds, "hot"))


def _built(name: str, build: Callable[[dict[str, Any]], T], data: dict[str, Any]) -> T:
    try:
        return build(data)
    except (DataError, ReleaseError) as problem:
        raise ReleaseError(f"{name}: {problem}") from problem
