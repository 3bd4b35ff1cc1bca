"""Logistic regression with products of BANT answers, with a stronger penalty on the products."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations, product

import numpy as np

from features.compute.array_types import Float64, Int64
from features.contract import BANT
from features.vectors.catalogue import Source
from features.vectors.spec import AttributeSpec, FeatureSpec
from scoring.model.pairwise import PairwiseComponent, products
from training.candidates.base import TrainingSet, newton_path_seconds
from training.candidates.linear import (
    DEFAULT_STRENGTH,
    STRENGTH_GRID,
    Design,
    fit_design,
    fit_logistic,
    fit_logistic_path,
)
from training.candidates.newton import spread_rows

PAIR_SCALE = 0.5
"""Scale of a product beside a feature: its penalty is four times as strong."""


MAX_LEVELS_PER_ANSWER = 4


MAX_PAIRS = 120
"""At most so many products are used, those with the largest standard deviation."""


@dataclass(frozen=True, slots=True)
class BantPairs:
    """The linear candidate and products of answers from two groups of BANT.

    ``pairs``: positions of two features each. Unknown counts as the mean in a product; that an
    answer is unknown is a feature of its own, so "budget known and timeline near" is one of the
    products.
    """

    pairs: tuple[tuple[int, int], ...]
    name: str = "linear_bant"
    hyperparameter_grid: tuple[float, ...] = STRENGTH_GRID
    default_step: float | None = DEFAULT_STRENGTH

    def path_seconds(self, n_rows: int, n_columns: int) -> float:
        return newton_path_seconds(n_rows, n_columns)

    def fit_path(self, sample: TrainingSet, vectors: Float64) -> Float64:
        """Log-odds (steps, n), each step warm-started from the one before."""
        crossed = self._pair_design(sample)
        fits = fit_logistic_path(crossed.matrix(sample.vectors), sample, self.hyperparameter_grid)
        test = crossed.matrix(vectors)
        return np.stack([test @ coef + intercept for coef, intercept in fits])

    def fit(self, sample: TrainingSet, step: float) -> PairwiseComponent:
        """The linear component with its products at one penalty."""
        crossed = self._pair_design(spread_rows(sample))
        return crossed.component(*fit_logistic(crossed.matrix, sample, step))

    def _pair_design(self, sample: TrainingSet) -> _PairDesign:
        design = fit_design(sample)
        pairs = np.array(self.pairs, dtype=np.int64).reshape(-1, 2)
        left, right = pairs[:, 0].copy(), pairs[:, 1].copy()
        whole = _PairDesign(design, left, right, np.zeros(len(left)))
        terms = whole.terms(sample.vectors)
        spread = terms.std(axis=0)
        kept = np.sort(np.argsort(-spread, kind="stable")[:MAX_PAIRS])
        kept = kept[spread[kept] > 0]
        return _PairDesign(design, left[kept], right[kept], terms[:, kept].mean(axis=0))


@dataclass(frozen=True, slots=True)
class _PairDesign:
    """A design with the products of some of its columns."""

    design: Design
    left: Int64
    right: Int64
    mean: Float64

    def terms(self, vectors: Float64) -> Float64:
        width = len(self.design.transform) + len(self.design.flagged)
        return products(self.design.component(np.zeros(width), 0.0), self.left, self.right, vectors)

    def matrix(self, vectors: Float64) -> Float64:
        crossed = (self.terms(vectors) - self.mean) * PAIR_SCALE
        return np.hstack([self.design.matrix(vectors), crossed])

    def component(self, coef: Float64, intercept: float) -> PairwiseComponent:
        width = len(coef) - len(self.left)
        linear = self.design.component(coef[:width], intercept)
        return PairwiseComponent(
            linear, self.left, self.right, coef[width:] * PAIR_SCALE, self.mean
        )


def bant_pairs(spec: FeatureSpec) -> BantPairs | None:
    """The candidate for a specification; None with fewer than two groups of BANT in it."""
    by_group = [
        [c for a in spec.attributes if a.group == group for c in _columns(spec, a)]
        for group in BANT
    ]
    pairs = tuple(
        pair for some, others in combinations(by_group, 2) for pair in product(some, others)
    )
    return BantPairs(pairs) if pairs else None


def _columns(spec: FeatureSpec, attribute: AttributeSpec) -> Iterator[int]:
    """Positions of an answer's rank, value or first levels, and of its unknown flag."""
    aggregates = {"unknown", "ordinal" if attribute.ordered else "level", "flag", "value"}
    levels = 0
    for position, feature in enumerate(spec.features):
        if feature.source != Source.ATTRIBUTE or feature.topic != attribute.name:
            continue
        levels += feature.aggregate == "level"
        rare = feature.aggregate == "level" and levels > MAX_LEVELS_PER_ANSWER
        if feature.aggregate in aggregates and not rare:
            yield position
