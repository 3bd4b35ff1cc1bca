"""The linear part: each feature transformed, filled, scaled and weighted on its own."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from features.compute.array_types import Float64
from features.compute.jit import kernel
from features.errors import DataError, ReleaseError
from scoring.model.component import number, numbers

TRANSFORMS = ("identity", "log1p")
"""``log1p`` is signed: sign(x) × log(1 + |x|), so that it is defined for every number."""


MAX_ABS_VALUE = 1e100
"""Larger amounts count as this much, so that no sum of a lead's values can end in infinity."""


_FIELDS = ("fill", "center", "scale", "coef", "missing_coef", "missing_share")


@kernel
def transform_one(value: float, transform: int) -> float:
    """One number by its transform (position in TRANSFORMS); NaN stays NaN."""
    if abs(value) > MAX_ABS_VALUE:
        value = math.copysign(MAX_ABS_VALUE, value)
    if transform == 0:
        return value
    return math.copysign(math.log1p(abs(value)), value)


@kernel
def transform_all(vectors: Float64, transform: npt.NDArray[np.int64]) -> Float64:
    """(n, F) → (n, F), each column by its transform (position in TRANSFORMS); NaN stays NaN."""
    out = np.empty_like(vectors)
    for row in range(vectors.shape[0]):
        for column in range(vectors.shape[1]):
            out[row, column] = transform_one(vectors[row, column], transform[column])
    return out


@kernel
def _add(
    vectors: Float64,
    weight: float,
    out: Float64,
    transform: npt.NDArray[np.int64],
    fill: Float64,
    center: Float64,
    scale: Float64,
    coef: Float64,
    missing_coef: Float64,
    missing_share: Float64,
) -> None:
    for row in range(vectors.shape[0]):
        for column in range(vectors.shape[1]):
            if coef[column] == 0.0 and missing_coef[column] == 0.0:
                continue
            value = vectors[row, column]
            missing = 0.0
            if math.isnan(value):
                value = fill[column]
                missing = 1.0
            standard = (transform_one(value, transform[column]) - center[column]) / scale[column]
            share = coef[column] * standard
            share += missing_coef[column] * (missing - missing_share[column])
            out[row, column] += weight * share


@dataclass(frozen=True, eq=False)
class LinearComponent:
    """intercept + Σ coef × (transform(x) − center) / scale + missing_coef × (missing − share).

    Every array is (F,) float64, one entry a feature. ``transform``: names out of TRANSFORMS.
    ``fill``: what an unknown value counts as, in the feature's own unit, before the transform.
    ``center``, ``scale``: in transformed units, scale > 0. ``missing_share``: the share of
    unknown values in training, so that the shares of a feature are centred; zeros if left out.
    """

    kind: ClassVar[str] = "linear"
    transform: tuple[str, ...]
    fill: Float64
    center: Float64
    scale: Float64
    coef: Float64
    missing_coef: Float64
    intercept: float
    missing_share: Float64 = field(default_factory=lambda: np.zeros(0))

    def __post_init__(self) -> None:
        width = len(self.transform)
        if self.missing_share.size == 0:
            object.__setattr__(self, "missing_share", np.zeros(width))
        for name in _FIELDS:
            array = np.ascontiguousarray(getattr(self, name), dtype=np.float64)
            if array.shape != (width,) or not np.isfinite(array).all():
                raise DataError(f"linear part: {name} is not {width} finite numbers")
            object.__setattr__(self, name, array)
        if not (self.scale > 0).all() or not math.isfinite(self.intercept):
            raise DataError("linear part: a scale is not positive or the intercept not finite")
        unknown = sorted(set(self.transform) - set(TRANSFORMS))
        if unknown:
            raise DataError(f"linear part: transform {unknown[0]!r}; expected one of {TRANSFORMS}")
        object.__setattr__(self, "_codes", transform_codes(self.transform))

    @property
    def n_features(self) -> int:
        return len(self.transform)

    @property
    def base(self) -> float:
        """The intercept: the log-odds where every feature is at its centre."""
        return float(self.intercept)

    def accumulate_contributions(self, vectors: Float64, scale: float, out: Float64) -> None:
        codes: npt.NDArray[np.int64] = self._codes  # type: ignore[attr-defined]
        _add(vectors, float(scale), out, codes, *(getattr(self, name) for name in _FIELDS))

    def to_dict(self) -> dict[str, Any]:
        """Plain data, read back by :meth:`from_dict`."""
        arrays = {name: getattr(self, name).tolist() for name in _FIELDS}
        plain = {"kind": self.kind, "intercept": float(self.intercept)}
        return {**plain, "transform": list(self.transform), **arrays}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> LinearComponent:
        """Raises ReleaseError when a field is missing, too short or not finite."""
        names = data.get("transform")
        if not isinstance(names, list) or not all(name in TRANSFORMS for name in names):
            raise ReleaseError(f"'transform' is not a list out of {TRANSFORMS}")
        arrays = {name: numbers(data, name, len(names)) for name in _FIELDS}
        if not (arrays["scale"] > 0).all():
            raise ReleaseError("a 'scale' is not positive")
        return cls(transform=tuple(names), intercept=number(data, "intercept"), **arrays)


def transform_codes(names: tuple[str, ...]) -> npt.NDArray[np.int64]:
    """Positions in TRANSFORMS, for the kernels."""
    return np.array([TRANSFORMS.index(name) for name in names], dtype=np.int64)
