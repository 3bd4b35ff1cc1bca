"""The families of models that compete, each with its path from simple to complex.

A family is fitted along its path once per fold, which prices every point of the path out of
time; the point with the lowest pooled loss is then fitted on everything. Parts come back as
:mod:`scoring` arithmetic, so that what is evaluated is what will be served.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from features.compute.array_types import Float64
from scoring.model.component import ConstantComponent, ModelComponent
from training.labels.references import Int8


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """Rows to learn from: ``vectors`` (n, F; NaN unknown), ``label`` (n: 0/1), ``weight`` (n)."""

    vectors: Float64
    label: Int8
    weight: Float64

    def __len__(self) -> int:
        return len(self.label)

    @property
    def base_rate(self) -> float:
        """Weighted share of positives, kept off 0 and 1 by half a lead on either side."""
        total = float(self.weight.sum())
        return (float(self.weight @ (self.label == 1)) + 0.5) / (total + 1.0)

    @property
    def base_log_odds(self) -> float:
        """Log-odds of the base rate."""
        return float(np.log(self.base_rate / (1 - self.base_rate)))


class Candidate(Protocol):
    """One way of learning."""

    @property
    def name(self) -> str:
        """Unique among the candidates."""
        ...

    @property
    def hyperparameter_grid(self) -> tuple[float, ...]:
        """The path, simple first: inverse penalties, or numbers of trees."""
        ...

    def fit_path(self, sample: TrainingSet, vectors: Float64) -> Float64:
        """Log-odds (len(steps), n) of ``vectors`` at each step, learned from ``sample``."""
        ...

    def fit(self, sample: TrainingSet, step: float) -> ModelComponent:
        """The part at one step, learned from all of ``sample``."""
        ...


@dataclass(frozen=True, slots=True)
class BaseRate:
    """The floor: the same log-odds for everybody."""

    name: str = "base_rate"
    hyperparameter_grid: tuple[float, ...] = (0.0,)

    def fit_path(self, sample: TrainingSet, vectors: Float64) -> Float64:
        """The base rate's log-odds, (1, n)."""
        return np.full((1, len(vectors)), sample.base_log_odds)

    def fit(self, sample: TrainingSet, step: float) -> ModelComponent:
        """A constant."""
        del step
        return ConstantComponent(sample.base_log_odds, sample.vectors.shape[1])


@dataclass(frozen=True, slots=True)
class ColumnSubset:
    """A family that learns from the first ``width`` columns only; its part reads them all."""

    family: Candidate
    width: int

    @property
    def name(self) -> str:
        """The family's own."""
        return self.family.name

    @property
    def hyperparameter_grid(self) -> tuple[float, ...]:
        """The family's own."""
        return self.family.hyperparameter_grid

    @property
    def default_step(self) -> float | None:
        """The family's own; None where no step is the usual one."""
        step: float | None = getattr(self.family, "default_step", None)
        return step

    def fit_path(self, sample: TrainingSet, vectors: Float64) -> Float64:
        """As the family would from a narrower table."""
        mine = TrainingSet(sample.vectors[:, : self.width], sample.label, sample.weight)
        return self.family.fit_path(mine, vectors[:, : self.width])

    def fit(self, sample: TrainingSet, step: float) -> ModelComponent:
        """Columns beyond the width are made constant, so that nothing can be learned from them."""
        vectors = sample.vectors.copy()
        vectors[:, self.width :] = 0.0
        return self.family.fit(TrainingSet(vectors, sample.label, sample.weight), step)
