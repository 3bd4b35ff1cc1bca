"""Logistic regression with an L2 penalty on sensibly transformed features."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from features.compute.array_types import Float64
from scoring.model.component import ModelComponent
from scoring.model.linear import LinearComponent, transform_all, transform_codes
from training.candidates.base import TrainingSet, newton_path_seconds
from training.candidates.newton import MAX_ROWS_AT_ONCE, fit_logistic_in_blocks, spread_rows

STRENGTH_GRID = (0.0003, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
"""Inverse penalties, strong first, in units of one lead and one standard deviation."""


DEFAULT_STRENGTH = 0.03
"""Best on small simulated sets; another step must be clearly better to be used."""


FLAG_SCALE = 0.5
"""Scale of a 0/1 column. Dividing a rare flag by its tiny standard deviation would all but lift
the penalty from it; this way rare levels are shrunk the most."""


TAIL_STANDARD_DEVIATIONS = 3.0
"""A column whose largest absolute value is this many standard deviations out is logged."""


MIN_MISSING_SHARE = 0.002
"""A missing flag is added for columns unknown (or known) for more than this share of rows."""


@dataclass(frozen=True, slots=True)
class LinearCandidate:
    """Signed log1p of heavy tails, median for unknown plus a flag, standardised, L2."""

    name: str = "linear"
    hyperparameter_grid: tuple[float, ...] = STRENGTH_GRID
    default_step: float | None = DEFAULT_STRENGTH

    def path_seconds(self, n_rows: int, n_columns: int) -> float:
        return newton_path_seconds(n_rows, n_columns)

    def fit_path(self, sample: TrainingSet, vectors: Float64) -> Float64:
        """Log-odds (steps, n), each step warm-started from the one before."""
        design = fit_design(sample)
        train, test = design.matrix(sample.vectors), design.matrix(vectors)
        fits = fit_logistic_path(train, sample, self.hyperparameter_grid)
        return np.stack([test @ coef + intercept for coef, intercept in fits])

    def fit(self, sample: TrainingSet, step: float) -> ModelComponent:
        """The linear component at one penalty."""
        design = fit_design(spread_rows(sample))
        return design.component(*fit_logistic(design.matrix, sample, step))


@dataclass(frozen=True, slots=True)
class Design:
    """How columns become numbers of comparable size; arrays (F,) as in ``LinearComponent``."""

    transform: tuple[str, ...]
    fill: Float64
    center: Float64
    scale: Float64
    missing_share: Float64
    flagged: npt.NDArray[np.intp]

    def matrix(self, vectors: Float64) -> Float64:
        """(n, F + flagged): transformed, filled, standardised columns, then missing flags."""
        unknown = np.isnan(vectors)
        filled = np.where(unknown, self.fill, vectors)
        standard = transform_all(filled, transform_codes(self.transform)) - self.center
        standard /= self.scale
        flags = unknown[:, self.flagged] - self.missing_share[self.flagged]
        return np.hstack([standard, flags / FLAG_SCALE])

    def component(self, coef: Float64, intercept: float) -> LinearComponent:
        """Coefficients of :meth:`matrix` as the arithmetic that is served."""
        width = len(self.transform)
        missing_coef = np.zeros(width)
        missing_coef[self.flagged] = coef[width:] / FLAG_SCALE
        return LinearComponent(
            transform=self.transform,
            fill=self.fill,
            center=self.center,
            scale=self.scale,
            coef=coef[:width],
            missing_coef=missing_coef,
            intercept=intercept,
            missing_share=self.missing_share,
        )


def fit_design(sample: TrainingSet) -> Design:
    """Medians, transforms, centres and scales of the rows to fit."""
    vectors = sample.vectors
    known = ~np.isnan(vectors)
    any_known = known.any(axis=0)
    fill = np.zeros(vectors.shape[1])
    fill[any_known] = np.nanmedian(vectors[:, any_known], axis=0)
    filled = np.where(known, vectors, fill)
    flag = ((filled == 0) | (filled == 1)).all(axis=0)
    spread = filled.std(axis=0)
    reach = np.abs(filled - filled.mean(axis=0)).max(axis=0)
    tailed = ~flag & (reach > TAIL_STANDARD_DEVIATIONS * np.where(spread > 0, spread, np.inf))
    transform = tuple("log1p" if t else "identity" for t in tailed)
    transformed = transform_all(filled, transform_codes(transform))
    scale = transformed.std(axis=0)
    scale[scale <= 1e-9 * np.maximum(1.0, np.abs(transformed).max(axis=0))] = 1.0
    scale[flag] = FLAG_SCALE
    share = 1 - known.mean(axis=0)
    flagged = np.flatnonzero((share > MIN_MISSING_SHARE) & (share < 1 - MIN_MISSING_SHARE))
    return Design(transform, fill, transformed.mean(axis=0), scale, share, flagged)


def fit_logistic(
    design: Callable[[Float64], Float64], sample: TrainingSet, strength: float
) -> tuple[Float64, float]:
    """(coefficients, intercept) at one strength; ``design`` makes the matrix of some vectors."""
    if len(sample) > MAX_ROWS_AT_ONCE:
        return fit_logistic_in_blocks(design, sample, strength)
    return fit_logistic_path(design(sample.vectors), sample, (strength,))[0]


def fit_logistic_path(
    matrix: Float64, sample: TrainingSet, strengths: tuple[float, ...]
) -> list[tuple[Float64, float]]:
    """(coefficients, intercept) per strength, each started where the last one ended."""
    model = LogisticRegression(solver="newton-cholesky", warm_start=True, max_iter=50, tol=1e-4)
    fits = []
    for strength in strengths:
        model.set_params(C=strength)
        model.fit(matrix, sample.label, sample_weight=sample.weight)
        fits.append((model.coef_[0].copy(), float(model.intercept_[0])))
    return fits
