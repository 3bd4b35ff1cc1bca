"""The forest: trees that average probabilities, said in log-odds."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from features.compute.array_types import Float64
from features.compute.jit import kernel
from scoring.model.trees import TreeComponent

LEAST = 1e-4
"""No forest is surer than this: a leaf that saw no conversion is no proof that there is none."""


NEARLY_EQUAL = 1e-10
"""Probabilities closer than this to the base are put into log-odds by the slope there."""


@kernel
def clipped_log_odds(probability: float) -> float:
    """Log-odds of a probability kept within LEAST … 1 − LEAST."""
    p = min(max(probability, LEAST), 1.0 - LEAST)
    return math.log(p / (1.0 - p))


@kernel
def _add_in_log_odds(base: float, shares: Float64, scale: float, out: Float64) -> None:
    """Each row's shares of probability, stretched so that they sum to its log-odds."""
    start = clipped_log_odds(base)
    near = min(max(base, LEAST), 1.0 - LEAST)
    for row in range(shares.shape[0]):
        probability = base
        for column in range(shares.shape[1]):
            probability += shares[row, column]
        gap = probability - base
        stretch = 1.0 / (near * (1.0 - near))
        if abs(gap) > NEARLY_EQUAL:
            stretch = (clipped_log_odds(probability) - start) / gap
        for column in range(shares.shape[1]):
            out[row, column] += scale * stretch * shares[row, column]


@dataclass(frozen=True, eq=False)
class ForestComponent:
    """The log-odds of a mean of probabilities, each given by a leaf of a tree.

    ``trees``: a booster whose leaves hold their tree's share of the probability. The score is
    exact. Shares of the probability are exact Shapley values (path-dependent TreeSHAP); those of
    the log-odds are the same shares, all of a row stretched by one factor, so that they sum to its
    log-odds: a logarithm of a mean does not split over the trees.
    """

    kind: ClassVar[str] = "forest"
    trees: TreeComponent

    @property
    def n_features(self) -> int:
        """Length of the vectors it reads."""
        return self.trees.n_features

    @property
    def text(self) -> str:
        """The trees as LightGBM's text."""
        return self.trees.text

    @property
    def base(self) -> float:
        """Log-odds of the mean probability over the training rows."""
        return float(clipped_log_odds(self.trees.base))

    def accumulate_contributions(self, vectors: Float64, scale: float, out: Float64) -> None:
        """Add ``scale`` × the share of each feature to ``out``, both (n, F) float64."""
        shares = np.zeros(vectors.shape)
        self.trees.accumulate_contributions(vectors, 1.0, shares)
        _add_in_log_odds(self.trees.base, shares, float(scale), out)

    def to_dict(self) -> dict[str, Any]:
        """What is written beside the text; the trees themselves are in a file of their own."""
        return {"kind": self.kind, "n_features": self.n_features}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], text: str) -> ForestComponent:
        """Raises ReleaseError when the text does not fit."""
        return cls(TreeComponent.from_dict(data, text))
