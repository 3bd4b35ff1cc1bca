"""The scorecard as a candidate: its points put on the scale of log-odds."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from sklearn.linear_model import LogisticRegression

from features.compute.array_types import Float64
from scoring.model.scorecard import ScorecardComponent
from training.candidates.base import TrainingSet, newton_path_seconds

SCORECARD = "scorecard"
"""Name of the candidate."""


SLOPE_PRECISION = 1.0
"""Prior on the slope: normal around 0, standard deviation 1 log-odds per spread of the points."""


@dataclass(frozen=True, slots=True)
class ScorecardCandidate:
    """One slope for all points, never below 0, and an intercept.

    ``component``: the rules that give the points.
    """

    component: ScorecardComponent
    name: str = SCORECARD
    hyperparameter_grid: tuple[float, ...] = (SLOPE_PRECISION,)
    default_step: float | None = None

    def path_seconds(self, n_rows: int, n_columns: int) -> float:
        return newton_path_seconds(n_rows, n_columns)

    def fit_path(self, sample: TrainingSet, vectors: Float64) -> Float64:
        """Log-odds (1, n)."""
        fitted = self.fit(sample, self.hyperparameter_grid[0])
        shares = fitted.shares(vectors) - fitted.mean
        return np.asarray(fitted.intercept + fitted.coef * shares.sum(axis=1))[None, :]

    def fit(self, sample: TrainingSet, step: float) -> ScorecardComponent:
        """The scorecard's points centred and scaled; ``step``: precision of the slope's prior."""
        shares = self.component.shares(sample.vectors)
        mean = np.average(shares, axis=0, weights=sample.weight)
        points = (shares - mean).sum(axis=1)
        spread = float(np.sqrt(np.average(points**2, weights=sample.weight)))
        intercept, coef = sample.base_log_odds, 0.0
        if spread > 0:
            model = LogisticRegression(C=1 / step, solver="newton-cholesky", max_iter=50)
            model.fit(points[:, None] / spread, sample.label, sample_weight=sample.weight)
            if model.coef_[0, 0] > 0:
                coef, intercept = float(model.coef_[0, 0]) / spread, float(model.intercept_[0])
        return replace(self.component, mean=mean, coef=coef, intercept=intercept)

    def varies(self, vectors: Float64) -> bool:
        """Whether the points differ between ``vectors`` (n, F) at all."""
        points = self.component.points(vectors)
        return bool(len(points)) and bool((points != points[0]).any())
