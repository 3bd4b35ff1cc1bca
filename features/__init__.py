"""What we know of a lead at one moment: the data contract, histories and vectors.

No clock, no model and no network is used here (a database is read only when its URL is given).
What this module exports is loaded when it is first used, so that importing one module below it
loads no more than that module needs.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from features.dataset import Dataset
    from features.dataset_settings import DatasetSettings
    from features.histories.arrays import Histories, References
    from features.reading.read import read_dataset, read_references
    from features.vectors.compute import compute_vectors as vectorize
    from features.vectors.spec import Feature, FeatureSpec

_HOMES = {
    "Dataset": ("features.dataset", "Dataset"),
    "DatasetSettings": ("features.dataset_settings", "DatasetSettings"),
    "Feature": ("features.vectors.spec", "Feature"),
    "FeatureSpec": ("features.vectors.spec", "FeatureSpec"),
    "Histories": ("features.histories.arrays", "Histories"),
    "References": ("features.histories.arrays", "References"),
    "read_dataset": ("features.reading.read", "read_dataset"),
    "read_references": ("features.reading.read", "read_references"),
    "vectorize": ("features.vectors.compute", "compute_vectors"),
}

__all__ = [
    "Dataset",
    "DatasetSettings",
    "Feature",
    "FeatureSpec",
    "Histories",
    "References",
    "read_dataset",
    "read_references",
    "vectorize",
]


def __getattr__(name: str) -> object:
    """Load an exported name when it is first used (PEP 562)."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, attribute = _HOMES[name]
    value: object = getattr(import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
