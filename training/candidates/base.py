"""What every candidate is: a learner with a regularisation path, and the rows it is fitted on.

A candidate is fitted along its path once per fold, which gives the out-of-fold loss of every step;
the step with the lowest pooled loss is then fitted on everything. Fitted candidates are
:mod:`scoring` components, so that what is evaluated is what will be served.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from features.compute.array_types import Float64, Int8
from scoring.model.component import ConstantComponent, ModelComponent

MULTIPLICATIONS_PER_SECOND = 4e9
"""Rows × columns² of a Newton step in a second on one core."""


NEWTON_STEPS_PER_PATH = 25


SECONDS_PER_COLUMN = 2.5e-3
"""What a path costs for each column, however few rows there are."""


@dataclass(frozen=True, slots=True)
class TrainingSet:
    """Rows to fit: ``vectors`` (n, F; NaN unknown), ``label`` (n: 0/1), ``weight`` (n: > 0)."""

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
    """One kind of model that competes in model selection.

    Candidates are fitted in worker processes, so each must be picklable; the vectors that
    ``fit_path`` is given are read-only there.
    """

    @property
    def name(self) -> str:
        """Unique among the candidates."""
        ...

    @property
    def hyperparameter_grid(self) -> tuple[float, ...]:
        """The steps of the path, simplest first: inverse penalties, or numbers of trees."""
        ...

    @property
    def default_step(self) -> float | None:
        """The step that is used unless another is clearly better; None: the best one."""
        ...

    def path_seconds(self, n_rows: int, n_columns: int) -> float:
        """Estimated seconds on one core to fit the whole path; must not read a clock."""
        ...

    def fit_path(self, sample: TrainingSet, vectors: Float64) -> Float64:
        """Log-odds (len(hyperparameter_grid), n) of ``vectors`` (n, F), fitted on ``sample``."""
        ...

    def fit(self, sample: TrainingSet, step: float) -> ModelComponent:
        """The model component at one step of the path, fitted on all of ``sample``."""
        ...


def newton_path_seconds(n_rows: int, n_columns: int) -> float:
    """Estimated seconds on one core of a path of logistic regressions."""
    multiplying = n_rows * n_columns**2 * NEWTON_STEPS_PER_PATH / MULTIPLICATIONS_PER_SECOND
    return n_columns * SECONDS_PER_COLUMN + multiplying


@dataclass(frozen=True, slots=True)
class BaseRate:
    """The baseline: the same log-odds for everybody."""

    name: str = "base_rate"
    hyperparameter_grid: tuple[float, ...] = (0.0,)
    default_step: float | None = None

    def path_seconds(self, n_rows: int, n_columns: int) -> float:
        """Counted like a linear candidate; it decides only whether worker processes start."""
        return newton_path_seconds(n_rows, n_columns)

    def fit_path(self, sample: TrainingSet, vectors: Float64) -> Float64:
        """The base rate's log-odds, (1, n)."""
        return np.full((1, len(vectors)), sample.base_log_odds)

    def fit(self, sample: TrainingSet, step: float) -> ModelComponent:
        """A component with the base rate's log-odds; ``step`` has no meaning."""
        del step
        return ConstantComponent(sample.base_log_odds, sample.vectors.shape[1])


@dataclass(frozen=True, slots=True)
class ColumnSubset:
    """A candidate that is fitted on the first ``width`` columns; its component reads them all."""

    candidate: Candidate
    width: int

    @property
    def name(self) -> str:
        return self.candidate.name

    @property
    def hyperparameter_grid(self) -> tuple[float, ...]:
        return self.candidate.hyperparameter_grid

    @property
    def default_step(self) -> float | None:
        return self.candidate.default_step

    def path_seconds(self, n_rows: int, n_columns: int) -> float:
        return self.candidate.path_seconds(n_rows, n_columns)

    def fit_path(self, sample: TrainingSet, vectors: Float64) -> Float64:
        """As the candidate gives from a narrower table."""
        narrow = TrainingSet(sample.vectors[:, : self.width], sample.label, sample.weight)
        return self.candidate.fit_path(narrow, vectors[:, : self.width])

    def fit(self, sample: TrainingSet, step: float) -> ModelComponent:
        """Columns beyond the width are made constant, so that nothing can be fitted on them."""
        vectors = sample.vectors.copy()
        vectors[:, self.width :] = 0.0
        return self.candidate.fit(TrainingSet(vectors, sample.label, sample.weight), step)
