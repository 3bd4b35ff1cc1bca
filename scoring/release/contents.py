"""The contents of a release, and the files they become."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import metadata
from typing import Any

from features.compute.array_types import Float64
from features.errors import DataError
from features.language.plural import plural
from features.vectors.spec import FeatureSpec
from features.version import VERSION
from scoring.bands import BandThresholds
from scoring.canonical_json import canonical_json
from scoring.intervals import IntervalTable
from scoring.model.model import Model
from scoring.release.golden_rows import golden_rows
from scoring.release.signature import SIGNATURE_FILE
from scoring.scorecard.scorecard import Scorecard
from scoring.timing import TimingCurves

FORMAT = 1


MANIFEST_FILE = "manifest.json"


PARTS = ("golden", "intervals", "metrics", "spec", "statistics")
"""Each is a .json file of that name, beside model.json; scorecard.json and timing.json are there or
not."""


RESERVED = {MANIFEST_FILE, SIGNATURE_FILE, "scorecard.json", "timing.json"}


_LIBRARIES = ("lightgbm", "llvmlite", "numba", "numpy", "pyarrow", "scikit-learn")


@dataclass(frozen=True, eq=False)
class ReleaseContents:
    """The contents of a release. Nothing in it may name a lead or the moment of training.

    ``data``: where it came from (fingerprint, first and last moment, counts). ``settings``: how
    it was trained (seed, options). ``statistics``: what the training references looked like,
    for later comparison. ``metrics``: how good it is. ``documents``: further files for people
    (card.md …), by name. ``golden_vectors`` (g, F): further vectors to check at every load.
    ``timing``: when conversions come, for other horizons; None for this horizon alone.
    All of it plain data (str, numbers, lists, dicts; no NaN).
    """

    name: str
    spec: FeatureSpec
    model: Model
    intervals: IntervalTable
    thresholds: BandThresholds
    horizon_days: float
    has_time: bool = True
    scorecard: Scorecard | None = None
    data: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)
    statistics: Mapping[str, Any] = field(default_factory=dict)
    metrics: Mapping[str, Any] = field(default_factory=dict)
    documents: Mapping[str, bytes] = field(default_factory=dict)
    golden_vectors: Float64 | None = None
    timing: TimingCurves | None = None


def release_files(contents: ReleaseContents) -> dict[str, bytes]:
    """Every file of the release by name, the manifest among them."""
    if contents.model.n_features != len(contents.spec):
        raise DataError(
            "the model reads "
            + plural(contents.model.n_features, "{n:,} feature", "{n:,} features")
            + f", the specification has {len(contents.spec)}"
        )
    plain: dict[str, Any] = {
        "golden": golden_rows(contents.model, contents.intervals, contents.golden_vectors),
        "intervals": contents.intervals.to_dict(),
        "metrics": dict(contents.metrics),
        "spec": contents.spec.to_dict(),
        "statistics": dict(contents.statistics),
    }
    if contents.scorecard is not None:
        plain["scorecard"] = contents.scorecard.to_dict()
    if contents.timing is not None:
        plain["timing"] = contents.timing.to_dict()
    files = contents.model.to_files()
    files |= {f"{name}.json": _bytes(f"{name}.json", data) for name, data in plain.items()}
    taken = sorted(({*files} | RESERVED) & set(contents.documents))
    if taken:
        raise DataError(f"a document may not be called {taken[0]}")
    files |= contents.documents
    files[MANIFEST_FILE] = _manifest(contents, files)
    return files


def _manifest(contents: ReleaseContents, files: Mapping[str, bytes]) -> bytes:
    plain = {
        "cuts": contents.thresholds.to_dict(),
        "data": dict(contents.data),
        "documents": sorted(contents.documents),
        "files": {
            name: {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
            for name, content in files.items()
        },
        "format": FORMAT,
        "has_time": bool(contents.has_time),
        "horizon_days": float(contents.horizon_days),
        "libraries": {"leadscore": VERSION, **{n: metadata.version(n) for n in _LIBRARIES}},
        "name": contents.name,
        "settings": dict(contents.settings),
        "spec_digest": contents.spec.digest,
    }
    digest = hashlib.sha256(_bytes(MANIFEST_FILE, plain)).hexdigest()
    return _bytes(MANIFEST_FILE, {**plain, "digest": digest})


def _bytes(name: str, data: Any) -> bytes:
    try:
        return canonical_json(data)
    except (TypeError, ValueError) as problem:
        raise DataError(f"{name}: not plain finite data ({problem})") from problem
