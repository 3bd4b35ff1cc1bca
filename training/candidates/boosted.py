"""Small boosted trees, and the additive kind in which every tree reads one feature only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np

from features.compute.array_types import Float64
from features.compute.mapped import MIN_BYTES_MAPPED
from scoring.model.additive import additive_component_of
from scoring.model.component import ModelComponent
from scoring.model.trees import TreeComponent
from training.candidates.base import TrainingSet

N_TREES_GRID: tuple[float, ...] = (
    8,
    16,
    25,
    35,
    50,
    70,
    90,
    115,
    145,
    180,
    220,
    270,
    330,
    400,
    500,
    600,
)
"""Steps of the path."""


DEFAULT_N_TREES = 145.0
"""Best on small simulated sets; another step must be clearly better to be used."""


MAX_LEAVES = 24
"""Leaves of a tree, however deep."""


MAX_ROWS_ROW_WISE = 10_000
"""With more rows histograms are built column by column: the same trees to the last bit, in 60 % of
the time (50,000 rows × 110 columns: 8.6 ms instead of 14.4 a tree; 400,000: 60 instead of 172)."""


SECONDS_PER_TREE = 1.5e-4
SECONDS_PER_COLUMN = 3e-6
SECONDS_PER_CELL = 3.9e-9
"""What a tree of depth 3 costs LightGBM on one core: itself, for each column, and for each cell of
the matrix (63 bins; every column is read, whatever the share that a tree may split on). Fitted to
trees on 300 to 30,000 rows with 20 to 300 columns: right within a factor of 1.5."""


@dataclass(frozen=True, slots=True)
class BoostedTrees:
    """LightGBM with settings for small, noisy data (depth, leaf size and L2 against noise).

    ``additive``: one feature per tree, so the model is a sum of step functions.
    ``monotone`` (F) of -1, 0, 1, or empty: the direction in which each may move the
    score. ``hidden``:
    positions of columns that no tree reads.
    """

    name: str
    additive: bool
    seed: int
    depth: int = 3
    learning_rate: float = 0.05
    feature_share: float = 0.3
    randomised: bool = False
    hyperparameter_grid: tuple[float, ...] = N_TREES_GRID
    default_step: float | None = DEFAULT_N_TREES
    monotone: tuple[int, ...] = ()
    hidden: tuple[int, ...] = ()
    threads: int = 1

    def path_seconds(self, n_rows: int, n_columns: int) -> float:
        reading = n_rows * n_columns * SECONDS_PER_CELL * self.depth / 3
        per_tree = SECONDS_PER_TREE + n_columns * SECONDS_PER_COLUMN + reading
        return self.hyperparameter_grid[-1] * per_tree

    def fit_path(self, sample: TrainingSet, vectors: Float64) -> Float64:
        """Log-odds (steps, n), every tree evaluated once.

        The path is grown to its end: stopping early on the fold's own labels would make each
        fold end at its own best, which is optimistically biased.
        """
        booster = lgb.train(
            self.settings(sample), self._rows(sample), int(self.hyperparameter_grid[-1])
        )
        total = np.zeros(len(vectors))
        path, start = [], 0
        for step in self.hyperparameter_grid:
            total = total + booster.predict(
                vectors, raw_score=True, start_iteration=start, num_iteration=int(step) - start,
                num_threads=self.threads,
            )  # fmt: skip
            start = int(step)
            path.append(total)
        return np.stack(path)

    def fit(self, sample: TrainingSet, step: float) -> ModelComponent:
        """The component after ``step`` trees."""
        booster = lgb.train(self.settings(sample), self._rows(sample), int(step))
        text: str = booster.model_to_string(num_iteration=-1)
        if self.additive:
            return additive_component_of(text, sample.vectors.shape[1])
        return TreeComponent.from_text(text)

    def gain_shares(self, sample: TrainingSet, trees: int) -> Float64:
        """(F) each feature's share of the gain of ``trees`` trees; zeros when nothing splits."""
        booster = lgb.train(self.settings(sample), self._rows(sample), trees)
        gain = np.asarray(booster.feature_importance("gain"), float)
        return gain / max(float(gain.sum()), 1e-12)

    def settings(self, sample: TrainingSet) -> dict[str, Any]:
        """LightGBM's parameters for a sample of this size."""
        width = sample.vectors.shape[1]
        settings: dict[str, Any] = {
            "objective": "binary",
            "metric": "binary_logloss",
            "learning_rate": self.learning_rate,
            "max_depth": self.depth,
            "num_leaves": min(2**self.depth, MAX_LEAVES),
            "feature_fraction": self.feature_share,
            "extra_trees": self.randomised,
            "min_data_in_leaf": max(20, len(sample) // 200),
            "lambda_l2": 5.0,
            "max_bin": 63,
            "num_threads": self.threads,
            "deterministic": True,
            ("force_col_wise" if len(sample) > MAX_ROWS_ROW_WISE else "force_row_wise"): True,
            "seed": self.seed,
            "verbosity": -1,
        }
        if self.additive:
            settings["interaction_constraints"] = [[column] for column in range(width)]
        if self.monotone:
            beyond = [0] * (width - len(self.monotone))
            settings["monotone_constraints"] = [*self.monotone, *beyond]
        return settings

    def _rows(self, sample: TrainingSet) -> lgb.Dataset:
        vectors: Float64 | lgb.Sequence = sample.vectors
        if self.hidden and sample.vectors.nbytes >= MIN_BYTES_MAPPED:
            vectors = _WithoutHidden(sample.vectors, list(self.hidden))
        elif self.hidden:
            vectors = sample.vectors.copy()
            vectors[:, list(self.hidden)] = 0.0
        return lgb.Dataset(
            vectors,
            sample.label,
            weight=sample.weight,
            params={"max_bin": 63, "verbosity": -1, "num_threads": self.threads},
            free_raw_data=True,
        )


class _WithoutHidden(lgb.Sequence):  # type: ignore[misc]
    """Rows with the hidden columns at 0, made when LightGBM bins them: a large matrix is not
    copied."""

    batch_size = 65_536

    def __init__(self, vectors: Float64, hidden: list[int]) -> None:
        self.vectors, self.hidden = vectors, hidden

    def __getitem__(self, rows: int | slice | list[int]) -> Float64:
        some = np.array(self.vectors[rows])
        some[..., self.hidden] = 0.0
        return some

    def __len__(self) -> int:
        return len(self.vectors)
