"""Small boosted trees, and the additive kind in which every tree reads one feature only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import lightgbm as lgb
import numpy as np

from features.histories import Float64
from scoring.parts import Part
from scoring.steps import step_part_of
from scoring.trees import TreePart
from training.candidates import Sample
from training.references import Int8

ROUNDS: tuple[float, ...] = (10, 20, 30, 45, 60, 80, 100, 130, 160, 200, 250, 300, 400, 500, 700)
"""Points of the path, in trees."""
PATIENCE = 60
"""A path ends when this many further trees have not lowered the loss."""


@dataclass(frozen=True, slots=True)
class Boosted:
    """LightGBM with settings for small, noisy data (depth, leaf size and L2 against noise).

    ``additive``: one feature per tree, so the model is a sum of step functions.
    ``monotone`` (F) of -1, 0, 1, or empty: the direction a person would insist on.
    """

    name: str
    additive: bool
    seed: int
    depth: int = 3
    learning_rate: float = 0.03
    steps: tuple[float, ...] = ROUNDS
    monotone: tuple[int, ...] = ()
    threads: int = 1

    def path(self, sample: Sample, vectors: Float64, label: Int8, weight: Float64) -> Float64:
        """Log-odds (len(steps), n); stops growing once the loss on ``label`` only rises."""
        rows = self._rows(sample)
        asked = lgb.Dataset(vectors, label, weight=weight, reference=rows, init_score=None)
        stop = lgb.early_stopping(PATIENCE, verbose=False)
        booster = lgb.train(
            self.settings(sample), rows, int(self.steps[-1]), valid_sets=[asked], callbacks=[stop]
        )
        return self._along(booster, vectors)

    def fit(self, sample: Sample, step: float) -> Part:
        """The part after ``step`` trees."""
        booster = lgb.train(self.settings(sample), self._rows(sample), int(step))
        text: str = booster.model_to_string(num_iteration=-1)
        if self.additive:
            return step_part_of(text, sample.vectors.shape[1])
        return TreePart.from_text(text)

    def settings(self, sample: Sample) -> dict[str, Any]:
        """LightGBM's parameters for a sample of this size."""
        width = sample.vectors.shape[1]
        settings: dict[str, Any] = {
            "objective": "binary",
            "metric": "binary_logloss",
            "learning_rate": self.learning_rate,
            "max_depth": self.depth,
            "num_leaves": 2**self.depth,
            "min_data_in_leaf": max(20, len(sample) // 200),
            "lambda_l2": 5.0,
            "max_bin": 127,
            "num_threads": self.threads,
            "deterministic": True,
            "force_row_wise": True,
            "seed": self.seed,
            "verbosity": -1,
        }
        if self.additive:
            settings["interaction_constraints"] = [[column] for column in range(width)]
        if self.monotone:
            settings["monotone_constraints"] = list(self.monotone)
        return settings

    def _rows(self, sample: Sample) -> lgb.Dataset:
        return lgb.Dataset(
            sample.vectors,
            sample.label,
            weight=sample.weight,
            params={"max_bin": 127, "verbosity": -1, "num_threads": self.threads},
            free_raw_data=True,
        )

    def _along(self, booster: lgb.Booster, vectors: Float64) -> Float64:
        """Cumulative log-odds at each step, every tree evaluated once."""
        grown = booster.num_trees()
        total = np.zeros(len(vectors))
        path, start = [], 0
        for step in self.steps:
            upto = min(int(step), grown)
            if upto > start:
                total = total + booster.predict(
                    vectors, raw_score=True, start_iteration=start, num_iteration=upto - start
                )
                start = upto
            path.append(total)
        return np.stack(path)
