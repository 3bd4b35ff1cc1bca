"""The protocol of a model's components, the constant one, and checked numbers of their JSON."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from features.compute.array_types import Float64
from features.errors import ReleaseError


class ModelComponent(Protocol):
    """A function of a vector in log-odds that splits into a base and one share per feature.

    ``n_features`` is the length of the vector, ``base`` the log-odds before any contribution.
    """

    kind: ClassVar[str]

    @property
    def n_features(self) -> int:
        """Length of the vectors it reads."""
        ...

    @property
    def base(self) -> float:
        """Log-odds before any contribution."""
        ...

    def accumulate_contributions(self, vectors: Float64, scale: float, out: Float64) -> None:
        """Add ``scale`` × the share of each feature to ``out``, both (n, F) float64."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """Plain data for model.json."""
        ...


@dataclass(frozen=True, slots=True)
class ConstantComponent:
    """The same log-odds for every lead: the base rate, where no candidate is better."""

    kind: ClassVar[str] = "constant"
    log_odds: float
    n_features: int

    @property
    def base(self) -> float:
        return self.log_odds

    def accumulate_contributions(self, vectors: Float64, scale: float, out: Float64) -> None:
        """No feature has a share."""

    def to_dict(self) -> dict[str, Any]:
        """Plain data, read back by :meth:`from_dict`."""
        return {"kind": self.kind, "log_odds": self.log_odds, "n_features": self.n_features}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> ConstantComponent:
        """Raises ReleaseError when a field is missing or not a finite number."""
        return cls(number(data, "log_odds"), count(data, "n_features"))


def number(data: Mapping[str, Any], name: str) -> float:
    """The finite number called ``name``; ReleaseError otherwise."""
    value = data.get(name)
    if not _is_finite(value):
        raise ReleaseError(f"{name!r} is missing or not a finite number")
    return float(value)  # type: ignore[arg-type]


def _is_finite(value: object) -> bool:
    try:
        return type(value) in (int, float) and math.isfinite(value)  # type: ignore[arg-type]
    except OverflowError:  # a whole number larger than any double
        return False


def count(data: Mapping[str, Any], name: str, max_count: int = 1_000_000) -> int:
    """The whole number called ``name`` in 0..max_count; ReleaseError otherwise."""
    value = data.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= max_count:
        raise ReleaseError(f"{name!r} is missing or not a whole number in 0..{max_count}")
    return value


def numbers(data: Mapping[str, Any], name: str, length: int | None = None) -> Float64:
    """The list of finite numbers called ``name``, of the given length; ReleaseError otherwise."""
    values = data.get(name)
    if not isinstance(values, list) or len(values) != (len(values) if length is None else length):
        raise ReleaseError(f"{name!r} is missing or not a list of {length or 'some'} numbers")
    if not all(_is_finite(value) for value in values):
        raise ReleaseError(f"{name!r} holds something that is not a finite number")
    return np.array(values, dtype=np.float64)
