"""Logistic regression with products of the qualification's answers, shrunk more than the rest."""

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
from training.candidates.base import TrainingSet
from training.candidates.linear import STRENGTHS, USUAL_STRENGTH, Design, design_of, fitted

SHRUNK = 0.5
"""Scale of a product beside a feature: its penalty is four times as strong."""


MOST_LEVELS = 4


MOST = 120
"""At most so many products, those that vary the most."""


@dataclass(frozen=True, slots=True)
class BantPairs:
    """The linear candidate and products of answers from two groups of BANT.

    ``pairs``: positions of two features each. Unknown counts as the mean in a product; that an
    answer is unknown is a feature of its own, so "budget known and timeline near" is one of the
    products.
    """

    pairs: tuple[tuple[int, int], ...]
    name: str = "linear_bant"
    hyperparameter_grid: tuple[float, ...] = STRENGTHS
    default_step: float = USUAL_STRENGTH

    def fit_path(self, sample: TrainingSet, vectors: Float64) -> Float64:
        """Log-odds (len(steps), n), each step warm-started from the one before."""
        crossed = self._crossed(sample)
        fits = fitted(crossed.matrix(sample.vectors), sample, self.hyperparameter_grid)
        asked = crossed.matrix(vectors)
        return np.stack([asked @ coef + intercept for coef, intercept in fits])

    def fit(self, sample: TrainingSet, step: float) -> PairwiseComponent:
        """The linear part with its products at one penalty."""
        crossed = self._crossed(sample)
        coef, intercept = fitted(crossed.matrix(sample.vectors), sample, (step,))[0]
        return crossed.part(coef, intercept)

    def _crossed(self, sample: TrainingSet) -> _Crossed:
        design = design_of(sample)
        pairs = np.array(self.pairs, dtype=np.int64).reshape(-1, 2)
        left, right = pairs[:, 0].copy(), pairs[:, 1].copy()
        whole = _Crossed(design, left, right, np.zeros(len(left)))
        terms = whole.terms(sample.vectors)
        spread = terms.std(axis=0)
        kept = np.sort(np.argsort(-spread, kind="stable")[:MOST])
        kept = kept[spread[kept] > 0]
        return _Crossed(design, left[kept], right[kept], terms[:, kept].mean(axis=0))


@dataclass(frozen=True, slots=True)
class _Crossed:
    """A design with the products of some of its columns."""

    design: Design
    left: Int64
    right: Int64
    mean: Float64

    def terms(self, vectors: Float64) -> Float64:
        width = len(self.design.transform) + len(self.design.flagged)
        return products(self.design.part(np.zeros(width), 0.0), self.left, self.right, vectors)

    def matrix(self, vectors: Float64) -> Float64:
        crossed = (self.terms(vectors) - self.mean) * SHRUNK
        return np.hstack([self.design.matrix(vectors), crossed])

    def part(self, coef: Float64, intercept: float) -> PairwiseComponent:
        width = len(coef) - len(self.left)
        linear = self.design.part(coef[:width], intercept)
        return PairwiseComponent(linear, self.left, self.right, coef[width:] * SHRUNK, self.mean)


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
    """What an answer says in few columns: its rank, value or first levels; unknown."""
    wanted = {"unknown", "ordinal" if attribute.ordered else "level", "flag", "value"}
    levels = 0
    for position, feature in enumerate(spec.features):
        if feature.source != Source.ATTRIBUTE or feature.topic != attribute.name:
            continue
        levels += feature.aggregate == "level"
        rare = feature.aggregate == "level" and levels > MOST_LEVELS
        if feature.aggregate in wanted and not rare:
            yield position
