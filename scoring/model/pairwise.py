"""A linear part with products of two features: interactions, as in a GAM with pairwise terms.

log-odds = linear part + Σ coef × (u × v − mean), where u and v are two features as the linear part
standardises them, (transform(x) − center) / scale, and 0 when unknown. Half of each centred product
belongs to either feature. For the product alone that is the Shapley value exactly: with the other
feature at its centre neither does anything, so the two are alike and share equally.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from features.compute.array_types import Float64, Int64
from features.compute.jit import kernel
from features.errors import DataError, ReleaseError
from scoring.model.component import numbers
from scoring.model.linear import LinearComponent, transform_one


@kernel
def _term(value: float, code: int, center: float, scale: float) -> float:
    if math.isnan(value):
        return 0.0
    return float((transform_one(value, code) - center) / scale)


@kernel
def _add(
    vectors: Float64,
    weight: float,
    out: Float64,
    codes: Int64,
    center: Float64,
    scale: Float64,
    left: Int64,
    right: Int64,
    coef: Float64,
    mean: Float64,
) -> None:
    for row in range(vectors.shape[0]):
        for i in range(len(coef)):
            a, b = left[i], right[i]
            u = _term(vectors[row, a], codes[a], center[a], scale[a])
            v = _term(vectors[row, b], codes[b], center[b], scale[b])
            half = weight * (coef[i] * (u * v - mean[i])) / 2.0
            out[row, a] += half
            out[row, b] += half


@kernel
def _terms(
    vectors: Float64,
    codes: Int64,
    center: Float64,
    scale: Float64,
    left: Int64,
    right: Int64,
    out: Float64,
) -> None:
    for row in range(vectors.shape[0]):
        for i in range(len(left)):
            a, b = left[i], right[i]
            u = _term(vectors[row, a], codes[a], center[a], scale[a])
            out[row, i] = u * _term(vectors[row, b], codes[b], center[b], scale[b])


def products(linear: LinearComponent, left: Int64, right: Int64, vectors: Float64) -> Float64:
    """(n, F) → (n, k): the products as the part computes them, not centred."""
    out = np.empty((len(vectors), len(left)))
    codes: Int64 = linear._codes  # type: ignore[attr-defined]
    _terms(vectors, codes, linear.center, linear.scale, left, right, out)
    return out


@dataclass(frozen=True, eq=False)
class PairwiseComponent:
    """A linear part and k products of its features.

    ``left``, ``right`` (k): positions of the two features, different ones. ``coef`` (k),
    ``mean`` (k): of the product in training. Raises DataError when these do not fit together.
    """

    kind: ClassVar[str] = "products"
    linear: LinearComponent
    left: Int64
    right: Int64
    coef: Float64
    mean: Float64

    def __post_init__(self) -> None:
        k, width = len(self.coef), self.linear.n_features
        for name in ("left", "right"):
            places = np.ascontiguousarray(getattr(self, name), dtype=np.int64)
            if places.shape != (k,) or (places < 0).any() or (places >= width).any():
                raise DataError(f"product part: {name} is not {k} positions below {width}")
            object.__setattr__(self, name, places)
        if (self.left == self.right).any():
            raise DataError("product part: a product of a feature with itself")
        for name in ("coef", "mean"):
            array = np.ascontiguousarray(getattr(self, name), dtype=np.float64)
            if array.shape != (k,) or not np.isfinite(array).all():
                raise DataError(f"product part: {name} is not {k} finite numbers")
            object.__setattr__(self, name, array)

    @property
    def n_features(self) -> int:
        return self.linear.n_features

    @property
    def base(self) -> float:
        """The intercept of the linear part: every product is centred."""
        return self.linear.base

    def accumulate_contributions(self, vectors: Float64, scale: float, out: Float64) -> None:
        self.linear.accumulate_contributions(vectors, scale, out)
        codes: Int64 = self.linear._codes  # type: ignore[attr-defined]
        _add(
            vectors, float(scale), out, codes, self.linear.center, self.linear.scale,
            self.left, self.right, self.coef, self.mean,
        )  # fmt: skip

    def to_dict(self) -> dict[str, Any]:
        """Plain data, read back by :meth:`from_dict`."""
        return {
            "kind": self.kind,
            "linear": self.linear.to_dict(),
            "left": self.left.tolist(),
            "right": self.right.tolist(),
            "coef": self.coef.tolist(),
            "mean": self.mean.tolist(),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> PairwiseComponent:
        """Raises ReleaseError when a field is missing, of the wrong length or not finite."""
        linear = data.get("linear")
        if not isinstance(linear, dict):
            raise ReleaseError("'linear' is not a linear part")
        coef = numbers(data, "coef")
        for name in ("left", "right"):
            places = data.get(name)
            if not isinstance(places, list) or not all(type(p) is int for p in places):
                raise ReleaseError(f"{name!r} is not a list of whole numbers")
        return cls(
            LinearComponent.from_dict(linear),
            np.array(data["left"], dtype=np.int64),
            np.array(data["right"], dtype=np.int64),
            coef,
            numbers(data, "mean", len(coef)),
        )
